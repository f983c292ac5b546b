"""The distortion itself: one warp that samples each picture once."""

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops
from typing_extensions import override

from handwriting_cnn.augment.config import AugmentConfig

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _Layer
else:
    _Layer = keras.layers.Layer


class Augment(_Layer):
    """Distort pictures at random while training; pass them unchanged otherwise.

    Rotation, magnification, slant, shift and elastic displacement are composed into one coordinate map, so that each
    picture is interpolated once (bilinear). What comes from outside the picture is paper (0). Strokes become thicker or
    thinner after that. The draws follow from the state of :attr:`seed_generator` alone.

    Args:
        config: The ranges to draw from.
        seed: Seed of the first state.
    """

    def __init__(self, config: AugmentConfig, *, seed: int = 0) -> None:
        super().__init__(name="augment", dtype="float32", autocast=False)
        self.config: AugmentConfig = config
        self.seed_generator: Any = keras.random.SeedGenerator(seed)
        # XLA cannot compile TensorFlow's projective warp.
        self.supports_jit: bool = keras.backend.backend() != "tensorflow"

    @override
    def call(self, images: Any, training: bool | None = None) -> Any:
        """Return float32 pictures of the same shape ``(n, height, width, channels)`` and range as ``images``."""
        images = ops.cast(images, "float32")
        if not training:
            return images
        count = ops.shape(images)[0]
        height, width = images.shape[1:3]
        matrices = inverse_affine(self._draw(count), self.config, height=height, width=width)
        if self.config.elastic:
            images = _elastic_warp(images, matrices, self._draw_displacement(count, height, width))
        else:
            images = _affine_warp(images, matrices)
        if self.config.stroke == "auto" or not self.config.stroke:
            return images
        share = keras.random.uniform((count, 1, 1, 1), minval=-1.0, maxval=1.0, seed=self.seed_generator)
        return _with_other_strokes(images, share * self.config.stroke)

    def _draw_displacement(self, count: Any, height: int, width: int) -> Any:
        """Return smooth random displacements in pixels, ``(count, height, width, 2)`` as x and y."""
        noise = keras.random.normal(
            (count, self.config.elastic_grid, self.config.elastic_grid, 2), seed=self.seed_generator
        )
        field = ops.image.resize(noise, (height, width), interpolation="bicubic", data_format="channels_last")
        scale = np.array([width, height], np.float32) * self.config.elastic
        return field * scale

    def _draw(self, count: Any) -> Any:
        """Return ``(count, 7)`` uniform draws in -1..1, one column for each parameter of the affine part."""
        return keras.random.uniform((count, 7), minval=-1.0, maxval=1.0, seed=self.seed_generator)

    @override
    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape unchanged."""
        return input_shape


def inverse_affine(draws: Any, config: AugmentConfig, *, height: int, width: int) -> Any:
    """Turn uniform draws into the maps from output to input pixels.

    In pixel coordinates around the centre (x right, y down) a picture is stretched by ``S = diag(sx, sy)``, slanted by
    ``H = [[1, k], [0, 1]]``, turned by ``R(a)`` and moved by ``t``. Sampling needs the inverse, ``p = A(q - t)`` with
    ``A = S^-1 H^-1 R(-a)``.

    Args:
        draws: Uniform in -1..1, of shape ``(n, 7)``: angle, two scales, shear, two shifts, mirror.
        config: The ranges.
        height: Pixels of a picture's height.
        width: Pixels of a picture's width.

    Returns:
        ``(n, 6)`` float32: rows ``(a0, a1, a2, b0, b1, b2)`` with input ``x = a0 x' + a1 y' + a2`` and
        ``y = b0 x' + b1 y' + b2`` for the output pixel ``(x', y')``.
    """
    angle, log_x, log_y, slant, right, down, side = ops.unstack(draws, 7, axis=1)
    cosine = ops.cos(angle * np.deg2rad(config.rotation))
    sine = ops.sin(angle * np.deg2rad(config.rotation))
    shrink_x, shrink_y = ops.exp(-log_x * config.scale), ops.exp(-log_y * config.scale)
    if config.mirror:
        shrink_x = shrink_x * ops.where(side < 0, -1.0, 1.0)
    k = slant * config.shear
    a0, a1 = shrink_x * (cosine + k * sine), shrink_x * (sine - k * cosine)
    b0, b1 = -shrink_y * sine, shrink_y * cosine
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    horizontal, vertical = config.shift_fractions
    from_x, from_y = centre_x + right * horizontal * width, centre_y + down * vertical * height
    a2 = centre_x - a0 * from_x - a1 * from_y
    b2 = centre_y - b0 * from_x - b1 * from_y
    return ops.stack([a0, a1, a2, b0, b1, b2], axis=1)


def _with_other_strokes(images: Any, share: Any) -> Any:
    """Return pictures with thicker strokes where the share ``(n, 1, 1, 1)`` is above 0, with thinner ones below."""
    brightest, darkest = (
        sign * ops.max_pool(sign * images, 3, strides=1, padding="same", data_format="channels_last")
        for sign in (1.0, -1.0)
    )
    return images + ops.abs(share) * (ops.where(share > 0, brightest, darkest) - images)


def _affine_warp(images: Any, matrices: Any) -> Any:
    projective = ops.pad(matrices, [[0, 0], [0, 2]])
    return ops.image.affine_transform(
        images, projective, interpolation="bilinear", fill_mode="constant", fill_value=0.0, data_format="channels_last"
    )


def _elastic_warp(images: Any, matrices: Any, displacement: Any) -> Any:
    """Sample at ``A q + b + displacement(q)``: bilinear, paper outside."""
    count = ops.shape(images)[0]
    height, width, channels = images.shape[1:]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    a0, a1, a2, b0, b1, b2 = (ops.reshape(part, (-1, 1, 1)) for part in ops.unstack(matrices, 6, axis=1))
    x = a0 * columns + a1 * rows + a2 + displacement[..., 0]
    y = b0 * columns + b1 * rows + b2 + displacement[..., 1]
    left, top = ops.floor(x), ops.floor(y)
    pixels = ops.reshape(images, (count, height * width, channels))
    result = ops.zeros_like(images)
    for across in (0, 1):
        for below in (0, 1):
            column, row = left + across, top + below
            weight = (1 - ops.abs(x - column)) * (1 - ops.abs(y - row))
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            index = ops.clip(row, 0, height - 1) * width + ops.clip(column, 0, width - 1)
            index = ops.cast(ops.reshape(index, (count, height * width, 1)), "int32")
            corner = ops.reshape(ops.take_along_axis(pixels, index, axis=1), (count, height, width, channels))
            result = result + corner * ops.expand_dims(ops.where(inside, weight, 0.0), -1)
    return result
