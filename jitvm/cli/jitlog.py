"""``--jit-log FILE`` and ``--gdb`` of ``jitvm run``: who is told what the JIT does.

    arguments   configure(group)
    use         with Told(computer.machine, program, log=..., gdb=...): run it
"""

from __future__ import annotations

from jitvm.cli.exits import Exit, Failure, unwritable

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import _ArgumentGroup
    from contextlib import ExitStack
    from typing import TextIO

    from jitvm.engine.events import Event
    from jitvm.engine.machine import Machine
    from jitvm.engine.place import Naming
    from jitvm.guests.uxn.varvara.program import Program
    from jitvm.profiling.gdb import GdbObjects


def configure(group: _ArgumentGroup) -> None:
    """Declare the options."""
    group.add_argument(
        "--jit-log",
        metavar="FILE",
        help="write a line for everything the JIT does, to a file or (-) standard error",
    )
    group.add_argument(
        "--gdb", action="store_true", help="name native code for GDB: `gdb --args jitvm run --gdb`"
    )


class Told:
    """Tells a log and debuggers for a ``with`` block; where nobody asks, nothing is imported.

    Args:
        machine: whose JIT is listened to.
        program: whose labels stand for addresses.
        log: path of a log; ``-`` for standard error.
        gdb: whether to tell debuggers.

    Raises:
        Failure: the log cannot be written, or there is no interface for debuggers here.
    """

    def __init__(
        self, machine: Machine, program: Program, *, log: str | None = None, gdb: bool = False
    ) -> None:
        self._path = log
        self._gdb = gdb
        self._machine = machine
        self._program = program
        self._stack: ExitStack | None = None

    def __enter__(self) -> None:
        if self._path is None and not self._gdb:
            return
        from contextlib import ExitStack

        from jitvm.cli.sources import naming_for

        naming = naming_for(self._program)
        self._stack = ExitStack()
        if self._path is not None:
            self._begin_log(self._stack, self._path, naming)
        if self._gdb:
            from jitvm.profiling.functions import announced

            self._stack.enter_context(announced(self._machine, gdb_objects(), naming))

    def _begin_log(self, stack: ExitStack, path: str, naming: Naming) -> None:
        from jitvm.profiling.listening import listening

        stream = _open(path)
        if path != "-":
            stack.enter_context(stream)
        stack.enter_context(listening(self._machine, _Writer(stream, naming)))

    def __exit__(self, *_error: object) -> None:
        if self._stack is not None:
            self._stack.close()


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


class _Writer:
    """Writes events to a stream; what cannot be written any more is dropped."""

    def __init__(self, stream: TextIO, naming: Naming) -> None:
        self._stream = stream
        self._naming = naming

    def __call__(self, event: Event) -> None:
        from contextlib import suppress

        with suppress(OSError, ValueError):
            print(event.line(self._name), file=self._stream, flush=True)

    def _name(self, address: int) -> str:
        return f"{address:04x} {self._naming(address)}"


def _open(path: str) -> TextIO:
    import sys

    if path == "-":
        if sys.stderr is None:
            raise Failure("--jit-log: standard error is closed; name a file")
        return sys.stderr
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        raise unwritable(f"--jit-log {path}", error) from error
