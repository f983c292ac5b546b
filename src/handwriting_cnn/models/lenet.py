"""LeNet-5."""

from types import MappingProxyType
from typing import Final

import keras

from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.models.blocks import class_probabilities, image_input
from handwriting_cnn.models.registry import register_model
from handwriting_cnn.types import Shape

# What each activation begins with: Glorot and Bengio's draw suits tanh, that of He and others ReLU.
_ACTIVATIONS: Final = MappingProxyType({"tanh": "glorot_uniform", "relu": "he_normal"})
_POOLINGS: Final = MappingProxyType({"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D})


@register_model("lenet5", smallest=16)
def lenet5(input_shape: Shape, num_classes: int, *, activation: str = "tanh", pooling: str = "average") -> keras.Model:
    """LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998, Proceedings of the IEEE 86(11), section II.B).

    Two valid 5x5 convolutions of 6 and 16 filters, each with 2x2 pooling, then dense layers of 120 and 84. As is usual
    today the second convolution sees all six maps, the pooling has no weights, and the output is a softmax, not radial
    basis functions. At 32x32x1 and 28 classes it has 63,236 parameters.

    Args:
        input_shape: ``(height, width, channels)``, at least 16x16 pixels; the paper's is 32x32.
        num_classes: Number of classes.
        activation: ``"tanh"`` as in the paper, or ``"relu"``, whose first weights are He and others' (2015).
        pooling: ``"average"`` as in the paper, or ``"max"``.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.

    Raises:
        UnknownNameError: If ``activation`` or ``pooling`` is none of the above.
    """
    UnknownNameError.check("activation", [str(activation)], known=_ACTIVATIONS)
    UnknownNameError.check("pooling", [str(pooling)], known=_POOLINGS)
    shared = {"activation": activation, "kernel_initializer": _ACTIVATIONS[activation]}
    inputs, x = image_input(input_shape)
    for stage, filters in enumerate((6, 16), start=1):
        x = keras.layers.Conv2D(filters, 5, name=f"conv{stage}", **shared)(x)
        x = _POOLINGS[pooling](2, name=f"pool{stage}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for layer, units in enumerate((120, 84), start=1):
        x = keras.layers.Dense(units, name=f"dense{layer}", **shared)(x)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="lenet5")
