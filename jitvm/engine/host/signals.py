"""Signals that end a command: Ctrl-C, SIGTERM and SIGHUP, all treated alike.

    first signal     `Signalled` is raised, so that the run ends and its files are completed
    while files are being completed (`ENDING.held`), it is raised afterwards
    second signal    the process ends at once; only the terminal is restored
    after the end (`ENDING.close`) nothing is left to complete: the process ends at once

A second signal within `GRACE` of the first is the same one delivered twice: `timeout` signals its
command and then the command's process group, and a shell that loses its terminal passes SIGHUP on.
A signal that is ignored (as under `nohup`) stays ignored. SIGQUIT is left alone: it ends the
process at once.

Only the ``jitvm`` command calls `install`. In a library, signals belong to the application, and
`Signalled` is never raised.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module makes enumerations of it
import _thread
import os
import sys
from time import monotonic, sleep

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Patience of the process, of no machine and no limit of the JIT: no rows of `params`.
GRACE = 0.2
"""Seconds within which a second signal is thought to be the first one again."""
AGAIN = 0.01
"""Seconds after which an exception that was lost is raised again."""


class Signalled(KeyboardInterrupt):
    """A signal wants the process to end; whoever completes things at Ctrl-C does so here, too."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Ending:
    """The handler of these signals in a command; see the head of this file.

    Attributes:
        number: the signal that has come, 0 for none.
        undo: what is done even if the process ends at once; quick, and never waiting.
    """

    def __init__(self) -> None:
        self.number = 0
        self.undo: list[Callable[[], None]] = []
        self._since = 0.0
        self._holds = 0
        self._is_owed = False
        self._is_closed = False

    def install(self) -> None:
        """Take the signals that are not ignored; on the main thread."""
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self)
        sys.unraisablehook = self._on_lost

    def close(self) -> None:
        """Everything is complete: from now on a signal ends the process at once.

        What was cut off between its beginning and whoever was to complete it is undone.
        """
        self._is_closed = True
        self.undo_all()

    def undo_all(self) -> None:
        """Do what is done even if the process ends at once."""
        for function in list(self.undo):
            function()

    def held(self) -> Held:
        """A ``with`` block that a first signal does not cut off; it is raised after the block."""
        return Held(self)

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = monotonic()
        if self._is_closed or (self.number and now - self._since > GRACE):
            self._end_at_once(number)
        if self.number:
            return
        self.number, self._since, self._is_owed = number, now, True
        if not self._holds:
            self._raise()

    def _raise(self) -> None:
        self._is_owed = False
        raise Signalled(self.number)

    def _end_at_once(self, number: int) -> None:
        try:
            self.undo_all()
        finally:
            os._exit(128 + number)

    def _on_lost(self, lost: sys.UnraisableHookArgs) -> None:
        """An exception was raised where nothing can catch it: have it raised again elsewhere."""
        if not isinstance(lost.exc_value, Signalled):
            sys.__unraisablehook__(lost)
        elif not self._is_closed:
            _thread.start_new_thread(self._send_again, (lost.exc_value.number,))

    def _send_again(self, number: int) -> None:
        sleep(AGAIN)  # raised in the hook itself, it would be lost as well
        self.number = 0
        os.kill(os.getpid(), number)

    def begin_hold(self) -> None:
        """Raise nothing until `end_hold`."""
        self._holds += 1

    def end_hold(self, *, raising: bool) -> None:
        """Raise what has come meanwhile, unless another exception is on its way."""
        self._holds -= 1
        if self._is_owed and not self._holds and raising:
            self._raise()


class Held:
    """See `Ending.held`."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._is_held = True

    def __enter__(self) -> Self:
        self._ending.begin_hold()
        return self

    def release(self) -> None:
        """Raise now what has come, and from now on what comes: the rest of the block is as ever."""
        if self._is_held:
            self._is_held = False
            self._ending.end_hold(raising=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_held:
            self._ending.end_hold(raising=error is None)


ENDING = Ending()
