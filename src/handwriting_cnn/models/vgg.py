"""Networks after VGG: stages of 3x3 convolutions with a pooling between them."""

from typing import Any, Final

import keras

from handwriting_cnn.models.blocks import FusedBatchNormalization, check_option, class_probabilities, image_input
from handwriting_cnn.models.registry import register_model
from handwriting_cnn.types import Shape

_MINI_STAGES: Final = (32, 64)
# (convolutions, filters as a multiple of the width): table 1, column D.
_D_STAGES: Final = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))


@register_model("vgg_mini", smallest=16)
def vgg_mini(input_shape: Shape, num_classes: int, *, dropout: float = 0.25) -> keras.Model:
    """The reference's VGG: two stages of two valid 3x3 convolutions, and a hidden dense layer.

    Each stage (32, then 64 filters, ReLU) ends in a 2x2 maximum pooling; then dense 128, dropout and the softmax. At
    32x32x1 and 28 classes it has 273,532 parameters.

    Args:
        input_shape: ``(height, width, channels)``, at least 16x16 pixels.
        num_classes: Number of classes.
        dropout: Rate of dropout before the softmax, 0..0.95.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.
    """
    check_option("dropout", dropout, low=0.0, high=0.95)
    inputs, x = image_input(input_shape)
    for stage, filters in enumerate(_MINI_STAGES, start=1):
        for step in (1, 2):
            x = keras.layers.Conv2D(
                filters, 3, activation="relu", kernel_initializer="he_normal", name=f"stage{stage}_conv{step}"
            )(x)
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(128, activation="relu", kernel_initializer="he_normal", name="dense1")(x)
    x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="vgg_mini")


@register_model("vgg16", smallest=16)
def vgg16(
    input_shape: Shape, num_classes: int, *, width: int = 64, dense: int = 512, dropout: float = 0.5
) -> keras.Model:
    """VGG-16 (configuration D) with batch normalisation, fitted to small pictures.

    Thirteen same-padded 3x3 convolutions in five stages of 64 to 512 filters (Simonyan and Zisserman, 2015,
    arXiv:1409.1556, table 1), each followed by batch normalisation (Ioffe and Szegedy, 2015) and ReLU. A stage ends
    in a 2x2 maximum pooling while at least two pixels are left. The paper's two dense layers of 4,096, for 224x224
    pixels, are two of 512.

    Args:
        input_shape: ``(height, width, channels)``, at least 16x16 pixels.
        num_classes: Number of classes.
        width: Filters of the first stage, 1..256; the later ones have two, four, eight and eight times as many.
        dense: Units of each hidden dense layer, 1..4096.
        dropout: Rate of dropout after each of them, 0..0.95.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.
    """
    check_option("width", width, low=1, high=256, integer=True)
    check_option("dense", dense, low=1, high=4096, integer=True)
    check_option("dropout", dropout, low=0.0, high=0.95)
    inputs, x = image_input(input_shape)
    for stage, (convolutions, multiple) in enumerate(_D_STAGES, start=1):
        for step in range(1, convolutions + 1):
            x = _normalised_convolution(x, multiple * width, name=f"stage{stage}_conv{step}")
        if min(x.shape[1:3]) >= 2:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for layer in (1, 2):
        x = keras.layers.Dense(dense, activation="relu", name=f"dense{layer}")(x)
        x = keras.layers.Dropout(dropout, name=f"dropout{layer}")(x)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="vgg16")


def _normalised_convolution(x: Any, filters: int, *, name: str) -> Any:
    x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
    x = FusedBatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)
