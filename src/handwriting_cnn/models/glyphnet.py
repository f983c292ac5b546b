"""The network that this library recommends."""

from typing import Final

import keras

from handwriting_cnn.models.blocks import class_probabilities, image_input
from handwriting_cnn.models.custom_cnn import cnn14_features
from handwriting_cnn.models.normalization import MomentNormalization
from handwriting_cnn.models.registry import register_model
from handwriting_cnn.types import Shape

_SIDE: Final = 32


@register_model("glyphnet", smallest=8)
def glyphnet(input_shape: Shape, num_classes: int, *, width: int = 32, dropout: float = 0.25) -> keras.Model:
    """GlyphNet, recommended: characters brought to one place and size, then CNN-14 with batch normalisation.

    The first layer finds the ink's centre and spread and resamples it to 32x32 pixels
    (:class:`~handwriting_cnn.models.normalization.MomentNormalization`). A small letter in a corner, a large one, and
    one of a picture of another size reach the convolutions alike, which therefore need far fewer examples. What is
    given up is the difference between characters that differ in size alone.

    Args:
        input_shape: ``(height, width, channels)``, at least 8x8 pixels; bright ink on 0.
        num_classes: Number of classes.
        width: Filters of the first stage, 1..1024; the later stages have twice as many.
        dropout: Rate of dropout after the last two poolings and before the softmax, 0..0.95.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.
    """
    inputs, x = image_input(input_shape)
    x = MomentNormalization(_SIDE, name="normalise")(x)
    x = cnn14_features(x, width=width, dropout=dropout, normalise=True, dense_layers=1)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="glyphnet")
