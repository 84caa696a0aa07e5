"""Outcomes of walks, kept from one keystroke to the next.

A keystroke changes one routine, and moves those behind it. What a walk finds depends on the words
of the routines it goes through and on the effects that it asks for, not on where they lie; so an
outcome is kept by the name of its routine, with

    for each routine that was touched   a digest of its words and labels
    for each effect that was asked for  the effect, and what is to be relied on
    for all of them together            what lies in the zero page

and is used again as long as these are the same. Its addresses are kept as distances from the
beginnings of routines. An outcome that does depend on addresses is not kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.language.effects import Effect
from jitvm.guests.uxn.language.reading import Files, Reading
from jitvm.guests.uxn.language.walking import Code, Mismatch, Outcome, Trust, Turn
from jitvm.guests.uxn.symbols import PROGRAM_START

Spot = tuple[str, int]
"""An address, as the name of a routine and a distance from it."""


class _Kept(Struct, frozen=True):
    """An outcome, and what it depends on."""

    effect: Effect
    shared: int
    regions: tuple[tuple[str, int], ...]
    asked: tuple[tuple[Spot, Effect, Trust], ...]
    mismatches: tuple[Mismatch, ...]
    spots: tuple[Spot, ...]
    """Of the addresses in the mismatches, in their order."""
    may_return: bool


class Memory:
    """Outcomes of the walks of one program's earlier readings.

    Attributes:
        files: their sources.
    """

    def __init__(self) -> None:
        self.files = Files()
        self._kept: dict[Spot, _Kept] = {}
        self._new: dict[Spot, _Kept] = {}
        self._code: Code | None = None
        self._regions = _Regions(None)

    def attach(self, reading: Reading, code: Code) -> Callable[[int], Outcome | None]:
        """Begin with a reading; what is returned finds outcomes for its walks."""
        self._code = code
        self._regions = _Regions(reading)
        self._new = {}
        return self._find

    def keep(self) -> None:
        """Keep the outcomes of the reading, and no older ones."""
        code = self._code
        assert code is not None
        for entry in code.declared:
            outcome = code.known(entry)
            spot = self._regions.spot(entry)
            if outcome is None or outcome.is_fixed or spot in self._new:
                continue
            self._new[spot] = self._packed(code, entry, outcome)
        self._kept, self._code = self._new, None

    def _find(self, entry: int) -> Outcome | None:
        code, regions = self._code, self._regions
        assert code is not None
        spot = regions.spot(entry)
        kept = self._kept.get(spot)
        if kept is None or kept.effect != code.declared[entry] or kept.shared != regions.shared:
            return None
        if any(regions.digests.get(name) != digest for name, digest in kept.regions):
            return None
        for asked, effect, trust in kept.asked:
            address = regions.address(asked)
            if address is None or code.declared.get(address) != effect:
                return None
            if code.trust(address) != trust:
                return None
        self._new[spot] = kept
        addresses = iter([regions.address(each) or 0 for each in kept.spots])
        mismatches = tuple(
            each.but(
                turns=tuple(Turn(next(addresses), turn.what) for turn in each.turns),
                at=next(addresses),
            )
            for each in kept.mismatches
        )
        return Outcome(mismatches, kept.may_return, frozenset(), frozenset(), False)

    def _packed(self, code: Code, entry: int, outcome: Outcome) -> _Kept:
        regions = self._regions
        names = dict.fromkeys(regions.spot(address)[0] for address in outcome.touched)
        addresses = []
        for mismatch in outcome.mismatches:
            addresses += [turn.address for turn in mismatch.turns]
            addresses.append(mismatch.at)
        return _Kept(
            effect=code.declared[entry],
            shared=regions.shared,
            regions=tuple((name, regions.digests.get(name, 0)) for name in names),
            asked=tuple(
                (regions.spot(each), code.declared[each], code.trust(each))
                for each in outcome.asked
            ),
            mismatches=outcome.mismatches,
            spots=tuple(regions.spot(address) for address in addresses),
            may_return=outcome.may_return,
        )


class _Regions:
    """The routines of a reading: from each label with `@` to the next one.

    Attributes:
        digests: of the words and labels of each, by name.
        shared: a digest of what all depend on.
    """

    def __init__(self, reading: Reading | None) -> None:
        self.digests: dict[str, int] = {}
        self.shared = 0
        self._starts: list[int] = []
        self._names: list[str] = []
        self._addresses: dict[str, int] = {}
        if reading is None:
            return
        parts: dict[str, list[object]] = {"": []}
        tops = []
        below: list[object] = [reading.legacy]
        for definition in reading.definitions:
            if definition.address is None:
                continue
            if definition.address < PROGRAM_START:
                below.append((definition.full, definition.address))
            elif definition.token.text[0] == "@":
                tops.append((definition.address, definition.full))
        tops.sort(key=lambda top: top[0])
        self._starts = [address for address, _ in tops]
        self._names = [name for _, name in tops]
        self._addresses = {name: address for address, name in tops}
        parts |= {name: [] for name in self._names}
        for definition in reading.definitions:
            if definition.address is not None and definition.address >= PROGRAM_START:
                name, distance = self.spot(definition.address)
                parts[name] += (definition.full, distance)
        end, name, start = 0, "", 0
        for address, _, token, _ in reading.emissions:
            if not start <= address < end:
                at = bisect_right(self._starts, address)
                name = self._names[at - 1] if at else ""
                start = self._starts[at - 1] if at else 0
                end = self._starts[at] if at < len(self._starts) else 0x10000
            parts[name] += (token.text, address - start)
        self.digests = {name: hash(tuple(words)) for name, words in parts.items()}
        self.shared = hash(tuple(below))

    def spot(self, address: int) -> Spot:
        """Where an address is."""
        at = bisect_right(self._starts, address)
        if not at:
            return "", address
        return self._names[at - 1], address - self._starts[at - 1]

    def address(self, spot: Spot) -> int | None:
        """The address of a place, if there is a routine of this name."""
        name, distance = spot
        start = self._addresses.get(name) if name else 0
        return None if start is None else start + distance
