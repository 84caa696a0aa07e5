"""Projection in plain Python: what the program has to do, and what it leaves to others.

It is what the program is compared with, and tells what is wrong with messages that the program
cannot read. On the way it notes how long runs and values are, so that instructions can be chosen.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.faults import MAX_DEPTH, Fault
from jitvm.guests.wire.project.cells import Cells
from jitvm.guests.wire.project.meaning import Meaning, is_known, normal
from jitvm.guests.wire.project.passing import Bad, length_at, past, tag_at, varint_at
from jitvm.guests.wire.project.selection import Fate
from jitvm.guests.wire.schema import WireType

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.wire.project.selection import Part, Selection
    from jitvm.guests.wire.schema import Field

    Key = tuple[int, int, str]


class _Conflict(Exception):
    """Two members of a oneof that is watched."""


class PlainProjection:
    """Makes messages of messages.

    Args:
        selection: what is kept.
        is_canonical: whether messages are written in canonical form, so that all of them is looked
            into.

    Attributes:
        selection: the same.
        seen: lengths of runs, of varints and of lengths, by the part, the number of the field, and
            ``"run"``, ``"value"``, ``"room"``; see `jitvm.guests.wire.project.program.Choice`.
    """

    def __init__(self, selection: Selection, *, is_canonical: bool = False) -> None:
        self.selection = selection
        self.seen: defaultdict[Key, Counter[int]] = defaultdict(Counter)
        self._is_canonical = is_canonical
        self._meaning = Meaning(checks_text=is_canonical)
        self._cells = Cells(selection)
        self._is_entry = True

    def projected(self, data: memoryview) -> bytes | None:
        """What is kept of a message; None where the condition leaves it out.

        Raises:
            Bad: it is not to be read; offsets are counted from its begin.
        """
        out = bytearray()
        selection, self._data = self.selection, data
        self._cells = cells = Cells(selection)
        try:
            if self._is_canonical:
                raise _Conflict
            self._message(selection.root, 0, len(data), "", MAX_DEPTH, 0, out, {})
            found = bytes(out)
        except _Conflict:
            meant = self._meaning.parsed(data, selection.message, selection.root)
            found = self._meaning.written(meant, selection.message, selection.root)
            self._cells = cells = Cells(selection)
            cells.take_all(meant, selection.top.values())
        return found if selection.where is None or cells.hold(selection.where) else None

    def _message(
        self, part: Part, place: int, end: int, path: str, depth: int, group: int, out: bytearray,
        members: dict[int, Field],
    ) -> int:  # fmt: skip
        """Go through fields up to an end, or to that of a group; the place behind.

        `members` are those that came of oneofs that are watched, by their cells.
        """
        data, run = self._data, place
        while place < end:
            start, name = place, ""
            try:
                tag, place = tag_at(data, place, end)
                if tag & 7 == WireType.END_GROUP:
                    if tag >> 3 != group:
                        raise Bad(Fault.GROUP, start)
                    out += data[start:place]
                    return place
                field = part.by_number.get(tag >> 3)
                if field is None or tag not in (field.tag, field.packed_tag):
                    place = past(data, place, end, tag, depth)
                    self._is_entry = self._is_entry and not part.message.is_map_entry
                    is_kept = part.keeps_unknown and (field is None or part.keeps(field))
                    out += data[start:place] if is_kept else b""
                    continue
                name = field.name
                self._watch(part, field, members)
                fate = part.fates[field.number]
                if fate is not Fate.KEEP:
                    tags = place - start if part.inner_is_written(field) else 0
                    self.seen[id(part), field.number, "run"][start - run + tags] += 1
                self._measure(part, field, tag, place, end)
                if field.is_closed and part.message.is_map_entry:
                    number = normal(field.kind, varint_at(data, place, end)[0])
                    self._is_entry = self._is_entry and is_known(field, number)
                if (asked := part.asked(field)) is not None:
                    self._cells.take(asked, data, place, end)
                if fate is Fate.ENTER:
                    inner = f"{path}.{name}" if path else name
                    place = self._enter(
                        part, field, tag, start, place, end, inner, depth, out, members
                    )
                else:
                    place = past(data, place, end, tag, depth)
                    out += data[start:place] if fate is Fate.KEEP else b""
                if fate is not Fate.KEEP:
                    run = place
            except Bad as bad:
                raise bad.at(".".join(filter(None, (path, name)))) from None
        if group:
            raise Bad(Fault.GROUP, place).at(path)
        self.seen[id(part), 0, "run"][end - run] += 1
        return place

    def _watch(self, part: Part, field: Field, members: dict[int, Field]) -> None:
        cell = part.watched.get(id(field.oneof))
        if cell is not None and members.setdefault(cell, field) is not field:
            raise _Conflict

    def _measure(self, part: Part, field: Field, tag: int, place: int, end: int) -> None:
        """Note how many bytes a varint has, or a length."""
        if tag & 7 in (WireType.VARINT, WireType.LENGTH):
            size = varint_at(self._data, place, end)[1] - place
            self.seen[id(part), field.number, "value"][size] += 1

    def _enter(
        self, part: Part, field: Field, tag: int, start: int, place: int, end: int, path: str,
        depth: int, out: bytearray, members: dict[int, Field],
    ) -> int:  # fmt: skip
        """Go through a message in another; the place behind."""
        inner, inside = part.inner(field), bytearray()
        if field.is_repeated:
            members = {}
        if depth == 0:
            raise Bad(Fault.DEPTH, place)
        head = self._data[start:place]
        if tag & 7 == WireType.START_GROUP:
            behind = self._message(
                inner, place, end, path, depth - 1, field.number, inside, members
            )
            out += bytes(head) + inside if inner.is_written else b""
            return behind
        begin, behind = length_at(self._data, place, end)
        around, self._is_entry = self._is_entry, True
        self._message(inner, begin, behind, path, depth - 1, 0, inside, members)
        is_entry, self._is_entry = self._is_entry, around
        if not is_entry:
            out += self._data[start:behind] if part.keeps_unknown else b""
        elif inner.is_written:
            size = varint(len(inside))
            room = len(varint(behind - begin))
            self.seen[id(inner), 0, "room"][len(size) if len(size) == room else 9] += 1
            out += bytes(head) + size + inside
        return behind
