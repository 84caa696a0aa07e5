"""Holds a semantic function to what it did with words when it is called with numbers.

The checker runs a function on words that are not numbers, as native code is made. For the reference
interpreter words are Python's ints. Most of what tells the two apart a word refuses (see
`jitvm.guest.opaque`), but nobody asks it when Python compares classes or identities, and a number
on the left of an operator may have an operator of its own:

    type(word) is int        word is other        Flags.CARRY | word        Wrapping(3) + word

So each function is also called on a `Replay`, a core whose words are ints, with the steps it has
taken. It has to do the same things in the same order, with what these steps compute of the numbers
they begin with: those of `ones`, and mixed ones.
"""

from __future__ import annotations

import operator

from jitvm.guest.arithmetic import Arithmetic

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn

    from jitvm.guest.parts import Semantics

    Draw = Callable[[int, int], int]
    """The number that a word is which comes from outside, by its own number and its bits."""

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "and": operator.and_,
    "or": operator.or_, "xor": operator.xor, "shl": operator.lshift, "shr": operator.rshift,
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
"""What operators of words compute."""
_PURE = frozenset(name for name in vars(Arithmetic) if not name.startswith("_"))
"""What a core computes of its arguments."""
_SILENT = frozenset((
    "push", "reserve", "put", "store", "copy", "near", "expect", "port_out", "switch", "jump",
    "jump_if", "halt", "stop",
))  # fmt: skip
"""Steps that give no word."""
_MIX = 0x9E37_79B9_7F4A_7C15


class Differs(Exception):
    """A function does something else with numbers; the text says what."""


def ones(_: int, bits: int) -> int:
    """All bits set: those of one width are the same."""
    return (1 << bits) - 1


def mixed(number: int, bits: int) -> int:
    """Some bits set, others each time."""
    return (number * _MIX + (_MIX >> 7)) >> 11 & ((1 << bits) - 1)


def replay(semantics: Semantics, steps: Sequence[Any], pc_bits: int, draw: Draw) -> None:
    """Call a function with numbers.

    Args:
        semantics: the function.
        steps: what it did with words; see `jitvm.guest.checker.Run.done`.
        pc_bits: width of the program counter.
        draw: the numbers.

    Raises:
        Differs: it does something else.
    """
    Replay(steps, pc_bits, draw, {}, 0).call(semantics)


class Replay:
    """A `Core` whose words are ints. All of it is `_does`."""

    def __init__(
        self, steps: Sequence[Any], pc_bits: int, draw: Draw, numbers: dict[int, Any], last: int
    ) -> None:
        self._steps = steps
        self._at = 0
        self._pc_bits = pc_bits
        self._draw = draw
        self._numbers = numbers
        self._last = last
        self._differs: Differs | None = None

    def call(self, semantics: Semantics) -> None:
        """Call what has taken the steps."""
        try:
            semantics(self)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._differs is None:
                raise Differs(f"raises {type(error).__name__}") from error
        if self._differs is not None:
            raise self._differs
        self._compute()
        if self._at < len(self._steps):
            self._refuse(f"leaves out {self._steps[self._at][0]}")

    def _refuse(self, what: str) -> NoReturn:
        self._differs = self._differs or Differs(what)
        raise self._differs

    def _compute(self) -> None:
        """Compute what is computed without the core, up to what is done next."""
        while self._at < len(self._steps):
            op, *operands = self._steps[self._at]
            if op not in _ARITHMETIC:
                return
            self._at += 1
            self._have(_ARITHMETIC[op](*map(self._known, operands)))

    def _have(self, number: Any) -> Any:
        """The next word is this number."""
        self._last += 1
        self._numbers[self._last] = number
        return number

    def _known(self, noted: Any) -> Any:
        """What was noted, as a number."""
        if isinstance(noted, tuple):
            return self._numbers[noted[1]]
        return noted if noted is None else int(noted)

    def _does(self, name: str, *given: Any, bits: int = 0) -> Any:
        """Do what was done next with words; gives a number of so many bits, or what is computed."""
        self._compute()
        if self._at == len(self._steps):
            self._refuse(f"also does {name}")
        op, *noted = self._steps[self._at]
        self._at += 1
        if op != name:
            self._refuse(f"does {name} and not {op}")
        known = [self._known(each) for each in noted]
        if known != list(given):
            self._refuse(f"does {name} with something else")
        if name in _PURE:
            return self._have(getattr(Arithmetic, name)(self, *known))
        return None if name in _SILENT else self._have(self._draw(self._last, bits))

    @property
    def pc(self) -> Any:
        return self._does("pc", bits=self._pc_bits)

    @property
    def next_pc(self) -> Any:
        return self._does("next_pc", bits=self._pc_bits)

    @property
    def opcode(self) -> Any:
        return self._does("opcode", bits=8)

    def operand(self, offset: int, size: int) -> Any:
        return self._does("operand", offset, size, bits=8 * size)

    def beyond(self, offset: int, size: int) -> Any:
        return self._does("beyond", offset, size, bits=8 * size)

    def pop(self, stack: int, size: int) -> Any:
        return self._does("pop", stack, size, bits=8 * size)

    def peek(self, stack: int, depth: int, size: int) -> Any:
        return self._does("peek", stack, depth, size, bits=8 * size)

    def push(self, stack: int, word: Any, size: int) -> None:
        self._does("push", stack, word, size)

    def reserve(self, stack: int, size: int) -> None:
        self._does("reserve", stack, size)

    def put(self, stack: int, word: Any, size: int) -> None:
        self._does("put", stack, word, size)

    def load(self, space: int, address: Any, size: int, within: int | None = None) -> Any:
        return self._does("load", space, address, size, within, bits=8 * size)

    def store(
        self, space: int, address: Any, word: Any, size: int, within: int | None = None
    ) -> None:
        self._does("store", space, address, word, size, within)

    def copy(self, space: int, address: Any, window: int, source: Any, count: Any) -> None:
        self._does("copy", space, address, window, source, count)

    def near(self, window: int, address: Any) -> None:
        self._does("near", window, address)

    def expect(self, condition: Any) -> None:
        self._does("expect", condition)

    def length(self, window: int) -> Any:
        return self._does("length", window, bits=16)

    def port_in(self, port: Any) -> Any:
        return self._does("port_in", port, bits=8)

    def port_out(self, port: Any, word: Any) -> None:
        self._does("port_out", port, word)

    def select(self, condition: Any, yes: Any, no: Any) -> Any:
        return self._does("select", condition, yes, no)

    def switch(self, word: Any, cases: Mapping[int, Semantics], otherwise: Semantics) -> None:
        self._does("switch", word)
        done, rest = self._steps[self._at]
        self._at += 1
        if [number for number, _ in done] != list(cases):
            self._refuse("has other cases")
        for steps, case in zip([*(each for _, each in done), rest], [*cases.values(), otherwise]):  # noqa: B905
            inner = Replay(steps, self._pc_bits, self._draw, self._numbers, self._last)
            try:
                inner.call(case)
            except Differs as error:
                self._refuse(str(error))
            self._last = inner._last

    def signed(self, word: Any, size: int) -> Any:
        return self._does("signed", word, size)

    def leading_zeros(self, word: Any, size: int) -> Any:
        return self._does("leading_zeros", word, size)

    def trailing_zeros(self, word: Any, size: int) -> Any:
        return self._does("trailing_zeros", word, size)

    def swap_bytes(self, word: Any, size: int) -> Any:
        return self._does("swap_bytes", word, size)

    def divide(self, dividend: Any, divisor: Any, by_zero: int) -> Any:
        return self._does("divide", dividend, divisor, by_zero)

    def return_address(self) -> Any:
        return self._does("return_address", bits=self._pc_bits)

    link = return_address

    def jump(self, target: Any) -> None:
        self._does("jump", target)

    def jump_if(self, condition: Any, target: Any) -> None:
        self._does("jump_if", condition, target)

    def halt(self) -> None:
        self._does("halt")

    def stop(self, reason: Any, place: Any) -> None:
        self._does("stop", reason, place)
