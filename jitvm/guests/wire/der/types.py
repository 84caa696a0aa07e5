"""ASN.1 types as they are declared in Python.

    Name = der.sequence_of(der.set_of(der.sequence(type=der.oid(), value=der.any())))
    Certificate = der.sequence(
        tbs=der.sequence(
            version=der.integer().explicit(0).default(0),
            serial=der.number(),
            ...

A type is not changed by what is called on it: each of `implicit`, `explicit`, `optional` and
`default` gives another one.

Source: ITU-T X.680 (02/2021) for what types there are, X.690 for their tags.
"""

from __future__ import annotations

from copy import copy

from jitvm.guests.wire.der.heads import MOST_TAG
from jitvm.guests.wire.faults import SchemaError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = {"universal": 0x00, "application": 0x40, "context": 0x80, "private": 0xC0}
"""The highest bits of a tag."""
CONSTRUCTED = 0x20
TAGS = {
    "boolean": 1, "integer": 2, "number": 2, "bits": 3, "octets": 4, "null": 5, "oid": 6,
    "enumerated": 10, "sequence": 0x30, "sequence_of": 0x30, "set": 0x31, "set_of": 0x31,
}  # fmt: skip
"""Tags of the universal class, by kind."""
TEXT_TAGS = {"utf8": 12, "numeric": 18, "printable": 19, "ia5": 22, "visible": 26}
"""The same of strings whose bytes are UTF-8."""
TIME_TAGS = {"utc": 23, "generalized": 24}
LARGEST = (1 << 28) - 1
"""The largest number of a tag: four bytes, with the first."""


class Tag:
    """A tag.

    Attributes:
        data: its bytes.
        name: for people, as ``[APPLICATION 2]``.
    """

    __slots__ = ("data", "name")

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tag) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)


def tag(number: int, cls: str = "context", *, is_constructed: bool = False) -> Tag:
    """The tag of a number in a class.

    Raises:
        SchemaError: there is no such.
    """
    if cls not in CLASSES:
        raise SchemaError(f"the class {cls!r} of a tag: choose from {', '.join(CLASSES)}")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LARGEST:
        raise SchemaError(f"the number {number!r} of a tag: choose from 0 to {LARGEST}")
    first = CLASSES[cls] | CONSTRUCTED * is_constructed
    name = f"[{number}]" if cls == "context" else f"[{cls.upper()} {number}]"
    if number < 0x1F:
        return Tag(bytes((first | number,)), name)
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    if len(groups) >= MOST_TAG:
        raise SchemaError(f"the tag {name} has more than {MOST_TAG} bytes")
    return Tag(bytes((first | 0x1F, *reversed(groups))), name)


class Type:
    """A type.

    Attributes:
        kind: what it is: a key of `TAGS`, "text", "time", "any" or "choice".
        fields: of a sequence or a set in the order of values, of a choice as declared: by name.
        item: of what is "of" something.
        tags: what stands in front of the value, outermost first, all but the last explicit. None
            for "any" and "choice", and for texts and times of more than one tag: see `universal`.
        universal: numbers of the tags of the universal class that a text or a time may have.
        is_optional: whether it may be absent.
        has_default: whether it has a value where it is absent: that of `absent`.
        absent: a number, a boolean, a string or bytes.
        names: of an enumeration, numbers by name.
        is_unsigned: of an integer.
        is_open: of a sequence or a set, whether more may come behind what is known.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.fields: dict[str, Type] = {}
        self.item: Type | None = None
        self.tags: tuple[Tag, ...] = ()
        self.universal: tuple[int, ...] = ()
        self.is_optional = self.has_default = False
        self.absent: int | bool | str | bytes | None = None
        self.names: dict[str, int] = {}
        self.is_unsigned = self.is_open = False
        if kind in TAGS:
            number = TAGS[kind]
            self.tags = (Tag(bytes((number,)), kind.upper().replace("_", " ")),)

    def __repr__(self) -> str:
        inside = f"({', '.join(self.fields)})" if self.fields else ""
        return f"<{self.kind}{inside}{' optional' if self.is_optional else ''}>"

    @property
    def is_constructed(self) -> bool:
        """Whether its value is made of values."""
        return self.kind in ("sequence", "sequence_of", "set", "set_of")

    def implicit(self, number: int, cls: str = "context") -> Type:
        """With another tag in the place of its own.

        Args:
            number: of the tag.
            cls: its class: ``"context"``, ``"application"``, ``"private"`` or ``"universal"``.

        Raises:
            SchemaError: there is no such tag, or the type is any, or a choice, which have none.
        """
        has_tag = self.kind not in ("any", "choice") and not self.universal
        is_explicit = len(self.tags) > has_tag
        if not is_explicit and self.kind in ("any", "choice"):
            raise SchemaError(f"a value of the kind {self.kind} has no tag: use explicit")
        made = copy(self)
        is_constructed = self.is_constructed or is_explicit
        made.tags = (tag(number, cls, is_constructed=is_constructed), *self.tags[1:])
        made.universal = self.universal if is_explicit else ()
        return made

    def explicit(self, number: int, cls: str = "context") -> Type:
        """With another tag around it, as for `implicit`."""
        made = copy(self)
        made.tags = (tag(number, cls, is_constructed=True), *self.tags)
        return made

    def optional(self) -> Type:
        """May be absent: then it is null."""
        made = copy(self)
        made.is_optional = True
        return made

    def default(self, value: int | bool | str | bytes) -> Type:
        """May be absent: then it has this value.

        Raises:
            SchemaError: it can have no such value.
        """
        made = copy(self)
        made.is_optional = made.has_default = True
        if self.kind == "enumerated" and isinstance(value, str):
            if value not in self.names:
                raise SchemaError(f"the default {value!r} is none of {', '.join(self.names)}")
            value = self.names[value]
        wanted = {
            "integer": int, "enumerated": int, "boolean": bool, "octets": bytes, "bits": bytes,
            "number": bytes, "text": str, "oid": str,
        }  # fmt: skip
        kind = wanted.get(self.kind)
        if kind is None or not isinstance(value, kind) or (kind is int and value is True):
            raise SchemaError(f"a value of the kind {self.kind} has no default {value!r}")
        made.absent = value
        return made


def first_tags(type: Type) -> tuple[tuple[Tag, ...], tuple[int, ...]] | None:
    """What a value may begin with: tags, and numbers of universal ones; None for anything."""
    if type.tags:
        return type.tags[:1], ()
    if type.universal:
        return (), type.universal
    if type.kind == "any":
        return None
    tags: tuple[Tag, ...] = ()
    numbers: tuple[int, ...] = ()
    for each in type.fields.values():
        found = first_tags(each)
        if found is None:
            return None
        tags, numbers = (*tags, *found[0]), (*numbers, *found[1])
    return tags, numbers


# -- declarations --------------------------------------------------------------------------------


def _fields(kind: str, fields: Mapping[str, Type]) -> dict[str, Type]:
    for name, type in fields.items():
        if not isinstance(type, Type):
            raise SchemaError(f"the field {name} of a {kind} is no type: {type!r}")
        if "." in name or not name:
            raise SchemaError(f"the name {name!r} of a field has a dot, or is empty")
    if not fields:
        raise SchemaError(f"a {kind} without fields")
    return dict(fields)


def sequence(fields: Mapping[str, Type] | None = None, /, *, open: bool = False,
             **more: Type) -> Type:  # fmt: skip
    """SEQUENCE: a struct.

    Args:
        fields, more: types by name, in their order.
        open: whether more values may come behind those that are declared; they are passed over.
    """
    made = Type("sequence")
    made.fields, made.is_open = _fields("sequence", {**(fields or {}), **more}), open
    return made


def set(fields: Mapping[str, Type] | None = None, /, *, open: bool = False, **more: Type) -> Type:
    """SET: a struct whose values come in the order of their tags, whatever theirs is here."""
    made = sequence(fields, open=open, **more)
    made.kind, made.tags = "set", Type("set").tags

    def order(row: tuple[str, Type]) -> bytes:
        found = first_tags(row[1])
        if found is None:
            raise SchemaError(f"the field {row[0]} of a set may have any tag")
        tags, numbers = found
        return min([each.data for each in tags] + [bytes((number,)) for number in numbers])

    made.fields = dict(sorted(made.fields.items(), key=order))
    return made


def _of(kind: str, item: Type) -> Type:
    if not isinstance(item, Type):
        raise SchemaError(f"{kind} of {item!r}, which is no type")
    made = Type(kind)
    made.item = item
    return made


def sequence_of(item: Type) -> Type:
    """SEQUENCE OF: a list."""
    return _of("sequence_of", item)


def set_of(item: Type) -> Type:
    """SET OF: a list, in the order in which its elements stand."""
    return _of("set_of", item)


def choice(fields: Mapping[str, Type] | None = None, /, **more: Type) -> Type:
    """CHOICE: a struct with a column for each, of which one is not null, and a column `type` that
    says which.

    Raises:
        SchemaError: two of them begin with the same tag.
    """
    made = Type("choice")
    made.fields = _fields("choice", {**(fields or {}), **more})
    if len(made.fields) > 127:
        raise SchemaError("a choice of more than 127")
    seen: dict[bytes, str] = {}
    for name, type in made.fields.items():
        if type.is_optional:
            raise SchemaError(f"{name} of a choice is optional")
        found = first_tags(type)
        if found is None and name != list(made.fields)[-1]:
            raise SchemaError(f"{name} of a choice may have any tag, so it has to be the last")
        keys: tuple[Tag | int, ...] = (*found[0], *found[1]) if found is not None else ()
        for key in keys:
            data = key.data if isinstance(key, Tag) else bytes([key])
            if data in seen:
                raise SchemaError(f"{seen[data]} and {name} of a choice begin with the same tag")
            seen[data] = name
    return made


def boolean() -> Type:
    """BOOLEAN."""
    return Type("boolean")


def integer(*, unsigned: bool = False) -> Type:
    """INTEGER of 64 bits: int64, or uint64."""
    made = Type("integer")
    made.is_unsigned = unsigned
    return made


def number() -> Type:
    """INTEGER of any size: its bytes, the highest first, as they stand."""
    return Type("number")


def enumerated(names: Mapping[str, int]) -> Type:
    """ENUMERATED: a dictionary of names. Numbers without a name become their digits.

    Raises:
        SchemaError: there are no names, or numbers of more than 32 bits.
    """
    made = Type("enumerated")
    made.names = dict(names)
    if not names or not all(-(1 << 31) <= each < 1 << 31 for each in names.values()):
        raise SchemaError("an enumeration has names, and numbers of up to 32 bits")
    return made


def bits() -> Type:
    """BIT STRING: its bytes, the first bit the highest. Bits at the end that are none are 0."""
    return Type("bits")


def octets() -> Type:
    """OCTET STRING."""
    return Type("octets")


def null() -> Type:
    """NULL: a boolean that is always null."""
    return Type("null")


def oid() -> Type:
    """OBJECT IDENTIFIER: a string of numbers with dots between them."""
    return Type("oid")


def text(*kinds: str) -> Type:
    """A string of bytes that are UTF-8.

    Args:
        kinds: of ``"utf8"``, ``"printable"``, ``"ia5"``, ``"visible"`` and ``"numeric"``; all of
            them if none is named.

    Raises:
        SchemaError: there is no such kind.
    """
    return _universal("text", kinds, TEXT_TAGS)


def time(*kinds: str) -> Type:
    """UTCTime or GeneralizedTime, to the second and in UTC, as DER has them: a timestamp.

    Args:
        kinds: ``"utc"`` or ``"generalized"``; both if none is named.

    Raises:
        SchemaError: there is no such kind.
    """
    return _universal("time", kinds, TIME_TAGS)


def _universal(kind: str, kinds: tuple[str, ...], known: Mapping[str, int]) -> Type:
    made = Type(kind)
    for each in kinds:
        if each not in known:
            raise SchemaError(f"a {kind} of the kind {each!r}: choose from {', '.join(known)}")
    made.universal = tuple(known[each] for each in kinds or known)
    return made


def any() -> Type:
    """Any value: its bytes, with tag and length."""
    return Type("any")
