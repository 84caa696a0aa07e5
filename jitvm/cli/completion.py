"""``jitvm completion``: print a script that teaches a shell the command line."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from jitvm.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from jitvm.cli.parser import Parser

DESCRIPTION = "Print a completion script for a shell."

EXAMPLES = """\
examples:
  eval "$(jitvm completion bash)"                         in ~/.bashrc
  jitvm completion zsh > ~/.zsh/completions/_jitvm        in a folder of $fpath
"""

SHELLS = ("bash", "zsh")


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm completion``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=SHELLS, help="which shell")


def execute(arguments: Namespace) -> int:
    """Print the script; return the exit code."""
    try:
        import shtab
    except ImportError as error:
        raise Failure(
            "completion needs the package shtab; `pip install shtab`", Exit.FAILURE
        ) from error
    from jitvm.cli.commands import whole_parser

    print(shtab.complete(whole_parser(), arguments.shell))
    return Exit.OK
