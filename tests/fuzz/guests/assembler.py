"""From a program's lines to bytes, with the rows of its guest.

    again:                  a label
    mix 8192 again+1        an instruction and its operands: numbers, or labels with a distance
    .words one two          addresses as data, each as wide as a link

What an operand holds is said by its row: for "rel" a label becomes the distance from the next
instruction. Labels that are nowhere stand for the end of the program, where a halting byte is, so
any line may be taken out.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.fuzz.guests.case import Program, Row, Shape


class Assembler:
    """Assembles programs of one guest."""

    def __init__(self, shape: Shape, rows: Iterable[Row]) -> None:
        self.shape = shape
        self.rows = {row.name: row for row in rows}

    def assemble(self, program: Program) -> dict[int, int]:
        """Bytes by address; lines with instructions that do not exist are left out."""
        lines = [words for line in program.lines if (words := line.split()) and self._is(words)]
        labels: dict[str, int] = {}
        at = program.origin
        for words in lines:
            if words[0].endswith(":"):
                labels[words[0][:-1]] = at
            at += self._length(words)
        code = bytearray()
        self._labels, self._end = labels, at
        for words in lines:
            if not words[0].endswith(":"):
                code += self._encoded(words, program.origin + len(code))
        free = {row.code for row in self.rows.values()}
        code.append(next(n for n in range(256) if n not in free))
        return {(program.origin + i) % self.shape.size: byte for i, byte in enumerate(code)}

    def _is(self, words: list[str]) -> bool:
        return words[0].endswith(":") or words[0] == ".words" or words[0] in self.rows

    def _length(self, words: list[str]) -> int:
        if words[0].endswith(":"):
            return 0
        if words[0] == ".words":
            return self.shape.link_size * (len(words) - 1)
        return 1 + sum(self.rows[words[0]].sizes)

    def _encoded(self, words: list[str], at: int) -> bytes:
        size, order = self.shape.link_size, self.shape.byte_order
        if words[0] == ".words":
            return b"".join(self._number(word).to_bytes(size, order) for word in words[1:])
        row = self.rows[words[0]]
        code = bytes([row.code])
        following = at + self._length(words)
        for word, operand in zip(words[1:], row.operands, strict=False):
            size, kind = int(operand.split()[0]), operand.split()[1]
            number = self._number(word)
            if kind == "rel" and not word.lstrip("-").isdigit():
                number -= following
            code += (number % (1 << 8 * size)).to_bytes(size, order)
        return code + bytes(following - at - len(code))

    def _number(self, word: str) -> int:
        if word.lstrip("-").isdigit():
            return int(word)
        label, _, distance = word.partition("+")
        return (self._labels.get(label, self._end) + int(distance or 0)) % self.shape.size
