"""What the instructions of the wire VM have in common: spaces, operands, the frame at hand, and how
a field ends. The manual of `jitvm.guests.wire.instructions` holds for all of them."""

from __future__ import annotations

from jitvm.guest import Stack

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word

CODE, INPUT, OFFSETS, OUTPUT, STATE = range(5)
FRAMES = 0
FRAME_STACK = Stack("frames", 4096, return_addresses=True, cached=(4,))
BIAS, ALL = 0, 8
"""Addresses in STATE."""
UNIT = 64
M32 = (1 << 32) - 1
M64 = (1 << 64) - 1
HIGH, LOW = 0x8080_8080_8080_8080, 0x7F7F_7F7F_7F7F_7F7F

# -- the operands of instructions that read a field -----------------------------------------------

OPERANDS = {
    "size": (0, 1), "miss": (1, 4), "slow": (5, 4), "mask": (9, 4), "next": (13, 4),
    "a": (17, 4), "b": (21, 4), "c": (25, 4),
}  # fmt: skip
"""Where they are, and of how many bytes. `size` is that of the tag; `next` what the next tag is
under `mask`: 1 under 0 is no tag's; a, b, c are columns."""
FIELD = 29


def operand(core: Core, name: str) -> Word:
    return core.operand(*OPERANDS[name])


def column(core: Core, name: str, row: Word, width: int) -> Word:
    """Address of a row in a column of values of `width` bytes."""
    return operand(core, name) * UNIT + row * width


def cursor(core: Core) -> Word:
    return core.peek(FRAMES, 4, 4)


def end(core: Core) -> Word:
    return core.peek(FRAMES, 8, 4)


def row(core: Core) -> Word:
    return core.peek(FRAMES, 12, 4)


def size(core: Core) -> Word:
    """Bytes of the tag at the cursor."""
    return operand(core, "size") & 7


def follows(core: Core, at: Word, word: Word) -> Word:
    """Whether what follows at an address of INPUT, and is in the low bytes of a word, is `next`."""
    return is_next(core, word) & (at < end(core))


def is_next(core: Core, word: Word) -> Word:
    """Whether the tag in the low bytes of a word is `next`."""
    return (word & operand(core, "mask")) == operand(core, "next")


def go_on(core: Core, at: Word, fits: Word, word: Word) -> None:
    """End a field: the cursor moves to `at` where it was read, and the tag there is in `word`."""
    core.put(FRAMES, core.select(fits, at, cursor(core)), 4)
    ok = core.select(fits, follows(core, at, word), 0)
    target = core.select(fits, operand(core, "miss"), operand(core, "slow"))
    core.jump_if(ok == 0, target)


def again(core: Core, at: Word, fits: Word, word: Word) -> None:
    """End an element of a list: this instruction comes again where `next` is there, else the one
    behind."""
    core.put(FRAMES, core.select(fits, at, cursor(core)), 4)
    ok = core.select(fits, follows(core, at, word), 1)
    core.jump_if(ok, core.select(fits, core.pc, operand(core, "slow")))
