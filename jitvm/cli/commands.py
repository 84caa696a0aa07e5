"""The table of commands. A new command is a new file in this folder and a row here.

The file has ``configure(parser)``, which declares arguments, description and examples, and
``execute(arguments) -> int``, which does the work and returns the exit code. It is imported only
when its command is used, and what it needs should be imported by `execute`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Protocol

    from jitvm.cli.parser import Parser

    class Module(Protocol):
        """What the file of a command offers."""

        def configure(self, parser: Parser) -> None:
            """Declare arguments."""

        def execute(self, arguments: Namespace) -> int:
            """Do it; return the exit code."""


DESCRIPTION = "Run bytecode at native speed."
EPILOG = """\
examples:
  jitvm run hello.tal            assemble and run a program
  jitvm run life.rom             run a ROM
  jitvm asm hello.tal            write hello.rom
  jitvm dis hello.rom            read it again

`jitvm COMMAND --help` describes a command.
"""


class Command:
    """One row: the command's name, its file, and one line of help."""

    __slots__ = ("module", "name", "summary")

    def __init__(self, name: str, module: str, summary: str) -> None:
        self.name = name
        self.module = module
        self.summary = summary

    def load(self) -> Module:
        """Import the command's file."""
        __import__(self.module)  # `importlib` is a module more
        module: object = sys.modules[self.module]
        return module  # type: ignore[return-value]

    def parse(self, words: list[str]) -> Namespace:
        """What the words behind the command say."""
        if self.name == "run":
            from jitvm.cli.plain import plain

            if (found := plain(words)) is not None:
                return found
        return self.parser().parse_command(words)

    def parser(self) -> Parser:
        """The parser of its arguments."""
        from jitvm.cli.parser import Parser

        parser = Parser(prog=f"jitvm {self.name}")
        self.load().configure(parser)
        return parser


COMMANDS = (
    Command("run", "jitvm.cli.run", "run a program: a ROM, a Uxntal source, or another guest's"),
    Command("asm", "jitvm.cli.asm", "assemble a source into a program"),
    Command("dis", "jitvm.cli.dis", "disassemble a program"),
    Command("fmt", "jitvm.cli.fmt", "format sources"),
    Command("lint", "jitvm.cli.lint", "tell what may be wrong in sources"),
    Command("lsp", "jitvm.cli.lsp", "serve editors: errors, help, names, formatting"),
    Command("compile", "jitvm.cli.compile", "compile a program ahead of its runs"),
    Command("explain", "jitvm.cli.explain", "show what the JIT made of a program's hot code"),
    Command("dashboard", "jitvm.cli.dashboard", "watch in a browser what the JIT makes of it"),
    Command("top", "jitvm.cli.top", "watch in the terminal what the JIT makes of a program"),
    Command("debug", "jitvm.cli.debug", "stop, step and look into a program, and go back in time"),
    Command("profile", "jitvm.cli.profile", "show where a program's time and instructions go"),
    Command("coverage", "jitvm.cli.coverage", "tell which lines and branches programs execute"),
    Command("wire", "jitvm.cli.wire", "read Protobuf messages in bulk, as tables"),
    Command("guests", "jitvm.cli.guests", "list the guests whose programs can be run"),
    Command("params", "jitvm.cli.params", "list the limits of the JIT"),
    Command("cache", "jitvm.cli.cache", "show or clear the native code kept between runs"),
    Command("completion", "jitvm.cli.completion", "print a completion script for a shell"),
)


def find(name: str) -> Command | None:
    """The command of a name."""
    return next((command for command in COMMANDS if command.name == name), None)


def whole_parser() -> Parser:
    """The parser of everything, for completion scripts and the top-level help."""
    from jitvm.cli.parser import Parser

    parser = Parser(prog="jitvm", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in COMMANDS:
        command.load().configure(choices.add_parser(command.name, help=command.summary))
    return parser
