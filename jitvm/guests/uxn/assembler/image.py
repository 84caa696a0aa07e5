"""The memory being filled, and which word filled which byte.

    memory   64 KiB; what has not been written is zero
    state    one byte per address: untouched, a known byte, or part of an unresolved reference
    writer   one index per address: the word that wrote it, into `sites`
    location where the next byte goes, 0..0x10000 (0x10000 is just past the end)
    end      one past the highest byte written: the ROM is memory[0x0100:end]

Padding moves the location and writes nothing. So zeros at the end are part of the ROM if they were
written, but not if they are only padding.

A program may go back and fill holes. It may also write a byte again if that is harmless: over a
zero, or with the same value. Anything else is a rewind error, since one of the two writes would be
lost; a byte of a reference is never written twice, as its value is not known yet.
"""

from __future__ import annotations

from bisect import bisect_right

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.assembler.errors import Problem
from jitvm.guests.uxn.assembler.source import Token
from jitvm.guests.uxn.symbols import PROGRAM_START

MEMORY_SIZE = 0x10000

_UNTOUCHED, _BYTE, _REFERENCE = range(3)
_KNOWN, _LATER = bytes([_BYTE]), bytes([_REFERENCE])


class SourceSpan(Struct, frozen=True):
    """`size` bytes from `address` were emitted by the word at file:line:column."""

    address: int
    size: int
    file: str
    line: int
    column: int


class SourceMap:
    """Which source position every emitted byte comes from.

    Spans are disjoint and sorted by address. Bytes of a macro belong to the word that used it
    (the outermost, if macros use macros).

    Attributes:
        spans: see above.
        instructions: addresses of bytes that are written as instructions, not as data, in order.
    """

    __slots__ = ("_starts", "instructions", "spans")

    def __init__(
        self, spans: tuple[SourceSpan, ...] = (), instructions: tuple[int, ...] = ()
    ) -> None:
        self.spans = spans
        self.instructions = instructions
        self._starts = tuple(span.address for span in spans)

    def __eq__(self, other: object) -> bool:
        return self.spans == other.spans if isinstance(other, SourceMap) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.spans)

    def __repr__(self) -> str:
        return f"SourceMap({self.spans!r})"

    def lookup(self, address: int) -> SourceSpan | None:
        """Return the span that holds an address, or None if nothing was emitted."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        span = self.spans[index]
        return span if address < span.address + span.size else None

    def at_line(self, file: str, line: int) -> tuple[SourceSpan, ...]:
        """Return the spans of one source line, by address."""
        return tuple(span for span in self.spans if span.line == line and span.file == file)


class Image:
    """Memory under construction; see the head of the file."""

    def __init__(self) -> None:
        self.memory = bytearray(MEMORY_SIZE)
        self.location = PROGRAM_START
        self.end = PROGRAM_START
        self._state = bytearray(MEMORY_SIZE)
        self._writer = [0] * MEMORY_SIZE
        self._sites: list[Token] = []
        self.instructions: set[int] = set()

    def write(
        self, data: bytes, site: Token, reference: int = 0, *, is_data: bool = False
    ) -> Problem | None:
        """Write bytes at the location on behalf of a word and move on.

        The last `reference` bytes are placeholders to be resolved later. Without `is_data` an
        instruction begins with the first. The location moves even
        when a problem is returned, so that the addresses which follow stay meaningful.
        """
        start = self.location
        stop = self.location = start + len(data)
        if start < PROGRAM_START:
            return Problem.ZERO_PAGE
        if stop > MEMORY_SIZE:
            self.location = MEMORY_SIZE
            return Problem.OUTSIDE
        if start < self.end:
            if any(self._state[start:stop]) and self._clashes(data, start, stop - reference):
                return Problem.REWIND
            if stop > self.end:
                self.end = stop
        elif data:
            self.end = stop
        if stop == start + 1 and not reference:  # most words are an opcode
            self.memory[start] = data[0]
            self._state[start] = _BYTE
            self._writer[start] = len(self._sites)
        else:
            self.memory[start:stop] = data
            self._state[start:stop] = _KNOWN * (len(data) - reference) + _LATER * reference
            self._writer[start:stop] = [len(self._sites)] * len(data)
        self._sites.append(site)
        if not is_data:
            self.instructions.add(start)
        return None

    def _clashes(self, data: bytes, start: int, reference_from: int) -> bool:
        for address, byte in enumerate(data, start):
            old = self.memory[address]
            if self._state[address] == _REFERENCE:
                return True
            if old and (old != byte or address >= reference_from):
                return True
        return False

    def rom(self) -> bytes:
        """Return the program: from 0x0100 to the last byte written."""
        return bytes(self.memory[PROGRAM_START : self.end])

    def source_map(self) -> SourceMap:
        """Return where every emitted byte comes from."""
        spans: list[SourceSpan] = []
        address = PROGRAM_START
        while address < self.end:
            if self._state[address] == _UNTOUCHED:
                address += 1
                continue
            start, writer = address, self._writer[address]
            while address < self.end and self._state[address] and self._writer[address] == writer:
                address += 1
            site = self._sites[writer]
            line, column = site.position()
            spans.append(SourceSpan(start, address - start, site.source.name, line, column))
        return SourceMap(tuple(spans), tuple(sorted(self.instructions)))
