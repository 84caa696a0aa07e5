"""What the instructions that read records have in common: operands, the frame at hand, and how a
value ends. The manual of `jitvm.guests.wire.records.instructions` holds for all of them.

Spaces, and the three words on top of a frame, are those of `jitvm.guests.wire.vm.operands`, so that
conditions on rows are the same instructions.
"""

from __future__ import annotations

from jitvm.guests.wire.vm.operands import FRAMES, M32, UNIT, cursor

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word

OPERANDS = {
    "miss": (0, 4), "slow": (4, 4), "a": (8, 4), "b": (12, 4), "c": (16, 4), "k": (20, 8),
}  # fmt: skip
"""Where they are, and of how many bytes: two addresses of instructions, three columns, a number."""
FIELD = 28


def operand(core: Core, name: str) -> Word:
    return core.operand(*OPERANDS[name])


def column(core: Core, name: str, row: Word, width: int) -> Word:
    """Address of a row in a column of values of `width` bytes."""
    return operand(core, name) * UNIT + row * width


def left(core: Core) -> Word:
    """Records, or elements, that are left, that in work included."""
    return core.peek(FRAMES, 16, 4)


def go_on(core: Core, after: Word, fits: Word, *, is_sure: bool = False) -> None:
    """End a value: the cursor moves behind it where it was read; else `slow` is next."""
    if is_sure:
        core.put(FRAMES, after & M32, 4)
        return
    core.put(FRAMES, core.select(fits, after & M32, cursor(core)), 4)
    core.jump_if(fits == 0, operand(core, "slow"))
