"""The terminal of the process: taken over for a while, and always restored.

Keys arrive one by one. Ctrl-C is still a signal, so that it ends a program that hangs; other keys
that would stop or end the process are ordinary keys. The alternate screen is used, so that the
previous content reappears afterwards. SIGTERM and SIGHUP, which would end the process without
restoring the terminal, are noted so that its user can leave; existing handlers, such as those of
the ``jitvm`` command, are kept.

Writes are queued and never block: a slow terminal shows fewer pictures.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
from contextlib import suppress
from time import monotonic

from jitvm.engine.host.signals import ENDING
from jitvm.terminal.errors import TerminalError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Self

_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
_LEAVE = b"\x1b\\\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
"""Begins with the end of a string, in case one was cut off."""
_CHUNK = 1 << 16
_PATIENCE = 1.0
"""Seconds that the end waits for a terminal that does not read."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Tty:
    """The controlling terminal, taken over while a ``with`` block lasts.

    Attributes:
        undo: what else has to be written before the terminal is given back.
        signal: the number of a signal that wants the process to end; 0 for none.

    Raises:
        TerminalError: the process has none.
    """

    def __init__(self) -> None:
        try:
            self._descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            raise TerminalError(
                "--terminal needs a terminal, and this process has none; "
                "run with --headless --frames N --screenshot FILE.png"
            ) from None
        self._queue = bytearray()
        self._before: list[Any] = []
        self._handlers: dict[int, Any] = {}
        self.undo = b""
        self.signal = 0

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._descriptor)
        mode = termios.tcgetattr(self._descriptor)
        mode[0] &= ~(termios.IXON | termios.ICRNL)
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
        for key in (termios.VSUSP, termios.VQUIT):
            mode[6][key] = b"\0"
        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, mode)
        os.set_blocking(self._descriptor, False)
        with suppress(ValueError):  # only the main thread may
            for number in _SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._handlers[number] = signal.signal(number, self._note)
        ENDING.undo.append(self._restore)
        self.write(_ENTER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ENDING.held():
            self._leave()

    def _leave(self) -> None:
        deadline = monotonic() + _PATIENCE
        self.write(self.undo + _LEAVE)
        with suppress(OSError):  # it may be gone
            while self._queue and monotonic() < deadline:
                self.drain()
                self.wait(0.02)
        ENDING.undo.remove(self._restore)
        with suppress(OSError):
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)
        os.close(self._descriptor)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _restore(self) -> None:
        """Give it back without waiting for it: the process ends at once."""
        with suppress(OSError):
            os.write(self._descriptor, self.undo + _LEAVE)
        with suppress(OSError):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)

    # -- reading and writing -----------------------------------------------------------------

    @property
    def is_behind(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._queue)

    def write(self, data: bytes) -> None:
        """Queue bytes, and write what can be written at once."""
        self._queue += data
        with suppress(OSError):
            self.drain()

    def drain(self) -> None:
        """Write as much of the queue as the terminal takes."""
        with suppress(BlockingIOError):
            while self._queue:
                done = os.write(self._descriptor, self._queue[:_CHUNK])
                del self._queue[:done]

    def wait(self, seconds: float) -> None:
        """Wait until there is something to read, or to write for a queue that is not empty."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN | (select.POLLOUT if self._queue else 0))
        poll.poll(seconds * 1000)

    def read(self) -> bytes | None:
        """What has been typed; None when the terminal is gone."""
        try:
            return os.read(self._descriptor, _CHUNK) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    # -- size --------------------------------------------------------------------------------

    @property
    def size(self) -> tuple[int, int, int, int]:
        """Columns, rows, and width and height in pixels, which are 0 where they are not known."""
        rows, columns, width, height = struct.unpack(
            "4H", fcntl.ioctl(self._descriptor, termios.TIOCGWINSZ, bytes(8))
        )
        return columns or 80, rows or 24, width, height

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
