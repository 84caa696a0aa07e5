"""From ``sys.argv`` to an exit code.

Only the file of the chosen command is imported. Every way to exit is handled here, in one place.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from io import TextIOWrapper

from jitvm.cli.commands import COMMANDS, find, whole_parser
from jitvm.cli.exits import Exit, Failure, interrupted
from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.notes import report_with
from jitvm.engine.host.signals import ENDING
from jitvm.prepared import PREPARED

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


LONGEST_LINE = 5000
"""Characters of an error: room for the longest path there is, and what is said about it."""


def program() -> NoReturn:
    """Run the command line and end the process.

    LLVM cannot be stopped in the middle, and must not run while the process is taken down. So
    where something is compiled or imported for it on another thread that is not waited for: what
    is worth keeping is written, and the process ends at once; a child may finish what it was doing.
    It ends at once as well if nobody would notice: Python takes a third as long to take everything
    apart as it did to start.
    """
    _fill_standard_descriptors()
    try:
        code = _signalled_main()
        ENDING.close()
    except KeyboardInterrupt as stop:  # it came between these two; no other one is raised
        code = interrupted(stop)
        ENDING.close()
    except Exception:  # a fault of ours; it ends the process no other way
        sys.excepthook(*sys.exc_info())
        code = Exit.FAILURE
        ENDING.close()
    if PREPARED.missing:
        from jitvm.preparing import prepare

        prepare()
    is_busy = BACKGROUND.close()
    if is_busy:
        BACKGROUND.abandon()
    unfinished = [] if ENDING.number else BACKGROUND.unfinished()  # what is ended is to end
    if unfinished:
        from jitvm.engine.host.apart import leave_to_child

        leave_to_child(code, unfinished, _put_away)
    if is_busy or unfinished:
        _put_away()
        os._exit(code)
    gc.freeze()  # nor does Python look through them while it ends
    if _is_watched():
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):  # these functions may have printed
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # nobody reads it any more, or it is closed
            continue
    os._exit(code)


def _is_watched() -> bool:
    """Whether somebody besides this command waits for the end of the program: a profiler or
    debugger that it runs under, an interactive Python, a thread."""
    return bool(
        sys.getprofile()
        or sys.gettrace()
        or sys.flags.interactive
        or sys.flags.inspect
        or "threading" in sys.modules
        or "cProfile" in sys.modules
    )


def _fill_standard_descriptors() -> None:
    """Substitute null streams for those that the process was started without.

    Otherwise the next file to be opened gets one of their numbers, and what native libraries, or
    Python at its end, write to standard error goes there.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free, so this one


def _put_away() -> None:
    """Save what is worth keeping: Python's own way down is not gone."""
    BACKGROUND.put_away()
    if sys.stderr is not None:
        sys.stderr.flush()
    ENDING.undo_all()  # what another thread was writing


def _signalled_main() -> int:
    """`main` of a process that is this command: signals end it, and it prints to any encoding."""
    try:
        ENDING.install()
        report_with(_remark)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return main()
    except KeyboardInterrupt as stop:
        return interrupted(stop)
    except Exception:
        if ENDING.number:  # C code makes other errors of what it is cut off by
            return 128 + ENDING.number
        raise


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. Prints errors, raises nothing."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            code = _dispatch(arguments)
        except SystemExit as stop:  # argparse, after --help
            code = stop.code if isinstance(stop.code, int) else Exit.OK
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except Failure as failure:
        _complain(str(failure))
        return failure.code
    except KeyboardInterrupt as stop:
        if _is_stdout_stuck():
            _abandon_stdout()
        return interrupted(stop)
    except BrokenPipeError:
        _abandon_stdout()
        return Exit.BROKEN_PIPE
    except OSError as error:
        from jitvm.cli.refused import refused

        _complain(refused(error, of_stdout=_is_stdout_stuck()))
        _abandon_stdout()
        return Exit.FAILURE
    except MemoryError:
        _complain("out of memory; close other programs or give this one more")
        return Exit.FAILURE


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    command = find(name)
    if command is None:
        return _without_command(name)
    return command.load().execute(command.parse(arguments[1:]))


def _without_command(name: str) -> int:
    if name in ("--version", "-V"):
        from jitvm.version import __version__

        print(f"jitvm {__version__}")
        return Exit.OK
    if name in ("--help", "-h", "help"):
        whole_parser().print_help()
        return Exit.OK
    from difflib import get_close_matches

    names = [command.name for command in COMMANDS]
    if name.startswith("-"):
        raise Failure(f"unknown option {name}; see `jitvm --help`")
    if name.endswith((".rom", ".tal")):
        raise Failure(f"unknown command {name}; to run a program: `jitvm run {name}`")
    close = get_close_matches(name, names, 1)
    hint = f"did you mean `jitvm {close[0]}`?" if close else f"choose from {', '.join(names)}"
    raise Failure(f"unknown command {name}; {hint}")


def _complain(message: str) -> None:
    """Print one line of error."""
    _print_line("error", message)


def _remark(message: str) -> None:
    """Print one line about what has to be done without."""
    _print_line("note", message)


def _print_line(kind: str, message: str) -> None:
    """Print a line of a kind, unless standard error is gone too."""
    if sys.stderr is None:
        return
    from jitvm.engine.tables.names import shown

    text = shown(message)
    if len(text) > LONGEST_LINE:  # as where it repeats what is in a file: the advice is at its end
        text = f"{text[: LONGEST_LINE - 300]} ... {text[-300:]}"
    try:
        print(f"jitvm: {kind}: {text}", file=sys.stderr, flush=True)
    except OSError:
        return


def _is_stdout_stuck() -> bool:
    """Whether standard output holds what it cannot get rid of: then it is what has failed."""
    if sys.stdout is None:
        return False
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return True
    return False


def _abandon_stdout() -> None:
    """Let Python's own flush at exit go nowhere: the output cannot be written any more."""
    if sys.stdout is None:
        return
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
    except (OSError, ValueError):
        return
