"""Files that are either whole or not there: atomic writes, checked tensor files, locks."""
