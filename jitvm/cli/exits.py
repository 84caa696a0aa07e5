"""Exit codes of the ``jitvm`` command, and the failure that carries one.

A program that runs to its end returns its own code, 0 to 127. The codes below follow shell
conventions: 123 for a run that failed, as in `xargs`, 124 for a timeout, as in `timeout`, and 128
plus the signal number for signals.
"""

from __future__ import annotations

from jitvm.guest.light import IntEnum


class Exit(IntEnum):
    """What ``jitvm`` itself ends with."""

    OK = 0
    FAILURE = 1
    """The host refused something: a full disk, no memory."""
    FOUND = 1
    """`fmt --check` and `lint` have found something."""
    USAGE = 2
    """The command line, a ROM or a source is wrong."""
    DIVERGED = 123
    """A replayed program behaved differently than when it was recorded."""
    TIME_LIMIT = 124
    INSTRUCTION_LIMIT = 125
    HUNG_UP = 129
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


class Failure(Exception):
    """An error in one line: what, where, what to do.

    Args:
        message: the line, without the ``jitvm: error:`` in front of it.
        code: what the command ends with.
    """

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(message)
        self.code = code


def interrupted(stop: KeyboardInterrupt) -> int:
    """The exit code of a run that was ended by Ctrl-C or another signal."""
    return 128 + getattr(stop, "number", Exit.INTERRUPTED - 128)


def unwritable(what: str, error: OSError) -> Failure:
    """The error for a file that cannot be written; `what` is its name, or option and name."""
    message = f"{what}: cannot be written: {error.strerror}; name another place"
    return Failure(message, Exit.FAILURE)


def exit_table() -> str:
    """The exit codes as lines for a help text."""
    return (
        "exit codes:\n"
        "  0-127  what the program set\n"
        f"  {Exit.FAILURE:<5}  also: the host refused something (full disk, no memory)\n"
        f"  {Exit.USAGE:<5}  also: wrong usage, bad ROM or bad source\n"
        f"  {Exit.DIVERGED:<5}  --replay: the program behaved differently\n"
        f"  {Exit.TIME_LIMIT:<5}  --time-limit reached\n"
        f"  {Exit.INSTRUCTION_LIMIT:<5}  --max-instructions reached\n"
        f"  {Exit.HUNG_UP:<5}  the terminal was closed (SIGHUP)\n"
        f"  {Exit.INTERRUPTED:<5}  Ctrl-C\n"
        f"  {Exit.BROKEN_PIPE:<5}  the reader of the output closed it\n"
        f"  {Exit.TERMINATED:<5}  ended from outside (SIGTERM)\n"
    )
