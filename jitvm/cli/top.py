"""``jitvm top``: run a program and watch in the terminal what the JIT makes of it."""

from __future__ import annotations

import sys
from argparse import Namespace

from jitvm.cli import attach, options
from jitvm.cli.exits import Exit, Failure, interrupted
from jitvm.cli.values import positive

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.cli.parser import Parser
    from jitvm.dashboard.computer import WatchedComputer
    from jitvm.dashboard.session import Session
    from jitvm.dashboard.terminal import View

DESCRIPTION = """\
Run a program and watch in the terminal what the JIT makes of it: the share of native
code, where the last second went, regions, the most frequent exits with advice, and the end
of the program's output. Ends with the program, or at Ctrl-C.

If standard output is not a terminal, every sample is printed below the previous one.
"""

EXAMPLES = """\
examples:
  jitvm top life.tal                       watch it
  jitvm top --exact --top 20 --input big.txt wc.tal
  jitvm top --attach 4711                  watch a `jitvm run --observable`
  jitvm top --json --interval 5 game.rom   a line of JSON every five seconds
"""

OUTPUT_LINES = 5


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm top``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("program", metavar="PROGRAM", nargs="?", help="its file, - for stdin")
    options.rest(parser)
    attach.configure(parser)
    options.guest(parser)
    parser.add_argument(
        "--input", metavar="FILE", help="its standard input, - for this command's (default: none)"
    )
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=positive(float, "a number of seconds"),
        default=1.0,
        help="time between samples (default: %(default)s)",
    )
    options.top(parser, default=8)
    parser.add_argument(
        "--exact",
        action="store_true",
        help="count all instructions: slows tight loops down by a third or so (default: count "
        "interpreted ones and estimate the native share)",
    )
    parser.add_argument("--json", action="store_true", help="every sample as a line of JSON")
    options.time_limit(parser)
    options.files(parser)
    options.settings(parser)
    options.source(parser)


def execute(arguments: Namespace) -> int:
    """Run and show until the program ends, the time is up or Ctrl-C; return the exit code."""
    if arguments.attach is not None:
        return _watch_another(arguments)
    if arguments.program is None:
        raise Failure("name a PROGRAM to run, or a run to watch with --attach PID")
    from jitvm.dashboard.session import Session
    from jitvm.dashboard.terminal import look

    session = Session(
        _target(arguments), options.parameters(arguments.parameters), counting=arguments.exact
    )
    session.sampler.viewers += 1
    last: View | None = None
    code: int = Exit.OK
    with _screen(arguments) as show:
        try:
            with session:
                _watch(session, arguments, show)
        except KeyboardInterrupt as stop:
            number = interrupted(stop)
            code = Exit.OK if number == Exit.INTERRUPTED else number
        last = look(session, arguments.top)
        if last is not None:
            show(last)
    if session.runner.trouble:
        raise Failure(session.runner.trouble, Exit.FAILURE)
    return code


def _watch_another(arguments: Namespace) -> int:
    """Show the run of another command, until it ends, the time is up or Ctrl-C."""
    from time import monotonic

    code: int = Exit.OK
    due = monotonic()
    last: View | None = None
    with attach.answering(attach.attach(arguments)) as run, _screen(arguments) as show:

        def beat() -> None:
            nonlocal due, last
            if monotonic() >= due:
                view = run.view(arguments.top)
                if view is not None:
                    last = view
                    show(view)
                due = monotonic() + arguments.interval
            else:
                run.look()

        try:
            attach.watch(run, arguments.time_limit, beat)
        except KeyboardInterrupt as stop:
            number = interrupted(stop)
            code = Exit.OK if number == Exit.INTERRUPTED else number
        view = run.view(arguments.top)
        if view is not None:
            last = view
            show(view)
    if not arguments.json or last is None:
        print(attach.summary(run, last), file=sys.stderr)
    return code


def _target(arguments: Namespace) -> WatchedComputer:
    stdin = options.input_file(arguments.input) or b""
    return options.watched(arguments, arguments.program, stdin)


def _watch(session: Session, arguments: Namespace, show: Callable[[View], None]) -> None:
    """Show it at every interval, until it is over or the time is up."""
    from time import monotonic, sleep

    from jitvm.dashboard.runner import OVER
    from jitvm.dashboard.terminal import look

    begin = monotonic()
    end = float("inf") if arguments.time_limit is None else begin + arguments.time_limit
    due = begin + arguments.interval
    while (now := monotonic()) < end:
        view = look(session, arguments.top)
        if session.runner.activity in OVER and (view is None or view.is_over):
            return
        if view is not None and now >= due:
            show(view)
            due += arguments.interval
        sleep(min(0.05, max(end - now, 0.0)))


class _Lines:
    """Prints every look below the one before, as text or as JSON."""

    def __init__(self, *, json: bool) -> None:
        self._json = json

    def __enter__(self) -> Callable[[View], None]:
        return self._show

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""

    def _show(self, view: View) -> None:
        if self._json:
            from json import dumps

            print(dumps(view.row()), flush=True)
            return
        from jitvm.profiling.text import plain_table

        lines = [view.headline()]
        for table in view.tables():
            lines += ["", *plain_table(table)]
        lines += ["", *_output(view)]
        print("\n".join(lines), end="\n\n", flush=True)


class _Live:
    """Draws every sample in place of the previous one; needs rich."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Callable[[View], None]:
        self._live.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _show(self, view: View) -> None:
        from rich.console import Group
        from rich.text import Text

        from jitvm.profiling.richtext import rich_table

        tables = [part for table in view.tables() for part in (Text(), rich_table(table))]
        output = Text("\n".join(_output(view)), style="dim")
        headline = Text(view.headline(), style="bold")
        self._live.update(Group(headline, *tables, Text(), output), refresh=True)


def _output(view: View) -> list[str]:
    """The last lines the program wrote, without what would move a terminal's cursor."""
    lines = view.output.splitlines()[-OUTPUT_LINES:]
    return ["".join(c if c.isprintable() else " " for c in line) for line in lines]


def _screen(arguments: Namespace) -> _Lines | _Live:
    """Where looks go."""
    from jitvm.profiling.text import draws

    if arguments.json or not draws(sys.stdout):
        return _Lines(json=arguments.json)
    try:
        return _Live()
    except ImportError:
        return _Lines(json=False)
