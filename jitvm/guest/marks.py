"""Which instructions a guest has executed, and which ways its branches went: marks that only rise.

    cells[address]        EXECUTED, and where a branch was executed WENT_ON, JUMPED or both
    cells[size + opcode]  EXECUTED
    cells[size + 256]     of no meaning: native code writes there instead of asking

A *branch* is an instruction that may jump and may go on (`Core.jump_if`), whatever it does at a
place; it went on if the instruction behind it came next.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Sequence

    from jitvm.guest.description import Guest

EXECUTED, WENT_ON, JUMPED = 1, 2, 4


class Marks:
    """The marks of one machine.

    Attributes:
        cells: see the head of this file.
        branches: opcodes that are branches.
    """

    __slots__ = ("branches", "cells", "size")

    def __init__(self, guest: Guest) -> None:
        self.size = guest.code_space.size
        self.cells = bytearray(self.size + 257)
        self.branches = branches(guest)

    @property
    def places(self) -> bytes:
        """A copy of the marks of all addresses."""
        return bytes(self.cells[: self.size])

    @property
    def opcodes(self) -> frozenset[int]:
        """Those that were executed."""
        return frozenset(code for code in range(256) if self.cells[self.size + code])

    def executes(self, address: int, opcode: int) -> None:
        """An instruction is executed."""
        self.cells[address] |= EXECUTED
        self.cells[self.size + opcode] = EXECUTED

    def went(self, address: int, opcode: int, *, on: bool) -> None:
        """An instruction is over."""
        if opcode in self.branches:
            self.goes(address, on=on)

    def goes(self, cell: int, *, on: bool) -> None:
        """A branch goes some way."""
        self.cells[cell] |= WENT_ON if on else JUMPED


def branches(guest: Guest) -> frozenset[int]:
    """Opcodes that may jump and may go on.

    Raises:
        DescriptionError: a semantic function breaks a rule of `jitvm.guest.core`.
    """
    from jitvm.guest.checker import Run

    found: dict[tuple[int, int], bool] = {}
    for row in guest.opcodes:
        if row.meaning not in found:
            found[row.meaning] = _has_branch(Run(guest, row).steps())
    return frozenset(row.code for row in guest.opcodes if found[row.meaning])


def _has_branch(steps: Sequence[object]) -> bool:
    """Whether one of the steps of an instruction, or of the cases of its switch, is a branch."""
    for step in steps:
        assert isinstance(step, tuple)
        if step[0] == "jump_if":
            return True
        if not isinstance(step[0], str):
            cases, otherwise = step
            if _has_branch(otherwise) or any(_has_branch(case) for _, case in cases):
                return True
    return False
