"""``jitvm profile``: where a program's time and instructions go, and what the JIT made of it."""

from __future__ import annotations

import sys
from argparse import Namespace

from jitvm.cli import attach, options
from jitvm.cli.exits import Exit, Failure, interrupted, unwritable
from jitvm.cli.headless import FRAMES
from jitvm.cli.values import positive
from jitvm.engine.machine.machine import Tier

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from contextlib import ExitStack
    from typing import BinaryIO

    from jitvm.cli.options import Loaded
    from jitvm.cli.parser import Parser
    from jitvm.dashboard.attached import Attached
    from jitvm.dashboard.meeting import Message
    from jitvm.dashboard.terminal import View
    from jitvm.engine.tables.place import Naming
    from jitvm.platform.computer import Computer
    from jitvm.platform.evaluator import Ending
    from jitvm.profiling import Mode, Profile
    from jitvm.profiling.functions import Book

FORMATS = ("chrome-trace", "speedscope", "collapsed", "jsonl", "openmetrics")
SECONDS_PER_LOOK = 0.2
PATIENCE = 1.0
"""Seconds before there is progress to see."""

DESCRIPTION = """\
Run a program and show how much of it was native, where its time and instructions
went, what the JIT made of it, and why the rest is not native.

Everything after PROGRAM is passed to the program. Its output is dropped (see --output);
standard input is read as in `jitvm run`. A program with a screen runs its frames as fast
as possible, without a window. Without --exact everything is sampled, which costs a few
percent; sampled and estimated numbers are marked as such. Ctrl-C ends the program and
prints the profile so far.
"""

EXAMPLES = """\
examples:
  jitvm profile life.tal                         a summary in the terminal
  jitvm profile --exact wc.rom < notes.txt       count every instruction
  jitvm profile --report life.html life.tal      a page that needs no network
  jitvm profile --format speedscope -o life.speedscope.json life.tal
  jitvm profile --flame life.html life.tal       a flame graph of its call stacks
  jitvm profile --format collapsed -o life.folded life.tal
  jitvm profile --json life.tal > a.json         save a profile, and ...
  jitvm profile --diff a.json b.json             ... compare it to another one
  jitvm profile --attach 4711 --time-limit 10    sample a `jitvm run --observable`
  jitvm profile --frames 600 --input play.txt game.rom
  perf record -k 1 jitvm profile --jitdump . life.tal
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm profile``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("program", metavar="PROGRAM", nargs="?", help="its file, - for stdin")
    options.rest(parser)
    attach.configure(parser)
    options.guest(parser)
    _configure_run(parser)
    how = parser.add_argument_group("what is counted").add_mutually_exclusive_group()
    how.add_argument(
        "--exact",
        action="store_true",
        help="count every instruction, by tier and region; slower",
    )
    how.add_argument(
        "--opcodes",
        action="store_true",
        help="count every instruction by opcode; nothing is native then",
    )
    shown = parser.add_argument_group("what is shown")
    options.top(shown, default=10)
    shown.add_argument("--json", action="store_true", help="everything as one JSON object")
    shown.add_argument("--report", metavar="FILE", help="write a page of HTML as well")
    shown.add_argument(
        "--flame", metavar="FILE", help="write a page with a flame graph of call stacks as well"
    )
    shown.add_argument(
        "--diff",
        metavar=("BEFORE", "AFTER"),
        nargs=2,
        help="run nothing; compare two profiles that --json has written",
    )
    shown.add_argument("--format", choices=FORMATS, help="write it in a format of other tools")
    shown.add_argument(
        "-o", "--out", metavar="FILE", help="where --format goes (default: standard output)"
    )
    perf = parser.add_argument_group("for Linux perf and debuggers")
    perf.add_argument(
        "--perf-map",
        action="store_true",
        help="name native code in /tmp/perf-PID.map, where `perf report` looks it up",
    )
    perf.add_argument(
        "--jitdump", metavar="DIR", help="write jit-PID.dump there, for `perf inject --jit`"
    )
    perf.add_argument("--gdb", action="store_true", help="name native code for GDB")


def _configure_run(parser: Parser) -> None:
    run = parser.add_argument_group("the run")
    options.tier(run)
    options.settings(run)
    options.time_limit(run)
    options.max_instructions(run, "; with --exact or --opcodes")
    run.add_argument(
        "--frames",
        metavar="N",
        type=positive(int, "a number of frames"),
        help=f"run so many frames of a program with a screen (default: {FRAMES})",
    )
    run.add_argument(
        "--headless", action="store_true", help="as for `jitvm run`: no window; it never opens one"
    )
    run.add_argument("--input", metavar="FILE", help="a script of its user's input")
    run.add_argument("--output", metavar="FILE", help="where the program's output goes")
    options.files(run)
    options.clock(run)
    options.source(run)


def execute(arguments: Namespace) -> int:
    """Run the program and print; return the exit code."""
    from contextlib import ExitStack

    from jitvm.engine.host.signals import ENDING
    from jitvm.profiling import Profile

    if arguments.diff is not None:
        return _compare(arguments)
    if arguments.attach is not None:
        return _profile_another(arguments)
    _check(arguments)
    loaded = options.load(arguments)
    naming = options.naming(loaded.program)
    code: int = Exit.OK
    with ExitStack() as stack, ENDING.held() as hold:
        computer = _computer(arguments, loaded, stack)
        _name_native_code(arguments, computer, naming, stack)
        profile = Profile(
            computer.machine, mode=_mode(arguments), naming=naming, title=loaded.program.name
        )
        with profile, _Progress(profile):
            try:
                hold.release()
                _run(arguments, computer)
            except KeyboardInterrupt as stop:  # what was seen until then is worth telling
                code = interrupted(stop)
    _tell(arguments, profile)
    return code


def _check(arguments: Namespace) -> None:
    if arguments.program is None:
        raise Failure("the following arguments are required: PROGRAM; see `jitvm profile --help`")
    if arguments.flame is not None:
        _charts_script()  # before the run, not after it
    if arguments.out is not None and arguments.format is None:
        raise Failure("-o says where --format goes; name a format, or use --report FILE")
    if arguments.format is not None and arguments.json:
        raise Failure("--json is a format of its own; leave --format out, or --json")
    if arguments.max_instructions is not None and not (arguments.exact or arguments.opcodes):
        raise Failure(
            "--max-instructions counts every instruction, which sampling does not; "
            "add --exact, or use --time-limit"
        )


def _mode(arguments: Namespace) -> Mode:
    from jitvm.profiling import Mode

    if arguments.exact:
        return Mode.EXACT
    return Mode.OPCODES if arguments.opcodes else Mode.SAMPLED


# -- the run -------------------------------------------------------------------------------------


def _computer(arguments: Namespace, loaded: Loaded, stack: ExitStack) -> Computer:
    from os import devnull

    output = stack.enter_context(_output(arguments.output or devnull))
    return options.computer(
        arguments,
        loaded,
        args=arguments.arguments,
        tier=Tier(arguments.tier),
        params=options.parameters(arguments.parameters),
        stdout=output,
        stderr=output,
    )


def _output(path: str) -> BinaryIO:
    try:
        return open(path, "wb")
    except OSError as error:
        raise unwritable(f"--output {path}", error) from error


def _name_native_code(
    arguments: Namespace, computer: Computer, naming: Naming, stack: ExitStack
) -> None:
    from jitvm.cli.jitlog import gdb_objects
    from jitvm.profiling.functions import announced
    from jitvm.profiling.perf import JitDump, PerfMap

    books: list[Book] = []
    try:
        if arguments.perf_map:
            books.append(PerfMap())
        if arguments.jitdump is not None:
            books.append(JitDump(arguments.jitdump))
    except OSError as error:
        raise unwritable(f"{error.filename}", error) from error
    if arguments.gdb:
        books.append(gdb_objects())
    for book in books:
        stack.enter_context(announced(computer.machine, book, naming))


def _run(arguments: Namespace, computer: Computer) -> Ending:
    """Run it as what it is, with whatever limits there are."""
    from jitvm.cli.headless import run
    from jitvm.platform.evaluator import LimitReached

    script, stdin = options.script(arguments.input), options.stdin(arguments)
    limits = computer.limited(
        max_instructions=arguments.max_instructions, time_limit=arguments.time_limit
    )
    with limits:
        try:
            computer.boot()
            if computer.is_graphical or arguments.frames:
                return run(computer, arguments.frames or FRAMES, script, stdin)
            return computer.run_console(stdin)
        except LimitReached as reached:
            return reached.ending
        finally:
            computer.close()


class _Progress:
    """How long it has been running, on a terminal's standard error, for a ``with`` block."""

    def __init__(self, profile: Profile) -> None:
        from threading import Event

        self._profile = profile
        self._ended = Event()
        self._is_watched = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> None:
        if self._is_watched:
            from threading import Thread

            Thread(target=self._show, name="jitvm-progress", daemon=True).start()

    def __exit__(self, *_error: object) -> None:
        self._ended.set()

    def _show(self) -> None:
        pause = PATIENCE
        while not self._ended.wait(pause):
            pause = SECONDS_PER_LOOK
            share = self._profile.native_share
            native = "" if share is None else f", {100 * share:.1f}% native"
            line = f"\r\x1b[K{self._profile.seconds:.1f} s{native}"
            print(line, end="", file=sys.stderr, flush=True)
        if pause == SECONDS_PER_LOOK:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


# -- what came of it -----------------------------------------------------------------------------


def _tell(arguments: Namespace, profile: Profile) -> None:
    """Write the files, and print what was asked for."""
    from jitvm.cli.outfile import write_files
    from jitvm.engine.host.signals import ENDING

    with ENDING.held():
        files: dict[str, bytes] = {}
        if arguments.report is not None:
            from jitvm.profiling.report import report

            files[arguments.report] = report(profile).encode()
        if arguments.flame is not None:
            from jitvm.profiling.flame import flame_page

            page = flame_page(profile.title or "guest", profile.stacks, _charts_script())
            files[arguments.flame] = page.encode()
        text = _text(arguments, profile)
        is_printed = arguments.format is None or arguments.out is None
        if not is_printed:
            files[arguments.out] = text.encode()
        write_files(files)
    if is_printed:
        print(text, end="")


def _text(arguments: Namespace, profile: Profile) -> str:
    if arguments.format is not None:
        from jitvm.profiling.export import FORMATS

        return FORMATS[arguments.format](profile)
    if arguments.json:
        from json import dumps

        return dumps(profile.as_dict(), indent=2) + "\n"
    from jitvm.profiling.text import text

    return text(profile, sys.stdout, arguments.top)


def _charts_script() -> str:
    """The script that draws flame graphs."""
    from jitvm.profiling.flame import charts_script

    path = charts_script()
    if path is None:
        raise Failure("--flame needs plotly: `pip install plotly`", Exit.FAILURE)
    return path.read_text("utf-8")


# -- a run of another command --------------------------------------------------------------------


def _profile_another(arguments: Namespace) -> int:
    """Sample a run until it ends, the time is up or Ctrl-C, and print."""
    if arguments.flame is not None:
        _charts_script()
    code: int = Exit.OK
    others = (
        "opcodes",
        "report",
        "format",
        "out",
        "perf_map",
        "jitdump",
        "gdb",
        "frames",
        "output",
    )
    with attach.answering(attach.attach(arguments, *others)) as run:
        last = run.view(arguments.top), run.stacks()

        def beat() -> None:
            nonlocal last
            last = run.view(arguments.top) or last[0], run.stacks() or last[1]

        try:
            attach.watch(run, arguments.time_limit, beat)
        except KeyboardInterrupt as stop:
            number = interrupted(stop)
            code = Exit.OK if number == Exit.INTERRUPTED else number
        beat()
    _tell_of_another(arguments, run, *last)
    return code


def _tell_of_another(
    arguments: Namespace, run: Attached, view: View | None, stacks: Message | None
) -> None:
    from jitvm.profiling.rows import StackRow

    if view is None or stacks is None:
        raise Failure(attach.summary(run, view), Exit.FAILURE)
    rows = [StackRow(tuple(r["frames"]), r["seconds"], r["share"]) for r in stacks["stacks"]]
    if arguments.flame is not None:
        from jitvm.cli.outfile import write_files
        from jitvm.profiling.flame import flame_page

        page = flame_page(stacks["title"], rows, _charts_script())
        write_files({arguments.flame: page.encode()})
    if arguments.json:
        from json import dumps

        print(dumps({**stacks, **view.row()}, indent=2))
        return
    from jitvm.profiling.summary import routines_table
    from jitvm.profiling.text import plain_table

    print(attach.summary(run, view))
    for table in (routines_table(rows, arguments.top), *view.tables()):
        if table.rows:
            print("", *plain_table(table), sep="\n")


# -- two profiles --------------------------------------------------------------------------------


def _compare(arguments: Namespace) -> int:
    """Print how two saved profiles differ."""
    from jitvm.profiling import difference

    for name in ("format", "report", "out"):
        if getattr(arguments, name) is not None:
            raise Failure(f"--{name} is of a run; --diff takes --json, --flame and --top")
    if arguments.program is not None:
        raise Failure("--diff runs nothing: leave the program out")
    try:
        before, after = (difference.load(path) for path in arguments.diff)
    except difference.SavedProfileError as error:
        raise Failure(str(error), Exit.FAILURE) from error
    if arguments.flame is not None:
        from jitvm.cli.outfile import write_files
        from jitvm.profiling.flame import difference_page

        title = f"{before.title} and {after.title}"
        page = difference_page(title, before.stacks, after.stacks, _charts_script())
        write_files({arguments.flame: page.encode()})
    if arguments.json:
        from json import dumps

        print(dumps(difference.as_dict(before, after), indent=2))
        return Exit.OK
    from jitvm.profiling.text import plain_table

    print("\n".join(plain_table(difference.table(before, after, arguments.top))))
    return Exit.OK
