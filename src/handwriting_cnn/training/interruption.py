"""Signals that wait until a run's state is saved."""

import signal
import threading
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Holds back the first SIGINT or SIGTERM until :meth:`obey`; a second one acts at once, as it did before.

    Signals that are ignored, or handled outside Python, are left alone, and so are all in threads but the main one,
    which alone may set handlers.
    """

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def hold(self) -> None:
        """Hold signals back from now on."""
        if self._before or threading.current_thread() is not threading.main_thread():
            return
        handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        self._before = {number: old for number, old in handlers.items() if old not in {signal.SIG_IGN, None}}
        for number in self._before:
            signal.signal(number, self._note)

    def release(self) -> None:
        """Let signals act as they did before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def obey(self) -> None:
        """Let the signal that was held back act, if there was one; what handles it may return."""
        if self.asked is not None:
            number, self.asked = self.asked, None
            self.release()
            signal.raise_signal(number)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.asked = signal.Signals(number)
        self.release()
