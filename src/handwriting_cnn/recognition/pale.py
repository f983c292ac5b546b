"""The pale ends and hairlines of strokes, which are too pale to be told from dirt by themselves."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import scipy.ndimage

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.grouping import Groups
from handwriting_cnn.recognition.windows import around, grown

SOFT: Final = 2  # pixels around a stroke that are its faint edge
FARTHEST: Final = 0.5  # of a character's longer side: what runs on farther is a printed line, or a shadow


def with_pale_strokes(groups: Groups, pale: Mask) -> Groups:
    """Give each character the pale ink that hangs together with it alone and ends near it.

    Args:
        groups: The characters by their dark ink.
        pale: What is darker than paper, without printed lines.
    """
    labels, boxes = groups.labels.copy(), groups.boxes.copy()
    height, width = labels.shape
    for number, box in enumerate(boxes, start=1):
        left, top, right, bottom = box.tolist()
        reach = int(FARTHEST * max(right - left, bottom - top)) + SOFT
        rows = slice(max(top - reach, 0), min(bottom + reach, height))
        columns = slice(max(left - reach, 0), min(right + reach, width))
        view = labels[rows, columns]
        mine = _pale_of(number, view, pale[rows, columns])
        if mine.any():
            view[mine] = number
            y, x = np.nonzero(mine)
            box[:2] = np.minimum(box[:2], (columns.start + x.min(), rows.start + y.min()))
            box[2:] = np.maximum(box[2:], (columns.start + x.max() + 1, rows.start + y.max() + 1))
    return replace(groups, labels=labels, boxes=boxes)


def _pale_of(number: int, labels: Any, pale: Mask) -> Mask:
    """Return the pale ink of a character in a view around it."""
    edge = grown(labels == number, SOFT)
    beyond, rim = pale & (labels == 0) & ~edge, around(edge)
    if not (beyond & rim).any():
        return np.zeros_like(beyond)
    pieces, count = scipy.ndimage.label(beyond, np.ones((3, 3)))
    taken = np.zeros(count + 1, np.bool_)
    taken[pieces[rim]] = True
    taken[pieces[around((labels != number) & (labels != 0))]] = False
    for side in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
        taken[side] = False
    taken[0] = False
    return np.asarray(taken[pieces])
