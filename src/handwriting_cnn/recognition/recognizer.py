"""The Recognizer: from a photograph to text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from handwriting_cnn.artifact.model_file import SavedModel, load_model
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.lettering import drawable_labels
from handwriting_cnn.errors import ConfigError, DataError
from handwriting_cnn.imaging.decode import MAX_PIXELS, ImageSource, decode_colours
from handwriting_cnn.models.checks import checked_probabilities
from handwriting_cnn.recognition.drawing import drawn
from handwriting_cnn.recognition.finding import FoundCharacter, Layout, find_characters
from handwriting_cnn.recognition.single import is_around, may_be_parts
from handwriting_cnn.recognition.squares import answers_to
from handwriting_cnn.types import Classifier, ProbabilityArray

_LIKELY: Final = 1e-4  # a candidate that is less likely is none


class Savable(Protocol):
    """What becomes a saved model, such as the result of a training run."""

    def to_saved_model(self) -> SavedModel:
        """Return the model with alphabet, preprocessing and card."""
        ...


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A class that a character may belong to.

    Attributes:
        text: The class's text in the alphabet.
        confidence: Its calibrated probability, 0..1.
    """

    text: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Character:
    """A character that was read.

    Attributes:
        text: Its text; ``""`` where nothing is recognised: the confidence lies below the reader's threshold.
        confidence: The best candidate's calibrated probability, 0..1.
        box: Left, top, right and bottom in pixels of the picture, as a viewer shows it.
        line: Its line on the page, from 0 at the top.
        candidates: The most likely classes, best first.
    """

    text: str
    confidence: float
    box: tuple[int, int, int, int]
    line: int
    candidates: tuple[Candidate, ...]


class Recognizer:
    """Reads characters from photographs, scans and arrays.

    Args:
        model: A saved model, or the result of a training run.
        threshold: Confidence, 0..1, below which a character's text is ``""``; ``None`` takes the model's own.
        candidates: The most candidates that a character has.
        max_pixels: Largest picture that is opened.
        classifier: What answers instead of the model's network, such as its exported file that
            :func:`~handwriting_cnn.open_export` opens.

    Raises:
        ConfigError: If a number is outside its range.
    """

    def __init__(
        self,
        model: SavedModel | Savable,
        *,
        threshold: float | None = None,
        candidates: int = 3,
        max_pixels: int = MAX_PIXELS,
        classifier: Classifier | None = None,
    ) -> None:
        self.saved: SavedModel = model if isinstance(model, SavedModel) else model.to_saved_model()
        rules = self.saved.reading if threshold is None else replace(self.saved.reading, threshold=threshold)
        for name, value in (("candidates", candidates), ("max_pixels", max_pixels)):
            if type(value) is not int or value < 1:
                raise ConfigError(f"{name} must be an int of at least 1, but is {value!r}")
        self._rules, self._candidates, self._max_pixels = rules, candidates, max_pixels
        self._classifier: Classifier = self.saved if classifier is None else classifier

    @classmethod
    def load(
        cls,
        model: str | PathLike[str],
        *,
        threshold: float | None = None,
        candidates: int = 3,
        max_pixels: int = MAX_PIXELS,
        classifier: Classifier | None = None,
    ) -> "Recognizer":
        """Return a reader with a model file, or with a trained model of the package by name.

        Args:
            model: A path, or a name of :func:`~handwriting_cnn.list_pretrained`.
            threshold: See :class:`Recognizer`.
            candidates: See :class:`Recognizer`.
            max_pixels: See :class:`Recognizer`.
            classifier: See :class:`Recognizer`.

        Raises:
            ModelFileError: As :func:`~handwriting_cnn.load_model`.
            ConfigError: If a number is outside its range.
        """
        return cls(
            load_model(model),
            threshold=threshold,
            candidates=candidates,
            max_pixels=max_pixels,
            classifier=classifier,
        )

    @property
    def alphabet(self) -> Alphabet:
        """What can be recognised."""
        return self.saved.alphabet

    def recognize(self, image: ImageSource, *, layout: Layout = "auto") -> list[Character]:
        """Find the characters of a picture and read them.

        Args:
            image: A path, an encoded file's bytes, an open file, a PIL image, or an array, see
                :func:`~handwriting_cnn.imaging.decode.decode_image`.
            layout: ``"single"``: all ink is one character. ``"line"`` and ``"page"``: characters stand free, in one
                line or in several. ``"grid"``: one in each cell of printed lines. ``"auto"``: a grid of four cells or
                more where one is found, of one or several in a cell, else a page; a picture of fewer than 100 pixels
                either way is one character, and so are up to four parts that are recognised together, but not each.

        Returns:
            The characters in reading order; none where there is no ink, or more than 10,000 pieces of it, as in a
            texture.

        Raises:
            ImageDecodeError: If the file is no picture, is damaged, or is larger than allowed.
            DataError: If an array has another form.
            UnknownNameError: If there is no such layout.
        """
        picture = decode_colours(image, max_pixels=self._max_pixels)
        rtl = self.alphabet.direction == "rtl"
        read = self._read(find_characters(picture, layout=layout, rtl=rtl, gap=self._rules.gap))
        if layout == "auto" and not all(one.text for one in read) and may_be_parts([one.box for one in read]):
            whole = self.recognize_single(picture)
            return [whole] if whole.text and is_around(whole.box, [one.box for one in read]) else read
        return read

    def recognize_single(self, image: ImageSource) -> Character:
        """Read a picture of one character.

        Args:
            image: As for :meth:`recognize`.

        Returns:
            The character; without ink its text is ``""``, its confidence 0, and its box the whole picture.

        Raises:
            ImageDecodeError: As :meth:`recognize`.
            DataError: As :meth:`recognize`.
        """
        picture = decode_colours(image, max_pixels=self._max_pixels)
        found = self._read(find_characters(picture, layout="single", gap=self._rules.gap))
        height, width = picture.shape[:2]
        return (
            found[0] if found else Character(text="", confidence=0.0, box=(0, 0, width, height), line=0, candidates=())
        )

    def predict_proba(self, images: npt.ArrayLike) -> ProbabilityArray:
        """Return calibrated probabilities of pictures in the network's form.

        Args:
            images: uint8 ``(n, height, width)`` or ``(n, height, width, channels)``: bright ink on 0.

        Returns:
            float32 ``(n, num_classes)``.

        Raises:
            DataError: If the pictures have another form, or a classifier's answers are no probabilities.
            ShapeMismatchError: If a classifier's answers have another shape.
        """
        pictures = np.asarray(images)
        shape = self.saved.model.input_shape[1:]
        if pictures.ndim == 3:
            pictures = pictures[..., np.newaxis]
        if pictures.dtype != np.uint8 or pictures.shape[1:] != shape:
            raise DataError(
                f"pictures must be uint8 of shape (n, {', '.join(map(str, shape))}), but are "
                f"{pictures.dtype} of {pictures.shape}"
            )
        answers = self._classifier(pictures)
        if self._classifier is not self.saved:
            answers = checked_probabilities(answers, count=len(pictures), num_classes=len(self.alphabet))
        return self._rules.confidences(answers)

    __call__ = predict_proba

    def predict(self, images: npt.ArrayLike) -> list[str]:
        """Return the texts of pictures in the network's form, ``""`` where nothing is recognised.

        Args:
            images: As for :meth:`predict_proba`.

        Raises:
            DataError: As :meth:`predict_proba`.
            ShapeMismatchError: As :meth:`predict_proba`.
        """
        return [self._text(row) for row in self.predict_proba(images)]

    def annotate(self, image: ImageSource, characters: Sequence[Character] | None = None) -> Image.Image:
        """Return a picture with a box around each character and its text above it.

        What matplotlib's current fonts (``rcParams["font.family"]``) cannot draw stands there by its name or number.

        Args:
            image: As for :meth:`recognize`.
            characters: What was read in it; ``None`` reads it.

        Returns:
            The picture in RGB, as a viewer shows it.

        Raises:
            ImageDecodeError: As :meth:`recognize`.
            DataError: As :meth:`recognize`.
        """
        picture = decode_colours(image, max_pixels=self._max_pixels)
        if characters is None:
            characters = self.recognize(picture)
        labels = dict(zip(self.alphabet.characters, drawable_labels(self.alphabet), strict=True))
        return drawn(picture, [(one.box, labels.get(one.text, one.text)) for one in characters])

    def _read(self, found: Sequence[FoundCharacter]) -> list[Character]:
        if not found:
            return []
        channels = self.saved.model.input_shape[-1]
        answers = answers_to(
            [character.ink for character in found],
            self.saved.preprocessing,
            self._rules,
            lambda squares: self.predict_proba(np.repeat(squares, channels, axis=3)),
        )
        return [
            Character(
                text=self._text(row),
                confidence=float(row.max()),
                box=character.box,
                line=character.line,
                candidates=self._ranked(row),
            )
            for character, row in zip(found, answers, strict=True)
        ]

    def _text(self, row: Any) -> str:
        best = int(row.argmax())
        return self.alphabet.characters[best] if row[best] >= self._rules.threshold else ""

    def _ranked(self, row: Any) -> tuple[Candidate, ...]:
        best = np.argsort(-row, kind="stable")[: self._candidates]
        return tuple(
            Candidate(text=self.alphabet.characters[number], confidence=float(row[number]))
            for number in best
            if row[number] >= _LIKELY
        )
