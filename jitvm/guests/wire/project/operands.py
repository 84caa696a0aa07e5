"""What the instructions that project messages have in common: spaces, the frame at hand, and runs.
The manual of `jitvm.guests.wire.project.instructions` holds for all of them."""

from __future__ import annotations

from jitvm.guest import Stack
from jitvm.guests.wire.vm.operands import (
    CODE,
    FRAMES,
    INPUT,
    M32,
    OFFSETS,
    OUTPUT,
    STATE,
    UNIT,
    cursor,
    end,
    follows,
    operand,
)

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word

__all__ = ["CODE", "FRAMES", "INPUT", "M32", "OFFSETS", "OUTPUT", "STATE", "UNIT", "operand"]

FRAME_STACK = Stack("frames", 4096, return_addresses=True)
FRAME = ("cursor", "end", "from", "out", "start", "head", "depth")
"""Words of a frame, the topmost first."""
PRESENT = 8
"""Where a cell tells whether there is a value."""


class Frame:
    """The words of the frame at hand, taken off the stack: to be put back with others.

    Attributes:
        cursor, end, run, out, start, head, depth: see `instructions`; `run` is its `from`.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        words = [core.pop(FRAMES, 4) for _ in FRAME]
        self.cursor, self.end, self.run, self.out, self.start, self.head, self.depth = words

    def put(self, **words: Word) -> None:
        """Put them back, some of them changed."""
        for name, value in words.items():
            setattr(self, name, value)
        for name in reversed(FRAME):
            self._core.push(FRAMES, getattr(self, "run" if name == "from" else name), 4)


def word(core: Core, name: str) -> Word:
    """One word of the frame at hand."""
    return core.peek(FRAMES, 4 * FRAME.index(name) + 4, 4)


def cut(core: Core, after: Word, fits: Word, following: Word) -> None:
    """Go past what is dropped, if it was as expected: a new run begins behind it. Then as `go_on`
    does."""
    at, until, run = (core.pop(FRAMES, 4) for _ in range(3))
    ok = core.select(fits, (following & operand(core, "mask")) == operand(core, "next"), 0)
    ok = ok & (after < until)
    for each in (core.select(fits, after, run), until, core.select(fits, after, at)):
        core.push(FRAMES, each, 4)
    target = core.select(fits, operand(core, "miss"), operand(core, "slow"))
    core.jump_if(ok == 0, target)


def cut_again(core: Core, after: Word, fits: Word, following: Word) -> None:
    """The same for an element of a list: this instruction comes again where `next` is there, else
    the one behind."""
    at, until, run = (core.pop(FRAMES, 4) for _ in range(3))
    ok = (following & operand(core, "mask")) == operand(core, "next")
    ok = core.select(fits, ok & (after < until), 1)
    for each in (core.select(fits, after, run), until, core.select(fits, after, at)):
        core.push(FRAMES, each, 4)
    core.jump_if(ok, core.select(fits, core.pc, operand(core, "slow")))


def varint_size(core: Core, value: Word) -> Word:
    """Bytes of the varint of a number of 32 bits."""
    return ((640 - core.leading_zeros(value | 1, 8) * 9) & 0x3FF) >> 6


__all__ += ["cursor", "end", "follows"]
