"""Rules about words, and findings as editors get them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.guests.uxn.language import Uxntal
from jitvm.guests.uxn.language.rules import RULES
from jitvm.platform.language import Cancelled, Level
from tests.uxn.language.sources import HEAD, MAIN, found, project

WORDS = {
    "a rune for the zero page": (";zero LDZ", [("address-rune", ";zero")]),
    "one for memory": (".zero LDA", [("address-rune", ".zero")]),
    "a distance": (",main LDA", [("address-rune", ",main")]),
    "an address": (";main STR", [("address-rune", ";main")]),
    "a port": (";Console/write DEO", [("address-rune", ";Console/write")]),
    "all right": (".zero LDZ ;main LDA ,&here LDR &here #01 .Console/write DEO", []),
    "numbers are left alone": ("#0010 LDZ #18 DEO", []),
    "a short in a byte": (";main .zero STZ", [("literal-width", ";main")]),
    "a vector in a byte": (";main .Console/vector DEO", [("literal-width", ";main")]),
    "a number in half a port": ("#1234 .Console/vector DEO", [("literal-width", "#1234")]),
    "two bytes at once": ("#1234 .zero STZ .zero2 STZ", []),
    "a port that is called": ("#41 Console/write", [("call-to-data", "Console/write")]),
    "behind a jump": ("!main INC &x", [("unreachable", "INC")]),
    "behind a return": ("JMP2r INC", [("unreachable", "INC")]),
    "a label": ("!main &x INC", []),
    "data": ("JMP2r 12 34", []),
    "an end for the eye": ("!main BRK", []),
    "what a flag skips": ("EQU JMP JMP2r INC", []),
    "what a number skips": ("#01 JCN BRK INC", []),
    "a variable behind a return": ("JMP2r [ LIT &here $1 ]", []),
    "an operand that is an opcode": ("LITk JMP2r POP LIT2 BRK JMP2r POP2 LITr JMP2 POPr", []),
    "what is jumped over": ("!{ INC }", []),
}


@pytest.mark.parametrize(("body", "expected"), WORDS.values(), ids=WORDS)
def test_words(body: str, expected: list[tuple[str, str]]) -> None:
    assert found(f"{HEAD}@main {body}") == expected


def test_warnings_of_the_assembler_are_rules() -> None:
    source = f'{HEAD}@main .main POP [ [oops ] " @other BRK'
    rules = {each.rule for each in project(source).findings()}
    assert rules == {"address-truncated", "word-ignored", "string-empty", "unused-label"}
    old = f"{HEAD}@main ,far JMP $100 @far BRK"
    read = Uxntal().read(MAIN, texts={MAIN: old}, folder=".", legacy=True)
    rules |= {each.rule for each in read.findings()}
    assert "jump-widened" in rules
    assert rules <= set(RULES)


def test_levels() -> None:
    findings = project(f"{HEAD}@main ;zero LDZ JMP2r INC\n@other BRK").findings()
    assert {each.rule: each.level for each in findings} == {
        "address-rune": Level.WARNING, "unreachable": Level.FAINT, "unused-label": Level.FAINT,
    }  # fmt: skip
    (error,) = project("|0100 nope BRK").findings()
    assert (error.level, error.rule) == (Level.ERROR, "Label unknown")


def test_errors_in_macros_lead_to_their_bodies() -> None:
    source = "%m { nope } |0100 m"
    (error,) = project(source).findings()
    assert source[error.span.start : error.span.end] == "m"
    assert [source[step.span.start : step.span.end] for step in error.steps] == ["nope"]


def test_errors_in_included_files(tmp_path: Path) -> None:
    (tmp_path / "main.tal").write_text("~lib.tal |0100 BRK ~gone.tal")
    (tmp_path / "lib.tal").write_text("#oh")
    read = Uxntal().read(str(tmp_path / "main.tal"), texts={}, folder=".")
    found = [(Path(each.span.file).name, each.rule) for each in read.findings()]
    assert found == [("lib.tal", "Hexadecimal invalid"), ("main.tal", "Include missing")]


def test_a_source_that_emits_nothing() -> None:
    (error,) = project("( nothing )").findings()
    assert error.rule == "Output empty"


def test_reading_stops() -> None:
    with pytest.raises(Cancelled):
        Uxntal().read(MAIN, texts={MAIN: HEAD}, folder=".", stop=[True])


def test_too_many_errors_are_told_as_far_as_they_go() -> None:
    read = project("|0100 " + "#x " * 500)
    assert len(read.findings()) == 100
    assert read.symbols(MAIN) == []
