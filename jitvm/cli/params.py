"""``jitvm params``: list the limits of the JIT."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli.exits import Exit, Failure

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.cli.parser import Parser

DESCRIPTION = """\
List every limit and switch of the JIT: its value, its default, its unit and range, and
what it is for. Values come from the environment: JITVM_HOT=50 sets `hot`.
"""

EXAMPLES = """\
examples:
  jitvm params                       all of them
  JITVM_HOT=50 jitvm params          a changed value is marked with *
  jitvm params --json                the same for programs
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm params``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("--json", action="store_true", help="as a JSON array")


def execute(arguments: Namespace) -> int:
    """Print the table; return the exit code."""
    rows = _rows()
    if arguments.json:
        from json import dumps

        print(dumps(rows, indent=2))
        return Exit.OK
    cells = [
        (
            f"{row['name']}",
            f"{row['value']} {'*' if row['value'] != row['default'] else ' '}",
            f"{row['low']} to {row['high']} {row['unit']}",
            f"{row['why']}",
        )
        for row in rows
    ]
    name, value, limits, _ = (max(map(len, column)) for column in zip(*cells, strict=True))
    for row in cells:
        print(f"{row[0]:<{name}}  {row[1]:>{value}} {row[2]:<{limits}}  {row[3]}")
    return Exit.OK


def _rows() -> list[dict[str, str | int]]:
    from jitvm.engine.tables.params import LIMITS, ParameterError, Parameters

    try:
        current = Parameters.from_environment()
    except ParameterError as error:
        raise Failure(f"in the environment: {error}") from error
    defaults = Parameters()
    return [
        {
            "name": name,
            "value": getattr(current, name),
            "default": getattr(defaults, name),
            **limit.row(),
        }
        for name, limit in LIMITS.items()
    ]  # fmt: skip
