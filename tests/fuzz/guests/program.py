"""Random structured programs in a guest's own assembly.

    an outer loop around statements; halt
    functions, tables

A statement is a run of random rows, a loop, a branch, a call, a jump through a table, or a store
into the program itself. Operands are filled in by what their row says they hold:

    imm, small   a number, a register          addr    a variable, an array, an edge of memory
    port         one with a device, or not     near    a distance to what stands close by
    count        the counter of a loop         skip    a label that comes soon
    rel          the same, as a distance       label   given by the statement
"""

from __future__ import annotations

import random

from tests.fuzz.guests.case import Program
from tests.fuzz.guests.describe import Described

PORTS = (0x04, 0x05, 0x13, 0x18, 0x19, 0x20, 0x21, 0x23, 0x64, 0x65, 0x66, 0x67, 0x6E)
VARIABLES = (0x10, 0x12, 0x2000, 0x2001, 0x2002, 0x2004, 0x2008, 0x2010)


class ProgramWriter:
    """Writes one program."""

    def __init__(self, rng: random.Random, described: Described) -> None:
        self.rng = rng
        self.described = described
        self.rows = {row.name: row for row in described.rows}
        self.lines: list[str] = []
        self.later: list[str] = []
        self._labels = self._counters = 0
        self._functions: list[str] = []
        self._counter_base = rng.choice((0x30, 0x1F00, 0x1F01, described.shape.size - 0x40))
        # A few random rows in each program: so they meet often.
        self.few = rng.sample(described.random, min(len(described.random), rng.choice((2, 4, 6))))

    def program(self) -> list[str]:
        """The lines of a whole program."""
        rng = self.rng
        for _ in range(rng.choice((0, 1, 2))):
            self._functions.append(self._label("f"))
        self._loop(rng.choice((12, 40, 150)), depth=2)
        self.lines.append("halt")
        for function in self._functions:
            self.lines.append(f"{function}:")
            self._functions = self._functions[1:] if rng.random() < 0.8 else self._functions
            self._body(1)
            self.lines.append("ret")
        return self.lines + self.later

    def _label(self, kind: str = "l") -> str:
        self._labels += 1
        return f"{kind}{self._labels}"

    # -- statements --------------------------------------------------------------------------

    def _body(self, depth: int) -> None:
        start = len(self.lines)
        for _ in range(self.rng.choice((1, 2, 3, 5))):
            self._statement(depth)
        if self.rng.random() < 0.8:
            self._balance(self.lines[start:])

    def _statement(self, depth: int) -> None:
        rng = self.rng
        pick = rng.random()
        if pick < 0.55 or depth == 0:
            for _ in range(rng.choice((1, 2, 4))):
                self._row(rng.choice(self.few) if rng.random() < 0.75 else self._plain())
        elif pick < 0.67:
            self._loop(rng.choice((2, 5, 20)), depth - 1)
        elif pick < 0.82:
            self._branch(depth - 1)
        elif pick < 0.90 and self._functions:
            self.lines.append(f"call {rng.choice(self._functions)}")
        elif pick < 0.95:
            self._table(depth - 1)
        else:
            self._patch()

    def _plain(self) -> str:
        names = [n for n in self.rows if n.startswith(("lit", "drop", "set", "reg"))]
        return self.rng.choice(names)

    def _row(self, name: str, label: str = "") -> None:
        """An instruction with operands; the labels it may skip to come right behind it."""
        skip = self._label()
        words = [self._operand(operand.split()[1], label or skip, skip)
                 for operand in self.rows[name].operands]  # fmt: skip
        self.lines.append(" ".join([name, *words]))
        if skip in words:
            if self.rng.random() < 0.6:
                self._row(self._plain())
            self.lines.append(f"{skip}:")

    def _operand(self, kind: str, label: str, skip: str) -> str:
        rng = self.rng
        match kind:
            case "label":
                return label
            case "rel":
                return label
            case "skip":
                return skip
            case "port":
                return str(rng.choice((rng.choice(PORTS), rng.randrange(256))))
            case "near":
                return str(rng.randint(-60, 60))
            case "small":
                return str(rng.randrange(8))
            case "addr":
                size = self.described.shape.size
                edges = (size - 1, size - 2, size - 4, size - 7, 0, 0xFF, 0xFE)
                pick = rng.random()
                if pick < 0.05:
                    return f"f1+{rng.randrange(8)}"
                return str(rng.choice(edges if pick < 0.2 else VARIABLES))
        return str(rng.choice((0, 1, 2, 3, 0x7F, 0x80, 0xFF, rng.getrandbits(8),
                               rng.getrandbits(16), rng.getrandbits(64))))  # fmt: skip

    def _loop(self, times: int, depth: int) -> None:
        rng, label = self.rng, self._label()
        kind = rng.choice([n for n in ("mcount", "rcount", "kcount") if n in self.rows])
        self._counters += 1
        counter = self._counter_base + 2 * self._counters
        number = self._counters % 8
        if kind == "mcount":
            self.lines.append(f"mset {counter} {times}")
        elif kind == "rcount":
            self.lines.append(f"reg {number} {times}")
        else:
            self.lines.append(f"lit0 {times}")
        self.lines.append(f"{label}:")
        start = len(self.lines)
        self._body(depth)
        if kind == "kcount":
            self._balance(self.lines[start:])
        end = {"mcount": f"mcount {counter}", "rcount": f"rcount {number}", "kcount": "kcount"}
        self.lines.append(f"{end[kind]} {label}")

    def _branch(self, depth: int) -> None:
        other, end = self._label(), self._label()
        self._row("br", other)
        self._body(depth)
        if self.rng.random() < 0.6:
            self.lines.append(f"jump {end}")
            self.lines.append(f"{other}:")
            self._body(depth)
        else:
            self.lines.append(f"{other}:")
        self.lines.append(f"{end}:")

    def _table(self, depth: int) -> None:
        arms, end, table = [self._label() for _ in range(4)], self._label(), self._label("t")
        self._row("table", table)
        for arm in arms:
            self.lines.append(f"{arm}:")
            if self.rng.random() < 0.7:
                self._body(depth)
                self.lines.append(f"jump {end}")
        self.lines.append(f"{end}:")
        self.later += [f"{table}:", f".words {' '.join(arms)}"]

    def _patch(self) -> None:
        """Store to an instruction: mostly an operand, now and then the opcode."""
        rng, label = self.rng, self._label("p")
        row = self.rows[rng.choice(self.few)]
        alike = [r.code for r in self.rows.values() if r.sizes == row.sizes]
        at = 0 if rng.random() < 0.3 else rng.randint(0, sum(row.sizes))
        number = rng.choice(alike) if at == 0 else rng.choice((1, 8, rng.getrandbits(64)))
        self.lines.append(f"set {label}+{at} {number}")
        if rng.random() < 0.5:
            self._row(self._plain())
        self.lines.append(f"{label}:")
        self._row(row.name)

    def _balance(self, lines: list[str]) -> None:
        """Bring each stack's pointer about back to where it was before some lines."""
        for stack in range(len(self.described.shape.stacks)):
            moved = sum(self._moves(line, stack) for line in lines)
            if moved < 0:
                size = self.described.moves[f"lit{stack}"][stack]
                count = -(moved // size)
                self.lines += [f"lit{stack} {self.rng.getrandbits(16)}"] * min(count, 40)
                moved += count * size
            self.lines += [f"drop{stack}"] * min(moved, 40)

    def _moves(self, line: str, stack: int) -> int:
        moves = self.described.moves.get(line.split()[0])
        return moves[stack] if moves else 0


def write_program(rng: random.Random, described: Described) -> Program:
    """A random program with what decides its run, but for the JIT's parameters."""
    shape = described.shape
    lines = ProgramWriter(rng, described).program()
    pointers = tuple(
        rng.choice((0, 0, 1, size // 2, size - 1, max(size - 4, 0))) for size in shape.stacks
    )
    return Program(
        tuple(lines),
        origin=rng.choice((0x100, 0x100, 0x8000, shape.size - 0x20, shape.size - 3)),
        pointers=pointers,
        noise=rng.getrandbits(30),
        limit=rng.choice((1500, 4000)),
        pieces=tuple(rng.choice((0, 1, 2, 50, 700)) for _ in range(rng.randint(0, 4))),
    )
