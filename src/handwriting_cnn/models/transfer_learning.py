"""Transfer learning: a trained network's convolutions under a new head."""

from collections.abc import Mapping
from typing import Any, Final, cast

import keras
import numpy as np

from handwriting_cnn.errors import ConfigError, UnknownNameError
from handwriting_cnn.models.blocks import class_probabilities
from handwriting_cnn.models.checks import check_network
from handwriting_cnn.models.origin import note_origin, weights_sha256
from handwriting_cnn.models.registry import (
    ModelSpec,
    build_from_spec,
    build_model,
    checked_num_classes,
    checked_shape,
    model_spec,
    register_model,
    seeded,
)
from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.types import Shape

TRUNK: Final = "trunk"
"""The name of the layer that is the base's trunk; a training stage can freeze it by this name."""

_FREEZE: Final = (TRUNK, "none")
_ADAPTERS: Final = ("auto", "conv", "none")
_HEADS: Final = ("dense", "linear", "conv")
_DEEPEST: Final = 4
_LUMA: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601


def transfer(
    base: keras.Model,
    *,
    num_classes: int,
    input_shape: Shape | None = None,
    freeze: str = TRUNK,
    adapter: str = "auto",
    head: str = "dense",
    seed: int | None = None,
) -> keras.Model:
    """Put a new head on a trained network's trunk.

    The trunk is all of the base up to its last layer that makes maps, such as the pooling before a ``Flatten``. It is
    copied: training the new model leaves the base as it is.

    Args:
        base: A trained model: registered, or of your own if it is a functional ``keras.Model``; only a model made of a
            registered base can be saved as a model file.
        num_classes: Number of classes of the new data.
        input_shape: ``(height, width, channels)`` of the new pictures; ``None`` takes the base's.
        freeze: ``"trunk"`` trains the adapter and the head alone, ``"none"`` everything. Stages of a
            :class:`~handwriting_cnn.TrainConfig` freeze anew, by the layer's name ``"trunk"``.
        adapter: What bridges pictures of another form than the base's. ``"auto"``: none where they are equal; another
            size is scaled with its aspect kept; between 1 and 3 channels lies a linear 3x3 convolution that begins by
            passing the picture on. ``"conv"``: that convolution in any case. ``"none"``: refuse another form.
        head: ``"dense"``: dense 256 with ReLU, dropout 0.5. ``"linear"``: the mean over each map alone. ``"conv"``, the
            reference's: 128 valid 3x3 filters, 2x2 maximum pooling, dropout 0.25, then as ``"dense"``. The softmax
            follows in each.
        seed: Seed of the new weights; ``None`` draws other weights each time.

    Returns:
        A plain ``keras.Model`` from uint8 or float pixels 0..255 to class probabilities in float32.

    Raises:
        ConfigError: If the base is no ``keras.Model``, has no trunk that can be cut off, or sizes do not fit.
        UnknownNameError: If ``freeze``, ``adapter`` or ``head`` is none of the above.
    """
    UnknownNameError.check("way to freeze", [freeze], known=_FREEZE)
    check_network("base", base)
    trunk = cut_trunk(base)
    shape = tuple(trunk.input_shape[1:]) if input_shape is None else input_shape
    spec = model_spec(base)
    if spec is None:
        if input_shape is not None:
            shape = checked_shape("transfer", input_shape, 1)
        classes, copied = checked_num_classes(num_classes), keras.models.clone_model(trunk)
        with_head = seeded(seed, lambda: _under_head(copied, shape, classes, adapter=adapter, head=head))
    else:
        options = {"base": spec.to_json(), "adapter": adapter, "head": head}
        with_head = build_model("transfer", input_shape=shape, num_classes=num_classes, seed=seed, **options)
    for weight, learned in zip(with_head.get_layer(TRUNK).weights, trunk.weights, strict=True):
        weight.assign(weight_array(learned))
    note_origin(with_head, learned=weights_sha256(trunk.weights))
    with_head.get_layer(TRUNK).trainable = freeze != TRUNK
    return with_head


@register_model("transfer")
def transfer_network(
    input_shape: Shape,
    num_classes: int,
    *,
    base: Mapping[str, Any] | None = None,
    adapter: str = "auto",
    head: str = "dense",
) -> keras.Model:
    """A base network's trunk under a new head, with fresh weights.

    :func:`~handwriting_cnn.transfer` fills the trunk with what the base learned.

    Args:
        input_shape: ``(height, width, channels)``.
        num_classes: Number of classes.
        base: The base's :class:`~handwriting_cnn.ModelSpec` as JSON values; ``None`` takes ``cnn3``.
        adapter: What bridges pictures of another form than the base's.
        head: The new head.

    Returns:
        A ``keras.Model`` from pixels 0..255 to probabilities.
    """
    if base is None:
        base = {"name": "cnn3", "options": {"input_shape": input_shape, "num_classes": num_classes}}
    if not isinstance(base, Mapping) or set(base) != {"name", "options"} or not isinstance(base["options"], Mapping):
        raise ConfigError(f"base must have a name and options, but is {base!r:.80}")
    depth, inner = 1, cast("Any", base)
    while isinstance(inner, Mapping) and inner.get("name") == "transfer":
        inner, depth = dict(inner.get("options") or {}).get("base"), depth + 1
        if depth > _DEEPEST:
            raise ConfigError(f"more than {_DEEPEST} networks are nested in each other")
    trunk = cut_trunk(build_from_spec(ModelSpec(base["name"], base["options"])))
    return _under_head(trunk, input_shape, num_classes, adapter=adapter, head=head)


def cut_trunk(base: keras.Model) -> keras.Model:
    """Return a base's layers up to the last that makes maps, ``(height, width, channels)``; they are shared.

    Raises:
        ConfigError: If it is no functional model, has no such layer with weights, or has a path around it.
    """
    try:
        readers = [layer for layer in base.layers if _takes_maps(layer.input)]
        maps, (inputs,), (outputs,) = readers[-1].input, base.inputs, base.outputs
        keras.Model(maps, outputs)  # fails where something after the maps reads what lies before them
        trunk = keras.Model(inputs, maps, name=TRUNK)
    except (AttributeError, ValueError, IndexError):
        trunk = None
    if trunk is None or not trunk.weights:
        raise ConfigError(
            f"model {base.name!r} has no trunk that can be cut off: it must be a functional model with convolutions, "
            "and what follows them must read their last maps alone"
        )
    return trunk


def _takes_maps(tensors: Any) -> bool:
    return all(len(tensor.shape) == 4 for tensor in (tensors if isinstance(tensors, list) else [tensors]))


def _under_head(trunk: keras.Model, input_shape: Shape, num_classes: int, *, adapter: str, head: str) -> keras.Model:
    UnknownNameError.check("adapter", [adapter], known=_ADAPTERS)
    UnknownNameError.check("head", [head], known=_HEADS)
    inputs = keras.Input(input_shape, name="pixels")
    x = trunk(_adapted(inputs, tuple(trunk.input_shape[1:]), adapter))
    if head == "linear":
        x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    else:
        if head == "conv":
            if min(x.shape[1:3]) < 4:
                raise ConfigError(
                    f"head 'conv' needs maps of at least 4x4, but the trunk makes {x.shape[1]}x{x.shape[2]}"
                )
            x = keras.layers.Conv2D(128, 3, activation="relu", name="head_conv")(x)
            x = keras.layers.MaxPooling2D(2, name="head_pool")(x)
            x = keras.layers.Dropout(0.25, name="head_conv_dropout")(x)
        x = keras.layers.Flatten(name="head_flatten")(x)
        x = keras.layers.Dense(256, activation="relu", name="head_dense")(x)
        x = keras.layers.Dropout(0.5, name="head_dropout")(x)
    return keras.Model(inputs, class_probabilities(x, num_classes), name="transfer")


def _adapted(x: Any, wanted: Shape, adapter: str) -> Any:
    """Return pictures ``x`` in the form that the base takes, ``wanted``."""
    (height, width, channels), given = wanted, tuple(x.shape[1:])
    if adapter == "none" and given != wanted:
        raise ConfigError(f"the base takes pictures of {wanted}, the new ones are {given}: an adapter is needed")
    if given[:2] != (height, width):
        # No Resizing layer: as a network's first, it lets Keras take every plain call for one of training, dropout on.
        x = keras.ops.image.resize(
            x, (height, width), interpolation="bilinear", pad_to_aspect_ratio=True, fill_value=0.0
        )
    if given[2] != channels or adapter == "conv":
        convolution = keras.layers.Conv2D(channels, 3, padding="same", name="adapter_channels")
        x = convolution(x)
        convolution.kernel.assign(_passing_on(given[2], channels))
    return x


def _passing_on(given: int, wanted: int) -> Any:
    """Return a 3x3 kernel that leaves pictures as they are: grey becomes three equal channels, colour its luma."""
    mix = {(1, 3): np.ones((1, 3)), (3, 1): np.reshape(_LUMA, (3, 1))}.get((given, wanted), np.eye(given))
    kernel = np.zeros((3, 3, given, wanted), np.float32)
    kernel[1, 1] = mix
    return kernel
