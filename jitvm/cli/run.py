"""``jitvm run``: run a program, with a screen or on the console.

Which of the two it is becomes known after its reset vector. Console programs run as in the
reference console emulator; for programs with a screen see `graphics` (options) and `show`.
"""

from __future__ import annotations

import errno
import sys
from time import monotonic, perf_counter

from jitvm.cli import graphics, options
from jitvm.cli.exits import Exit, Failure, exit_table
from jitvm.engine.machine.machine import Tier

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace, _ArgumentGroup
    from typing import BinaryIO, TextIO

    from jitvm.cli.jitlog import Told
    from jitvm.cli.options import Loaded
    from jitvm.cli.parser import Parser
    from jitvm.cli.states import States
    from jitvm.dashboard.observed import Observed
    from jitvm.platform.computer import Computer
    from jitvm.platform.evaluator import Ending
    from jitvm.platform.output import Closed, Stream
    from jitvm.platform.tools import Session

DESCRIPTION = """\
Run a program: a Uxn ROM or source, or a program of another guest (see --guest and
`jitvm guests`); - is standard input.

Everything after PROGRAM is passed to the program, including options. The program reads
and writes this terminal, and files in the current folder only (see --sandbox). If it
has a screen, it opens a window; see --terminal and --headless.
"""

EXAMPLES = """\
examples:
  jitvm run hello.tal                         assemble and run
  jitvm run wc.rom < notes.txt                give it input
  jitvm run --sandbox out edit.rom -n a.txt   give it a folder, and arguments
  jitvm run --max-instructions 1000000 --stats fib.rom
  jitvm run game.rom                          open a window
  jitvm run --terminal game.rom               show the screen in the terminal
  jitvm run --time-limit 60 --save-state later long.rom
  jitvm run --load-state later long.rom       go on with it
  jitvm run --headless --frames 60 --screenshot a.png game.rom
  jitvm run --headless --frames 600 --record a.gif --record a.wav game.rom
  curl -s https://example.org/x.rom | jitvm run --no-files -

"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm run``."""
    parser.description = DESCRIPTION
    parser.late_epilog = _epilog
    options.program(parser)
    options.guest(parser)
    speed = parser.add_argument_group("what executes the program")
    options.tier(speed)
    options.settings(speed)
    limits = parser.add_argument_group("limits")
    options.max_instructions(limits, ", all vectors together")
    options.time_limit(limits)
    world = parser.add_argument_group("the program's world")
    options.files(world)
    options.clock(world)
    options.source(world)
    _configure_states(world)
    graphics.configure(parser)
    report = parser.add_argument_group("report")
    report.add_argument(
        "--stats",
        action="store_true",
        help="count instructions (slower) and show a table on stderr",
    )
    report.add_argument("--json", action="store_true", help="the same as one JSON object on stderr")
    _configure_listeners(report)
    report.add_argument(
        "--observable",
        action="store_true",
        help="let `jitvm top`, `profile` and `dashboard --attach PID` watch the run",
    )


def _configure_states(group: _ArgumentGroup) -> None:
    """--save-state and --load-state; see `states`."""
    group.add_argument(
        "--save-state",
        metavar="FILE",
        help="write its state when the run ends, also by a limit or a signal, and at a key",
    )
    group.add_argument("--load-state", metavar="FILE", help="go on from a state that was saved")


def _configure_listeners(group: _ArgumentGroup) -> None:
    """--jit-log and --gdb; see `jitlog`, which is not imported where nobody asks for it."""
    group.add_argument(
        "--jit-log",
        metavar="FILE",
        help="write a line for everything the JIT does, to a file or (-) standard error",
    )
    group.add_argument(
        "--gdb", action="store_true", help="name native code for GDB: `gdb --args jitvm run --gdb`"
    )


def _epilog() -> str:
    from jitvm.terminal.keyboard import KEYS_HELP as TERMINAL_KEYS
    from jitvm.window import KEYS_HELP as WINDOW_KEYS

    return f"{EXAMPLES}{exit_table()}\n{WINDOW_KEYS}\n{TERMINAL_KEYS}"


def execute(arguments: Namespace) -> int:
    """Run the program; return its exit code or the limit's."""
    from jitvm.platform.evaluator import Ending
    from jitvm.platform.output import OutputError

    graphics.check(arguments)
    arguments.held = []
    loaded = options.load(arguments)
    session = _session(arguments, loaded)
    computer = _computer(arguments, loaded)
    counts = arguments.stats or arguments.json
    computer.machine.counting = counts
    if arguments.jit_log is None and not arguments.gdb:
        computer.machine.defer_jit()
    begin = perf_counter()
    stdin = options.stdin(arguments)
    try:
        with (
            _told(arguments, computer, loaded),
            _observed(arguments, computer, loaded),
            _slot(arguments, computer, stdin) as slot,
        ):
            if graphics.wants_frames(arguments):
                limits = arguments.max_instructions, arguments.time_limit
                ending = _show(arguments, loaded, computer, session, stdin, slot, *limits)
            else:
                ending = _run(arguments, loaded, computer, stdin, slot)
        seconds = perf_counter() - begin
        if counts:
            from jitvm.cli.report import report

            report(arguments, computer, ending, seconds)
    except OutputError as error:
        if error.errno != errno.EPIPE:
            raise
        return Exit.BROKEN_PIPE
    except RuntimeError as error:
        if not _is_of_native_code(error):
            raise
        raise Failure(str(error), Exit.FAILURE) from error
    return {
        Ending.EXIT: computer.exit_code,
        Ending.FRAMES: computer.exit_code,
        Ending.TIME: int(Exit.TIME_LIMIT),
        Ending.INSTRUCTIONS: int(Exit.INSTRUCTION_LIMIT),
    }[ending]


class _Nobody:
    """Listens to nothing for a ``with`` block."""

    def __enter__(self) -> None:
        return

    def __exit__(self, *_error: object) -> None:
        return


def _told(arguments: Namespace, computer: Computer, loaded: Loaded) -> Told | _Nobody:
    """The listeners for the JIT's events."""
    if arguments.jit_log is None and not arguments.gdb:
        return _Nobody()
    from jitvm.cli.jitlog import Told

    naming = options.naming(loaded.program)
    return Told(computer.machine, naming, log=arguments.jit_log, gdb=arguments.gdb)


def _slot(arguments: Namespace, computer: Computer, stdin: BinaryIO | None) -> States | _Nobody:
    """What loads and saves its state, if anything does."""
    if arguments.save_state is None and arguments.load_state is None:
        return _Nobody()
    from jitvm.cli.states import States

    return States(arguments, computer, stdin)


def _observed(arguments: Namespace, computer: Computer, loaded: Loaded) -> Observed | _Nobody:
    """Those who may watch it from other processes."""
    if not arguments.observable:
        return _Nobody()
    from jitvm.dashboard.meeting import MeetingError
    from jitvm.dashboard.observed import Observed

    if computer.machine.tier is Tier.REFERENCE:
        raise Failure("--observable watches native code; choose another --tier")
    params = options.parameters(arguments.parameters)
    try:
        return Observed(computer.machine, loaded.platform, loaded.program, params)
    except MeetingError as error:
        message = f"--observable: there is no place to be watched at: {error}"
        raise Failure(message, Exit.FAILURE) from error


def _run(
    arguments: Namespace,
    loaded: Loaded,
    computer: Computer,
    stdin: BinaryIO | None,
    slot: States | None,
) -> Ending:
    """Find out by the reset vector which kind of program it is, and run it as that."""
    from jitvm.platform.evaluator import Ending, LimitReached

    instructions, seconds = arguments.max_instructions, arguments.time_limit
    before, begin = computer.machine.executed, monotonic()
    with computer.limited(max_instructions=instructions, time_limit=seconds):
        try:
            _boot(computer, slot)
        except LimitReached as reached:
            if reached.ending is Ending.INSTRUCTIONS:
                computer.output.flush()
            if slot is not None:
                slot.end()
            computer.close()
            return reached.ending
        if not computer.is_graphical:
            if slot is None:
                return computer.run_console(stdin)
            return computer.run_console(stdin, on_end=slot.end)
    if instructions is not None:
        instructions -= computer.machine.executed - before
        if not instructions:
            if slot is not None:
                slot.end()
            return Ending.INSTRUCTIONS
    if seconds is not None:
        seconds = max(seconds - (monotonic() - begin), 0.001)
    return _show(arguments, loaded, computer, None, stdin, slot, instructions, seconds)


def _boot(computer: Computer, slot: States | None) -> None:
    """Run what comes before input and frames.

    Raises:
        LimitReached: a limit was reached.
        KeyboardInterrupt: a signal has come; the state is saved.
    """
    try:
        computer.boot()
    except KeyboardInterrupt:
        if slot is not None:
            slot.end()
        raise


def _show(
    arguments: Namespace,
    loaded: Loaded,
    computer: Computer,
    session: Session | None,
    stdin: BinaryIO | None,
    slot: States | None,
    max_instructions: int | None,
    time_limit: float | None,
) -> Ending:
    from jitvm.cli.show import Show

    try:
        show = Show(arguments, loaded, computer, session, stdin, slot)
        return show.run(max_instructions, time_limit)
    finally:
        for stream in arguments.held:
            stream.release()


def _is_of_native_code(error: RuntimeError) -> bool:
    """Whether it reports, in a line for users, that a device's native code could not be built."""
    kinds = {
        ("jitvm.platform.sound", "AudioError"),
        ("jitvm.engine.codegen.native", "NativeError"),
    }
    # By name: another thread may be importing these modules, and nobody else need.
    return any((kind.__module__, kind.__name__) in kinds for kind in type(error).__mro__)


# -- setting up ----------------------------------------------------------------------------------


def _computer(arguments: Namespace, loaded: Loaded) -> Computer:
    return options.computer(
        arguments,
        loaded,
        args=arguments.arguments,
        tier=Tier(arguments.tier),
        params=options.parameters(arguments.parameters),
        stdout=_stream(sys.stdout, arguments),
        stderr=_stream(sys.stderr, arguments),
    )


def _session(arguments: Namespace, loaded: Loaded) -> Session | None:
    """What is replayed; it brings the program's arguments, too, unless some are given."""
    if arguments.replay is None:
        return None
    from jitvm.cli.sessions import load_session

    session = load_session(arguments.replay, loaded.platform)
    arguments.arguments = arguments.arguments or list(session.args)
    return session


def _stream(stream: TextIO | None, arguments: Namespace) -> Stream | Closed:
    """Where the program's output goes; held back while its screen is on the same terminal."""
    if stream is None:
        from jitvm.platform.output import CLOSED

        return CLOSED
    if arguments.terminal and stream.isatty():
        from jitvm.terminal.held import Held

        held = Held(stream.buffer)
        arguments.held.append(held)
        return held
    return stream.buffer
