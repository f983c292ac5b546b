"""From any picture to the network's square: decoding and preprocessing."""
