"""Expressions over the state of a machine, as users write them.

    0x1f 31 #1f          numbers; # is hexadecimal
    @main/loop           the address of a label: all up to a space or one of ()[],;"
    pc op time           program counter, opcode there, instructions executed so far
    [a]  [a]:2           the byte at an address of the code space; a word of 2 (or 4) bytes
    state[a]  state[a]:2 the same of another space, by its name
    wst  wst[0]  wst[1]:2    a stack's pointer; the byte on top; the word below one byte
    port[0x18]           what a port remembers
    value old            in conditions of watches: the byte written or read, and what it was
    ! ~ -   * / %   + -   << >>   < <= > >=   == !=   &   ^   |   &&   ||   ( )

Operators are those of C, with its precedence, on whole numbers without an end; `/` and `%` round
down. Every truth is 1 or 0. Division by zero, a distance that is no distance and unknown names
are an `ExpressionError`, the last when the expression is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from jitvm.engine.interpreter.filters import is_filter
from jitvm.guest import Guest, State

if TYPE_CHECKING:
    from jitvm.engine.interpreter.filters import Filter

Number = Callable[[], int]
"""What a part of an expression is now."""


class Part(NamedTuple):
    """A part of an expression: its value, and, where native code can decide it, its tree."""

    value: Number
    tree: Filter | None


class ExpressionError(ValueError):
    """An expression that makes no sense; the message says where and why."""


class Scope(Protocol):
    """What an expression is about."""

    @property
    def guest(self) -> Guest:
        """The guest."""

    @property
    def state(self) -> State:
        """The state of the machine, as it is whenever a value is asked for."""

    @property
    def names(self) -> Mapping[str, Number]:
        """Further names."""

    def address_of(self, label: str) -> int | None:
        """The address of a label; None if there is none."""


LONGEST = 1000
"""Characters of the longest expression."""
MOST_SHIFT = 64
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>0[xX][0-9a-fA-F]+|\#[0-9a-fA-F]+|[0-9]+(?![0-9a-zA-Z_]))
          |(?P<label>@[^\s()\[\],;"]+)
          |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
          |(?P<sign>\|\||&&|==|!=|<=|>=|<<|>>|[-+*/%&|^~!<>()\[\]:])
          |(?P<end>$))""",
    re.VERBOSE,
)
_LEVELS: tuple[Mapping[str, Callable[[int, int], int]], ...] = (
    {"||": lambda a, b: int(bool(a) or bool(b))},
    {"&&": lambda a, b: int(bool(a) and bool(b))},
    {"|": lambda a, b: a | b},
    {"^": lambda a, b: a ^ b},
    {"&": lambda a, b: a & b},
    {"==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b)},
    {
        "<": lambda a, b: int(a < b),
        "<=": lambda a, b: int(a <= b),
        ">": lambda a, b: int(a > b),
        ">=": lambda a, b: int(a >= b),
    },
    {"<<": lambda a, b: a << _distance(b), ">>": lambda a, b: a >> _distance(b)},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {
        "*": lambda a, b: a * b,
        "/": lambda a, b: a // _divisor(b),
        "%": lambda a, b: a % _divisor(b),
    },
)
"""Operators between two numbers, the weakest first."""
_UNARY: Mapping[str, Callable[[int], int]] = {
    "!": lambda a: int(not a),
    "~": lambda a: ~a,
    "-": lambda a: -a,
}
DEEPEST = 60
"""How deep parts of an expression may lie in each other."""


def _divisor(number: int) -> int:
    if not number:
        raise ExpressionError("division by zero")
    return number


def _distance(number: int) -> int:
    if not 0 <= number <= MOST_SHIFT:
        raise ExpressionError(f"a shift by {number}; the distance is 0 to {MOST_SHIFT}")
    return number


class Expression:
    """An expression that was read.

    Args:
        text: what the user wrote.
        scope: what it is about.

    Raises:
        ExpressionError: it makes no sense.
    """

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text.strip()
        reader = _Reader(text, scope)
        self.place = reader.place
        """The space and the address of the memory that it names, if that is all it does."""
        self.value: Number = reader.part.value
        """What it is now. Raises ExpressionError."""
        tree = reader.part.tree
        self.filter: Filter | None = tree if is_filter(tree, scope.guest) else None
        """The same for native code; None where that cannot decide it."""


class Place:
    """Memory that an expression names: of a space, from an address on, so many bytes.

    Attributes:
        kind: `space`, `stack` or `port`.
    """

    __slots__ = ("address", "index", "kind", "size")

    def __init__(self, kind: str, index: int, address: Number, size: int) -> None:
        self.kind = kind
        self.index = index
        self.address = address
        self.size = size


class _Reader:
    """Reads one expression."""

    def __init__(self, text: str, scope: Scope) -> None:
        if len(text) > LONGEST:
            raise ExpressionError(f"is longer than {LONGEST} characters")
        self._text = text
        self._scope = scope
        self._guest = scope.guest
        self._at = self._start = self._depth = 0
        self._spaces = {space.name.lower(): i for i, space in enumerate(scope.guest.spaces)}
        self._stacks = {stack.name.lower(): i for i, stack in enumerate(scope.guest.stacks)}
        self._advance()
        self.place: Place | None = None
        self.part = self._between(0)
        if self._kind != "end":
            raise self._error(f"{self._word!r} is not expected")

    # -- words -------------------------------------------------------------------------------

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            rest = self._text[self._at :].strip()
            raise self._error(f"{rest[:10]!r} is nothing that an expression has")
        self._start, self._at = self._at, found.end()
        self._kind = found.lastgroup or "end"
        self._word = found.group(self._kind)

    def _error(self, what: str) -> ExpressionError:
        return ExpressionError(f"{what}, at character {self._start + 1} of {self._text.strip()!r}")

    def _expect(self, sign: str) -> None:
        if self._kind != "sign" or self._word != sign:
            raise self._error(f"{sign} is missing")
        self._advance()

    def _take(self, sign: str) -> bool:
        if self._kind != "sign" or self._word != sign:
            return False
        self._advance()
        return True

    # -- grammar -----------------------------------------------------------------------------

    def _between(self, level: int) -> Part:
        if level == len(_LEVELS):
            return self._single()
        left = self._between(level + 1)
        while self._kind == "sign" and (means := _LEVELS[level].get(self._word)) is not None:
            word = self._word
            self._advance()
            left = _joined(word, means, left, self._between(level + 1))
            self.place = None
        return left

    def _single(self) -> Part:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error("parts lie in each other too deep")
        try:
            return self._part()
        finally:
            self._depth -= 1

    def _part(self) -> Part:
        kind, word = self._kind, self._word
        self.place = None
        if kind == "number":
            self._advance()
            number = (
                int(word[1:], 16) if word[0] == "#" else int(word, 0 if "x" in word.lower() else 10)
            )
            return Part(lambda: number, ("number", number))
        if kind == "label":
            address = self._scope.address_of(word[1:])
            if address is None:
                raise self._error(f"there is no label {word[1:]}")
            self._advance()
            return Part(lambda: address, ("number", address))
        if kind == "name":
            return self._named(word)
        if kind == "sign" and (means := _UNARY.get(word)) is not None:
            self._advance()
            inner, tree = self._single()
            self.place = None
            sign = "neg" if word == "-" else word
            return Part(lambda: means(inner()), None if tree is None else (sign, tree))
        if self._take("("):
            part = self._between(0)
            self._expect(")")
            return part
        if kind == "sign" and word == "[":
            return self._memory("space", self._guest.code_index)
        raise self._error(f"{word!r} is no value" if word else "a value is missing")

    def _named(self, word: str) -> Part:
        scope, low = self._scope, word.lower()
        if low in scope.names:
            self._advance()
            return Part(scope.names[low], None)
        if low == "pc":
            self._advance()
            return Part(lambda: scope.state.pc, ("pc",))
        if low == "op":
            self._advance()
            code = self._guest.code_index
            tree = ("load", "space", code, ("pc",), 1)
            return Part(lambda: scope.state.spaces[code][scope.state.pc], tree)
        if low in self._stacks:
            return self._stack(self._stacks[low])
        if low in self._spaces:
            self._advance()
            return self._memory("space", self._spaces[low])
        if low == "port" and self._guest.ports:
            self._advance()
            return self._memory("port", 0)
        raise self._error(f"there is nothing called {word}")

    def _stack(self, index: int) -> Part:
        scope = self._scope
        self._advance()
        if self._kind == "sign" and self._word == "[":
            return self._memory("stack", index)
        return Part(lambda: scope.state.pointers[index], ("pointer", index))

    def _memory(self, kind: str, index: int) -> Part:
        self._expect("[")
        inner, at = self._between(0)
        self._expect("]")
        size = 1
        if self._take(":"):
            if self._word not in ("1", "2", "4", "8"):
                raise self._error("a word has 1, 2, 4 or 8 bytes")
            size = int(self._word)
            self._advance()
        self.place = Place(kind, index, inner, size)
        tree = None if at is None else ("load", kind, index, at, size)
        return Part(_reading(self.place, self._scope), tree)


def _joined(word: str, means: Callable[[int, int], int], left: Part, right: Part) -> Part:
    a, b = left.value, right.value
    tree = None if left.tree is None or right.tree is None else (word, left.tree, right.tree)
    if word == "&&":  # what is behind it may make sense only if it is so
        return Part(lambda: int(bool(a()) and bool(b())), tree)
    if word == "||":
        return Part(lambda: int(bool(a()) or bool(b())), tree)
    return Part(lambda: means(a(), b()), tree)


def cells_of(place: Place, state: State) -> tuple[memoryview, list[int]]:
    """The memory that a place is in, and the index of each of its bytes, in the order of memory."""
    at = place.address()
    if place.kind == "stack":
        cells = state.stacks[place.index]
        at = state.pointers[place.index] - at - place.size
    else:
        cells = state.ports.page if place.kind == "port" else state.spaces[place.index]
    if not len(cells):
        raise ExpressionError("there is no memory")
    return cells, [(at + i) % len(cells) for i in range(place.size)]


def _reading(place: Place, scope: Scope) -> Number:
    order, state_of = scope.guest.byte_order, scope

    def read() -> int:
        cells, indices = cells_of(place, state_of.state)
        return int.from_bytes(bytes([cells[at] for at in indices]), order)

    def read_byte() -> int:
        cells = state_of.state.spaces[place.index]
        return cells[place.address() % len(cells)]

    is_plain = place.kind == "space" and place.size == 1
    return read_byte if is_plain and len(scope.state.spaces[place.index]) else read
