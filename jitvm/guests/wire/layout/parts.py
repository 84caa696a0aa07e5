"""What records of a layout have, one part behind the other.

    "<IHh8s"                 of struct, with names           Parts ── number "a", number "b", ...
    np.dtype([...])          NumPy's structured types          │
    class Head(Structure)    of ctypes, with bit fields        ├ size: bytes, if all records have
    [("id", "u4"), ...]      declared, with counted parts      └      as many

Declared kinds:

    "u1" ... "u8", "i1" ... "i8", "f4", "f8", "bool"   numbers, of so many bytes
    "bytes 16"                                         bytes of a fixed number
    "bytes:u2", "text:u2"                              bytes, UTF-8, behind a number of them
    [("x", "f4"), ...]                                 a record in the record
    ("u4", 3), ([...], 3)                              a list of three
    ("u4", "u2"), ([...], "u2")                        a list behind the number of its elements
    "bytes:size", "text:size", ("u4", "size")          the same where `size`, a number that came
                                                       before in the record, says how many
    "u4?"                                              behind a byte that says whether it is there
    "flag:1 kind:3 rest:4" as name, "u1" as kind       bit fields, lowest bits first
    None as name: "pad 3", "align 4"                   bytes that nobody wants

"<" or ">" in front of a kind is its byte order, or that of the number in front of bytes; those
without have that of the layout.
"""

from __future__ import annotations

import re

from jitvm.guests.wire.faults import SchemaError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

FORMATS = {
    "u1": "C", "i1": "c", "u2": "S", "i2": "s", "u4": "I", "i4": "i", "u8": "L", "i8": "l",
    "f4": "f", "f8": "g", "bool": "b",
}  # fmt: skip
"""Arrow's formats of numbers."""
COUNTS = ("u1", "u2", "u4", "u8")
"""What a number of elements or bytes may be."""
_STRUCT = {
    "b": "i1", "B": "u1", "?": "bool", "h": "i2", "H": "u2", "i": "i4", "I": "u4", "l": "i4",
    "L": "u4", "q": "i8", "Q": "u8", "f": "f4", "d": "f8",
}  # fmt: skip
_NATIVE = {"l": "i8", "L": "u8", "n": "i8", "N": "u8"}
_KIND = re.compile(r"([<>]?)(bytes \d+|(?:bytes|text):\w+|[a-z]+\d*)(\??)")
MOST = 1 << 24
"""Bytes of a part, and of records of one size, at most."""


class Part:
    """A part of a record.

    Attributes:
        name: of its column; "" for what has none.
        kind: ``"number"``, ``"bytes"`` (of a fixed number), ``"text"`` (behind its length),
            ``"record"``, ``"list"``, ``"bits"`` or ``"pad"``.
        format, width: of numbers: Arrow's format, and bytes. Of bits: those of the whole.
        is_big: whether the highest byte comes first: of a number, or of what counts.
        size: of bytes and pads.
        is_utf8: of texts.
        count: of texts and lists, bytes of the number in front; 0 where `size` is the number, ...
        of: ... or another part of the record is, whose name this is; "" for none.
        of_width: bytes of that part.
        parts: of records, or of a list its element.
        bits: names and numbers of bits.
        is_optional: whether a byte in front says if it is there.
    """

    __slots__ = (
        "bits", "count", "format", "is_big", "is_optional", "is_utf8", "kind", "name", "of",
        "of_width", "parts", "size", "width",
    )  # fmt: skip

    def __init__(self, name: str, kind: str, *, size: int = 0, is_big: bool = False) -> None:
        self.name = name
        self.kind = kind
        self.format = ""
        self.width = 0
        self.is_big = is_big
        self.size = size
        self.is_utf8 = False
        self.count = self.of_width = 0
        self.of = ""
        self.parts: list[Part] = []
        self.bits: list[tuple[str, int]] = []
        self.is_optional = False

    @property
    def fixed(self) -> int | None:
        """Bytes that all values have; None where they have different numbers."""
        is_counted = self.kind == "list" and (self.count or self.of)
        if self.is_optional or self.kind == "text" or is_counted:
            return None
        if self.kind in ("number", "bits"):
            return self.width
        if self.kind in ("bytes", "pad"):
            return self.size
        inner = fixed_size(self.parts)
        return None if inner is None else inner * (self.size if self.kind == "list" else 1)

    @property
    def least(self) -> int:
        """Bytes that a value has at least."""
        if self.is_optional:
            return 1
        if self.count or self.of:
            return self.count
        inner = sum(each.least for each in self.parts)
        return self.fixed or inner * (self.size if self.kind == "list" else 1)

    @property
    def has_counts(self) -> bool:
        """Whether a number in it says how many of something else there are."""
        return any(each.of or each.has_counts for each in self.parts)


def fixed_size(parts: list[Part]) -> int | None:
    """Bytes of all parts, if they have always as many."""
    total = 0
    for each in parts:
        size = each.fixed
        if size is None:
            return None
        total += size
    return total


def number(name: str, kind: str, is_big: bool) -> Part:
    """A number of a kind as in `FORMATS`."""
    made = Part(name, "number", is_big=is_big)
    made.format = FORMATS[kind]
    made.width = 1 if kind == "bool" else int(kind[1:])
    return made


def pad(size: int) -> list[Part]:
    """Bytes that nobody wants."""
    return [Part("", "pad", size=size)] if size else []


def parts_of(definition: Any, names: Any, order: str) -> list[Part]:
    """The parts of whatever defines a layout.

    Raises:
        SchemaError: nothing does.
    """
    if order not in ("<", ">"):
        raise SchemaError(f"order={order!r}: choose '<' or '>'")
    if isinstance(definition, str | bytes):
        text = definition if isinstance(definition, str) else definition.decode("latin-1")
        parts = of_struct(text, names)
    elif names is not None:
        raise SchemaError("names are for a format string of struct; others have their own")
    elif isinstance(definition, list | tuple):
        parts = declared(definition, order == ">")
    elif hasattr(definition, "_fields_"):
        parts = of_ctypes(definition)
    elif hasattr(definition, "fields") and hasattr(definition, "itemsize"):
        parts = of_dtype(definition)
    else:
        raise SchemaError(
            f"{definition!r} is no layout; give a format string of struct, a structured dtype, a "
            "ctypes structure, or a list of names and kinds"
        )
    named = [name for part in parts for name in ([n for n, _ in part.bits] or [part.name]) if name]
    if not named:
        raise SchemaError("the layout has no parts with names")
    if len(set(named)) < len(named):
        raise SchemaError("two parts of the layout have the same name")
    return parts


# -- declarations --------------------------------------------------------------------------------


def declared(fields: Any, is_big: bool, path: str = "") -> list[Part]:
    """The parts of a declaration.

    Raises:
        SchemaError: it is none.
    """
    parts: list[Part] = []
    names: set[str] = set()
    for each in fields:
        if not isinstance(each, tuple) or len(each) != 2:
            raise SchemaError(f"{path or 'layout'}: {each!r} is no pair of a name and a kind")
        name, kind = each
        if name is None:
            parts += _filling(kind, parts, path)
            continue
        if not isinstance(name, str) or not name:
            raise SchemaError(f"{path or 'layout'}: {name!r} is no name")
        where = f"{path}.{name}" if path else name
        made = _bits(name, kind, is_big, where) if ":" in name else _of(name, kind, is_big, where)
        if made.of:
            made.of_width = _width_of(made.of, parts, where)
        for one in [bit for bit, _ in made.bits] or [name]:
            if one in names:
                raise SchemaError(f"{where}: there are two parts {one!r}")
            names.add(one)
        parts.append(made)
    if not names:
        raise SchemaError(f"{path or 'layout'}: there are no parts with names")
    return parts


def _filling(kind: Any, before: list[Part], path: str) -> list[Part]:
    words = kind.split() if isinstance(kind, str) else []
    if len(words) != 2 or words[0] not in ("pad", "align") or not words[1].isdecimal():
        raise SchemaError(f"{path or 'layout'}: {kind!r} has no name; give 'pad 3' or 'align 4'")
    size = int(words[1])
    if words[0] == "pad":
        return pad(_checked(size, path))
    begin = fixed_size(before)
    if begin is None or not 0 < size <= MOST or path:
        raise SchemaError(
            f"{path or 'layout'}: {kind!r} stands behind parts of different sizes, or inside of "
            "another part; use 'pad'"
        )
    return pad(-begin % size)


def _checked(size: int, path: str) -> int:
    if not 0 < size <= MOST:
        raise SchemaError(f"{path or 'layout'}: {size} is no number of bytes or elements")
    return size


def _of(name: str, kind: Any, is_big: bool, path: str) -> Part:
    if isinstance(kind, list):
        made = Part(name, "record")
        made.parts = declared(kind, is_big, path)
        return made
    if isinstance(kind, tuple) and len(kind) == 2:
        made = Part(name, "list", is_big=is_big)
        made.parts = [_of("item", kind[0], is_big, path)]
        if made.parts[0].of:
            raise SchemaError(f"{path}: elements have no part {made.parts[0].of!r} before them")
        if isinstance(kind[1], int):
            made.size = _checked(kind[1], path)
        elif _is_name(kind[1]):
            made.of = kind[1]
        else:
            made.count, made.is_big = _counted(kind[1], is_big, path)
        if not made.parts[0].least:
            raise SchemaError(f"{path}: elements have no bytes")
        return made
    found = _KIND.fullmatch(kind) if isinstance(kind, str) else None
    if found is None:
        raise SchemaError(f"{path}: {kind!r} is no kind; see `jitvm.wire.layout`")
    order, word, optional = found.groups()
    big = order == ">" or (is_big and order != "<")
    if word in FORMATS:
        made = number(name, word, big)
    elif word.startswith("bytes "):
        made = Part(name, "bytes", size=_checked(int(word[6:]), path))
    elif ":" in word:
        made = Part(name, "text", is_big=big)
        made.is_utf8 = word.startswith("text")
        counts = word.partition(":")[2]
        if counts in COUNTS:
            made.count = int(counts[-1])
        else:
            made.of = counts
    else:
        raise SchemaError(
            f"{path}: {kind!r} is no kind; there are {', '.join(FORMATS)}, bytes, text"
        )
    made.is_optional = bool(optional)
    return made


def _is_name(kind: Any) -> bool:
    """Whether what counts is another part."""
    return isinstance(kind, str) and kind.isidentifier() and kind not in (*FORMATS, *COUNTS)


def _width_of(name: str, before: list[Part], path: str) -> int:
    """Bytes of the part of a name that counts something."""
    for part in before:
        if part.name == name and part.kind == "number" and part.format in "CSI":
            if part.is_optional:
                raise SchemaError(f"{path}: {name} may be absent, so it counts nothing")
            return part.width
    raise SchemaError(f"{path}: no part {name!r} of the kind u1, u2 or u4 comes before it")


def _counted(kind: Any, is_big: bool, path: str) -> tuple[int, bool]:
    word = kind.lstrip("<>") if isinstance(kind, str) else ""
    if word not in COUNTS:
        raise SchemaError(f"{path}: {kind!r} counts nothing; choose from {', '.join(COUNTS)}")
    return int(word[1]), kind[0] == ">" or (is_big and kind[0] != "<")


def _bits(name: str, kind: Any, is_big: bool, path: str) -> Part:
    word = kind.lstrip("<>") if isinstance(kind, str) else ""
    if word not in COUNTS:
        raise SchemaError(f"{path}: bit fields are of {', '.join(COUNTS)}, not {kind!r}")
    whole = number(name, word, kind[0] == ">" or (is_big and kind[0] != "<"))
    whole.kind = "bits"
    for each in name.split():
        one, _, count = each.partition(":")
        if not count.isdecimal() or not int(count):
            raise SchemaError(f"{path}: {each!r} is no name with a number of bits")
        whole.bits.append((one, int(count)))
    if sum(count for _, count in whole.bits) > 8 * whole.width:
        raise SchemaError(f"{path}: there are more bits than {kind!r} has")
    return whole


# -- of others -----------------------------------------------------------------------------------


def of_struct(format: str, names: Any) -> list[Part]:
    """The parts of a format string of `struct`; `names` are of its values, in order.

    Raises:
        SchemaError: it is none, or has another number of values.
    """
    import struct
    import sys

    try:
        total = struct.calcsize(format)
    except struct.error as error:
        raise SchemaError(f"the format {format!r}: {error}") from None
    order = format.lstrip()[:1]
    is_native = order not in ("<", ">", "=", "!")
    is_big = order in (">", "!") or (order not in ("<",) and sys.byteorder == "big")
    parts: list[Part] = []
    given = iter(names if names is not None else (f"f{i}" for i in range(1 << 16)))
    at = count = 0
    for repeat, code in re.findall(r"(\d*)([a-zA-Z?])", format):
        times = int(repeat) if repeat else 1
        if code in "xsp":
            made = pad(times) if code == "x" else []
            if code != "x":
                count += 1
                made = [Part(str(next(given, "")), "bytes", size=_checked(times, "layout"))]
            parts += made
            at += times
            continue
        kind = (_NATIVE.get(code) if is_native else None) or _STRUCT.get(code)
        if code == "c":
            kind = "bytes"
        if kind is None:
            raise SchemaError(f"the format {format!r}: {code!r} has no column")
        width = 1 if kind in ("bytes", "bool") else int(kind[1:])
        if is_native and order != "=" and -at % width:
            parts += pad(-at % width)
            at += -at % width
        for _ in range(times):
            count += 1
            name = str(next(given, ""))
            one = Part(name, "bytes", size=1) if kind == "bytes" else number(name, kind, is_big)
            parts.append(one)
            at += width
    if at != total:
        parts += pad(total - at)
    if names is not None and len(list(names)) != count:
        raise SchemaError(f"{format!r} has {count} values, and there are {len(list(names))} names")
    return parts


def of_dtype(dtype: Any, path: str = "") -> list[Part]:
    """The parts of a structured type of NumPy.

    Raises:
        SchemaError: it has none, or some of which no column is made.
    """
    if dtype.names is None:
        raise SchemaError(f"{dtype} has no fields; give a structured dtype")
    parts: list[Part] = []
    at = 0
    for name in sorted(dtype.names, key=lambda each: dtype.fields[each][1]):
        field, offset = dtype.fields[name][:2]
        if offset < at:
            raise SchemaError(f"{name}: fields lie on each other")
        parts += pad(offset - at)
        parts.append(_of_numpy(name, field, f"{path}.{name}" if path else name))
        at = offset + field.itemsize
    return parts + pad(dtype.itemsize - at)


def _of_numpy(name: str, dtype: Any, path: str) -> Part:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        made = _of_numpy("item", base, path)
        for size in reversed(shape):
            inner, made = made, Part("item", "list", size=size)
            made.parts = [inner]
        made.name = name
        return made
    if dtype.names is not None:
        made = Part(name, "record")
        made.parts = of_dtype(dtype, path)
        return made
    if dtype.kind in "SV":
        return Part(name, "bytes", size=_checked(dtype.itemsize, path))
    kind = "bool" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"
    if kind not in FORMATS:
        raise SchemaError(f"{path}: {dtype} has no column")
    return number(name, kind, dtype.newbyteorder("=") != dtype)


def of_ctypes(structure: Any, path: str = "") -> list[Part]:
    """The parts of a structure of ctypes, bit fields included.

    Raises:
        SchemaError: it has some of which no column is made.
    """
    import ctypes
    import sys

    swapped = ctypes.BigEndianStructure if sys.byteorder == "little" else (
        ctypes.LittleEndianStructure
    )  # fmt: skip
    is_big = issubclass(structure, swapped) is (sys.byteorder == "little")
    parts: list[Part] = []
    at = 0
    for field in structure._fields_:
        name, type = field[:2]
        offset = getattr(structure, name).offset
        where = f"{path}.{name}" if path else name
        if len(field) == 3:
            raw = getattr(structure, name).size
            _add_bits(parts, name, type, raw & 0xFFFF, field[2], offset, at, is_big, where)
            at = max(at, offset + ctypes.sizeof(type))
            continue
        if offset < at:
            raise SchemaError(f"{where}: fields lie on each other")
        parts += pad(offset - at)
        parts.append(_of_ctype(name, type, is_big, where))
        at = offset + ctypes.sizeof(type)
    return parts + pad(ctypes.sizeof(structure) - at)


def _add_bits(
    parts: list[Part], name: str, type: Any, first: int, count: int, offset: int, at: int,
    is_big: bool, path: str,
) -> None:  # fmt: skip
    """A bit field, in the whole that is the last part, or in a new one."""
    if is_big:
        raise SchemaError(f"{path}: bit fields of a structure in the other byte order")
    whole = parts[-1] if parts and parts[-1].kind == "bits" and offset < at else None
    if whole is None:
        if offset < at:
            raise SchemaError(f"{path}: fields lie on each other")
        parts += pad(offset - at)
        whole = _of_ctype("", type, is_big, path)
        whole.kind = "bits"
        parts.append(whole)
    used = sum(each for _, each in whole.bits)
    if first > used:
        whole.bits.append(("", first - used))
    whole.bits.append((name, count))


def _of_ctype(name: str, type: Any, is_big: bool, path: str) -> Part:
    import ctypes

    if issubclass(type, ctypes.Array):
        if type._type_ is ctypes.c_char:
            return Part(name, "bytes", size=_checked(type._length_, path))
        made = Part(name, "list", size=_checked(type._length_, path))
        made.parts = [_of_ctype("item", type._type_, is_big, path)]
        return made
    if issubclass(type, ctypes.Structure):
        made = Part(name, "record")
        made.parts = of_ctypes(type, path)
        return made
    code = getattr(type, "_type_", "")
    size = ctypes.sizeof(type)
    if code == "c":
        return Part(name, "bytes", size=1)
    if not isinstance(code, str) or code not in "bBhHiIlLqQfd?":
        raise SchemaError(f"{path}: {type.__name__} has no column")
    kind = "bool" if code == "?" else f"f{size}" if code in "fd" else (
        f"{'i' if code.islower() else 'u'}{size}"
    )  # fmt: skip
    return number(name, kind, is_big)
