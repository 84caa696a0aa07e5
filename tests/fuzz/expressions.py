"""Text that pushes one byte or one short: what statements of random programs compute with.

Values come from literals, the zero page, arrays, ports, operands that are variables, and calls.
They travel over the return stack, are kept and dropped, and are compared by computed skips, so
the same result is reached by many forms.
"""

from __future__ import annotations

import random

BYTES = ("zb0", "zb1", "zb2", "zb3")
SHORTS = ("zs0", "zs1", "zs2")
ARRAYS = ("ar0", "ar1")
BINARY = ("ADD", "SUB", "MUL", "DIV", "AND", "ORA", "EOR")
COMPARE = ("EQU", "NEQ", "GTH", "LTH")
BORDERS = (0, 1, 2, 7, 8, 15, 16, 127, 128, 254, 255)
WIDE_BORDERS = (0, 1, 255, 256, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)


class Expressions:
    """Writes random expressions, and keeps what programs are made of.

    Args:
        rng: where chance comes from.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.later: list[list[str]] = []
        """Functions and tables, placed behind the main program."""
        self.variables: list[str] = []
        """Labels of byte operands; those of short ones are in `wide_variables`."""
        self.wide_variables: list[str] = []
        self.slots: list[str] = []
        """Labels of opcodes that take two bytes and give one."""
        self.places: list[str] = []
        """Labels somewhere in the code."""
        self.functions: list[str] = []
        """Functions that take a byte and give one."""
        self._labels = 0
        self._indent = 1

    # -- text --------------------------------------------------------------------------------

    def label(self, kind: str) -> str:
        self._labels += 1
        return f"{kind}-{self._labels}"

    def emit(self, *lines: str) -> None:
        self.lines += ["  " * self._indent + line for line in lines]

    def one(self, *choices: str) -> str:
        return self.rng.choice(choices)

    def chance(self, percent: float) -> bool:
        return self.rng.random() * 100 < percent

    def number(self) -> str:
        byte = self.rng.choice(BORDERS) if self.chance(40) else self.rng.randrange(256)
        return f"#{byte:02x}"

    def wide_number(self) -> str:
        word = self.rng.choice(WIDE_BORDERS) if self.chance(40) else self.rng.randrange(65536)
        return f"#{word:04x}"

    # -- expressions -------------------------------------------------------------------------

    def byte(self, depth: int = 2) -> str:
        """Text that pushes a byte."""
        if depth == 0 or self.chance(25):
            return self._byte_leaf()
        a, b = self.byte(depth - 1), self.byte(depth - 1)
        form = self.rng.randrange(14)
        if form < 3:
            return f"{a} {b} {self.one(*BINARY)}"
        if form == 3:
            return f"{a} {b} {self.one(*COMPARE)}"
        if form == 4:
            return f"{a} {self.number()} SFT"
        if form == 5:
            return f"{a} STH {b} STHr {self.one(*BINARY)}"
        if form == 6:
            return f"{a} STH {b} STH {self.one(*BINARY)}r STHr"
        if form == 7:
            return f"{a} {b} {self.one(*BINARY)}k NIP NIP"
        if form == 8:
            return f"{a} {b} {self.one('SWP', 'OVR NIP', 'NIPk NIP')} {self.one(*BINARY)}"
        if form == 9:
            return f"{a} {b} {self.one('GTHk', 'LTHk')} JMP SWP POP"
        if form == 10:
            return f"{a} INC {self.one('DUP', 'DUPk NIP', 'SWPk NIP')} {self.one(*BINARY)}"
        if form == 11:
            return f"{self.short(depth - 1)} {self.one('NIP', 'POP', 'ADD', 'EOR', 'ORAk NIP NIP')}"
        if form == 12 and self.functions:
            return f"{a} {self.call(self.rng.choice(self.functions))}"
        c = self.byte(0)
        return f"{a} {b} {c} ROT {self.one(*BINARY)} {self.one(*BINARY)}"

    def _byte_leaf(self) -> str:
        form = self.rng.randrange(12)
        if form < 3:
            return self.number()
        if form < 5:
            return f".{self.one(*BYTES)} LDZ"
        if form == 5:
            return f";{self.one(*BYTES, *ARRAYS)} LDA"
        if form == 6:
            return f".{self.one(*BYTES)} #{self.rng.randrange(8):02x} ADD LDZ"
        if form == 7:
            return f"#00 {self._index()} ;{self.one(*ARRAYS)} ADD2 LDA"
        if form == 8:
            return self.one("#13 DEI", "#20 DEI", "#21 DEI", "LITr 2a STHr")
        if form == 9 and len(self.variables) < 6:
            name = self.label("ob")
            self.variables.append(name)
            return f"[ LIT @{name} {self.rng.randrange(256):02x} ]"
        if form == 10 and self.variables:
            name = self.rng.choice(self.variables)
            return self.one(f";{name} LDA", f",{name} LDR")
        return self.number()

    def _index(self) -> str:
        return f"{self._byte_leaf() if self.chance(30) else '.zb0 LDZ'} #1f AND"

    def short(self, depth: int = 2) -> str:
        """Text that pushes a short."""
        if depth == 0 or self.chance(25):
            return self._short_leaf()
        a, b = self.short(depth - 1), self.short(depth - 1)
        form = self.rng.randrange(10)
        if form < 3:
            return f"{a} {b} {self.one(*BINARY)}2"
        if form == 3:
            return f"{a} {self.number()} SFT2"
        if form == 4:
            return f"{a} STH2 {b} STH2r {self.one(*BINARY)}2"
        if form == 5:
            return f"{a} {b} {self.one(*BINARY)}2k NIP2 NIP2"
        if form == 6:
            return f"{a} {self.one('SWP', 'INC', 'INC2', 'DUP2 ADD2', 'OVR NIP', 'SWPk NIP2')}"
        if form == 7:
            return f"#00 {self.byte(depth - 1)}"
        if form == 8:
            return f"{self.byte(depth - 1)} {self.byte(depth - 1)}"
        return f"{a} {b} {self.short(0)} ROT2 {self.one(*BINARY)}2 {self.one(*BINARY)}2"

    def _short_leaf(self) -> str:
        form = self.rng.randrange(10)
        if form < 3:
            return self.wide_number()
        if form < 5:
            return f".{self.one(*SHORTS)} LDZ2"
        if form == 5:
            return f";{self.one(*SHORTS, *ARRAYS)} LDA2"
        if form == 6:
            return f".{self.one(*BYTES)} LDZ2"
        if form == 7 and len(self.wide_variables) < 5:
            name = self.label("os")
            self.wide_variables.append(name)
            return f"[ LIT2 @{name} {self.rng.randrange(65536):04x} ]"
        if form == 8 and self.wide_variables:
            return f";{self.rng.choice(self.wide_variables)} LDA2"
        return self.one("#20 DEI2", "#ff LDZ2", "#ffff LDA2", "#0000 LDA2", "LIT2r 1234 STH2r")

    def flag(self) -> str:
        """Text that pushes a byte that is often 0 and often not."""
        form = self.rng.randrange(5)
        if form == 0:
            return f"{self.byte(1)} {self.byte(1)} {self.one(*COMPARE)}"
        if form == 1:
            return f"{self.short(1)} {self.short(1)} {self.one(*COMPARE)}2"
        if form == 2:
            return f".{self.one(*BYTES)} LDZ #{self.rng.choice((1, 2, 3, 7)):02x} AND"
        if form == 3:
            return f".rnd LDZ2k INC2 ROT STZ2 .rnd INC LDZ #{self.rng.choice((1, 3, 7)):02x} AND"
        return self.byte(1)

    def call(self, name: str) -> str:
        """Text that calls a function: immediately, absolutely, relatively, through a lambda."""
        form = self.rng.randrange(8)
        if form < 4:
            return name
        if form < 6:
            return f";{name} JSR2"
        if form == 6:
            return f",{name} JSR"
        return f"{{ !{name} }} STH2r JSR2"
