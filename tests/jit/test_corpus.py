"""Programs and guests the fuzzer found or that cover much, replayed at every tier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.clock import HANGS
from tests.fuzz.case import Case, parse
from tests.fuzz.guests.case import parse as parse_guest
from tests.fuzz.guests.generate import generate_guest
from tests.fuzz.guests.judge import judge_guest
from tests.fuzz.judge import judge

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"
CASES = {path.stem: path.read_text() for path in sorted(CORPUS.glob("*.tal"))}
GUESTS = {path.stem: path.read_text() for path in sorted(CORPUS.glob("*.json"))}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    verdict = judge(parse(CASES[name]), patience=HANGS)
    assert verdict.kind == "ok", verdict.detail
    assert verdict.installed, "nothing was compiled"


@pytest.mark.parametrize("name", GUESTS)
def test_guest(name: str) -> None:
    verdict = judge_guest(parse_guest(GUESTS[name]))
    assert verdict.kind == "ok", verdict.detail


@pytest.mark.parametrize("seed", [4, 6, 9, 10, 15])
def test_random_guests(seed: int) -> None:
    verdict = judge_guest(generate_guest(seed))
    assert verdict.kind == "ok", verdict.detail
    assert verdict.installed, "nothing was compiled"


@pytest.mark.parametrize("seed", range(5))
def test_guest_text_goes_both_ways(seed: int) -> None:
    case = generate_guest(seed)
    assert parse_guest(case.text()) == case


@pytest.mark.parametrize("name", CASES)
def test_case_text_goes_both_ways(name: str) -> None:
    case = parse(CASES[name])
    assert parse(case.text()) == case


def test_settings_go_both_ways() -> None:
    case = Case("BRK\n", 1, 2, 3, (4, 5), b"\x06", 7, 8, {"hot": 9, "window": 64})
    assert parse(case.text()) == case
    assert parse(replace(case, pieces=(), events=b"").text()).pieces == ()


def test_settings_that_do_not_exist_are_told() -> None:
    with pytest.raises(ValueError, match="no setting"):
        parse("( fuzz speed 3 )\nBRK")
    with pytest.raises(ValueError, match="begins with"):
        parse("|0100 BRK")


def test_the_judge_discards_what_cannot_be_compared() -> None:
    assert judge(Case("|0100 @loop !loop", limit=1000)).detail == "budget"
    assert judge(Case("|0100 ;nowhere JSR2")).kind == "discard"
