"""From a page or photograph to its characters."""
