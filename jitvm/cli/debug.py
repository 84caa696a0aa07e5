"""``jitvm debug``: stop a program anywhere, look at it, step through it, and go back in time.

Commands are typed, piped in, or read from files; with --dap an editor gives them.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from contextlib import suppress

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure, interrupted
from jitvm.cli.values import positive
from jitvm.engine.machine.machine import Tier

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jitvm.cli.parser import Parser
    from jitvm.debugger.commands import Commands, Reply
    from jitvm.debugger.debugger import Debugger
    from jitvm.platform.language import Analysis

    Write = Callable[[bytes, bool], object]
    Log = Callable[[str], object]

DESCRIPTION = """\
Debug a program: stop at places, opcodes, memory and ports, step, look at and change its
state, and go back in time. Compiled code goes on at its speed everywhere else.

Commands are read from standard input, like GDB's; `help` lists them. With --tui, source,
stacks, memory and screen fill the terminal, and keys give them. With --dap, an editor
that speaks the Debug Adapter Protocol gives them, on standard input and output.
"""

EXAMPLES = """\
examples:
  jitvm debug game.tal
  jitvm debug --tui game.tal
  jitvm debug -e 'break main' -e continue -e backtrace hello.tal
  jitvm debug --command setup.txt --input notes.txt wc.rom
  echo 'wwatch [0x10]' | jitvm debug --json life.tal
  jitvm debug --dap                      for an editor
"""

PROMPT = "(jitvm) "
NO_TEXTUAL = "the debugger's screen needs Textual: `pip install 'jitvm[tui]'`"


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm debug``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("program", metavar="PROGRAM", nargs="?", help="its file")
    options.rest(parser)
    options.guest(parser)
    options.tier(parser)
    options.settings(parser)
    parser.add_argument(
        "--input", metavar="FILE", help="its standard input (default: by the command `input`)"
    )
    parser.add_argument("--script", metavar="FILE", help="its user's input, as `jitvm run` has it")
    parser.add_argument(
        "-e",
        "--eval",
        dest="commands",
        metavar="COMMAND",
        action="append",
        default=[],
        help="a command to begin with, any number of times",
    )
    parser.add_argument(
        "--command",
        dest="files",
        metavar="FILE",
        action="append",
        default=[],
        help="a file of commands to begin with, before those of -e",
    )
    front = parser.add_mutually_exclusive_group()
    front.add_argument("--tui", action="store_true", help="fill the terminal: see all at once")
    front.add_argument("--json", action="store_true", help="answer each command in a line of JSON")
    front.add_argument("--dap", action="store_true", help="speak the Debug Adapter Protocol")
    parser.add_argument(
        "--memory",
        metavar="MIB",
        type=positive(int, "a number of MiB"),
        default=64,
        help="memory for snapshots, of which going back begins (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        metavar="PORT",
        type=positive(int, "a port"),
        help="with --dap: on a port of this computer, for one editor after the other",
    )
    options.files(parser)
    options.clock(parser)
    options.source(parser)


def execute(arguments: Namespace) -> int:
    """Debug until the user has enough; the exit code says whether a command of a file failed."""
    if arguments.dap:
        return _serve(arguments)
    if arguments.program is None:
        raise Failure("the following arguments are required: PROGRAM; see `jitvm debug --help`")
    if arguments.port is not None:
        raise Failure("--port is for --dap")
    if arguments.tui:
        return _fill(arguments)
    session = _Session(arguments)
    return session.run()


def _serve(arguments: Namespace) -> int:
    from jitvm.debugger.dap import server

    if arguments.port is not None:
        return server.listen(arguments.port)
    return server.serve(sys.stdin.buffer, sys.stdout.buffer)


def _fill(arguments: Namespace) -> int:
    """Debug on a screen of panes."""
    if not all(each and each.isatty() for each in (sys.stdin, sys.stdout, sys.stderr)):
        raise Failure(
            "--tui needs a terminal; without it, commands come from anywhere", Exit.FAILURE
        )
    from jitvm.terminal.debugger.session import Sayings, Session

    try:
        from jitvm.terminal.debugger.app import run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("textual", "rich"):
            raise
        raise Failure(NO_TEXTUAL, Exit.FAILURE) from error
    lines = [*_lines_of(arguments.files), *arguments.commands]
    loaded = options.load(arguments)
    make, sayings = _maker(arguments, loaded), Sayings()
    session = Session(lambda: make(sayings.write, sayings.log), sayings)
    try:
        return run(session, arguments.program, lines, _reading(arguments, loaded))
    finally:
        session.close()


def _reading(arguments: Namespace, loaded: options.Loaded) -> Callable[[], Analysis | None]:
    """What reads the program's sources, if it was made of any."""
    from os import curdir

    from jitvm.platform import SourceError

    path, language = arguments.program, loaded.platform.language
    if language is None or not path.endswith(language.suffixes):
        return lambda: None
    given = options.loading(arguments, loaded.platform)

    def read() -> Analysis | None:
        try:
            return language.read(path, texts={}, folder=curdir, **given)
        except SourceError:  # it has gone since it was assembled
            return None

    return read


def _maker(arguments: Namespace, loaded: options.Loaded) -> Callable[[Write, Log], Debugger]:
    """What makes the debugger: given what it writes output and lines of breakpoints to."""
    from jitvm.debugger.acts import Source
    from jitvm.debugger.debugger import Debugger, Options
    from jitvm.guest import DescriptionError
    from jitvm.platform import ProgramError

    options.naming(loaded.program)
    stdin = options.input_file(arguments.input)
    source = Source(
        stdin or b"", is_whole=stdin is not None, script=options.script(arguments.script)
    )
    params = options.parameters(arguments.parameters)
    running = options.running(arguments, loaded.platform)

    def make(write: Write, log: Log) -> Debugger:
        try:
            return Debugger(
                loaded.platform,
                loaded.program,
                Options(
                    args=arguments.arguments,
                    tier=Tier(arguments.tier),
                    params=params,
                    running=running,
                    source=source,
                    memory=arguments.memory << 20,
                    write=write,
                    log=log,
                ),
            )
        except (ProgramError, DescriptionError) as error:
            raise Failure(str(error)) from error

    return make


class _Session:
    """One debugged program, and where commands come from."""

    def __init__(self, arguments: Namespace) -> None:
        from jitvm.debugger.commands import Commands

        self._json: bool = arguments.json
        self._lines = [*_lines_of(arguments.files), *arguments.commands]
        self._failed = False
        make = _maker(arguments, options.load(arguments))
        self._debugger = make(self._write, self._log)
        self._commands: Commands = Commands(self._debugger)
        self._is_interactive = sys.stdin is not None and sys.stdin.isatty() and not self._json

    # -- what is shown -----------------------------------------------------------------------

    def _write(self, data: bytes, is_error: bool) -> None:
        """The program's output."""
        if self._json:
            name = "error" if is_error else "output"
            self._print({name: data.decode("utf-8", "backslashreplace")})
            return
        stream = sys.stderr if is_error else sys.stdout
        stream.buffer.write(data)
        stream.flush()

    def _log(self, line: str) -> None:
        if self._json:
            self._print({"log": line})
        else:
            print(line, flush=True)

    @staticmethod
    def _print(row: dict[str, object]) -> None:
        print(json.dumps(row), flush=True)

    def _show(self, command: str, reply: Reply) -> None:
        if not self._json:
            for line in reply.lines:
                print(line)
            sys.stdout.flush()
            return
        row: dict[str, object] = {"command": command, "lines": list(reply.lines)}
        if reply.stopped is not None:
            state, history = self._debugger.state, self._debugger.history
            at = self._debugger.line()
            row |= {
                "reason": reply.stopped.reason,
                "breakpoints": list(reply.stopped.breakpoints),
                "time": history.time,
                "pc": state.pc,
                "pointers": list(state.pointers),
                "file": at[0] if at else None,
                "line": at[1] if at else None,
            }
        self._print(row)

    def _complain(self, command: str, error: object) -> None:
        self._failed = True
        if self._json:
            self._print({"command": command, "failed": str(error)})
        else:
            sys.stdout.flush()
            print(f"error: {error}", file=sys.stderr, flush=True)

    # -- the loop ----------------------------------------------------------------------------

    def run(self) -> int:
        """Do all commands; the exit code."""
        if not self._json:
            from jitvm.debugger import report

            print("\n".join(report.where(self._debugger)), flush=True)
        try:
            for line in self._commands_to_come():
                if self._do(line):
                    break
        finally:
            self._debugger.history.close()
        return Exit.FAILURE if self._failed and not self._is_interactive else Exit.OK

    def _do(self, line: str) -> bool:
        """Do a command; whether it was the last."""
        from jitvm.debugger.commands import CommandError

        try:
            reply = self._commands.execute(line)
        except CommandError as error:
            self._complain(line, error)
            return False
        except (RuntimeError, ImportError) as error:  # of a device: something is not installed
            self._complain(line, error)
            return False
        except KeyboardInterrupt as stop:
            if interrupted(stop) != Exit.INTERRUPTED:
                raise
            reply = self._commands.interrupted()
        self._show(line, reply)
        return reply.is_last

    def _commands_to_come(self) -> Iterator[str]:
        yield from self._lines
        if not self._is_interactive:
            yield from self._piped()
            return
        with suppress(ImportError):
            import readline  # noqa: F401  edits and recalls lines
        last = ""
        while True:
            try:
                line = input(PROMPT)
            except EOFError:
                print()
                return
            except KeyboardInterrupt as stop:
                if interrupted(stop) != Exit.INTERRUPTED:
                    raise
                print()
                continue
            last = line if line.strip() else last  # an empty line is the one before again
            yield last

    @staticmethod
    def _piped() -> Iterator[str]:
        if sys.stdin is not None:
            for line in sys.stdin:
                yield line.rstrip("\n")


def _lines_of(files: list[str]) -> list[str]:
    """The commands in some files."""
    lines: list[str] = []
    for file in files:
        try:
            with open(file, encoding="utf-8") as text:
                lines += text.read(1 << 20).splitlines()
        except OSError as error:
            raise Failure(f"{file}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            raise Failure(f"{file}: is no text in UTF-8") from None
    return lines
