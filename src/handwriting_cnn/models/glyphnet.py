"""The network that this library recommends."""

from typing import Final

import keras

from handwriting_cnn.models.blocks import check_option, class_probabilities, convolution, image_input
from handwriting_cnn.models.normalization import MomentNormalization
from handwriting_cnn.models.registry import register_model
from handwriting_cnn.types import Shape

_SIDE: Final = 32

# (filters as a multiple of the width, convolutions): a pooling halves the maps between stages. Most weights lie where
# maps are small and cost little time.
_STAGES: Final = ((1, 1), (2, 2), (4, 2), (5, 2))


@register_model("glyphnet", smallest=8)
def glyphnet(input_shape: Shape, num_classes: int, *, width: int = 32, dropout: float = 0.25) -> keras.Model:
    """GlyphNet, recommended: characters brought to one place and size, then seven convolutions and a global maximum.

    The first layer finds the ink's centre and spread and resamples it to 32x32 pixels
    (:class:`~handwriting_cnn.models.normalization.MomentNormalization`). A small letter in a corner, a large one, and
    one of a picture of another size reach the convolutions alike, which therefore need far fewer examples. What is
    given up is the difference between characters that differ in size alone. While a run trains it, that layer misses by
    a little (``AugmentConfig.jitter``).

    Four stages of 3x3 convolutions, batch normalisation and ReLU follow, of 1, 2, 4 and 5 times ``width`` filters, with
    a 2x2 maximum pooling between them; then the largest value of each of the last 4x4 maps (Oquab and others, 2015,
    https://doi.org/10.1109/CVPR.2015.7298668) and the softmax. At 28 classes it has 698,940 parameters.

    Args:
        input_shape: ``(height, width, channels)``, at least 8x8 pixels; bright ink on 0.
        num_classes: Number of classes.
        width: Filters of the first stage, 1..1024.
        dropout: Rate of dropout before the softmax, and half of it before and after the last stage, 0..0.95.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.

    Raises:
        ConfigError: If an option is outside its range.
    """
    check_option("width", width, low=1, high=1024, integer=True)
    check_option("dropout", dropout, low=0.0, high=0.95)
    inputs, x = image_input(input_shape)
    x = MomentNormalization(_SIDE, name="normalise")(x)
    for stage, (multiple, convolutions) in enumerate(_STAGES, start=1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
        if stage == len(_STAGES):
            x = keras.layers.Dropout(dropout / 2, name=f"stage{stage}_dropout")(x)
        for step in range(1, convolutions + 1):
            x = convolution(x, multiple * width, name=f"stage{stage}_conv{step}", normalise=True)
    x = keras.layers.Dropout(dropout / 2, name="maps_dropout")(x)
    x = keras.layers.GlobalMaxPooling2D(name="largest")(x)
    x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="glyphnet")
