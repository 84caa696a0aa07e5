"""``jitvm lint``: tell what may be wrong in sources."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.sourcepaths import STDIN, Refusals, files, language_of, read_text
from jitvm.engine.tables.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jitvm.cli.parser import Parser
    from jitvm.platform.language import Analysis, Finding, Span

DESCRIPTION = """\
Tell what may be wrong in sources: routines that do something else to the stacks than they declare,
with the path on which they do; code that nothing leads to; addresses in the wrong form; labels that
nothing refers to. Of a folder, those sources are looked at that no other includes.

The exit code is 0 if nothing was found, 1 if something was, 2 if a source cannot be assembled.
"""

EXAMPLES = """\
examples:
  jitvm lint game.tal
  jitvm lint --ignore unused-label src/
  jitvm lint --json game.tal | jq '.findings[].message'
  jitvm lint --rules                       list the rules
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm lint``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("sources", metavar="SOURCE", nargs="*", help="files, folders, - for stdin")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--ignore",
        metavar="RULE",
        action="append",
        default=[],
        help="leave out what a rule finds, any number of times",
    )
    parser.add_argument("--rules", action="store_true", help="list the rules and exit")
    options.source(parser)
    options.guest(parser)


def execute(arguments: Namespace) -> int:
    """Look at sources and print what was found; return the exit code."""
    first = (arguments.sources or [""])[0]
    _, language = language_of(arguments, first)
    if arguments.rules:
        for rule, about in language.rules.items():
            print(f"{rule:20} {about}")
        return Exit.OK
    if not arguments.sources:
        raise Failure("name a source; see `jitvm lint --help`")
    for rule in arguments.ignore:
        if rule not in language.rules:
            known = ", ".join(language.rules)
            raise Failure(f"--ignore {rule}: there is no such rule; choose from {known}")
    refusals = Refusals()
    found: dict[tuple[object, ...], tuple[Analysis, Finding]] = {}
    for analysis in _analyses(arguments, refusals):
        for finding in analysis.findings():
            if finding.rule not in arguments.ignore:
                found.setdefault((finding.span, finding.rule, finding.message), (analysis, finding))
    if arguments.json:
        from json import dumps

        print(dumps({"findings": [_facts(*each) for each in found.values()]}))
    else:
        for each in found.values():
            print("\n".join(_lines(*each)))
    if refusals.code or any(each.level == "error" for _, each in found.values()):
        return Exit.USAGE
    return Exit.FOUND if found else Exit.OK


def _analyses(arguments: Namespace, refusals: Refusals) -> Iterator[Analysis]:
    """Every program that the sources make up."""
    from jitvm.platform import SourceError

    for path in _mains(arguments):
        try:
            platform, language = language_of(arguments, path)
            given = options.loading(arguments, platform)
            texts = {}
            name = path
            if path == STDIN:
                name = "<stdin>"
                texts[name] = read_text(path)
            yield language.read(name, texts=texts, folder=os.curdir, **given)
        except Failure as error:
            refusals.tell(str(error))
        except SourceError as error:
            refusals.tell(f"{error.diagnostics[0].file}: {error.diagnostics[0].message}")


def _mains(arguments: Namespace) -> Iterator[str]:
    """Sources to begin with: those that are named, and of folders those that no other includes."""
    for path in arguments.sources:
        is_folder = path != STDIN and os.path.isdir(path)
        for each in files(arguments, [path]):
            if is_folder:
                _, language = language_of(arguments, path)
                workspace = language.workspace([path])
                if os.path.realpath(each) not in workspace.mains(os.path.realpath(each), {}):
                    continue
            yield each


# -- printed -------------------------------------------------------------------------------------


def _place(analysis: Analysis, span: Span) -> tuple[str, int, int]:
    """File, line and column of a span, which count from 1."""
    file = span.file
    here = os.path.realpath(os.curdir)
    name = os.path.relpath(file, here) if file.startswith(f"{here}/") else file
    if file not in analysis.files:
        return name, 1, 1
    text = analysis.text(file)
    line = text.count("\n", 0, span.start) + 1
    return name, line, span.start - text.rfind("\n", 0, span.start)


def _lines(analysis: Analysis, finding: Finding) -> Iterator[str]:
    level = "error" if finding.level == "error" else "warning"
    place = _spelled(_place(analysis, finding.span))
    yield f"{place}: {level}: {shown(finding.message)} [{finding.rule}]"
    for number, step in enumerate(finding.steps):
        lead = "path:" if not number else ""
        yield f"  {lead:5} {_spelled(_place(analysis, step.span))} {shown(step.text)}"
    if finding.hint:
        yield f"  hint: {shown(finding.hint)}"


def _spelled(place: tuple[str, int, int]) -> str:
    return f"{shown(place[0])}:{place[1]}:{place[2]}"


def _facts(analysis: Analysis, finding: Finding) -> dict[str, object]:
    return {
        **_where(_place(analysis, finding.span)),
        "level": "error" if finding.level == "error" else "warning",
        "rule": finding.rule,
        "message": shown(finding.message),
        "hint": shown(finding.hint),
        "path": _path(analysis, finding),
    }


def _path(analysis: Analysis, finding: Finding) -> Sequence[dict[str, object]]:
    return [
        {**_where(_place(analysis, step.span)), "text": shown(step.text)} for step in finding.steps
    ]


def _where(place: tuple[str, int, int]) -> dict[str, object]:
    return {"file": shown(place[0]), "line": place[1], "column": place[2]}
