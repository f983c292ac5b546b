"""The small network whose trunk the reference transferred."""

from typing import Final

import keras

from handwriting_cnn.models.blocks import check_option, class_probabilities, image_input
from handwriting_cnn.models.registry import register_model
from handwriting_cnn.types import Shape

_CONVOLUTIONS: Final = ((32, 3), (64, 3), (128, 4))  # filters, side


@register_model("cnn3", smallest=16)
def cnn3(input_shape: Shape, num_classes: int, *, dropout: float = 0.25) -> keras.Model:
    """Three valid convolutions and the softmax: the trunk of the reference's task 4.

    Convolutions of 32 filters of 3x3, 64 of 3x3 and 128 of 4x4 with ReLU, a 2x2 maximum pooling, dropout.

    Args:
        input_shape: ``(height, width, channels)``, at least 16x16 pixels.
        num_classes: Number of classes.
        dropout: Rate of dropout after the pooling, 0..0.95.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.
    """
    check_option("dropout", dropout, low=0.0, high=0.95)
    inputs, x = image_input(input_shape)
    for layer, (filters, side) in enumerate(_CONVOLUTIONS, start=1):
        x = keras.layers.Conv2D(filters, side, activation="relu", kernel_initializer="he_normal", name=f"conv{layer}")(
            x
        )
    x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.Dropout(dropout, name="trunk_dropout")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="cnn3")
