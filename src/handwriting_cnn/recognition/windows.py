"""Masks over windows and pictures in blocks: SciPy's filters and NumPy's reduction give the same far more slowly."""

from typing import Any

import numpy as np

from handwriting_cnn.imaging.strokes import Mask


def broadened(mask: Mask, length: int, axis: int, *, beyond: bool = False, origin: int = 0) -> Mask:
    """Return whether any pixel in a window along an axis is set: SciPy's ``maximum_filter1d`` of a mask.

    The windows double until they are long enough: a few steps, however long.

    Args:
        mask: bool ``(height, width)``.
        length: The window's, at least 1.
        axis: Along which it lies.
        beyond: What lies beyond the picture.
        origin: By how much the window is moved to the left, from where its middle, or the right one of its two middles,
            is the pixel.
    """
    before, shape = length // 2 + origin, list(mask.shape)
    shape[axis] += length - 1
    inside: list[Any] = [slice(None), slice(None)]
    inside[axis] = slice(before, before + mask.shape[axis])
    found, covered = np.full(shape, beyond), 1
    found[tuple(inside)] = mask
    while covered < length:
        step = min(covered, length - covered)
        ends: list[Any] = [[slice(None), slice(None)], [slice(None), slice(None)]]
        ends[0][axis], ends[1][axis] = slice(None, -step), slice(step, None)
        found = found[tuple(ends[0])] | found[tuple(ends[1])]
        covered += step
    return found


def narrowed(mask: Mask, length: int, axis: int, *, beyond: bool = True) -> Mask:
    """Return whether all pixels in a window along an axis are set: SciPy's ``minimum_filter1d`` of a mask.

    Args:
        mask: As for :func:`broadened`.
        length: As there.
        axis: As there.
        beyond: As there.
    """
    return ~broadened(~mask, length, axis, beyond=not beyond)


def runs_of(mask: Mask, length: int, axis: int) -> Mask:
    """Return the ink in runs along an axis that have at least a length: an opening by a line."""
    inner = narrowed(mask, length, axis, beyond=False)
    return broadened(inner, length, axis, origin=length % 2 - 1)  # the window of an even length, turned over


def bridged(line: Mask, length: int, axis: int) -> Mask:
    """Return lines along an axis without the gaps in them that are shorter than a length."""
    return narrowed(broadened(line, length, axis), length, axis) | line


def around(mask: Mask) -> Mask:
    """Return a mask one pixel larger on each side."""
    return broadened(broadened(mask, 3, 0), 3, 1)


def grown(mask: Mask, steps: int) -> Mask:
    """Return a mask with what is up to so many steps up, down, left or right away: SciPy's ``binary_dilation``."""
    for _ in range(steps):
        before, mask = mask, mask.copy()
        mask[1:] |= before[:-1]
        mask[:-1] |= before[1:]
        mask[:, 1:] |= before[:, :-1]
        mask[:, :-1] |= before[:, 1:]
    return mask


def places_of(mask: Mask) -> tuple[Any, Any]:
    """Return the rows and the columns of what is set, in order: NumPy's ``nonzero`` of a page is far slower."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])


def in_blocks(values: Any, step: int, combine: np.ufunc) -> Any:
    """Return what becomes of blocks of ``step`` times ``step`` pixels; the last ones may be smaller.

    Args:
        values: ``(height, width)``.
        step: Pixels of a block's side.
        combine: What makes one value of two, such as ``np.maximum``; by ``np.logical_or`` the thinnest line is left.
    """
    for axis in (0, 1) if step > 1 else ():
        along = np.moveaxis(values, axis, 0)
        blocks = along[::step].copy(order="K")
        for start in range(1, step):
            part = along[start::step]
            combine(blocks[: len(part)], part, out=blocks[: len(part)])
        values = np.moveaxis(blocks, 0, axis)
    return values


def enlarged(values: Any, step: int, shape: tuple[int, ...]) -> Any:
    """Return what has a block of ``step`` times ``step`` pixels for each of a picture's.

    Args:
        values: ``(height, width)``.
        step: Pixels of a block's side.
        shape: What is returned is cut to this height and width.
    """
    return np.repeat(np.repeat(values, step, axis=0), step, axis=1)[: shape[0], : shape[1]] if step > 1 else values
