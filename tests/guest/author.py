"""Random semantic functions: most break a rule, the others do something.

    meaning = Author(rng).meaning(steps, care)      care: how often a number is a good one, 0 to 1

A function is a script made in advance, a list of calls and operators with the numbers they get or
the results of earlier steps, so it does the same each time it is called.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from typing import Any

from jitvm.guest import Core, Guest, Opcode, Space, Stack

Meaning = Callable[[Core], None]
Step = tuple[str, tuple[Any, ...]]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    name: getattr(operator, name)
    for name in ("add", "sub", "mul", "and_", "or_", "xor", "lshift", "rshift", "eq", "lt", "ge",
                 "floordiv", "mod")
}  # fmt: skip
SPACES = (Space("ram", 0x10000, code=True), Space("cells", 16), Space("one", 1))
STACKS = (Stack("data", 64), Stack("tiny", 2))
SIZES = (1, 2, 4, 8)
NUMBERS = (0, 1, 2, 3, 7, 8, 15, 16, 31, 63, 0xFF, 0x100, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, -1, -8)
STRANGE = (1 << 32, (1 << 64) - 1, 1 << 64, -(1 << 40), 1.5, "x", None, True)


class _Result:
    """Stands for what an earlier step gave."""

    def __init__(self, step: int) -> None:
        self.step = step


class Author:
    """Writes semantic functions with the help of a random number generator."""

    def __init__(self, rng: random.Random, care: float) -> None:
        self.rng = rng
        self.care = care
        self.steps: list[Step] = []
        self.words: list[int] = []

    def meaning(self, count: int) -> Meaning:
        """A function of so many steps; reads come before writes as often as care is taken."""
        reads = self.rng.randrange(1, 4)
        kinds = (_READS, _OPERATORS, _OPERATORS, _EFFECTS)
        for index in range(count):
            phase = 0 if index < reads else 3 if index > count - 4 else self.rng.randrange(1, 3)
            kind = kinds[phase] if self._takes_care() else self.rng.choice(kinds)
            self.steps.append(self.rng.choice(kind)(self))
            if kind is not _EFFECTS:
                self.words.append(index)
        steps = self.steps

        def meaning(core: Core) -> None:
            results: list[Any] = []
            for name, arguments in steps:
                given = [results[a.step] if isinstance(a, _Result) else a for a in arguments]
                if name in OPERATORS:
                    results.append(OPERATORS[name](*given))
                elif name in ("pc", "next_pc"):
                    results.append(getattr(core, name))
                else:
                    results.append(getattr(core, name)(*given))

        return meaning

    # -- numbers -----------------------------------------------------------------------------

    def _takes_care(self) -> bool:
        return self.rng.random() < self.care

    def _word(self) -> Any:
        if self.words and self.rng.random() < 0.8:
            return _Result(self.rng.choice(self.words))
        return self.rng.choice(NUMBERS if self._takes_care() else STRANGE)

    def _number(self, *good: Any) -> Any:
        if self._takes_care():
            return self.rng.choice(good)
        return self.rng.choice((*NUMBERS, *STRANGE, *(_Result(word) for word in self.words)))

    def _size(self) -> Any:
        return self._number(*SIZES)

    def _within(self) -> Any:
        return self._number(None, None, 1, 16, 256)

    # -- steps -------------------------------------------------------------------------------

    def pop(self) -> Step:
        return "pop", (self._number(0, 0, 1), self._size())

    def peek(self) -> Step:
        size = self._size()
        return "peek", (self._number(0, 0, 1), self._number(8, 12, 24), size)

    def operand(self) -> Step:
        return "operand", (self._number(0, 1), self._number(1, 2))

    def load(self) -> Step:
        return "load", (self._number(0, 1, 2), self._word(), self._size(), self._number(None, 1))

    def port_in(self) -> Step:
        return "port_in", (self._word(),)

    def place(self) -> Step:
        return self.rng.choice(("pc", "next_pc", "return_address")), ()

    def operator(self) -> Step:
        return self.rng.choice(list(OPERATORS)[: 11 if self._takes_care() else None]), (
            self._word(), self._word(),
        )  # fmt: skip

    def mask(self) -> Step:
        return "and_", (self._word(), self._number(1, 7, 15, 31, 0xFF, 0xFFFF, 0xFFFFFFFF))

    def signed(self) -> Step:
        return "signed", (self._word(), self._size())

    def of_bytes(self) -> Step:
        name = self.rng.choice(("leading_zeros", "trailing_zeros", "swap_bytes"))
        return name, (self._word(), self._size())

    def divide(self) -> Step:
        return "divide", (self._word(), self._word(), self._number(0, 1, 0xFF))

    def select(self) -> Step:
        return "select", (self._word(), self._word(), self._word())

    def push(self) -> Step:
        return "push", (self._number(0, 0, 1), self._word(), self._size())

    def put(self) -> Step:
        return "put", (self._number(0, 1), self._word(), self._size())

    def store(self) -> Step:
        return "store", (
            self._number(0, 1, 2), self._word(), self._word(), self._size(), self._within(),
        )  # fmt: skip

    def port_out(self) -> Step:
        return "port_out", (self._word(), self._word())

    def jump(self) -> Step:
        return "jump", (self._word(),)

    def jump_if(self) -> Step:
        return "jump_if", (self._word(), self._word())

    def halt(self) -> Step:
        return "halt", ()


_READS = (Author.pop, Author.peek, Author.operand, Author.load, Author.port_in, Author.place)
_OPERATORS = (Author.operator, Author.mask, Author.mask, Author.signed, Author.of_bytes,
              Author.divide, Author.select)  # fmt: skip
_EFFECTS = (Author.push, Author.push, Author.put, Author.store, Author.store, Author.port_out,
            Author.jump, Author.jump_if, Author.halt)  # fmt: skip


def guest_of(
    meanings: list[Meaning], word_bits: int, byte_order: Any, *, name: str = "authored"
) -> Guest:
    """A guest whose first opcodes mean these, with two operand bytes each; others halt."""

    def halt(core: Core) -> None:
        core.halt()

    rows = [Opcode(code, f"op{code:02x}", meaning, 2) for code, meaning in enumerate(meanings)]
    rows += [Opcode(code, f"op{code:02x}", halt) for code in range(len(rows), 256)]
    return Guest(
        name, tuple(rows), SPACES, STACKS, ports=256, word_bits=word_bits, byte_order=byte_order
    )
