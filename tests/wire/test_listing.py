"""Programs of the wire VM as text, and what readers tell about their native code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from jitvm import wire
from jitvm.guests.wire import decoder
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.encode import encoder, writing
from jitvm.guests.wire.encode import program as encode_program
from jitvm.guests.wire.encode.instructions import guest as encode_guest
from jitvm.guests.wire.instructions import LENGTHS_OF, guest
from jitvm.guests.wire.listing import WirePlatform, listing, shown
from jitvm.guests.wire.program import make
from jitvm.guests.wire.project import program as project_program
from jitvm.guests.wire.project import projecting, projection
from jitvm.guests.wire.project.instructions import guest as project_guest
from jitvm.guests.wire.project.selection import Selection
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.where import parse
from tests.wire.pair import PARAMS
from tests.wire.schemas import MESSAGES, generated, message

LEAF = generated("kinds.Leaf")
NUMBERS = [LEAF(number=number % 100 + 1, name="x").SerializeToString() for number in range(3000)]


class Eager(decoder.Decoder):
    """Waits for the compiler."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options, params=PARAMS)


def test_a_listing_has_the_names_of_fields() -> None:
    text = wire.reader(LEAF).listing()
    assert text.startswith("; kinds.Leaf\n")
    assert re.search(
        r"^@number\n  \w+  int32\.\w+ +next 12, else name:absent, ", text, re.MULTILINE
    )
    assert re.search(r"^@number:absent\n  \w+  absent\.4 +next 12, there name$", text, re.MULTILINE)


@pytest.mark.parametrize("name", MESSAGES)
def test_listings_leave_nothing_out(name: str) -> None:
    columns = tree(message(name))
    layout(columns, 100, 10_000)
    program = make(columns)
    lines = [line.split() for line in listing(program, name, WirePlatform(guest())).splitlines()]
    found = [(int(line[0], 16), line[1]) for line in lines if len(line) > 1 and line[0] != ";"]
    at = 0
    for address, first in found:
        while at in program.tables:
            at += program.tables[at]
        assert address == at
        assert not first.startswith("none-")
        at += LENGTHS_OF[guest().opcodes[program.code[at]].name]
    known = shown(program, name, WirePlatform(guest()))
    assert all(known.labels_at(address) for address in program.notes)


def test_conditions_are_listed() -> None:
    columns = tree(message("kinds.Leaf"))
    layout(columns, 100, 10_000)
    condition = parse("number > 3", columns.message)
    assert "  gt.signed32        drop\n" in listing(
        make(columns, condition), "Leaf", WirePlatform(guest())
    )


def test_what_became_native_is_told_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "Decoder", Eager)
    reader = wire.reader(LEAF, fields=["number", "name"])
    with pytest.raises(ValueError, match="nothing was read natively yet; read more messages"):
        wire.explain(reader)
    for _ in range(3):
        reader.read(NUMBERS)
    explained = wire.explain(reader)
    assert "number, name" in explained.list_text()
    assert "@number\n" in str(explained)
    assert wire.explain(reader, "name").region is not None
    with pytest.raises(ValueError, match="nothing is neither a label"):
        wire.explain(reader, "nothing")


def test_plain_decoders_have_no_program() -> None:
    reader = wire.reader(generated("old.Old"), unknown=True)
    assert reader.listing() == ""
    reader.read([b""])
    with pytest.raises(ValueError, match="nothing was read natively"):
        wire.explain(reader)


def test_what_writers_and_projectors_do_is_told_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    class EagerEncoder(encoder.Encoder):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options, params=PARAMS)

    class EagerProjection(projection.Projection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options, params=PARAMS)

    monkeypatch.setattr(writing, "Encoder", EagerEncoder)
    monkeypatch.setattr(projecting, "Projection", EagerProjection)
    writer, table = wire.writer(LEAF), wire.reader(LEAF).read(NUMBERS)
    projector = wire.projector(LEAF, drop=["name"])
    assert re.search(r"^@number\n  \w+  int32\.\w+ +tag 08, slow number", writer.listing(), re.M)
    assert re.search(r"^@name\n  \w+  copy\.\w+ ", projector.listing(), re.M)
    work: list[tuple[Any, Callable[[], object]]] = [
        (writer, lambda: writer.write(table)), (projector, lambda: projector.project(NUMBERS)),
    ]  # fmt: skip
    for it, act in work:
        with pytest.raises(ValueError, match="nothing was done natively"):
            wire.explain(it)
        for _ in range(3):
            act()
        explained = wire.explain(it)
        assert "number" in explained.list_text()
        assert "@number\n" in str(explained)


@pytest.mark.parametrize("name", MESSAGES)
def test_listings_of_other_programs_leave_nothing_out(name: str) -> None:
    columns = tree(message(name))
    layout(columns, 100, 10_000)
    selection = Selection(message(name), drop=["[old.note]"] if name == "old.Old" else [])
    for program, machine in (
        (encode_program.make(columns), encode_guest()),
        (project_program.make(selection), project_guest()),
    ):
        size = len(program.code) - sum(program.tables.values())
        lengths = program.instructions.lengths
        lines = [
            line.split()
            for line in listing(
                program, name, WirePlatform(machine, program.instructions)
            ).splitlines()
        ]
        names = [line[1] for line in lines if len(line) > 1 and line[0] != ";"]
        assert sum(lengths[each] for each in names) == size
