"""``--jit-log FILE`` of ``jitvm run``: what the JIT does, one line an event, while it does it.

    arguments   configure(group)
    use         with JitLog(arguments.jit_log, computer.machine, program): run it
"""

from __future__ import annotations

from jitvm.cli.exits import Exit, Failure

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import _ArgumentGroup
    from contextlib import ExitStack
    from typing import TextIO

    from jitvm.engine.events import Event
    from jitvm.engine.machine import Machine
    from jitvm.engine.place import Naming
    from jitvm.guests.uxn.varvara.program import Program


def configure(group: _ArgumentGroup) -> None:
    """Declare the option."""
    group.add_argument(
        "--jit-log",
        metavar="FILE",
        help="write a line for everything the JIT does, to a file or (-) standard error",
    )


class JitLog:
    """A log for a ``with`` block; none where `path` is None, and then nothing is imported.

    Args:
        path: of the file; ``-`` for standard error.
        machine: whose JIT is listened to.
        program: whose labels stand for addresses.

    Raises:
        Failure: the file cannot be written.
    """

    def __init__(self, path: str | None, machine: Machine, program: Program) -> None:
        self._path = path
        self._machine = machine
        self._program = program
        self._stack: ExitStack | None = None

    def __enter__(self) -> None:
        if self._path is None:
            return
        from contextlib import ExitStack

        from jitvm.cli.sources import naming_for
        from jitvm.profiling.listening import listening

        naming = naming_for(self._program)
        self._stack = ExitStack()
        stream = _open(self._path)
        if self._path != "-":
            self._stack.enter_context(stream)
        self._stack.enter_context(listening(self._machine, _Writer(stream, naming)))

    def __exit__(self, *_error: object) -> None:
        if self._stack is not None:
            self._stack.close()


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
        raise Failure(
            f"--jit-log {path}: cannot be written: {error.strerror}; name another place",
            Exit.FAILURE,
        ) from error
