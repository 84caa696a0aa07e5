"""Random semantic functions as lines of Python, within the rules of `jitvm.guest.core`.

A row reads some words (stacks, operands, spaces, ports, the program counter), combines them, and
has some effects. With each word goes how many bits it is sure to fit, computed as the engine does
(`Graph._bound`), so that words are masked where rule 2 asks for it and hardly ever elsewhere:
overflow is half of what is looked for.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.fuzz.guests.case import Row, Shape

MODULAR = 0
"""Bits of a word whose high bits mean nothing."""


@dataclass(frozen=True, slots=True)
class Word:
    """A variable of a semantic function and its bits."""

    name: str
    bits: int


class Writer:
    """Writes one semantic function.

    Attributes:
        moves: by how much each stack's pointer moves.
    """

    def __init__(self, rng: random.Random, shape: Shape) -> None:
        self.rng = rng
        self.shape = shape
        self.lines: list[str] = []
        self.operands: list[str] = []
        self.words: list[Word] = []
        self.moves = [0] * len(shape.stacks)
        self._reach = [(0, 0)] * len(shape.stacks)
        self._stored: set[int] = set()
        self._wrote = self._jumped = False

    def row(self, code: int, name: str) -> Row:
        """A random row."""
        rng = self.rng
        for _ in range(rng.choice((1, 1, 2, 2, 3))):
            self._read()
        for _ in range(rng.choice((0, 1, 1, 2, 3, 5))):
            self._combine()
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
            self._affect()
            if rng.random() < 0.15:
                self._read()
        return Row(code, name, tuple(self.operands), tuple(self.lines))

    # -- words -------------------------------------------------------------------------------

    def _let(self, expression: str, bits: int) -> Word:
        word = Word(f"v{len(self.words)}", bits if bits <= self.shape.word_bits else MODULAR)
        self.lines.append(f"{word.name} = {expression}")
        self.words.append(word)
        return word

    def _any(self) -> Word:
        if not self.words:
            self._let("core.next_pc", self.shape.pc_bits)
        return self.rng.choice(self.words[-4:])

    def _sure(self, most: int | None = None) -> Word:
        """A word of which all bits are meant, and not more than `most`."""
        word = self._any()
        if word.bits and (most is None or word.bits <= most):
            return word
        mask = (1 << self.rng.choice([b for b in (1, 3, 8, 16, 32, 64) if b <= (most or 64)])) - 1
        if mask >> self.shape.word_bits:
            mask = (1 << self.shape.word_bits) - 1
        return self._let(f"{word.name} & {mask:#x}", mask.bit_length())

    def _size(self) -> int:
        return self.rng.choice([s for s in (1, 1, 2, 2, 4, 8) if 8 * s <= self.shape.word_bits])

    def _number(self) -> int:
        """A constant, often at an edge."""
        bits = self.shape.word_bits
        edge = 1 << self.rng.choice((0, 1, 7, 8, 15, 16, 31, 32, bits - 1))
        number = self.rng.choice((edge, edge - 1, edge + 1, self.rng.getrandbits(16)))
        return number % (1 << bits)

    # -- reading -----------------------------------------------------------------------------

    def _read(self) -> None:
        rng, ways = self.rng, [self._load, self._load]
        if self.shape.window:
            ways += [self._look] * 2
        if self.shape.stacks:
            ways += [self._pop] * 6 + [self._peek] * 2
        if self.shape.code not in self._stored:
            ways += [self._operand] * 2
        if self.shape.ports and not self._wrote:
            ways += [self._port_in]
        if rng.random() < 0.1:
            ways = [self._place]
        rng.choice(ways)()

    def _pop(self) -> None:
        stack, size = self._stack(), self._size()
        if self._reaches(stack, self.moves[stack] - size, self.moves[stack]):
            self.moves[stack] -= size
            self._let(f"core.pop({stack}, {size})", 8 * size)

    def _peek(self) -> None:
        stack, size = self._stack(), self._size()
        depth = size + self.rng.choice((0, 0, 1, 2, 3, 5, 8, 13, 24))
        low = self.moves[stack] - depth
        if self._reaches(stack, low, low + size):
            self._let(f"core.peek({stack}, {depth}, {size})", 8 * size)

    def _reaches(self, stack: int, low: int, high: int) -> bool:
        """Note that bytes of a stack are touched, unless they are more than one instruction may."""
        least, most = self._reach[stack]
        low, high = min(low, least), max(high, most)
        if high - low > max(self.shape.stacks[stack], 8):
            return False
        self._reach[stack] = low, high
        return True

    def _stack(self) -> int:
        return self.rng.randrange(len(self.shape.stacks))

    def _operand(self) -> None:
        size = self._size()
        self._let(self._field(size, self.rng.choice(("imm", "small", "addr"))), 8 * size)

    def _field(self, size: int, kind: str) -> str:
        at = sum(int(operand.split()[0]) for operand in self.operands)
        self.operands.append(f"{size} {kind}")
        return f"core.operand({at}, {size})"

    def _place(self) -> None:
        """The program counter in one of its forms."""
        name = self.rng.choice(("pc", "next_pc", "return_address()"))
        self._let(f"core.{name}", self.shape.pc_bits)

    def _load(self) -> None:
        spaces = [i for i in range(len(self.shape.sizes)) if i not in self._stored]
        if not spaces:
            return
        space, size = self.rng.choice(spaces), self._size()
        address, within = self._address(space), self._within(space)
        self._let(f"core.load({space}, {address}, {size}{within})", 8 * size)

    def _look(self) -> None:
        """The length of the window; or some words near one address."""
        rng, window = self.rng, self.shape.window_at
        if rng.random() < 0.3:
            self._let(f"core.length({window})", self.shape.window + 1)
            return
        base = self._let(f"{self._any().name} & {rng.choice((0x3F, 0xFFF, 0x1FFF)):#x}", 13)
        if rng.random() < 0.5:
            self.lines.append(f"core.near({window}, {base.name} + {rng.choice((0, 8, 40))})")
        for _ in range(rng.choice((1, 2, 3))):
            size, further = self._size(), rng.choice((0, 1, 3, 8, 17, 40))
            self._let(f"core.load({window}, {base.name} + {further}, {size})", 8 * size)

    def _expect(self) -> None:
        """A word that is expected to be true, and is not always."""
        word = self._sure()
        self.lines.append(f"core.expect({word.name})")
        self._let(f"core.select({word.name}, {self._any().name}, {self._number()})", MODULAR)

    def _copy(self) -> None:
        """Bytes of the window, to any space but that of code."""
        spaces = [
            i
            for i in range(len(self.shape.sizes))
            if i not in (self.shape.window_at, self.shape.code)
        ]
        if not spaces:
            return
        space, window = self.rng.choice(spaces), self.shape.window_at
        count = (
            self._sure(8).name if self.rng.random() < 0.8 else hex(self.rng.choice((0, 16, 300)))
        )
        to, source = self._address(space), self._any().name
        self._stored.add(space)
        self.lines.append(f"core.copy({space}, {to}, {window}, {source}, {count})")

    def _port_in(self) -> None:
        self._let(f"core.port_in({self._port()})", 8)

    def _port(self) -> str:
        if self.shape.code in self._stored or self.rng.random() < 0.3:
            return self._any().name if self.words and self.rng.random() < 0.5 else "0x21"
        return self._field(1, "port")

    def _address(self, space: int) -> str:
        """An address of a space: constants and operands, registers, arrays, anything."""
        rng, size = self.rng, self.shape.sizes[space]
        if space == self.shape.window_at and rng.random() < 0.8:
            size = self.shape.shown  # its end is where something may go wrong
        is_code = space == self.shape.code
        has_operands = self.shape.code not in self._stored
        pick = rng.random()
        if pick < 0.4 and has_operands:
            if is_code:
                return self._field(self.shape.link_size, "addr")
            return f"{self._field(1, 'imm')} << {rng.choice((0, 1, 2, 3))}"
        if pick < 0.5:
            return hex(max(size - rng.choice((0, 1, 1, 2, 3, 4, 7, 8)), 0))
        if pick < 0.6 and has_operands and is_code:
            return f"core.next_pc + core.signed({self._field(2, 'near')}, 2)"
        if not self.words:
            return hex(rng.choice((0x2000, 0x2003, 0x10, 0xFF)))
        word = self._any().name
        if space == self.shape.window_at and pick > 0.85:  # as many bits as a word has
            return f"core.signed({word}, {self._size()}) + {rng.choice((0, 1, 3, 8))}"
        if is_code and pick < 0.92:
            return f"({word} * {rng.choice((1, 2, 4))} & 0x1f) + {rng.choice((0x2000, 0xF8))}"
        return word if rng.random() < 0.7 else f"{word} + {self._number()}"

    def _within(self, space: int) -> str:
        if self.rng.random() < 0.85 or space >= len(self.shape.spaces):
            return ""
        bits = self.shape.spaces[space].bit_length() - 1
        return f", within={1 << self.rng.randint(min(bits, 3), bits)}"

    # -- combining ---------------------------------------------------------------------------

    def _combine(self) -> None:
        rng = self.rng
        ways = (self._sum, self._sum, self._bits, self._bits, self._shift, self._compare,
                self._select, self._signed, self._of_bytes, self._divide, self._expect)  # fmt: skip
        rng.choice(ways)()

    def _other(self) -> Word:
        """A word or a number."""
        if self.rng.random() < 0.5:
            return self._any()
        number = self._number()
        return Word(hex(number), max(number.bit_length(), 1))

    def _sum(self) -> None:
        a, b, op = self._any(), self._other(), self.rng.choice("+-*")
        bits = MODULAR
        if a.bits and b.bits and op != "-":
            bits = max(a.bits, b.bits) + 1 if op == "+" else a.bits + b.bits
        if self.rng.random() < 0.2:
            a, b = b, a
        self._let(f"{a.name} {op} {b.name}", bits)

    def _bits(self) -> None:
        a, b, op = self._any(), self._other(), self.rng.choice("&|^")
        if op == "&":
            bits = min(a.bits, b.bits) or a.bits or b.bits
        else:
            bits = max(a.bits, b.bits) if a.bits and b.bits else MODULAR
        self._let(f"{a.name} {op} {b.name}", bits)

    def _shift(self) -> None:
        rng = self.rng
        most = self.shape.word_bits.bit_length() - 1
        known = rng.random() < 0.5
        if known:
            distance = rng.choice((1, 3, 4, 7, 8, 16, self.shape.word_bits - 1))
            by = Word(str(distance), distance.bit_length())
        else:
            word = self._any()
            width = rng.choice((1, 3, most))
            by = self._let(f"{word.name} & {(1 << width) - 1:#x}", width)
        if rng.random() < 0.5:
            a = self._any()
            further = int(by.name) if known else (1 << by.bits) - 1
            self._let(f"{a.name} << {by.name}", a.bits + further if a.bits else MODULAR)
        else:
            a = self._sure()
            less = int(by.name) if known else 0
            self._let(f"{a.name} >> {by.name}", max(a.bits - less, 1))

    def _compare(self) -> None:
        a, op = self._sure(), self.rng.choice(("==", "!=", "<", "<=", ">", ">="))
        b = self._sure().name if self.rng.random() < 0.6 else hex(self._number())
        self._let(f"{a.name} {op} {b}", 1)

    def _select(self) -> None:
        condition, yes, no = self._sure(), self._any(), self._other()
        bits = max(yes.bits, no.bits) if yes.bits and no.bits else MODULAR
        self._let(f"core.select({condition.name}, {yes.name}, {no.name})", bits)

    def _signed(self) -> None:
        self._let(f"core.signed({self._any().name}, {self._size()})", MODULAR)

    def _of_bytes(self) -> None:
        size = self._size()
        name, bits = self.rng.choice((
            ("leading_zeros", (8 * size).bit_length()),
            ("trailing_zeros", (8 * size).bit_length()),
            ("swap_bytes", 8 * size),
        ))  # fmt: skip
        self._let(f"core.{name}({self._any().name}, {size})", bits)

    def _divide(self) -> None:
        rng = self.rng
        a, b = self._sure(), self._sure()
        divisor = b.name if rng.random() < 0.7 else str(rng.choice((1, 2, 3, 7, 10, 255)))
        by_zero = rng.choice((0, 0xFF, (1 << self.shape.word_bits) - 1))
        bits = max(a.bits, by_zero.bit_length())
        self._let(f"core.divide({a.name}, {divisor}, {by_zero:#x})", bits)

    # -- effects -----------------------------------------------------------------------------

    def _affect(self) -> None:
        rng, ways = self.rng, [self._store, self._store]
        if self.shape.window:
            ways += [self._copy]
        if self.shape.stacks:
            ways += [self._push] * 7 + [self._put]
        if self.shape.ports:
            ways += [self._port_out]
            if self.shape.stacks and not self._wrote:
                ways += [self._answer]
        if not self._jumped and self.shape.code not in self._stored:
            ways += [self._skip]
        rng.choice(ways)()

    def _push(self) -> None:
        stack, size, word = self._stack(), self._size(), self._any()
        if self._reaches(stack, self.moves[stack], self.moves[stack] + size):
            self.moves[stack] += size
            self.lines.append(f"core.push({stack}, {word.name}, {size})")

    def _put(self) -> None:
        stack, size = self._stack(), self._size()
        if self._reaches(stack, self.moves[stack] - size, self.moves[stack]):
            self.lines.append(f"core.put({stack}, {self._any().name}, {size})")

    def _answer(self) -> None:
        """A read of a port that sees the place of its result reserved."""
        stack, port = self._stack(), self._port()
        if self._reaches(stack, self.moves[stack], self.moves[stack] + 1):
            self.moves[stack] += 1
            self.lines.append(f"core.reserve({stack}, 1)")
            self.lines.append(f"core.put({stack}, core.port_in({port}), 1)")

    def _store(self) -> None:
        spaces = [i for i in range(len(self.shape.sizes)) if i != self.shape.window_at]
        space, word, size = self.rng.choice(spaces), self._any(), self._size()
        address, within = self._address(space), self._within(space)
        self._stored.add(space)
        self.lines.append(f"core.store({space}, {address}, {word.name}, {size}{within})")

    def _port_out(self) -> None:
        port = self._port()
        self._wrote = True
        self.lines.append(f"core.port_out({port}, {self._any().name})")

    def _skip(self) -> None:
        """A jump over some instructions, to a label that the program has behind this one."""
        self._jumped = True
        condition = self._sure()
        if self.rng.random() < 0.5:
            target = self._field(self.shape.link_size, "skip")
        else:
            target = f"core.next_pc + core.signed({self._field(2, 'rel')}, 2)"
        self.lines.append(f"core.jump_if({condition.name}, {target})")
