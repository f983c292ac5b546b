"""CNN-14, the custom network of the reference tasks, plain and with batch normalisation."""

from typing import Any, Final

import keras

from handwriting_cnn.models.blocks import RELU_WEIGHTS, check_option, class_probabilities, convolution, image_input
from handwriting_cnn.models.registry import register_model
from handwriting_cnn.types import Shape

# (filters as a multiple of the width, dropout after pooling as a multiple of the rate): two convolutions a stage.
_STAGES: Final = ((1, 0), (2, 0), (2, 1), (2, 1))


@register_model("cnn14", smallest=16)
def cnn14(input_shape: Shape, num_classes: int, *, width: int = 32, dropout: float = 0.25) -> keras.Model:
    """CNN-14, the reference's custom network: eight 3x3 convolutions and three dense layers.

    Four stages of two same-padded convolutions with ReLU and a 2x2 maximum pooling, then dense layers of ``8 * width``
    twice and the softmax. At 32x32x1 and 28 classes it has 351,484 parameters. First weights are He and others' (2015).

    Args:
        input_shape: ``(height, width, channels)``, at least 16x16 pixels.
        num_classes: Number of classes.
        width: Filters of the first stage, 1..1024; the later stages have twice as many.
        dropout: Rate of dropout after the last two poolings and before the softmax, 0..0.95.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.
    """
    inputs, x = image_input(input_shape)
    x = _features(x, width=width, dropout=dropout, normalise=False, dense_layers=2)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="cnn14")


@register_model("cnn14_bn", smallest=16)
def cnn14_bn(input_shape: Shape, num_classes: int, *, width: int = 32, dropout: float = 0.25) -> keras.Model:
    """CNN-14 with batch normalisation after each convolution and one hidden dense layer instead of two.

    Args:
        input_shape: ``(height, width, channels)``, at least 16x16 pixels.
        num_classes: Number of classes.
        width: Filters of the first stage, 1..1024; the later stages have twice as many.
        dropout: Rate of dropout after the last two poolings and before the softmax, 0..0.95.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.
    """
    inputs, x = image_input(input_shape)
    x = _features(x, width=width, dropout=dropout, normalise=True, dense_layers=1)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="cnn14_bn")


def _features(x: Any, *, width: int, dropout: float, normalise: bool, dense_layers: int) -> Any:
    """Return what the softmax of CNN-14 reads.

    Args:
        x: Pictures of levels 0..1, ``(n, height, width, channels)``, at least 16x16 pixels.
        width: Filters of the first stage, 1..1024.
        dropout: Rate of dropout, 0..0.95.
        normalise: Whether batch normalisation follows each convolution.
        dense_layers: How many hidden dense layers there are.

    Raises:
        ConfigError: If an option is outside its range.
    """
    check_option("width", width, low=1, high=1024, integer=True)
    check_option("dropout", dropout, low=0.0, high=0.95)
    for stage, (multiple, dropping) in enumerate(_STAGES, start=1):
        for step in (1, 2):
            x = convolution(x, multiple * width, name=f"stage{stage}_conv{step}", normalise=normalise)
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
        if dropping:
            x = keras.layers.Dropout(dropping * dropout, name=f"stage{stage}_dropout")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    weights = "glorot_uniform" if normalise else RELU_WEIGHTS
    for layer in range(1, dense_layers + 1):
        x = keras.layers.Dense(8 * width, activation="relu", kernel_initializer=weights, name=f"dense{layer}")(x)
    return keras.layers.Dropout(dropout, name="head_dropout")(x)
