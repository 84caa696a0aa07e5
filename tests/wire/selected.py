"""The native projection and the plain one side by side, and Protobuf's package as judge of both."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from jitvm.engine.machine.machine import Tier
from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.project.passing import Bad
from jitvm.guests.wire.project.plain import PlainProjection
from jitvm.guests.wire.project.projecting import Projector
from jitvm.guests.wire.project.projection import Projection
from jitvm.guests.wire.project.selection import Fate, Part
from jitvm.guests.wire.schema import Field, Kind, Message
from jitvm.guests.wire.table import RowError
from tests.wire.oracle import judged
from tests.wire.pair import PARAMS
from tests.wire.schemas import extensions, message


def prune(made: Any, part: Part) -> None:
    """Clear what is not kept in one of Protobuf's messages."""
    known = {f"[{each.full_name}]": each for each in extensions(made.DESCRIPTOR.full_name)}
    for field in part.message.fields:
        fate = part.fates[field.number]
        extension = known.get(field.name)
        if extension is not None:
            if fate is Fate.DROP:
                made.ClearExtension(extension)
            elif fate is Fate.ENTER and made.HasExtension(extension):  # a single message
                prune(made.Extensions[extension], part.inner(field))
            continue
        name = field.name.lower() if field.kind is Kind.GROUP else field.name
        name = name if hasattr(made, name) else field.name
        if fate is Fate.DROP or (fate is Fate.ENTER and not part.inner(field).is_written):
            made.ClearField(name)
        elif fate is Fate.ENTER:
            _entered(made, name, field, part.inner(field))


def _entered(made: Any, name: str, field: Field, part: Part) -> None:
    inner = getattr(made, name)
    if field.is_map:
        value = part.by_number[2]
        fate = part.fates[2]
        for key in list(inner):
            if value.message is not None and fate is Fate.ENTER:
                prune(inner[key], part.inner(value))
            elif value.message is not None and fate is Fate.DROP:
                inner[key].Clear()
            elif fate is Fate.DROP:
                inner[key] = type(inner[key])()
    elif field.is_repeated:
        for each in inner:
            prune(each, part)
    elif made.HasField(name):
        prune(inner, part)


def some_paths(message: Message, random: Random, share: float = 0.3, depth: int = 3) -> list[str]:
    """Paths at random; of required fields and keys none."""
    found = []
    for field in message.fields:
        if field.is_required or (message.is_map_entry and field.number == 1):
            continue
        if random.random() < share:
            found.append(field.name)
        elif depth and field.message is not None and random.random() < 0.7:
            inner = some_paths(field.message, random, share, depth - 1)
            found += [f"{field.name}.{each}" for each in inner]
    return found


class Bench:
    """A projector at some tier, and a plain one."""

    def __init__(
        self, name: str, tier: str = "interpreter", *, delimited: bool = False, **options: Any
    ) -> None:
        self.name = name
        self.projector = Projector(message(name), errors="skip", **options)
        self.selection = self.projector.selection
        kind = Tier.REFERENCE if tier.startswith("aarch64") else Tier(tier)
        self.native = Projection(self.selection, is_delimited=delimited, tier=kind, params=PARAMS)
        self.projector.takes(self.native)
        self.delimited = delimited

    def choose(self, random: Random) -> None:
        """Any variants of instructions: they do whatever there is to do."""
        for site in self.native.program.sites:
            self.native.choose(site, random.choice(site.variants))

    def agree(
        self, data: list[bytes], put: Callable[[bytes], memoryview] = memoryview
    ) -> tuple[list[bytes], list[RowError]]:
        """What both make of messages, which is the same. `put` places them in memory."""
        found = self.projector.project(
            put(b"".join(data)), [len(each) for each in data], delimited=self.delimited
        )
        plain, expected, errors = PlainProjection(self.selection), [], []
        for at, each in enumerate(data):
            try:
                made = plain.projected(memoryview(each))
            except Bad as bad:
                errors.append(RowError(at, bad.offset, bad.path or "", bad.fault))
                continue
            if made is not None:
                expected.append(made)
        assert found.errors == errors
        if self.delimited:
            assert bytes(found.data) == b"".join(_behind_length(each) for each in expected)
        else:
            assert found.to_list() == expected
        return expected, errors


def _behind_length(data: bytes) -> bytes:
    return varint(len(data)) + data


def selected(name: str, random: Random) -> dict[str, Any]:
    """What to keep and drop, at random."""
    found: dict[str, Any] = {"drop": some_paths(message(name), random)}
    if name.startswith("kinds.") and random.random() < 0.5:
        found["keep"] = some_paths(message(name), random, 0.6) or None
    found["unknown"] = random.choice((None, True, False))
    return found


def check_meaning(bench: Bench, data: bytes, ours: bytes) -> bool:
    """Make sure that what is left means what is left of what it meant; whether Protobuf's package
    can say so."""
    theirs, made = judged(bench.name, data), judged(bench.name, ours)
    if theirs is None:
        return False  # what is kept or dropped as a whole is not looked into
    assert made is not None, data.hex()
    prune(theirs, bench.selection.root)
    for each in (theirs, made):
        each.DiscardUnknownFields()
    expected, got = (each.SerializePartialToString(deterministic=True) for each in (theirs, made))
    assert got == expected, (data.hex(), ours.hex())
    return True
