"""Models for other programs: ONNX, LiteRT, SavedModel and Keras's own file."""
