"""The data set: pictures with labels, split without copying a pixel."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data import validation
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.splitting import By, Positions, draw_folds, draw_part, gather
from handwriting_cnn.errors import DataError, UnknownNameError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.storage.canonical import canonical_json
from handwriting_cnn.types import ImageArray, LabelArray, Shape

_DIGEST_ROWS: Final = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class _Whole:
    """The arrays that all parts of a data set share, checked and read-only."""

    images: ImageArray
    labels: LabelArray
    alphabet: Alphabet
    writers: npt.NDArray[np.int64] | None
    extra: Mapping[str, npt.NDArray[Any]]
    preprocessing: PreprocessSpec


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Grey pictures of single characters with their labels: ink bright (255) on dark paper (0), upright.

    A part made by :meth:`split`, :meth:`folds` or :meth:`subset` shares the whole's pixels, which may be a memory map
    on disk. Everything it gives is read-only. Make one with :meth:`from_arrays`, :func:`~handwriting_cnn.load_folder`,
    :func:`~handwriting_cnn.load_csv` or :func:`~handwriting_cnn.load_dataset`.

    Attributes:
        name: What the data are, such as ``"ahcd"``.
        protocol: How they were split, such as ``"official"``; ``""`` where nobody published a split.
    """

    _whole: _Whole
    _rows: Positions = field(kw_only=True)
    name: str = field(kw_only=True)
    protocol: str = field(kw_only=True, default="")

    @classmethod
    def from_arrays(
        cls,
        images: npt.ArrayLike,
        labels: npt.ArrayLike,
        *,
        alphabet: str | Sequence[str] | Alphabet,
        writers: npt.ArrayLike | None = None,
        extra: Mapping[str, npt.ArrayLike] | None = None,
        name: str = "arrays",
        protocol: str = "",
        preprocessing: PreprocessSpec | None = None,
    ) -> "Dataset":
        """Make a data set of arrays, whose pixels are not copied.

        Args:
            images: Uint8 ``(n, height, width)`` or ``(n, height, width, 1)``, ink 255 on paper 0, upright.
            labels: Whole numbers ``(n,)`` in ``0..len(alphabet)-1``.
            alphabet: What the classes are; ``"abc"`` makes three.
            writers: Whole numbers ``(n,)``: who wrote each picture.
            extra: Further columns by name, each with one entry a picture.
            name: What the data are.
            protocol: How they were split.
            preprocessing: How a photo becomes such a picture; by default the rules of :class:`PreprocessSpec` at the
                pictures' size.

        Returns:
            The data set. A class without a picture earns a :class:`UserWarning`.

        Raises:
            DataError: If an array has another type, shape or range than described.
            ShapeMismatchError: If there are not as many entries as pictures.
        """
        alphabet = Alphabet.of(alphabet)
        pixels = validation.checked_images(images)
        count, height, width, _ = pixels.shape
        whole = _Whole(
            images=pixels,
            labels=validation.checked_labels(labels, count, alphabet),
            alphabet=alphabet,
            writers=None if writers is None else validation.checked_writers(writers, count),
            extra=validation.checked_extra(extra or {}, count),
            preprocessing=preprocessing or PreprocessSpec(height=height, width=width),
        )
        if (whole.preprocessing.height, whole.preprocessing.width) != (height, width):
            raise DataError(
                f"the pictures are {height}x{width}, but their preprocessing makes "
                f"{whole.preprocessing.height}x{whole.preprocessing.width}"
            )
        dataset = cls(whole, _rows=np.arange(count), name=name, protocol=protocol)
        validation.warn_of_absent(dataset.alphabet, dataset.class_counts == 0, name)
        return dataset

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.input_shape))
        protocol = f", {self.protocol}" if self.protocol else ""
        return f"Dataset({self.name}{protocol}: {len(self):,} pictures of {size}, {self.num_classes} classes)"

    @cached_property
    def images(self) -> ImageArray:
        """Uint8 ``(n, height, width, 1)``, read-only: a view of the whole's pixels where this part's rows lie together.

        Rows that are scattered are copied into memory once; :meth:`take` reads only those that are asked for.
        """
        return validation.read_only(gather(self._whole.images, self._rows))

    @cached_property
    def labels(self) -> LabelArray:
        """Class numbers, int64 ``(n,)``, read-only."""
        return validation.read_only(gather(self._whole.labels, self._rows))

    @cached_property
    def writers(self) -> npt.NDArray[np.int64] | None:
        """Who wrote each picture, int64 ``(n,)``, read-only; ``None`` where that is not known."""
        return None if self._whole.writers is None else validation.read_only(gather(self._whole.writers, self._rows))

    @property
    def extra(self) -> Mapping[str, npt.NDArray[Any]]:
        """Further columns by name, each with one entry a picture, read-only."""
        columns = self._whole.extra.items()
        return MappingProxyType({name: validation.read_only(gather(column, self._rows)) for name, column in columns})

    @property
    def alphabet(self) -> Alphabet:
        """What the classes are."""
        return self._whole.alphabet

    @property
    def num_classes(self) -> int:
        """The alphabet's length, also where a class has no picture."""
        return len(self.alphabet)

    @property
    def input_shape(self) -> Shape:
        """``(height, width, 1)`` of one picture."""
        height, width = self._whole.images.shape[1:3]
        return height, width, 1

    @property
    def preprocessing(self) -> PreprocessSpec:
        """How a photo becomes such a picture."""
        return self._whole.preprocessing

    @cached_property
    def class_counts(self) -> npt.NDArray[np.int64]:
        """Pictures a class, int64 ``(num_classes,)``, read-only."""
        return validation.read_only(np.bincount(self.labels, minlength=self.num_classes).astype(np.int64))

    @cached_property
    def digest(self) -> str:
        """Hexadecimal sha256 over this part's shape, characters, labels and pixels, in order."""
        digest = hashlib.sha256(canonical_json([len(self), *self.input_shape, *self.alphabet.characters]))
        digest.update(self.labels.astype("<i8").tobytes())
        for start in range(0, len(self), _DIGEST_ROWS):
            digest.update(gather(self._whole.images, self._rows[start : start + _DIGEST_ROWS]).tobytes())
        return digest.hexdigest()

    def take(self, positions: npt.ArrayLike) -> ImageArray:
        """Return a copy of the pictures at positions of this part, uint8 ``(len(positions), height, width, 1)``.

        Raises:
            DataError: If one is no whole number or out of range.
        """
        return self._whole.images.take(self._rows[validation.checked_positions(positions, len(self))], axis=0)

    def subset(self, positions: npt.ArrayLike) -> "Dataset":
        """Return the part at positions, in their order, without copying pixels.

        Raises:
            DataError: If there is no position, one is no whole number, or one is out of range.
        """
        chosen = validation.checked_positions(positions, len(self))
        if not len(chosen):
            raise DataError("a subset needs at least one position")
        return replace(self, _rows=validation.read_only(self._rows[chosen]))

    def select_classes(self, characters: str | Sequence[str]) -> "Dataset":
        """Return the pictures of some classes, without copying pixels; their alphabet is these classes alone.

        Args:
            characters: Characters of the alphabet, or their names; ``"abc"`` chooses three.

        Returns:
            The part; its class numbers follow the order given.

        Raises:
            UnknownNameError: If one is no character of the alphabet.
            DataError: If none is given, one is there twice, or none has a picture.
        """
        alphabet = self.alphabet.select(characters)
        old = [self.alphabet.index(text) for text in alphabet.characters]
        return self.subset(np.flatnonzero(np.isin(self.labels, old))).with_alphabet(alphabet)

    def with_alphabet(self, alphabet: str | Sequence[str] | Alphabet) -> "Dataset":
        """Return the same pictures with another alphabet's class numbers, character by character, without copying them.

        Args:
            alphabet: An alphabet with every character that has a picture here, such as that of a model which knows
                further ones.

        Raises:
            DataError: If it lacks one of them.
        """
        wanted = Alphabet.of(alphabet)
        places = {text: number for number, text in enumerate(wanted.characters)}
        numbers = np.array([places.get(text, -1) for text in self.alphabet.characters], np.int64)
        lost = [self.alphabet.characters[number] for number in np.flatnonzero((numbers < 0) & (self.class_counts > 0))]
        if lost:
            raise DataError(f"{self.name} has pictures of {validation.listed(lost)}, which the other alphabet lacks")
        whole = replace(self._whole, labels=validation.read_only(numbers[self._whole.labels]), alphabet=wanted)
        return replace(self, _whole=whole)

    def split(self, fraction: float, *, by: By = "class", seed: int = 0) -> tuple["Dataset", "Dataset"]:
        """Split at random into what remains and a part that holds ``fraction`` of the pictures.

        Args:
            fraction: The part's share, between 0 and 1, exclusive.
            by: ``"class"`` keeps the classes' shares and draws exactly ``round(fraction * n)`` pictures; ``"writer"``
                draws whole writers, as many as come nearest, and the name of a column of ``extra`` does so with the
                groups of equal entries; ``None`` draws without regard to any.
            seed: Seed of the draw, 0 or more.

        Returns:
            ``(rest, part)``. A class that one of them lost earns a :class:`UserWarning`.

        Raises:
            ConfigError: If ``fraction`` or ``seed`` is out of range.
            UnknownNameError: If ``by`` is none of these.
            DataError: If a side would be empty, or the writers are not known.
        """
        part = draw_part(self._groups(by), len(self), fraction=fraction, whole=by not in ("class", None), seed=seed)
        sides = self._without(part), self.subset(part)
        self._warn_of_lost(sides)
        return sides

    def folds(self, n: int, *, by: By = "class", seed: int = 0) -> Iterator[tuple["Dataset", "Dataset"]]:
        """Partition at random into ``n`` folds of nearly equal size, and give each as the test part of a pair.

        Args:
            n: The number of folds, 2 or more.
            by: ``"class"`` keeps the classes' shares; ``"writer"`` keeps each writer in one fold, and the name of a
                column of ``extra`` does so with the groups of equal entries; ``None`` does neither.
            seed: Seed of the draw, 0 or more.

        Returns:
            An iterator over ``n`` pairs ``(train, test)``. A class that a part lost earns a :class:`UserWarning`.

        Raises:
            ConfigError: If ``n`` or ``seed`` is out of range.
            UnknownNameError: If ``by`` is none of these.
            DataError: If there are fewer pictures, or writers, than folds, or the writers are not known.
        """
        folds = draw_folds(self._groups(by), len(self), folds=n, whole=by not in ("class", None), seed=seed)
        pairs = [(self._without(fold), self.subset(fold)) for fold in folds]
        self._warn_of_lost([part for pair in pairs for part in pair])
        return iter(pairs)

    def _groups(self, by: By) -> npt.NDArray[np.int64] | None:
        if by is None:
            return None
        if by == "class":
            return self.labels
        if by == "writer" and self.writers is not None:
            return self.writers
        columns = self._whole.extra
        if by == "writer" and by not in columns:
            raise DataError(f"{self.name!r} does not know its writers, so it cannot be split by them")
        UnknownNameError.check("way to split by", [by], known=("class", "writer", *columns))
        entries = validation.group_column(by, gather(columns[by], self._rows))
        return np.unique(entries, return_inverse=True)[1].astype(np.int64)

    def _without(self, positions: Positions) -> "Dataset":
        return self.subset(np.delete(np.arange(len(self)), positions))

    def _warn_of_lost(self, parts: Sequence["Dataset"]) -> None:
        lost = np.logical_or.reduce([part.class_counts == 0 for part in parts]) & (self.class_counts > 0)
        validation.warn_of_absent(self.alphabet, lost, f"a part of {self.name}", stacklevel=4)
