"""Records of Avro at every tier, right ones and mutated ones, held against fastavro."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.records.instructions import PLAIN
from tests.fuzz.avro.case import AvroCase
from tests.fuzz.records.work import decode
from tests.wire.avros import Judge, Schemas, Values, encoded, mutated
from tests.wire.pair import PARAMS
from tests.wire.sound import all_are_sound

SEEDS = range(10)
COUNTS = {"interpreter": 40, "reference": 10, "jit": 40, "ir": 20}


def check(seed: int, tier: str, errors: str) -> None:
    """A schema, its records as they are written, and with something else in them."""
    random = Random(seed)
    are_logical = seed % 3 == 0  # what is mutated may be no date that Python has
    judge = Judge(Schemas(random, are_logical).record(), tier=tier, errors=errors, params=PARAMS)
    values, count = Values(random), COUNTS[tier]
    data = [encoded(judge.schema, values.of(judge.type)) for _ in range(count)]
    judge.choose(random)
    assert not judge.agree(data).mistakes
    if not are_logical:
        for _ in range(2):
            judge.choose(random)
            judge.agree([mutated(random.choice(data), random) for _ in range(count)])


@pytest.mark.parametrize("errors", ["skip", "null"])
@pytest.mark.parametrize("seed", SEEDS)
def test_records_are_read_as_fastavro_does(seed: int, errors: str) -> None:
    check(seed, "interpreter", errors)


@pytest.mark.parametrize(
    ("seed", "tier"), [(1, "reference"), (4, "reference"), (6, "jit"), (7, "ir")]
)
def test_every_tier_does_the_same(seed: int, tier: str) -> None:
    check(seed, tier, "skip")


@pytest.mark.parametrize("seed", [2, 5])
def test_a_share_of_the_fuzzer(seed: int) -> None:
    case = AvroCase(seed)
    counts = dict.fromkeys(("messages", "mistakes", "judged", "batches"), 0)
    decode(case, case.judge(), counts, 0.5)
    assert counts["judged"]


def test_instructions_keep_the_rules() -> None:
    all_are_sound(PLAIN.guest(), PLAIN.table)


RECORD: dict[str, Any] = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "n", "type": "int"},
        {"name": "on", "type": "boolean"},
        {"name": "who", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
        {"name": "name", "type": "string"},
        {"name": "some", "type": {"type": "array", "items": "long"}},
        {"name": "maybe", "type": ["null", "double"]},
    ],
}


@pytest.mark.parametrize(
    ("data", "fault", "offset", "path"),
    [
        ("", Fault.TRUNCATED, 0, "n"),
        ("ff", Fault.TRUNCATED, 0, "n"),
        ("ffffffffffffffffffff01", Fault.VARINT, 0, "n"),
        ("ffffffffffff01", Fault.RANGE, 0, "n"),
        ("0202", Fault.FLAG, 1, "on"),
        ("020104", Fault.SYMBOL, 2, "who"),
        ("020100", Fault.TRUNCATED, 3, "name"),
        ("02010003", Fault.LENGTH, 3, "name"),
        ("0201000661", Fault.LENGTH, 3, "name"),
        ("02010002ff0000", Fault.UTF8, 3, "name"),
        ("02010000020200", Fault.TRUNCATED, 7, "maybe"),
        ("0201000008020202", Fault.COUNT, 4, "some"),
        ("020100000004", Fault.BRANCH, 5, "maybe"),
        ("0201000000020000", Fault.TRUNCATED, 5, "maybe"),
        ("02010000000000", Fault.REST, 6, ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    data: str, fault: Fault, offset: int, path: str
) -> None:
    fine = bytes.fromhex("020100000000")
    for errors in ("skip", "null"):
        done, rows = Judge(RECORD, errors=errors).decode([fine, bytes.fromhex(data), fine])
        (found,) = done.mistakes
        assert (found.row, found.fault, found.offset, found.path) == (1, fault, offset, path)
        assert len(rows) == (2 if errors == "skip" else 3)
    done, rows = Judge(RECORD, errors="raise").decode([fine, bytes.fromhex(data), fine])
    assert [each.row for each in done.mistakes] == [1]


def test_a_string_is_looked_at_when_it_is_read() -> None:
    """An instruction that is too short for a string leaves what was there, or parts of letters."""
    schema = {"type": "record", "name": "R", "fields": [
        {"name": "texts", "type": {"type": "array", "items": "string"}},
        {"name": "flag", "type": "boolean"},
    ]}  # fmt: skip
    judge = Judge(schema, errors="null", params=PARAMS)
    (site,) = judge.decoder.program.sites
    judge.decoder.choose(site, "16")
    for text in ("\u00e9" * 40, "u" * 40, "u" + "\u00e9" * 40):
        data = text.encode()
        size = b"\x50" if len(data) == 40 else bytes((len(data) << 1 & 0x7F | 0x80, 1))
        done, _ = judge.decode([b"\x02" + size + data + b"\x00\x07"])
        (found,) = done.mistakes
        assert (found.path, found.fault) == ("flag", Fault.FLAG)
        assert found.offset == 2 + len(size) + len(data)
