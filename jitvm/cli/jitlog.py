"""``--jit-log FILE`` and ``--gdb`` of ``jitvm run``: listeners for the JIT's events.

    with Told(computer.machine, program.place, log=..., gdb=...): run it

A log can be watched while it grows, and read after a crash, so it replaces an existing file as soon
as its first line is written rather than at the end. If a later write fails, the command fails at
the end, and the log keeps what it has.
"""

from __future__ import annotations

from jitvm.cli.exits import Exit, Failure, unwritable
from jitvm.engine.host.signals import ENDING

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from contextlib import ExitStack
    from typing import TextIO

    from jitvm.engine.host.part import Part
    from jitvm.engine.machine.machine import Machine
    from jitvm.engine.tables.events import Event
    from jitvm.engine.tables.place import Naming
    from jitvm.profiling.gdb import GdbObjects


class Told:
    """Tells a log and debuggers for a ``with`` block.

    Args:
        machine: whose JIT is listened to.
        naming: names for addresses.
        log: path of a log; ``-`` for standard error.
        gdb: whether to notify debuggers.

    Raises:
        Failure: the log cannot be written, on entry or in the end; or there is no interface for
            debuggers here.
    """

    def __init__(
        self, machine: Machine, naming: Naming, *, log: str | None = None, gdb: bool = False
    ) -> None:
        self._path = log
        self._gdb = gdb
        self._machine = machine
        self._naming = naming
        self._stack: ExitStack | None = None
        self._log: Log | None = None

    def __enter__(self) -> None:
        from contextlib import ExitStack

        self._stack = ExitStack()
        if self._path is not None:
            self._begin_log(self._stack, self._path)
        if self._gdb:
            from jitvm.profiling.functions import announced

            self._stack.enter_context(announced(self._machine, gdb_objects(), self._naming))

    def _begin_log(self, stack: ExitStack, path: str) -> None:
        from jitvm.profiling.listening import listening

        self._log = Log(path, self._naming)
        stack.callback(self._log.close)
        stack.enter_context(listening(self._machine, self._log))

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._stack is None:
            return
        with ENDING.held():
            self._stack.close()
            if self._log is not None and error is None:
                self._log.check()


def gdb_objects() -> GdbObjects:
    """A book for debuggers.

    Raises:
        Failure: there is no interface for them here.
    """
    from jitvm.profiling.gdb import GdbError, GdbObjects

    try:
        return GdbObjects()
    except GdbError as error:
        raise Failure(f"--gdb: {error}", Exit.FAILURE) from error


class Log:
    """A listener that writes events to a file, or to standard error.

    Attributes:
        stream: what they are written to.

    Raises:
        Failure: it cannot be written: when it is made, or by `check`.
    """

    def __init__(self, path: str, naming: Naming) -> None:
        from threading import Lock

        self._path = path
        self._naming = naming
        self._part: Part | None = None
        self._error: Exception | None = None
        self._lock = Lock()
        try:
            self.stream = self._open(path)
        except OSError as error:
            raise unwritable(f"--jit-log {path}", error) from error

    def _open(self, path: str) -> TextIO:
        import os
        import sys

        from jitvm.engine.host.part import Part, is_special

        if path == "-":
            if sys.stderr is None:
                raise Failure("--jit-log: standard error is closed; name a file")
            return sys.stderr
        if is_special(path):
            return open(path, "w", encoding="utf-8")
        self._part = Part(path)
        return os.fdopen(os.dup(self._part.descriptor), "w", encoding="utf-8")

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._error is not None:
                return
            try:
                print(event.line(self._name), file=self.stream, flush=True)
                self._put_in_place()
            except (OSError, ValueError) as error:
                self._error = error

    def _put_in_place(self) -> None:
        if self._part is not None:
            self._part.commit()
            self._part = None

    def close(self) -> None:
        """No more is written."""
        from contextlib import suppress

        with self._lock:
            if self._error is None:
                try:
                    self._put_in_place()
                except OSError as error:
                    self._error = error
            elif self._part is not None:
                self._part.discard()
            if self._path != "-":
                with suppress(OSError):
                    self.stream.close()

    def check(self) -> None:
        """Tell whether it is all there."""
        error = self._error
        if error is not None:
            why = error.strerror if isinstance(error, OSError) else str(error)
            state = "is not written" if self._part is not None else "is incomplete"
            raise Failure(f"--jit-log {self._path}: {state}: {why}", Exit.FAILURE)

    def _name(self, address: int) -> str:
        return f"{address:04x} {self._naming(address)}"
