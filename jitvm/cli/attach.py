"""``--attach PID`` of ``jitvm top``, ``profile``, ``dashboard``: a run that another command began.

The other one is ``jitvm run --observable``. What is seen begins where it is attached to.
"""

from __future__ import annotations

from argparse import Namespace
from contextlib import contextmanager

from jitvm.cli.exits import Exit, Failure
from jitvm.cli.values import positive

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jitvm.cli.parser import Parser
    from jitvm.dashboard.attached import Attached
    from jitvm.dashboard.terminal import View

PAUSE = 0.1
"""Seconds between two looks whether the run has ended."""
OF_OWN_RUNS = ("program", "guest", "settings", "parameters", "sandbox", "input", "exact", "source")
"""Arguments of runs that the command begins itself."""


def configure(parser: Parser) -> None:
    """Declare --attach."""
    parser.add_argument(
        "--attach",
        metavar="PID",
        type=positive(int, "the number of a process"),
        help="run nothing; watch the `jitvm run --observable` of that number",
    )


def attach(arguments: Namespace, *others: str) -> Attached:
    """The run that --attach names.

    Args:
        arguments: of the command.
        others: options that are for its own runs alone, besides those of all commands.

    Raises:
        Failure: it cannot be watched, or options are not for that.
    """
    from jitvm.dashboard.attached import Attached
    from jitvm.dashboard.meeting import MeetingError

    for name in (*OF_OWN_RUNS, *others):
        if getattr(arguments, name, None) not in (None, False, []):
            what = "PROGRAM" if name == "program" else f"--{name.replace('_', '-')}"
            raise Failure(f"--attach runs nothing: leave {what} out")
    try:
        return Attached(arguments.attach)
    except MeetingError as error:
        raise Failure(f"--attach: {error}", Exit.FAILURE) from error


@contextmanager
def answering(run: Attached) -> Iterator[Attached]:
    """Have what the run refuses to tell be a failure of the command."""
    from jitvm.dashboard.meeting import MeetingError

    try:
        with run:
            yield run
    except MeetingError as error:
        raise Failure(f"--attach: {error}", Exit.FAILURE) from error


def watch(run: Attached, seconds: float | None, at_beat: Callable[[], None]) -> None:
    """Call a function again and again, until the run is over or the time is up."""
    from time import monotonic, sleep

    end = float("inf") if seconds is None else monotonic() + seconds
    while not run.is_over and (left := end - monotonic()) > 0:
        at_beat()
        sleep(min(PAUSE, max(left, 0.0)))


def summary(run: Attached, view: View | None) -> str:
    """What there is to say when the watching is over."""
    if view is None:
        return f"process {run.process}: nothing was executed while it was watched"
    if run.is_gone and not view.is_over:
        return f"{view.headline()}\nprocess {run.process} does not answer any more: it was ended"
    return view.headline()
