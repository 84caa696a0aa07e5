"""``jitvm guests``: list the guests whose programs can be run."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli.exits import Exit

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.cli.parser import Parser
    from jitvm.platform.registry import Installed, Row

DESCRIPTION = """\
List the installed guests: jitvm's own, and those that other packages provide as entry
points in the group jitvm.guests. `--guest` takes their names, `-G` their options. A
guest that is not installed is named as module:NAME.
"""

EXAMPLES = """\
examples:
  jitvm guests                            list them
  jitvm guests --json                     the same for programs
  jitvm run --guest toy prog.bin          a guest by its name
  jitvm run --guest toyvm:TOY prog.bin    a `Guest` or `Platform` of a module
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm guests``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("--json", action="store_true", help="as a JSON list")


def execute(arguments: Namespace) -> int:
    """List them; return the exit code."""
    from jitvm.platform import registry

    guests = [_facts(row) for row in registry.rows()]
    if arguments.json:
        from json import dumps

        print(dumps(guests, indent=2))
    else:
        print("\n".join(line for facts in guests for line in _lines(facts)))
    return Exit.OK


def _facts(row: Row | Installed) -> dict[str, Any]:
    from jitvm.engine.tables.names import shown

    facts: dict[str, Any] = {"name": shown(row.name), "from": shown(row.package)}
    try:
        platform = row.load()
        guest = platform.guest
    except Exception as error:  # errors of another package are its own; they are reported
        return {**facts, "error": shown(str(error) or type(error).__name__)}
    options = (*platform.loading, *platform.running)
    return {
        **facts,
        "about": shown(platform.about),
        "version": shown(guest.version),
        "suffixes": [shown(suffix) for suffix in platform.suffixes],
        "assembles": platform.assembler is not None,
        "disassembles": platform.disassembler is not None,
        "options": {option.name: shown(option.about) for option in options},
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    head = f"{facts['name']:<12} {facts['from']}"
    if "error" in facts:
        return [head, f"  cannot be used: {facts['error']}"]
    return [
        head,
        *([f"  {facts['about']}"] if facts["about"] else []),
        *([f"  files: {' '.join(facts['suffixes'])}"] if facts["suffixes"] else []),
        *(f"  -G {name}=...: {about}" for name, about in facts["options"].items()),
    ]
