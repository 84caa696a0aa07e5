"""Routines against what they declare: what is found, the path, and what is not known."""

from __future__ import annotations

import pytest

from jitvm.guests.uxn.language import Uxntal
from tests.uxn.language.sources import HEAD, MAIN, found, project, routine

EFFECT = "stack-effect"

RIGHT = {
    "as declared": "@r ( a b -- c ) ADD JMP2r",
    "shorts": "@r ( a* b -- b a* ) ROT ROT JMP2r",
    "both arms": "@r ( a -- b ) DUP ?{ INC JMP2r } POP #00 JMP2r",
    "a loop": "@r ( n -- ) &w #01 SUB DUP ?&w POP JMP2r",
    "a loop to the label itself": "@r ( n -- ) #01 SUB DUP ?r POP JMP2r",
    "a tail": "@r ( a -- b ) !g @g ( a -- b ) INC JMP2r",
    "a fall": "@r ( a -- b ) INC @g ( a -- b ) INC JMP2r",
    "the return stack": "@r ( a -- b ) STH #01 STHr ADD JMP2r",
    "items below": "@r ( | a -- a ) STH2r STHr ROT ROT STH2 JMP2r",
    "a call": "@r ( a -- ) g POP2 JMP2r @g ( a -- b* ) DUP JMP2r",
    "a call without effect": "@r ( a -- ) g POP2 JMP2r @g DUP JMP2r",
    "calls by address": "@r ( a -- ) ;g JSR2 POP2 JMP2r @g DUP JMP2r",
    "relative calls": "@r ( a -- ) ,g JSR POP2 JMP2r @g DUP JMP2r",
    "a lambda": "@r ( -- a* ) { 01 02 } STH2r JMP2r",
    "a called lambda": "@r ( a -- a ) { INC JMP2r } STH2r JSR2 JMP2r",
    "a flag that skips": "@r ( a -- b ) DUP #10 LTH JMP INC JMP2r",
    "jumps by number": "@r ( a -- a ) #01 JMP BRK JMP2r",
    "recursion": "@r ( n -- n ) DUP ?{ JMP2r } #01 SUB r INC JMP2r",
    "keep": "@r ( a b -- a b c ) ADDk JMP2r",
    "a vector": "@r ( -> ) #01 POP BRK",
    "the end of the program": "@r ( -> ) #01 #800f DEO BRK",
    "errors do not come back": "@r ( a -- b ) DUP ?{ !fail } JMP2r @fail ( -- ) #010f DEO BRK",
    "sublabels that are called": "@r ( a -- b ) /h &h ( a -- b ) INC JMP2r",
    "comments on loops": "@r ( n -- ) &w ( n -- n ) #01 SUB DUP ?&w POP JMP2r",
    "macros": "%twice { DUP ADD } @r ( a -- b ) twice JMP2r",
    "a variable in a literal": "@r ( -- a ) [ LIT &v $1 ] INCk ,&v STR JMP2r",
}  # fmt: skip


@pytest.mark.parametrize("body", RIGHT.values(), ids=RIGHT)
def test_right_routines(body: str) -> None:
    assert routine(body) == []


UNKNOWN = {
    "nothing declared": "@r DUP JMP2r",
    "prose": "@r ( a to b -- c ) DUP JMP2r",
    "a computed jump": "@r ( fn* -- ) JMP2",
    "a loop that pushes": "@r ( n -- ) &w DUP #01 SUB DUP ?&w POP JMP2r",
    "a loop that drops": "@r ( n -- ) &w POP DUP ?&w JMP2r",
    "stack pointers": "@r ( -- ) #00 #04 DEO JMP2r",
    "data": "@r ( -- ) 12 34",
    "a jump that is written": "@r ( -- ) [ LIT2 &to $2 ] JMP2",
}


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_known_is_not_told(body: str) -> None:
    assert routine(body) == []


WRONG = {
    "too many": ("@r ( a -- b ) DUP JMP2r", EFFECT),
    "too few": ("@r ( a -- b ) POP JMP2r", EFFECT),
    "one arm": ("@r ( a -- b ) DUP ?{ POP JMP2r } JMP2r", EFFECT),
    "behind a call": ("@r ( a -- b ) g JMP2r @g ( a -- b* ) DUP JMP2r", EFFECT),
    "behind a call without effect": ("@r ( a -- b ) g JMP2r @g DUP JMP2r", EFFECT),
    "a tail": ("@r ( -- ) #01 !g @g ( a b -- ) POP2 JMP2r", EFFECT),
    "a fall": ("@r ( -- ) #01 @g ( -- ) JMP2r", EFFECT),
    "a short": ("@r ( a -- b* ) INC JMP2r", EFFECT),
    "a vector": ("@r ( -> ) #01 BRK", EFFECT),
    "on top of the return address": ("@r ( a -- ) STH JMP2r", "return-stack"),
    "below the return address": ("@r ( a | b -- a ) JMP2r", "return-stack"),
    "bytes below": ("@r ( -- ) INC JMP2r", "stack-reach"),
    "recursion": ("@r ( n -- n ) DUP ?{ JMP2r } DUP !r", EFFECT),
}


@pytest.mark.parametrize(("body", "rule"), WRONG.values(), ids=WRONG)
def test_wrong_routines(body: str, rule: str) -> None:
    assert [each for each in routine(body) if each[1] == "@r"] == [(rule, "@r")]


def test_a_fault_is_told_once() -> None:
    body = "@r ( a -- ) g h JMP2r @g ( a -- b ) DUP JMP2r @h ( b -- ) POP JMP2r @i ( -- ) #01 r"
    assert routine(f"{body} #01 JMP2r") == [(EFFECT, "@g"), (EFFECT, "@i")]


def test_the_path() -> None:
    source = f"{HEAD}@on-reset ( -> ) BRK\n@r ( a -- b )\n\tDUP ?{{ POP g }} JMP2r\n@g JMP2r\n"
    (finding,) = [each for each in project(source).findings() if each.rule == EFFECT]
    assert finding.message == "`r` declares to give 1 byte and gives nothing"
    assert [step.text for step in finding.steps] == [
        "`?{` not taken", "`g` into", "`JMP2r` ends here",
    ]  # fmt: skip
    spans = [source[step.span.start : step.span.end] for step in finding.steps]
    assert spans == ["?{", "g", "JMP2r"]


EDITS = (
    ("@g ( a -- b ) INC JMP2r", "@g ( a -- b ) DUP JMP2r"),
    ("DUP ?{ POP", "DUP #0000 POP2 ?{ POP"),
    ("@g ( a -- b )", "@g ( a -- )"),
    ("@h ( -- )", "@h ( -- ) #12 POP"),
    ("!g", "!h"),
    ("INC JMP2r", "INC BRK"),
    ("$1 @zero2", "$2 @zero2"),
    (".zero LDZ", "#0000 LDA"),
    ("&e $1", "&e $2"),
)
BASE = (
    f"{HEAD}@on-reset ( -> ) #01 r POP BRK\n"
    "@r ( a -- b ) DUP ?{ POP .zero LDZ JMP2r } h i !g\n"
    "@g ( a -- b ) INC JMP2r\n@h ( -- ) JMP2r\n@i ,&e LDR POP JMP2r &e $1\n"
)


def test_what_is_remembered_is_what_would_be_found() -> None:
    """Sources one edit apart, and two, by one language: each as if it had never seen another."""
    sources = [BASE]
    for old, new in EDITS:
        assert old in BASE, old
        sources += [BASE.replace(old, new), BASE]
        for other_old, other_new in EDITS[::3]:
            sources.append(BASE.replace(old, new).replace(other_old, other_new))
    language = Uxntal()
    expected = {source: _all(Uxntal(), source) for source in sources}
    assert len(set(map(str, expected.values()))) > 5
    for source in sources:
        assert _all(language, source) == expected[source]


def _all(language: Uxntal, source: str) -> list[object]:
    read = language.read(MAIN, texts={MAIN: source}, folder=".")
    return [(each.span, each.message, each.steps) for each in read.findings()]


def test_what_is_remembered_is_not_walked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from jitvm.guests.uxn.language import walking

    walked: list[walking.Walk] = []
    real = walking.Walk.outcome

    def noted(walk: walking.Walk) -> walking.Outcome:
        walked.append(walk)
        return real(walk)

    monkeypatch.setattr(walking.Walk, "outcome", noted)
    language = Uxntal()
    _all(language, BASE)
    first = len(walked)
    assert first == 4
    _all(language, f"( moved )\n{BASE}".replace("@h ( -- )", "@h ( -- ) #1234 POP2"))
    assert len(walked) - first == 1


def test_findings_are_silent_where_there_are_errors() -> None:
    assert found(f"{HEAD}@r ( -- ) #01 nowhere JMP2r") == [("Label unknown", "nowhere")]


LOOSE = """
@line ( x y -- ) .Console/write DEO2 .Console/write DEO2 JMP2r
@less ( x y -- ) .Console/write DEO2 ADD POP JMP2r
@wider ( x -- ) POP #01 JMP2r
@caller ( x -- ) marked JMP2r
@caught ( x -- ) bytes JMP2r
@marked ( x* -- ) POP2 JMP2r
@bytes ( x y -- ) POP2 JMP2r
"""


def test_where_few_mark_shorts_they_may_be_any_item() -> None:
    """But bytes are bytes, and so are items that are not there."""
    loose = LOOSE + "@more ( a b -- a b ) JMP2r @and ( c -- c ) JMP2r"
    told = [(EFFECT, "@less"), (EFFECT, "@wider"), (EFFECT, "@caught")]
    assert routine(loose) == told
    strict = LOOSE + "@strict ( a* -- a* ) JMP2r"
    assert routine(strict) == [(EFFECT, "@line"), *told[:2], (EFFECT, "@caller"), told[2]]
