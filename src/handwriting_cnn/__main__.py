"""``python -m handwriting_cnn`` is the program ``handwriting-cnn``."""

from handwriting_cnn.cli.program import main

main()
