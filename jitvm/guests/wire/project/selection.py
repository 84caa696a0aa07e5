"""What becomes of each field of a message: kept, dropped, or entered because it is parted.

    keep=["ts", "attrs"], drop=["attrs.value"], where="status == 1"

    Part "Span"                     KEEP ts
      ENTER attrs ──> Part "Attr"   KEEP key, DROP value
      DROP status, which is asked for
      DROP all others

A field is kept or dropped as a whole, without being looked into, unless a path leads into it. The
rules of Protobuf hold because what is kept stays in its order: a value that comes twice, or a
message in pieces, means the same behind as before. One rule does not: that a member of a oneof
unsets the others, where one is dropped and another is not. Such a oneof is *watched*: a message in
which two members come has to be understood as a whole (`meaning`).

A condition asks for values: each has a *cell*, where whoever goes through a message notes it.
"""

from __future__ import annotations

from enum import IntEnum

from jitvm.guests.wire.columns import ColumnError
from jitvm.guests.wire.paths import no_field, path_names
from jitvm.guests.wire.schema import WRAPPERS
from jitvm.guests.wire.where import paths

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jitvm.guests.wire.schema import Field, Message, Oneof
    from jitvm.guests.wire.where import Condition

    Paths = dict[str, "Paths | None"]
    """Fields by name: None for all of it, or what is named in it."""


class Fate(IntEnum):
    """What becomes of a field."""

    KEEP = 0
    DROP = 1
    ENTER = 2


class Asked:
    """A field that a condition asks for, or a message with such in it.

    Attributes:
        field: which; of a wrapper, the wrapper.
        cell: number of its cell.
        inner: those in it, by name.
        is_leaf: whether its value is asked for, or whether it is there.
    """

    __slots__ = ("cell", "field", "inner", "is_leaf")

    def __init__(self, field: Field, cell: int) -> None:
        self.field = field
        self.cell = cell
        self.inner: dict[str, Asked] = {}
        self.is_leaf = False


class Part:
    """A message that is gone through field by field.

    Attributes:
        message: its type.
        is_written: whether anything of it is kept; else it is only asked for.
        keeps_unknown: whether fields are kept that the schema does not know.
        watched: cells of oneofs that are watched, by their identity.
        depth: messages around it; None where it has no place of its own, as everything in it is
            kept but for unknown fields.
    """

    def __init__(
        self,
        selection: Selection,
        message: Message,
        kept: Paths | None,
        dropped: Paths,
        asked: dict[str, Asked],
        *,
        is_written: bool = True,
        depth: int | None = 0,
    ) -> None:
        self.message = message
        self.is_written = is_written
        self.depth = depth
        self._selection = selection
        self._kept = kept
        self._dropped = dropped
        self._asked = asked
        self._inner: dict[int, Part] = {}
        unknown = selection.unknown
        self.keeps_unknown = is_written and (kept is None if unknown is None else unknown)
        self.by_number = message.by_number
        self.fates = {field.number: self._fate(field) for field in message.fields}
        self.watched: dict[int, int] = {
            id(oneof): selection.cell() for oneof in message.oneofs if self._is_watched(oneof)
        }

    def asked(self, field: Field) -> Asked | None:
        """What a condition asks of a field."""
        return self._asked.get(field.name)

    def inner(self, field: Field) -> Part:
        """The message in a field that is entered."""
        part = self._inner.get(field.number)
        if part is None:
            part = self._inner[field.number] = self._made(field)
        return part

    def build(self) -> None:
        """Make all parts in it that have a place of their own: threads share them."""
        for number, fate in self.fates.items():
            part = self.inner(self.by_number[number]) if fate is Fate.ENTER else self
            if part is not self and part.depth is not None:
                part.build()

    def is_passed(self, field: Field) -> bool:
        """Whether nobody wants to have a field: it is dropped, and not asked for."""
        return self.fates[field.number] is Fate.DROP and self.asked(field) is None

    def within(self, field: Field) -> Part | None:
        """The message in a field, if it is entered."""
        return self.inner(field) if self.fates[field.number] is Fate.ENTER else None

    def inner_is_written(self, field: Field) -> bool:
        """Whether a field is entered, and something of it kept."""
        inner = self.within(field)
        return inner is not None and inner.is_written

    def _fate(self, field: Field) -> Fate:
        asked = self._asked.get(field.name)
        into = Fate.ENTER if asked is not None and asked.inner else None
        if not self.keeps(field):
            return Fate.DROP if into is None else into
        is_parted = self._named(field) is not None or self._dropped.get(field.name)
        if field.message is not None and (is_parted or self._selection.is_parted):
            return Fate.ENTER
        return Fate.KEEP if into is None else into

    def keeps(self, field: Field) -> bool:
        """Whether a field is kept, or something in it."""
        if not self.is_written:
            return False
        if self.message.is_map_entry and field.number == 1:  # an entry without its key is none
            return True
        if self._dropped.get(field.name, self._dropped) is None:
            return False
        return self._kept is None or field.name in self._kept

    def _named(self, field: Field) -> Paths | None:
        """What is to be kept in a field; None for all."""
        return None if self._kept is None else self._kept.get(field.name)

    def _made(self, field: Field) -> Part:
        assert field.message is not None
        is_written = self.keeps(field)
        kept = self._named(field) if is_written else None
        dropped = (self._dropped.get(field.name) or {}) if is_written else {}
        asked = self._asked.get(field.name)
        inside = {} if asked is None else asked.inner
        if is_written and kept is None and not dropped and not inside:
            return self._selection.whole(field.message)
        assert self.depth is not None
        return Part(
            self._selection, field.message, kept, dropped, inside, is_written=is_written,
            depth=self.depth + 1,
        )  # fmt: skip

    def _is_watched(self, oneof: Oneof) -> bool:
        if len(oneof.fields) < 2:
            return False
        is_kept = {self.keeps(field) for field in oneof.fields}
        return len(is_kept) > 1 or any(field.name in self._asked for field in oneof.fields)

    def cells(self) -> list[int]:
        """Cells of oneofs that are watched in it, and in single messages in it."""
        found = list(self.watched.values())
        for number, fate in self.fates.items():
            field = self.by_number[number]
            if fate is Fate.ENTER and not field.is_repeated:
                part = self.inner(field)
                found += [] if part.depth is None else part.cells()
        return found


class Selection:
    """What is kept of messages of a type.

    Args:
        message: the type.
        keep: paths of what is kept, as ``"attrs.key"``; None for all. One of a oneof stands for
            all its members.
        drop: paths of what is dropped of that.
        where: what has to be true of a message.
        unknown: whether fields are kept that the schema does not know: True, False; None, in
            messages of which not only some fields are named.
        is_parted: whether messages that are kept are gone through where that drops unknown fields.

    Raises:
        ColumnError: a path names nothing; what is required, or the key of a map, is dropped.

    Attributes:
        message, where, unknown, is_parted: the same.
        root: what becomes of the fields of a message.
        count: cells there are.
        asked: all that the condition asks for; `top`: fields of the message itself, by name.
    """

    def __init__(
        self,
        message: Message,
        keep: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        where: Condition | None = None,
        unknown: bool | None = None,
        *,
        is_parted: bool = True,
    ) -> None:
        self.message = message
        self.where = where
        self.unknown = unknown
        self.is_parted = is_parted and unknown is False
        self.count = 0
        self._whole: dict[int, Part] = {}
        kept = None if keep is None else _named(message, keep)
        dropped = _named(message, drop)
        self.asked: list[Asked] = []
        self.top: dict[str, Asked] = {}
        for path in () if where is None else paths(where):
            self._ask(message, self.top, path_names(path))
        self.root = Part(self, message, kept, dropped, self.top)
        self.root.build()
        _check(self.root, kept, dropped, "")

    def cell(self) -> int:
        """A cell that nobody has."""
        self.count += 1
        return self.count - 1

    def whole(self, message: Message) -> Part:
        """A message of which all is kept that is known."""
        part = self._whole.get(id(message))
        if part is None:
            part = self._whole[id(message)] = Part(self, message, None, {}, {}, depth=None)
        return part

    def _ask(self, message: Message, level: dict[str, Asked], names: list[str]) -> None:
        field = message.field(names[0])
        assert field is not None
        asked = level.get(field.name)
        if asked is None:
            asked = level[field.name] = Asked(field, self.cell())
            self.asked.append(asked)
        if len(names) > 1:
            assert field.message is not None
            self._ask(field.message, asked.inner, names[1:])
            return
        asked.is_leaf = True
        if field.message is not None and field.message.full_name in WRAPPERS:
            value = field.message.field("value")
            assert value is not None
            inner = asked.inner.setdefault(value.name, Asked(value, asked.cell))
            inner.is_leaf = True

    def path(self, path: str) -> list[Asked]:
        """What is asked for on a path, the outermost message first."""
        found, level = [], self.top
        for name in path_names(path):
            found.append(level[name])
            level = found[-1].inner
        return found


def _named(message: Message, paths: Iterable[str]) -> Paths:
    """The fields that some paths name."""
    if isinstance(paths, str):
        raise TypeError("keep and drop are lists of paths, not a str")
    found: Paths = {}
    for path in paths:
        level: Paths | None = found
        current: Message | None = message
        names = path_names(path)
        for place, name in enumerate(names):
            if level is None:
                break  # all of it is named
            if current is None:
                inner = ".".join(names[:place])
                raise ColumnError(f"{path!r}: {inner} is no message; name {inner!r} itself")
            is_last = place == len(names) - 1
            members = [each for one in current.oneofs if one.name == name for each in one.fields]
            field = current.field(name)
            if field is None and not (members and is_last):
                raise ColumnError(f"{path!r}: {no_field(current, name)}")
            if is_last:
                level.update(dict.fromkeys([name] if field else [m.name for m in members]))
            else:
                level = level.setdefault(name, {})
            current = field.message if field is not None else None
    return found


def _check(part: Part, kept: Paths | None, dropped: Paths, path: str) -> None:
    """Make sure that nothing is dropped that messages cannot be without."""
    for field in part.message.fields:
        where = f"{path}.{field.name}" if path else field.name
        fate = part.fates[field.number]
        is_key = part.message.is_map_entry and field.number == 1
        if is_key and dropped.get(field.name, dropped) is None:
            raise ColumnError(f"{where} is the key of a map; drop the whole map, or its values")
        if field.is_required and part.is_written and not part.keeps(field):
            raise ColumnError(
                f"{where} is required; messages without it cannot be read, so keep it"
            )
        inner, less = None if kept is None else kept.get(field.name), dropped.get(field.name)
        if fate is Fate.ENTER and (inner is not None or less):
            _check(part.inner(field), inner, less or {}, where)
