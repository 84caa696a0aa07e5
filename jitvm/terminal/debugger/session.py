"""A debugger's commands on a thread of their own, for who must not wait for them.

    future = session.execute("continue")     an Answer, when the program stands still
    session.pause()                          have that be soon
    session.progress()                       output so far, time and picture while it runs

What the program writes, and what breakpoints log, is gathered until somebody asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from jitvm.debugger.commands import CommandError, Commands, Reply
from jitvm.debugger.expressions import ExpressionError
from jitvm.terminal.debugger import looks

if TYPE_CHECKING:
    from jitvm.debugger.debugger import Debugger
    from jitvm.debugger.stopped import Stopped
    from jitvm.platform.screen import Pixels
    from jitvm.terminal.debugger.looks import Look

INTERVAL = 0.1
"""Seconds between two pictures of a running program."""
MOST_HELD = 1 << 17
"""Bytes of output that wait to be shown; of more, the last are: nobody reads as fast."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command.

    Attributes:
        lines: what there is to show.
        failed: why it could not be done; empty otherwise.
        stopped: why the program stands still, after a command that moved it.
        is_last: whether there is to be no other command.
        look: the program afterwards.
    """

    lines: tuple[str, ...]
    failed: str
    stopped: Stopped | None
    is_last: bool
    look: Look


@dataclass(frozen=True, slots=True)
class Progress:
    """A running program: its time a moment ago, and what it showed."""

    time: int
    picture: Pixels | None


class Sayings:
    """Output of a program, and lines of breakpoints, until somebody takes them; for any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parts: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self._is_cut = False

    def write(self, data: bytes, is_error: bool) -> None:
        """The program's output."""
        self._add("error" if is_error else "output", data)

    def log(self, line: str) -> None:
        """A line of a breakpoint."""
        self._add("log", f"{line}\n".encode("utf-8", "backslashreplace"))

    def _add(self, kind: str, data: bytes) -> None:
        with self._lock:
            self._parts.append((kind, data[-MOST_HELD:]))
            self._is_cut |= len(data) > MOST_HELD
            self._size += len(self._parts[-1][1])
            while self._size > MOST_HELD:
                self._size -= len(self._parts.popleft()[1])
                self._is_cut = True

    def take(self) -> list[tuple[str, bytes]]:
        """All of it, in order: `output`, `error` or `log`, and the bytes."""
        with self._lock:
            parts, self._size = list(self._parts), 0
            if self._is_cut:
                parts.insert(0, ("log", b"... (more than can be shown)"))
            self._parts.clear()
            self._is_cut = False
        return parts


class Session:
    """A debugger on a thread of its own.

    Args:
        make: makes the debugger; called on that thread.
        sayings: what the debugger writes and logs to.

    Attributes:
        commands: of the debugger; for the thread only, but for what never changes.
        look: the latest.

    Raises:
        whatever `make` raises.
    """

    def __init__(self, make: Callable[[], Debugger], sayings: Sayings) -> None:
        self.sayings = sayings
        self._thread = ThreadPoolExecutor(1, "jitvm-debug")
        self._progress: Progress | None = None
        self._due = 0.0
        try:
            self.commands, self.look = self._thread.submit(self._begin, make).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def _begin(self, make: Callable[[], Debugger]) -> tuple[Commands, Look]:
        debugger = make()
        debugger.history.on_way = self._on_way
        commands = Commands(debugger)
        return commands, looks.take(commands)

    # -- from the thread of the screen -------------------------------------------------------

    def execute(self, line: str) -> Future[Answer]:
        """Have a command done, after those before it."""
        return self._thread.submit(self._execute, line)

    def ask(self, question: Callable[[Commands], Result]) -> Future[Result]:
        """Have something looked up when the program stands still."""
        return self._thread.submit(question, self.commands)

    def pause(self) -> None:
        """Have the command at hand come back soon."""
        self.commands.debugger.history.pause()

    def forget_pause(self) -> None:
        """A `pause` is not for the command that comes next."""
        self.commands.debugger.history.forget_pause()

    def progress(self) -> Progress | None:
        """How far the program is, if that is new."""
        progress, self._progress = self._progress, None
        return progress

    def close(self) -> None:
        """End the thread, and the program."""
        self.pause()
        self._thread.submit(self.commands.debugger.computer.close).result()
        self._thread.shutdown()

    # -- on the debugger's thread ------------------------------------------------------------

    def _execute(self, line: str) -> Answer:
        reply, failed = Reply(), ""
        try:
            reply = self.commands.execute(line)
        except (CommandError, ExpressionError) as error:
            failed = str(error)
        except (OSError, RuntimeError, ImportError, MemoryError) as error:
            failed = str(error) or type(error).__name__  # of a device, or of the host
        self.commands.debugger.computer.output.flush()
        self.look = looks.take(self.commands)
        return Answer(reply.lines, failed, reply.stopped, reply.is_last, self.look)

    def _on_way(self) -> None:
        if monotonic() < self._due:
            return
        debugger = self.commands.debugger
        self._progress = Progress(debugger.history.time, looks.picture(debugger))
        self._due = monotonic() + INTERVAL
