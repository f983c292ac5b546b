"""Training: configuration, trainer, checkpoints and result."""
