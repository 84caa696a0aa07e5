"""``jitvm dashboard``: run a program and watch, in a browser, what the JIT makes of it."""

from __future__ import annotations

from argparse import Namespace
from time import monotonic, sleep

from jitvm.cli import attach, options
from jitvm.cli.exits import Exit, Failure, interrupted, unwritable
from jitvm.cli.values import positive

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.cli.parser import Parser
    from jitvm.dashboard.computer import WatchedComputer
    from jitvm.dashboard.server import Server
    from jitvm.dashboard.session import Session
    from jitvm.dashboard.source import Source

DESCRIPTION = """\
Run a program and watch, in a browser, what the JIT makes of it: the share of native
code, regions and their exits, recordings and compiles, refusals with advice, every
region from guest code to assembly, memory, the program's own screen and console. It can
be paused, stepped and restarted, and the JIT's parameters changed while it runs.

The page is served on this machine only, to those who have the printed link.
"""

EXAMPLES = """\
examples:
  jitvm dashboard life.tal                       open the link it prints
  jitvm dashboard --browse paint.rom             have the browser opened
  jitvm dashboard --input notes.txt wc.tal       standard input from a file
  jitvm dashboard --paused -O hot=50 game.rom    look at it from its first instruction
  jitvm dashboard --debug game.tal               with breakpoints, steps, and back in time
  jitvm dashboard --save run.jsonl life.tal      keep the run ...
  jitvm dashboard --open run.jsonl               ... and look at it later, or elsewhere
  jitvm dashboard --attach 4711                  watch a `jitvm run --observable`
  jitvm dashboard --diff run.jsonl other.jsonl   where two runs spent their time
"""

LAST_NEWS = 0.5
"""Seconds in which pages hear that a run has ended."""
FEW = 1
PAUSE = 0.25
"""Seconds that are waited for at a time."""
MISSING = (
    "the dashboard needs starlette, uvicorn, websockets and plotly: "
    "`pip install 'jitvm[dashboard]'`"
)


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm dashboard``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("program", metavar="PROGRAM", nargs="?", help="its file")
    options.rest(parser)
    attach.configure(parser)
    options.guest(parser)
    parser.add_argument("--open", metavar="FILE", help="show a run that --save kept instead")
    parser.add_argument(
        "--diff",
        metavar=("BEFORE", "AFTER"),
        nargs=2,
        help="show two runs beside each other instead: of --save, or of `jitvm profile --json`",
    )
    parser.add_argument("--save", metavar="FILE", help="keep the run as JSON lines")
    parser.add_argument(
        "--input", metavar="FILE", help="its standard input (default: typed on the page)"
    )
    parser.add_argument(
        "--port",
        type=positive(int, "a port number", 65535),
        default=0,
        help="where to listen on 127.0.0.1 (default: a free one)",
    )
    parser.add_argument("--browse", action="store_true", help="open the page in the browser")
    parser.add_argument(
        "--debug",
        action="store_true",
        help="run it by the debugger, paused before its first instruction: breakpoints, steps, "
        "back in time; all instructions are counted",
    )
    parser.add_argument("--paused", action="store_true", help="wait for Start on the page")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="count all instructions: slows tight loops down by a third or so (default: count "
        "interpreted ones and estimate the native share; the page can change it)",
    )
    options.time_limit(parser, "stop, and stop serving, after so many seconds (default: at Ctrl-C)")
    options.files(parser)
    options.settings(parser)
    options.source(parser)


def execute(arguments: Namespace) -> int:
    """Run and serve until Ctrl-C; return the exit code."""
    sources = (arguments.program, arguments.open, arguments.diff, arguments.attach)
    if sum(source is not None for source in sources) != 1:
        raise Failure(
            "name a PROGRAM to run, a saved run with --open FILE, two with --diff, or a run of "
            "another command with --attach PID, and only one of these"
        )
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import websockets  # noqa: F401

        from jitvm.profiling.flame import charts_script
    except ImportError as error:
        raise Failure(MISSING, Exit.FAILURE) from error
    if charts_script() is None:
        raise Failure(MISSING, Exit.FAILURE)
    if arguments.attach is not None:
        return _show_another(arguments)
    if arguments.program is None:
        return _show_saved(arguments)
    return _show_live(arguments)


def _show_saved(arguments: Namespace) -> int:
    from jitvm.dashboard.compared import Comparison
    from jitvm.dashboard.saved import SavedError, SavedRun

    if arguments.save is not None:
        raise Failure("--save: a saved run is saved already")
    if arguments.debug:
        raise Failure("--debug: a saved run cannot be debugged; name the program")
    run: Source
    try:
        run = SavedRun(arguments.open) if arguments.diff is None else Comparison(*arguments.diff)
    except SavedError as error:
        raise Failure(str(error)) from error
    return _serve(arguments, run)


def _show_another(arguments: Namespace) -> int:
    """Serve the run of another command until it ends, and say how it stood."""
    with attach.answering(attach.attach(arguments, "save", "debug", "paused")) as run:
        last = run.view(FEW)

        def wait(seconds: float | None) -> None:
            attach.watch(run, seconds, beat)
            sleep(LAST_NEWS)

        def beat() -> None:
            nonlocal last
            last = run.view(FEW) or last

        code = _serve(arguments, run, wait)
        beat()
    print(attach.summary(run, last))
    return code


def _show_live(arguments: Namespace) -> int:
    from jitvm.dashboard.session import Session

    params = options.parameters(arguments.parameters)
    target = _target(arguments)
    session = Session(
        target,
        params,
        paused=arguments.paused or arguments.debug,
        counting=arguments.exact or arguments.debug,
    )
    if arguments.save is not None:
        return _show_and_save(arguments, session)
    with session:
        return _serve(arguments, session)


def _show_and_save(arguments: Namespace, session: Session) -> int:
    """Serve a run and keep it; the file takes the place of an old one when it is whole."""
    from jitvm.cli.outfile import Pending
    from jitvm.dashboard.saved import Saver
    from jitvm.engine.host.signals import ENDING

    pending = Pending(arguments.save)
    try:
        saver = Saver(pending.beside)
        saver.begin(session)
        session.sampler.after_beat = saver.after_beat
        with session:
            code = _serve(arguments, session)
        with ENDING.held():
            saver.close(session)
            if saver.trouble is not None:
                raise saver.trouble
            pending.commit()
    except OSError as error:
        raise unwritable(f"--save {arguments.save}", error) from error
    finally:
        pending.discard()
    return code


def _target(arguments: Namespace) -> WatchedComputer:
    from os.path import basename

    stdin = options.input_file(arguments.input)
    return options.watched(arguments, basename(arguments.program), stdin, debug=arguments.debug)


def _serve(
    arguments: Namespace, source: Source, wait: Callable[[float | None], None] | None = None
) -> int:
    """Serve until Ctrl-C or the time is up, or as long as somebody waits."""
    from jitvm.dashboard.server import Server

    try:
        server = Server(source, port=arguments.port)
    except OSError as error:
        message = f"--port {arguments.port}: cannot be listened on: {error.strerror}"
        raise Failure(f"{message}; take another") from error
    try:
        with server:
            _tell(arguments, server)
            (wait or _wait)(arguments.time_limit)
    except KeyboardInterrupt as stop:
        code = interrupted(stop)
        if code != Exit.INTERRUPTED:
            return code
        print()
    return Exit.OK


def _wait(seconds: float | None) -> None:
    """Wait until the time is up; the handler of a signal that comes just before a pause runs after
    it."""
    end = float("inf") if seconds is None else monotonic() + seconds
    while (left := end - monotonic()) > 0:
        sleep(min(left, PAUSE))


def _tell(arguments: Namespace, server: Server) -> None:
    print(f"{server.url}\nCtrl-C ends it", flush=True)
    if arguments.browse:
        import webbrowser

        webbrowser.open(server.url)
