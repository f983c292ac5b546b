"""The saved model: one file that holds weights, architecture, alphabet, preprocessing and provenance."""
