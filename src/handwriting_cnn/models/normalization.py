"""Characters brought to one place and size inside a network."""

import math
from typing import TYPE_CHECKING, Any, Final

import keras
from keras import ops
from typing_extensions import override

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _Layer
else:
    _Layer = keras.layers.Layer

_WIDEST: Final = 1.25  # of the picture's longer side
_LEAST_TOTAL: Final = 0.5
_LEAST_MASS: Final = 1e-3  # of ink: a blank picture stays as it is
_LEAST_VARIANCE: Final = 1e-3  # pixels squared


class MomentNormalization(_Layer):
    """Resamples each picture so that its ink has one place and one size.

    Moment normalisation (Casey, 1970, https://doi.org/10.1147/rd.145.0548; measured beside its rivals by Liu and
    others, 2004, https://doi.org/10.1016/S0031-3203(03)00224-3), as a layer. With the ink's mass
    ``m = relu(x - mean(x))``, which a level background does not change, its centre of mass ``c`` and the standard
    deviations ``s`` of its rows and columns, the square from ``c - reach * max(s)`` to ``c + reach * max(s)`` becomes
    the result: place and size no longer matter, the aspect is kept, and what lies outside the picture is paper (0).
    The square is at least ``1 / zoom`` of the picture's side, so that a speck is not blown up to a letter, and at most
    1.25 times it.

    Resampling is bilinear, over the area of a pixel where it shrinks: a triangular weight a row and one a column, so
    that it is two products of matrices, which every export format has, and differentiable.

    While it trains, :attr:`jitter` makes it miss: ``(shift, scale)`` moves the square by up to ``shift`` times half its
    side along each axis, and multiplies its side by ``exp(-scale)`` to ``exp(scale)``. What moves or enlarges a picture
    before this layer is undone by it; only here do place and size vary. The Trainer sets it for a run
    (:class:`~handwriting_cnn.AugmentConfig`); a network by itself has ``(0, 0)``.

    Args:
        side: Pixels of the result's sides.
        reach: Standard deviations from the centre to the result's edge, above 0.
        zoom: The largest magnification, at least 1.
    """

    def __init__(self, side: int, *, reach: float = 2.5, zoom: float = 4.0, **options: Any) -> None:
        super().__init__(**options)
        self.side: int = side
        self.reach: float = reach
        self.zoom: float = zoom
        self.jitter: tuple[float, float] = (0.0, 0.0)
        self.seed_generator: Any = keras.random.SeedGenerator(0)

    @override
    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Resample ``(n, height, width, channels)``, bright ink on 0, to ``(n, side, side, channels)``."""
        pixels = ops.cast(inputs, "float32")  # half precision would move the ink by half a pixel
        ink = ops.mean(pixels, axis=3)
        ink = ops.relu(ink - ops.mean(ink, axis=(1, 2), keepdims=True))
        moments = [_centre_and_variance(ops.sum(ink, axis=axis)) for axis in (2, 1)]
        spread = ops.sqrt(ops.maximum(moments[0][1], moments[1][1]) + _LEAST_VARIANCE)
        longer = max(inputs.shape[1:3])
        half = ops.clip(self.reach * spread, longer / 2 / self.zoom, longer / 2 * _WIDEST)
        centres = [centre for centre, _ in moments]
        if training and any(self.jitter):
            shift, scale = self.jitter
            draws = keras.random.uniform((ops.shape(pixels)[0], 3), minval=-1.0, maxval=1.0, seed=self.seed_generator)
            half = half * ops.exp(scale * draws[:, 2])
            centres = [centre + shift * half * draws[:, axis] for axis, centre in enumerate(centres)]
        rows, columns = (
            _weights(centre, half, size, self.side) for centre, size in zip(centres, inputs.shape[1:3], strict=True)
        )
        return ops.einsum("nkw,niwc->nikc", columns, ops.einsum("nih,nhwc->niwc", rows, pixels))

    @override
    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return ``(n, side, side, channels)``."""
        return (input_shape[0], self.side, self.side, input_shape[3])

    @override
    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for Keras's own files."""
        return {**super().get_config(), "side": self.side, "reach": self.reach, "zoom": self.zoom}


def _centre_and_variance(profile: Any) -> tuple[Any, Any]:
    """Return the mean place and the variance of masses ``(n, places)``; the middle where there is no mass."""
    places = ops.cast(ops.arange(profile.shape[1]), "float32")
    middle = (profile.shape[1] - 1) / 2
    mass = ops.sum(profile, axis=1) + _LEAST_MASS
    centre = (ops.sum(profile * places, axis=1) + _LEAST_MASS * middle) / mass
    distance = places - ops.expand_dims(centre, 1)
    uniform = profile.shape[1] ** 2 / 12
    return centre, (ops.sum(profile * distance**2, axis=1) + _LEAST_MASS * uniform) / mass


def _weights(centre: Any, half: Any, size: int, side: int) -> Any:
    """Return the share ``(n, side, size)`` that each old place has in each new one; those of a new place sum to 1.

    Places beyond the picture's edge have shares, too: what they hold is paper.
    """
    beyond = math.ceil(_WIDEST * size / side) + 1
    step = half * (2 / side)
    steps = ops.cast(ops.arange(side), "float32") - (side - 1) / 2
    new = ops.expand_dims(centre, 1) + steps * ops.expand_dims(step, 1)
    width = ops.expand_dims(ops.expand_dims(ops.maximum(step, 1.0), 1), 2)
    distance = ops.abs(ops.expand_dims(new, 2) - ops.cast(ops.arange(-beyond, size + beyond), "float32"))
    weights = ops.relu(1 - distance / width)
    total = ops.sum(weights, axis=2, keepdims=True)  # none where the new place lies farther out
    return weights[:, :, beyond : beyond + size] / ops.maximum(total, _LEAST_TOTAL)
