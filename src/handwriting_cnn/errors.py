"""Every error that this library raises on purpose.

Each class has a familiar second parent, so code that knows only Python's own exceptions catches it too::

    HandwritingError
    ├── ConfigError (ValueError)             a setting outside its range, or settings that contradict each other
    ├── UnknownNameError (LookupError)       no dataset, model, task or protocol of that name; the nearest is named
    ├── DataError (ValueError)               pictures, labels or tables that cannot be used
    │   ├── ImageDecodeError                 a file that is no picture, or one that is too large
    │   └── ShapeMismatchError               model and data that do not fit each other
    ├── DownloadError (OSError)              a data set that could not be fetched from any source
    │   └── IntegrityError                   a file that arrived, but is not the one that was published
    ├── ModelFileError (ValueError)          a model file that is none or damaged, or needs an unknown architecture
    ├── RunFolderError (ValueError)          a run folder that belongs to another run, or is in use
    ├── TrainingError (RuntimeError)         training that cannot go on, such as a loss that is no longer finite
    ├── ExportError (RuntimeError)           an exported model that does not answer as the original does
    └── OutputError (OSError)                a file or folder that could not be written
"""

import difflib
from collections.abc import Iterable


class HandwritingError(Exception):
    """The root of all errors of this library."""


class ConfigError(HandwritingError, ValueError):
    """A setting is outside its range, or settings contradict each other."""


class UnknownNameError(HandwritingError, LookupError):
    """No dataset, model, task or protocol has the name that was given.

    Args:
        kind: What was looked for, such as ``"dataset"``.
        name: The name that was given.
        known: The names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind: str = kind
        self.name: str = name
        self.known: tuple[str, ...] = tuple(known)
        super().__init__(kind, name, self.known)

    @classmethod
    def check(cls, kind: str, names: Iterable[str], *, known: Iterable[str]) -> None:
        """Refuse the first of some names that is not known."""
        known = tuple(known)
        for name in names:
            if name not in known:
                raise cls(kind, name, known)

    def __str__(self) -> str:
        nearest = difflib.get_close_matches(str(self.name), self.known, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        return f"unknown {self.kind} {self.name!r}; {hint}known: {', '.join(self.known) or 'none'}"


class DataError(HandwritingError, ValueError):
    """Pictures, labels or tables cannot be used as they are."""


class ImageDecodeError(DataError):
    """A file is no picture, is damaged, or is larger than allowed."""


class ShapeMismatchError(DataError):
    """A model and the data, or two arrays, do not fit each other."""


class DownloadError(HandwritingError, OSError):
    """A data set could not be fetched from any of its sources."""


class IntegrityError(DownloadError):
    """A file arrived, but its content is not what was published."""


class ModelFileError(HandwritingError, ValueError):
    """A model file is none, is damaged, or needs an architecture that is not registered."""


class RunFolderError(HandwritingError, ValueError):
    """A run folder belongs to another run, or another process is using it."""


class TrainingError(HandwritingError, RuntimeError):
    """Training cannot go on, such as when the loss is no longer finite."""


class ExportError(HandwritingError, RuntimeError):
    """An exported model does not answer as the original does."""


class OutputError(HandwritingError, OSError):
    """A file or folder could not be written."""
