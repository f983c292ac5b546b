"""The page's pictures: look-alikes side by side, and mistakes with their answers."""

import base64
import io
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element

import numpy as np

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.lettering import language_tag, title
from handwriting_cnn.types import ImageArray, LabelArray

from .markup import element
from .metrics import ConfusedPair

if TYPE_CHECKING:
    from .report import EvaluationReport

_PAIRS: Final = 9
_MISTAKES: Final = 30
_STRIP: Final = 3  # pictures a strip
_SMALL, _LARGE = 40, 64  # CSS pixels


def letter(alphabet: Alphabet, number: int) -> list[Element]:
    """Return a class's character in its own language and direction, and its name where it has another one."""
    character, name = alphabet.characters[number], alphabet.names[number]
    shown = element("span", character, class_="letter", lang=language_tag(character), dir=alphabet.direction)
    return [shown] if name == character else [shown, element("span", name, class_="name")]


def pair_cards(report: "EvaluationReport") -> list[Element]:
    """Return the section of the letters that are most often taken for each other."""
    pairs = report.confused_pairs[:_PAIRS]
    if not pairs:
        return []
    said = "The pairs that are most often taken for each other."
    if report.take_images is not None:
        said += " Above, pictures that were read right; framed, those that were not."
    return [
        element("h2", "Look-alikes"),
        element("p", said, class_="muted"),
        element("ul", *[_pair(report, pair) for pair in pairs], class_="pairs"),
    ]


def mistake_cards(report: "EvaluationReport") -> list[Element]:
    """Return the section of the mistakes, the surest first, where the pictures are known."""
    positions = report.mistakes[:_MISTAKES]
    if report.take_images is None or not len(positions):
        return []
    images = report.take_images(positions)
    which = "All of them" if len(images) == len(report.mistakes) else f"{len(images)} of {len(report.mistakes):,}"
    order = "" if report.probabilities is None else ", the surest first, with the most probable answers"
    return [
        element("h2", "Mistakes"),
        element("p", f"{which}{order}. What was written is in green.", class_="muted"),
        element("ul", *[_mistake(report, *shown) for shown in zip(images, positions, strict=True)], class_="mistakes"),
    ]


def _pair(report: "EvaluationReport", pair: ConfusedPair) -> Element:
    alphabet = report.alphabet
    sides = []
    for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
        side = element("div", *letter(alphabet, one), class_="side")
        if report.take_images is not None:
            right, missed = (report.take_images(_positions(report, one, answer)) for answer in (one, other))
            side.append(_strip(right, f"{title(alphabet, one)}, read right", missed=False))
            side.append(_strip(missed, f"{title(alphabet, one)}, read as {title(alphabet, other)}", missed=True))
        sides.append(side)
    said = element(
        "p",
        element("b", f"{pair.mistakes} of {pair.total:,}"),
        f" pictures ({pair.rate:.1%}): ",
        *_read_as(alphabet, pair.first, pair.second, pair.first_as_second),
        *([", ", *_read_as(alphabet, pair.second, pair.first, pair.second_as_first)] if pair.second_as_first else []),
        class_="said",
    )
    return element("li", element("div", *sides, class_="sides"), said, class_="pair card")


def _read_as(alphabet: Alphabet, one: int, other: int, times: int) -> list[Element | str]:
    # Isolated from each other: next to a right-to-left letter, digits would change places.
    names = [element("bdi", alphabet.names[number]) for number in (one, other)]
    return [names[0], " as ", names[1], f" {times}×"]


def _positions(report: "EvaluationReport", written: int, answered: int) -> LabelArray:
    """Return the first pictures of a class that got an answer."""
    return np.flatnonzero((report.labels == written) & (report.predictions == answered))[:_STRIP]


def _strip(images: ImageArray, said: str, *, missed: bool) -> Element:
    return element("div", *[_picture(image, said, side=_SMALL, missed=missed) for image in images], class_="strip")


def _mistake(report: "EvaluationReport", image: ImageArray, position: int) -> Element:
    alphabet, number = report.alphabet, int(report.labels[position])
    answers = report.answers(position)
    lines = []
    for answer, share in answers:
        shown = letter(alphabet, answer)[0]
        if answer == number:
            shown.set("class", "letter hit")
        share_shown = [] if share is None else [element("span", f"{share:.1%}", class_="share")]
        lines.append(element("li", shown, *share_shown))
    said = f"{title(alphabet, number)}, read as {title(alphabet, answers[0][0])}"
    return element(
        "li",
        element("div", *letter(alphabet, number), class_="true"),
        _picture(image, said, side=_LARGE, missed=False),
        element("ol", *lines, class_="answers"),
        class_="mistake card",
    )


def _picture(image: ImageArray, said: str, *, side: int, missed: bool) -> Element:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image[..., 0]).save(content, format="PNG", optimize=True)
    source = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
    width = max(1, round(side * image.shape[1] / image.shape[0]))
    shown = element("img", src=source, alt=said, title=said, width=width, height=side, class_="ink")
    return element("div", shown, class_="frame missed" if missed else "frame")
