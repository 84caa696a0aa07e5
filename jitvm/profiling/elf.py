"""Writes ELF64 little-endian files: as much of the format as debuggers and loaders read.

    header | section bodies | section headers | program headers

There are two kinds. `named_code` names functions that are already in memory: a section without
bytes at their address, a symbol each, and unwind information. `shared_object` is a complete library
with a function that returns immediately and some bytes of data, for the dynamic loader.

Formats: System V ABI, its supplements for x86-64 and AArch64; DWARF 5, section 6.4 (unwinding).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

MACHINES = {"x86_64": 62, "aarch64": 183}
"""Numbers of processors by the name the operating system gives them."""
PAGE = 0x10000
"""The largest page of any kernel that loads these files."""

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_FIXED, _SHARED = 2, 3
_PROGBITS, _SYMTAB, _STRTAB, _HASH, _DYNAMIC, _NOBITS, _DYNSYM = 1, 2, 3, 5, 6, 8, 11
_WRITE, _ALLOCATED, _EXECUTABLE = 1, 2, 4
_LOADED, _DYNAMIC_SEGMENT, _STACK = 1, 2, 0x6474E551
_RETURNS = {"x86_64": b"\xc3", "aarch64": b"\xc0\x03\x5f\xd6"}
"""Machine code of a function that does nothing."""


class Kind(IntEnum):
    """The kind of a symbol."""

    OBJECT = 1
    FUNCTION = 2


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name for `size` bytes at an address."""

    name: str
    address: int
    size: int
    kind: Kind = Kind.FUNCTION


@dataclass(frozen=True, slots=True)
class _Section:
    """A section; `size` is that of the body unless it has none. `link`, `info`: see the ABI."""

    name: str
    kind: int
    body: bytes = b""
    flags: int = 0
    address: int = 0
    size: int = 0
    link: int = 0
    info: int = 0
    align: int = 8
    entry: int = 0


class _Strings:
    """A string table under construction."""

    def __init__(self) -> None:
        self.body = b"\0"

    def add(self, text: str) -> int:
        """Append a text; returns its offset."""
        at = len(self.body)
        self.body += text.encode() + b"\0"
        return at


def _symbols(symbols: Iterable[tuple[Symbol, int]]) -> tuple[bytes, bytes]:
    """Symbols, each with the index of its section, as a table and its strings."""
    strings = _Strings()
    table = [bytes(_SYMBOL.size)]
    for each, section in symbols:
        info = 1 << 4 | each.kind  # global
        name = strings.add(each.name)
        table.append(_SYMBOL.pack(name, info, 0, section, each.address, each.size))
    return b"".join(table), strings.body


def _header(machine: int, kind: int, segments: Sequence[bytes], at: int, sections: int) -> bytes:
    """The file's header; `at` is where section headers are, the last of which holds names."""
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return _HEADER.pack(
        ident, kind, machine, 1, 0, _HEADER.size if segments else 0, at, 0, _HEADER.size,
        _SEGMENT.size, len(segments), _SECTION.size, sections, sections - 1,
    )  # fmt: skip


def _file(
    machine: int, kind: int, sections: Sequence[_Section], segments: Sequence[bytes]
) -> bytes:
    """Put it together. Allocated sections of a shared object lie at their address in the file."""
    names = _Strings()
    name_of = [names.add(each.name) for each in (*sections, _Section(".shstrtab", _STRTAB))]
    everything = (*sections, _Section(".shstrtab", _STRTAB, names.body, align=1))
    data = bytearray(_HEADER.size) + b"".join(segments)
    headers = [bytes(_SECTION.size)]
    for name, each in zip(name_of, everything, strict=True):
        start = each.address if kind == _SHARED and each.flags else -(-len(data) // 8) * 8
        data += bytes(max(0, start - len(data))) + each.body
        headers.append(
            _SECTION.pack(
                name, each.kind, each.flags, each.address, start, each.size or len(each.body),
                each.link, each.info, each.align, each.entry,
            )
        )  # fmt: skip
    data += bytes(-len(data) % 8)
    data[: _HEADER.size] = _header(machine, kind, segments, len(data), len(headers))
    return bytes(data + b"".join(headers))


# -- names for code in memory --------------------------------------------------------------------


def named_code(architecture: str, symbols: Sequence[Symbol], unwinding: bytes = b"") -> bytes:
    """An object that names functions in memory.

    Args:
        architecture: a row of `MACHINES`.
        symbols: at least one; by address, not overlapping.
        unwinding: a section ``.debug_frame``.
    """
    start = symbols[0].address
    size = symbols[-1].address + symbols[-1].size - start
    table, strings = _symbols((each, 1) for each in symbols)
    code = _ALLOCATED | _EXECUTABLE
    sections = [
        _Section(".text", _NOBITS, flags=code, address=start, size=size, align=1),
        _Section(".symtab", _SYMTAB, table, link=3, info=1, entry=_SYMBOL.size),
        _Section(".strtab", _STRTAB, strings, align=1),
    ]
    if unwinding:
        sections.append(_Section(".debug_frame", _PROGBITS, unwinding))
    return _file(MACHINES[architecture], _FIXED, sections, ())


# -- a shared object -----------------------------------------------------------------------------


def shared_object(architecture: str, function: str, data: str, content: bytes) -> bytes:
    """A library that exports a function that returns at once, and bytes that can be written.

    Args:
        architecture: a row of `MACHINES`.
        function, data: their names.
        content: the bytes at first.
    """
    code, head = _RETURNS[architecture], _HEADER.size + 4 * _SEGMENT.size
    hashes_at = head
    hashes = struct.pack("<6I", 1, 3, 1, 0, 2, 0)  # a bucket with both symbols, one after the other
    names_at = hashes_at + len(hashes)
    code_at = -(-(names_at + 3 * _SYMBOL.size + len(function) + len(data) + 3) // 16) * 16
    first = code_at + len(code)
    data_at = PAGE
    table, strings = _symbols(
        [
            (Symbol(function, code_at, len(code)), 4),
            (Symbol(data, data_at, len(content), Kind.OBJECT), 5),
        ]
    )
    strings_at = names_at + len(table)
    dynamic_at = data_at + -(-len(content) // 8) * 8
    dynamic = struct.pack(
        "<12Q", 4, hashes_at, 5, strings_at, 6, names_at, 10, len(strings), 11, _SYMBOL.size, 0, 0
    )
    last = dynamic_at + len(dynamic)
    read, write = 4, 6
    segments = [
        _SEGMENT.pack(_LOADED, read | 1, 0, 0, 0, first, first, PAGE),
        _SEGMENT.pack(_LOADED, write, data_at, data_at, data_at, *[last - data_at] * 2, PAGE),
        _SEGMENT.pack(
            _DYNAMIC_SEGMENT, write, dynamic_at, dynamic_at, dynamic_at, *[len(dynamic)] * 2, 8
        ),
        _SEGMENT.pack(_STACK, write, 0, 0, 0, 0, 0, 16),  # one that cannot be executed
    ]
    sections = [
        _Section(".hash", _HASH, hashes, _ALLOCATED, hashes_at, link=2, entry=4),
        _Section(".dynsym", _DYNSYM, table, _ALLOCATED, names_at, link=3, info=1, entry=24),
        _Section(".dynstr", _STRTAB, strings, _ALLOCATED, strings_at, align=1),
        _Section(".text", _PROGBITS, code, _ALLOCATED | _EXECUTABLE, code_at, align=16),
        _Section(".data", _PROGBITS, content, _ALLOCATED | _WRITE, data_at),
        _Section(".dynamic", _DYNAMIC, dynamic, _ALLOCATED | _WRITE, dynamic_at, link=3, entry=16),
    ]
    return _file(MACHINES[architecture], _SHARED, sections, segments)
