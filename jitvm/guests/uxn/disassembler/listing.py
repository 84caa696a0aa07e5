"""A listing: Uxntal text that assembles to exactly the bytes it was made from.

    header    |18 @Console/write        labels below 0x0100
              |0100
    program   @on-reset                 labels at their addresses, code, data
    trailer   |8000 @data_8000          labels after the end of the ROM

Why the bytes are the same
1. Between header and trailer every byte of the ROM belongs to exactly one line, in order, and
   every line emits as many bytes as it represents, so labels have the right addresses.
2. An operand is written as a label only if that label's address gives the operand's bytes.
3. Anything that cannot be spelled is written as numbers: immediate jumps with a label inside,
   truncated instructions, code that overlaps code.
4. Zeros become padding only up to the last byte of the ROM, which is always written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from jitvm.guests.uxn.disassembler.flow import Flow, Form, Role
from jitvm.guests.uxn.disassembler.names import Names
from jitvm.guests.uxn.encoding import (
    BASE_MASK,
    JCI,
    JMI,
    JSI,
    LIT,
    LIT2,
    MNEMONICS,
    opcode,
    operand_size,
)
from jitvm.guests.uxn.symbols import PROGRAM_START

_LINE_WIDTH = 56
_ROW_BYTES = 16
_STRING_PIECE = 40
_ZEROS = re.compile(rb"\0{16,}")
_TEXT = re.compile(rb"([\x20-\x7e]{4,})\n?\0?")
_INDENT = "    "
_JUMP_RUNES = {JCI: "?", JMI: "!", JSI: ""}
_ENDS_LINE = {opcode(name) for name in ("JMP", "JCN", "JSR", "STZ", "STR", "STA", "DEO")}


class LineKind(Enum):
    """What a line of a listing is."""

    PLACE = auto()
    LABEL = auto()
    CODE = auto()
    DATA = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the address it begins at, the bytes it emits (maybe none), and its text."""

    kind: LineKind
    address: int
    data: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The lines of a disassembled program."""

    lines: tuple[Line, ...]

    def render(self, *, addresses: bool = False) -> str:
        """Return the source text; with `addresses`, a comment shows each line's bytes."""
        return "".join(_rendered(line, addresses) + "\n" for line in self.lines)

    def __str__(self) -> str:
        return self.render()


def _rendered(line: Line, addresses: bool) -> str:
    if not addresses or not line.data:
        return line.text
    shown = line.data[:_ROW_BYTES].hex(" ") + (" .." if len(line.data) > _ROW_BYTES else "")
    return f"{line.text:<{_LINE_WIDTH}} ( {line.address:04x}: {shown} )"


class Writer:
    """Writes the lines of one program. `_scope` is the scope at the place being written."""

    def __init__(self, flow: Flow, names: Names) -> None:
        self._flow = flow
        self._names = names
        self._scope = ""

    def lines(self) -> Iterator[Line]:
        """Yield all lines."""
        places = sorted(self._names.at)
        yield from self._outside(place for place in places if place < PROGRAM_START)
        yield Line(LineKind.PLACE, PROGRAM_START, b"", f"|{PROGRAM_START:04x}")
        address = PROGRAM_START
        while address < self._flow.end:
            yield from self._labels(address)
            write = self._code if self._is_opcode(address) else self._data
            for line in write(address):
                yield line
                address += len(line.data)
        yield from self._outside(place for place in places if place >= self._flow.end)

    # -- labels -----------------------------------------------------------------------------

    def _outside(self, places: Iterator[int]) -> Iterator[Line]:
        for place in places:
            labels = " ".join(self._definition(name) for name in self._names.at[place])
            yield Line(LineKind.PLACE, place, b"", f"|{place:02x} {labels}")

    def _labels(self, address: int) -> Iterator[Line]:
        for name in self._names.at.get(address, ()):
            text = self._definition(name)
            indent = "  " if text[0] == "&" else ""
            blank = "" if indent or address == PROGRAM_START else "\n"
            yield Line(LineKind.LABEL, address, b"", blank + indent + text)

    def _definition(self, name: str) -> str:
        if self._is_local(name):
            return "&" + name[len(self._scope) + 1 :]
        self._scope = name.partition("/")[0]
        return "@" + name

    def _is_local(self, name: str) -> bool:
        return bool(self._scope) and name.startswith(self._scope + "/")

    def _spelled(self, rune: str, name: str) -> str:
        if not self._is_local(name):
            return rune + name
        return (rune + "&" if rune else "/") + name[len(self._scope) + 1 :]

    # -- code -------------------------------------------------------------------------------

    def _is_opcode(self, address: int) -> bool:
        return self._flow.in_rom(address) and self._flow.roles[address] == Role.OPCODE

    def _code(self, start: int) -> Iterator[Line]:
        """Write instructions up to a label, a jump or a store, or as many as fit on a line."""
        memory, at, text = self._flow.memory, start, ""
        while True:
            byte = memory[at]
            text += (" " if text else _INDENT) + self._instruction(at)
            at += 1 + operand_size(byte)
            is_statement = byte in _JUMP_RUNES or byte & BASE_MASK in _ENDS_LINE or not byte
            if is_statement or at in self._names.at or not self._is_opcode(at):
                break
            # A full line ends before a literal: what the literal is for should follow it.
            if len(text) > _LINE_WIDTH * (1 if operand_size(memory[at]) else 2):
                break
        yield Line(LineKind.CODE, start, memory[start:at], text)

    def _instruction(self, at: int) -> str:
        byte = self._flow.memory[at]
        size = operand_size(byte)
        if not size:
            return MNEMONICS[byte]
        if any(at + 1 + n in self._names.at for n in range(size)):
            return self._labelled_operand(at, byte, size)
        number = self._flow.memory[at + 1 : at + 1 + size].hex()
        use = self._flow.uses.get(at + 1)
        name = self._names.reference(use.target, use.form) if use else None
        if byte in _JUMP_RUNES:
            return self._spelled(_JUMP_RUNES[byte], name) if name else f"{byte:02x} {number}"
        if use is None or name is None:
            return f"#{number}" if byte in (LIT, LIT2) else f"{MNEMONICS[byte]} {number}"
        if byte in (LIT, LIT2):
            return self._spelled(_LITERAL_RUNES[use.form], name)
        return f"{MNEMONICS[byte]} {self._spelled(_RAW_RUNES[use.form], name)}"

    def _labelled_operand(self, at: int, byte: int, size: int) -> str:
        """Write an operand that is a variable or a jump target: ``[ LIT2 &x 1234 ]``."""
        is_jump = byte in _JUMP_RUNES
        words = [f"{byte:02x}" if is_jump else MNEMONICS[byte]]
        digits = ""
        for address in range(at + 1, at + 1 + size):
            labels = [self._definition(name) for name in self._names.at.get(address, ())]
            if labels and digits:
                words.append(digits)
                digits = ""
            words += labels
            digits += f"{self._flow.memory[address]:02x}"
        return " ".join(["[", *words, digits, "]"])

    # -- data -------------------------------------------------------------------------------

    def _data(self, start: int) -> Iterator[Line]:
        """Write everything up to the next label or instruction."""
        stop = start + 1
        while stop < self._flow.end and not self._is_opcode(stop) and stop not in self._names.at:
            stop += 1
        while start < stop:
            line = self._padding(start, stop) or self._text(start, stop) or self._row(start, stop)
            yield line
            start += len(line.data)

    def _padding(self, start: int, stop: int) -> Line | None:
        match = _ZEROS.match(self._flow.memory, start, min(stop, self._flow.end - 1))
        if match is None:
            return None
        return Line(LineKind.DATA, start, match[0], f"{_INDENT}${len(match[0]):x}")

    def _text(self, start: int, stop: int) -> Line | None:
        match = _TEXT.match(self._flow.memory, start, stop)
        if match is None or not _is_prose(match[1]):
            return None
        data = match[0][:_LINE_WIDTH]
        return Line(LineKind.DATA, start, data, _INDENT + _quoted(data))

    def _row(self, start: int, stop: int) -> Line:
        run_end, stop = min(stop, start + 2 * _ROW_BYTES), min(stop, start + _ROW_BYTES)
        text = _TEXT.search(self._flow.memory, start + 1, stop)
        if text is not None and _is_prose(text[1]):
            stop = text.start()
        zeros = _ZEROS.search(self._flow.memory, start + 1, run_end)
        if zeros is not None:
            stop = min(stop, zeros.start())
        data = self._flow.memory[start:stop]
        return Line(LineKind.DATA, start, data, _INDENT + data.hex(" ", -2))


_LITERAL_RUNES = {Form.RELATIVE: ",", Form.ADDRESS: ";", Form.ZERO_PAGE: ".", Form.PORT: "."}
_RAW_RUNES = {Form.RELATIVE: "_", Form.ADDRESS: "=", Form.ZERO_PAGE: "-", Form.PORT: "-"}


def _is_prose(data: bytes) -> bool:
    """Tell text from pictures that happen to be printable: mostly letters and blanks, varied."""
    plain = sum(byte == 0x20 or chr(byte).isalnum() for byte in data)
    return plain * 4 >= len(data) * 3 and len(set(data)) * 2 >= min(len(data), 12)


def _quoted(data: bytes) -> str:
    """Spell text as strings, with what a string cannot hold as numbers."""
    words: list[str] = []
    for piece in re.findall(rb"[\x21-\x7e]+|[^\x21-\x7e]", data):
        if 0x21 <= piece[0] <= 0x7E:
            text = piece.decode("ascii")
            starts = range(0, len(text), _STRING_PIECE)
            words += ['"' + text[start : start + _STRING_PIECE] for start in starts]
        else:
            words.append(piece.hex())
    return " ".join(words)
