"""The reference interpreter as an oracle: it knows which bytes of the stacks are dead.

A byte that was popped and not overwritten by a push is dead: native tiers need not have it in
memory. A program that reads one may see different values at different tiers, and none of them is
wrong.
"""

from __future__ import annotations

from jitvm.guest import ReferenceInterpreter

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Guest, State, Word


class Spoiler(ReferenceInterpreter):
    """A reference interpreter that overwrites bytes when they are popped.

    Attributes:
        has_looked: whether it has popped or read a dead byte.
        dead: for each stack, indices of its dead bytes.
    """

    def __init__(self, guest: Guest, state: State, noise: int = 0xBEEF) -> None:
        super().__init__(guest, state)
        self.has_looked = False
        self.dead: list[set[int]] = [set() for _ in state.stacks]
        self._noise = noise

    def _places(self, stack: int, depth: int, size: int) -> list[int]:
        """Indices of `size` bytes of a stack, the first `depth` below the pointer."""
        start, mask = self.state.pointers[stack] - depth, len(self.state.stacks[stack]) - 1
        return [(start + i) & mask for i in range(size)]

    def pop(self, stack: int, size: int) -> Word:
        word = self.peek(stack, size, size)
        for at in self._places(stack, size, size):
            self._noise = self._noise * 0x19660D & 0xFFFFFFFF
            self.state.stacks[stack][at] = self._noise >> 24
            self.dead[stack].add(at)
        self.reserve(stack, -size)
        return word

    def peek(self, stack: int, depth: int, size: int) -> Word:
        self.has_looked |= not self.dead[stack].isdisjoint(self._places(stack, depth, size))
        return super().peek(stack, depth, size)

    def push(self, stack: int, word: Word, size: int) -> None:
        self.dead[stack].difference_update(self._places(stack, 0, size))
        super().push(stack, word, size)

    def put(self, stack: int, word: Word, size: int) -> None:
        self.dead[stack].difference_update(self._places(stack, size, size))
        super().put(stack, word, size)
