"""What opcodes do to the stacks, without values: derived from their semantic functions.

Each semantic function runs once on a `_Shape`, a core whose words are rows of cells. A cell says
where a byte comes from:

    ROT2   takes 6 bytes of the working stack, and puts down 2 3 4 5 0 1 of them
    ADD    takes 2, and puts down an UNKNOWN
    GTH    takes 2, and puts down a FLAG: 0 or 1
    LIT2   takes nothing, and puts down its OPERAND bytes

so there is no second list of stack effects, and one that is wrong is wrong at every tier.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import Any

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn import UXN

WORKING, RETURN = 0, 1
UNKNOWN = -1
"""A cell that can be any byte."""
FLAG = -2
"""One that is 0 or 1."""
PC_HIGH, PC_LOW = -3, -4
"""The address of the next instruction."""
OPERAND = 0x1000
"""The first byte behind an opcode; the next one is one more."""
TAKEN = 0x2000
"""The first of the bytes that an opcode finds on the stack, from below; on the return stack
`OTHER` more."""
OTHER = 0x100


class Goes(IntEnum):
    """Where execution goes on."""

    ON = 0
    JUMPS = 1
    MAY_JUMP = 2
    ENDS = 3


class Shape(Struct, frozen=True):
    """What an opcode does.

    Attributes:
        needs: bytes that it looks at, of the working and of the return stack.
        drops: bytes that it takes off them, which are the top ones of `needs`.
        gives: cells that it puts down instead.
        goes: where execution goes on.
        target: cells of the address it may go to, one for a distance of a byte.
        is_relative: whether `target` is a distance from the next opcode.
        calls: whether it puts down the address of the next opcode.
        port: the cell of the port that it writes to, if it does.
        width: bytes that it writes to ports.
    """

    needs: tuple[int, int]
    drops: tuple[int, int]
    gives: tuple[tuple[int, ...], tuple[int, ...]]
    goes: Goes
    target: tuple[int, ...]
    is_relative: bool
    port: int | None
    width: int


@cache
def shape_of(byte: int) -> Shape:
    """The shape of an opcode byte."""
    row = UXN.opcodes[byte]
    core = _Core()
    semantics: Any = row.semantics
    semantics(core)
    return core.shape()


class _Word:
    """Bytes, most significant first; what is computed of them is unknown."""

    __slots__ = ("cells", "is_distance")

    def __init__(self, cells: tuple[int, ...], is_distance: bool = False) -> None:
        self.cells = cells
        self.is_distance = is_distance

    def _mixed(self, _: object) -> _Word:
        return _Word((UNKNOWN,) * len(self.cells))

    def _flags(self, other: object) -> _Word:
        both = self.cells == (FLAG,) and isinstance(other, _Word) and other.cells == (FLAG,)
        return _Word((FLAG,)) if both else self._mixed(other)

    def _compared(self, _: object) -> _Word:
        return _Word((FLAG,))

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _mixed
    __rshift__ = __lshift__ = __rrshift__ = __rlshift__ = _mixed
    __and__ = __or__ = __xor__ = __rand__ = __ror__ = __rxor__ = _flags
    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = _compared  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


class _NextPc(_Word):
    """The address of the next instruction; with a distance added, a target."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__((PC_HIGH, PC_LOW))

    def __add__(self, other: object) -> _Word:
        if isinstance(other, _Word):
            return _Word(other.cells, is_distance=True)
        return self._mixed(other)


class _Core:
    """The core of `jitvm.guest.core`, as far as Uxn's semantic functions use it."""

    def __init__(self) -> None:
        self._stacks: tuple[list[int], list[int]] = ([], [])
        self._taken = [0, 0]
        self._dropped = [0, 0]
        self._goes = Goes.ON
        self._target = _Word(())
        self._port: int | None = None
        self._width = 0
        self.next_pc = _NextPc()

    def shape(self) -> Shape:
        """What was seen; cells are counted from the lowest that it needs."""
        needs = (self._taken[WORKING], self._taken[RETURN])

        def counted(cell: int) -> int:
            if cell < TAKEN:
                return cell
            stack, depth = divmod(cell - TAKEN, OTHER)
            return TAKEN + OTHER * stack + needs[stack] - 1 - depth

        gives = tuple(tuple(counted(cell) for cell in stack) for stack in self._stacks)
        return Shape(
            needs=needs,
            drops=(self._dropped[WORKING], self._dropped[RETURN]),
            gives=(gives[WORKING], gives[RETURN]),
            goes=self._goes,
            target=tuple(counted(cell) for cell in self._target.cells),
            is_relative=self._target.is_distance,
            port=None if self._port is None else counted(self._port),
            width=self._width,
        )

    # -- stacks ------------------------------------------------------------------------------

    def pop(self, stack: int, size: int) -> _Word:
        cells = self._cells(stack, self._taken[stack], size)
        self._taken[stack] += size
        self._dropped[stack] = self._taken[stack]
        return _Word(cells)

    def peek(self, stack: int, depth: int, size: int) -> _Word:
        self._taken[stack] = max(self._taken[stack], depth)
        return _Word(self._cells(stack, depth - size, size))

    @staticmethod
    def _cells(stack: int, above: int, size: int) -> tuple[int, ...]:
        """`size` bytes that have `above` others above them, by their depth."""
        start = TAKEN + OTHER * stack + above
        return tuple(range(start + size - 1, start - 1, -1))

    def push(self, stack: int, word: Any, size: int) -> None:
        cells = word.cells if isinstance(word, _Word) else (UNKNOWN,) * size
        filled = cells if len(cells) == size else (UNKNOWN,) * size
        self._stacks[stack].extend(filled)

    def reserve(self, stack: int, size: int) -> None:
        self._stacks[stack].extend((UNKNOWN,) * size)

    def put(self, *_: object) -> None:
        """What is put down was reserved."""

    # -- elsewhere ---------------------------------------------------------------------------

    def operand(self, offset: int, size: int) -> _Word:
        return _Word(tuple(OPERAND + offset + at for at in range(size)))

    def signed(self, word: _Word, size: int) -> _Word:
        return _Word(word.cells[-size:])

    def load(self, _space: int, _address: object, size: int, **_: object) -> _Word:
        return _Word((UNKNOWN,) * size)

    def store(self, *_: object, **__: object) -> None:
        """Memory is not looked at."""

    def port_in(self, _port: object) -> _Word:
        return _Word((UNKNOWN,))

    def port_out(self, port: _Word, _word: object) -> None:
        if self._port is None:
            self._port = port.cells[0]
        self._width += 1

    def divide(self, dividend: _Word, *_: object, **__: object) -> _Word:
        return _Word((UNKNOWN,) * len(dividend.cells))

    def return_address(self) -> _Word:
        return _Word((PC_HIGH, PC_LOW))

    # -- control -----------------------------------------------------------------------------

    def jump(self, target: _Word) -> None:
        self._goes, self._target = Goes.JUMPS, target

    def jump_if(self, _condition: _Word, target: _Word) -> None:
        self._goes, self._target = Goes.MAY_JUMP, target

    def halt(self) -> None:
        self._goes = Goes.ENDS
