"""Reading many pictures on all cores."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from handwriting_cnn.errors import DataError
from handwriting_cnn.recognition.finding import Layout
from handwriting_cnn.recognition.recognizer import Character, Recognizer

Reading: TypeAlias = list[Character] | DataError
"""A picture's characters, or why it cannot be read."""


def read_all(reader: Recognizer, paths: Iterable[Path], *, layout: Layout) -> Iterator[tuple[Path, Reading]]:
    """Read pictures in their order; no more than two a core are ahead, however many there are.

    Threads are enough: filters, networks and decoders run outside Python's lock.

    Args:
        reader: The reader.
        paths: The pictures.
        layout: As for :meth:`Recognizer.recognize`.

    Yields:
        Each picture with its characters, or with the error of one that cannot be read.
    """
    workers = os.cpu_count() or 1
    ahead: deque[tuple[Path, Future[Reading]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for path in paths:
                ahead.append((path, pool.submit(_read, reader, path, layout)))
                if len(ahead) > 2 * workers:
                    first, reading = ahead.popleft()
                    yield first, reading.result()
            for path, reading in ahead:
                yield path, reading.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _read(reader: Recognizer, path: Path, layout: Layout) -> Reading:
    try:
        return reader.recognize(path, layout=layout)
    except DataError as error:
        return error
