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
  jitvm params --markdown            the defaults as a page: docs/parameters.md
"""

PAGE = """\
# Parameters of the JIT

All limits and switches there are, as `jitvm params --markdown` writes them from the table in
`jitvm/engine/tables/params.py`. `jitvm params` lists them as they are set.

A parameter is set on the command line (`-O hot=50`), in the environment (`JITVM_HOT=50`) or in
Python (`jitvm.Parameters(hot=50)`); its value is a whole number within its range. They change how
fast a program runs, and when, never what it does. The defaults suit programs of a tenth of a second
to hours: `jitvm explain` and `jitvm profile` say which one is worth a try.

| parameter | default | range | what it is |
|---|---:|---|---|
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm params``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as a JSON array")
    form.add_argument("--markdown", action="store_true", help="the defaults, as a page")


def execute(arguments: Namespace) -> int:
    """Print the table; return the exit code."""
    if arguments.markdown:
        print(page(), end="")
        return Exit.OK
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


def page() -> str:
    """The table of defaults as a page of Markdown."""
    from jitvm.engine.tables.params import DEFAULTS, LIMITS

    return PAGE + "".join(
        f"| `{name}` | {getattr(DEFAULTS, name)} | {limit.low} to {limit.high} {limit.unit} "
        f"| {limit.why} |\n"
        for name, limit in LIMITS.items()
    )


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
