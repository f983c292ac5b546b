"""Building blocks that the families of networks share."""

from typing import TYPE_CHECKING, Any, Final

import keras
from typing_extensions import override

from handwriting_cnn.errors import ConfigError

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _BatchNormalization
else:
    _BatchNormalization = keras.layers.BatchNormalization

# Keras's own draw (Glorot) shrinks what passes a ReLU, layer by layer: some draws of CNN-14 die in the first updates
# and stay at chance. He and others, 2015, arXiv:1502.01852, keep the scale; batch normalisation needs no such care.
RELU_WEIGHTS: Final = "he_normal"


class FusedBatchNormalization(_BatchNormalization):
    """Batch normalisation that trains with TensorFlow's fused operation.

    Same variables, statistics and results as ``keras.layers.BatchNormalization`` (Ioffe and Szegedy, 2015,
    arXiv:1502.03167). Keras normalises with a chain of elementwise operations, which on a CPU takes longer than the
    convolution before it; the fused operation makes one pass. Only the training path under TensorFlow differs; masks,
    other axes and other backends take Keras's own path.
    """

    @override
    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise ``inputs`` of shape ``(n, height, width, channels)`` over all but the last axis."""
        fusable = (
            training
            and self.trainable
            and mask is None
            and keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in {-1, 3}
            and not (self.renorm or self.synchronized)
        )
        if not fusable:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        channels = inputs.shape[-1]
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma) if self.scale else tf.ones([channels]),
            offset=tf.convert_to_tensor(self.beta) if self.center else tf.zeros([channels]),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The operation reports the unbiased variance; Keras averages the biased one.
        count = tf.cast(tf.size(inputs) // channels, tf.float32)
        variance = result.batch_variance * (count - 1.0) / count
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + result.batch_mean * (1.0 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1.0 - keep))
        return result.y


def image_input(input_shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """Return a network's input for pixels 0..255 and the same scaled to 0..1."""
    inputs = keras.Input(input_shape, name="pixels")
    return inputs, keras.layers.Rescaling(1 / 255, name="rescale")(inputs)


def convolution(x: Any, filters: int, *, name: str, normalise: bool) -> Any:
    """Return maps after a same-padded 3x3 convolution, batch normalisation if it is asked for, and ReLU."""
    # The normalisation's own offset makes a bias before it redundant.
    weights = "glorot_uniform" if normalise else RELU_WEIGHTS
    layer = keras.layers.Conv2D(
        filters, 3, padding="same", use_bias=not normalise, kernel_initializer=weights, name=name
    )
    x = layer(x)
    if normalise:
        # Keras's momentum of 0.99 lags behind for hundreds of updates: too long for small sets.
        x = FusedBatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)


def class_probabilities(features: Any, num_classes: int) -> Any:
    """Return the output layer: softmax over the classes, in float32 whatever the precision of training."""
    return keras.layers.Dense(num_classes, activation="softmax", dtype="float32", name="probabilities")(features)


def check_option(name: str, value: float, *, low: float, high: float, integer: bool = False) -> None:
    """Refuse an option of a network outside ``low..high``.

    A model file names its options: bounds keep a hostile one from asking for a network that fills the memory.

    Raises:
        ConfigError: If the value is no number, no int where it must be one, or lies outside the range.
    """
    kinds = int if integer else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        raise ConfigError(f"{name} must be {'an int' if integer else 'a number'} in {low}..{high}, but is {value!r}")
