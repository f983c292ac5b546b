"""Dashes in a row or a column: places to write on."""

import itertools
from typing import Any, Final

import numpy as np

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import components, median_by_ink, sizes_of

_FEWEST: Final = 4  # letters have three
_ALIKE: Final = 0.08  # of their length: so far apart lie the lengths of dashes
_REGULAR: Final = 0.08  # of the way from one to the next: so far from where it should be lies one
_SEEN: Final = 0.75  # of the dashes in a row
_FREE: Final = 0.5  # of the dashes in a row: so many touch no other ink
_BROAD: Final = 0.5  # of that way: so long is a dash; flat strokes of letters are shorter
_LONGER: Final = 2.0  # times what is typical of a page: so long are dashes below each other
_APART: Final = 0.3  # of their length: dashes below each other are no nearer, as the bars of E or 三 may be
_NEAR: Final = 3.0  # pixels: so well is known where a line ends


def dashes(line: Mask, mask: Mask) -> Mask:
    """Return which pixels of horizontal lines are dashes in a row, to write on, or below each other.

    They have one length and height, and are as far from each other; the bar of a letter touches other ink. Some may be
    hidden by what is written on them: of those in a row between others, what lies where they should be is theirs, too.

    Args:
        line: Horizontal lines; letters' straight strokes are among them.
        mask: All ink.
    """
    found = np.zeros(mask.shape, np.bool_)
    _, boxes, _ = components(line)
    free, typical = _free(boxes, mask)
    for seen, hidden in _rows(boxes, free):
        for left, top, right, bottom in seen:
            found[top:bottom, left:right] = line[top:bottom, left:right]
        for left, top, right, bottom in hidden:
            found[top:bottom, left:right] = mask[top:bottom, left:right]
    free &= boxes[:, 2] - boxes[:, 0] >= _LONGER * typical
    for left, top, right, bottom in boxes[_in_columns(boxes, free)]:
        found[top:bottom, left:right] = line[top:bottom, left:right]
    return found


def _free(boxes: Any, mask: Mask) -> tuple[Any, float]:
    """Return which boxes hold a piece of ink that ends where they do, and the typical size of other ink."""
    labels, pieces, areas = components(mask)
    middles = (boxes[:, :2] + boxes[:, 2:]) // 2
    number = labels[middles[:, 1], middles[:, 0]]
    whole = np.concatenate([np.full((1, 4), -99), pieces])[number]
    free = (np.abs(whole - boxes) <= _NEAR).all(axis=1)
    other = np.setdiff1d(np.arange(len(pieces)), number[free] - 1)
    sizes = sizes_of(pieces[other]).max(axis=1)
    return free, median_by_ink(sizes, areas[other]) if len(other) else np.inf


def _rows(boxes: Any, free: Any) -> list[tuple[Any, Any]]:
    """Return boxes of one size that stand in a row, each as far from the next, and those that are missing there."""
    rows, left = [], np.ones(len(boxes), np.bool_)
    for index in np.flatnonzero(free):
        width = boxes[index, 2] - boxes[index, 0]
        unlike = np.abs(boxes - boxes[index])
        row = left & (unlike[:, 1::2] <= _NEAR).all(axis=1)
        row &= np.abs(boxes[:, 2] - boxes[:, 0] - width) <= max(_ALIKE * width, _NEAR)
        if not left[index] or row.sum() < _FEWEST or free[row].mean() < _FREE:
            continue
        ordered = boxes[row][np.argsort(boxes[row, 0])]
        ways = np.diff(ordered[:, 0])
        nearest = float(ways[ways > _NEAR].min()) if (ways > _NEAR).any() else np.inf
        for pitch in (_pitch(ordered[:, 0]), nearest):
            steps = ways / pitch
            hidden = _missing(ordered, pitch)
            regular = (np.abs(steps - np.rint(steps)) <= _REGULAR).mean() >= _SEEN
            if regular and width >= _BROAD * pitch and len(hidden) <= len(ordered):
                rows.append((ordered.tolist(), hidden))
                left &= ~row
                break
    return rows


def _in_columns(boxes: Any, free: Any) -> Any:
    """Return which boxes stand below each other, from one edge to the other, each as far from the next."""
    found = np.zeros(len(boxes), np.bool_)
    for index in np.flatnonzero(free):
        if found[index]:
            continue
        width = boxes[index, 2] - boxes[index, 0]
        ends = max(_ALIKE * width / 2, _NEAR)
        column = (np.abs(boxes - boxes[index])[:, ::2] <= ends).all(axis=1)
        if column.sum() < _FEWEST or free[column].mean() < _FREE:
            continue
        tops = np.sort(boxes[column, 1])
        pitch = _pitch(tops)
        steps = np.diff(tops) / pitch
        regular = (np.abs(steps - np.rint(steps)) <= _REGULAR).mean() >= _SEEN
        if regular and _APART * width <= pitch < np.inf:
            found |= column
    return found


def _missing(row: Any, pitch: float) -> list[list[int]]:
    """Return the boxes that are missing in a row, as high as the one before them, and as long."""
    return [
        (box + np.rint([step * pitch, 0, step * pitch, 0]).astype(np.int64)).tolist()
        for box, following in itertools.pairwise(row)
        for step in range(1, round((following[0] - box[0]) / pitch))
    ]


def _pitch(places: Any) -> float:
    """Return how far places lie from the next, as a rule; infinity where these are fewer than a comb has."""
    ways = np.diff(np.sort(places))
    ways = ways[ways > _NEAR]
    return float(np.median(ways)) if len(ways) + 1 >= _FEWEST else np.inf
