"""Stacks as values: what has been pushed and popped since a graph was entered.

    offset   -4        -2        0        +1                relative to the pointer at entry
              |  v:2    |  v:2   |  v:1   |
            bottom                        top
             (read from memory) (pushed)

Words keep the size they were pushed with, so a 16-bit word stays one value as long as the guest
treats it as one; popping other sizes splits and joins them. Below `bottom` the memory still holds
what it held at entry, and words are made from it on demand. Nothing is written before an exit.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Graph, Value
from jitvm.engine.ir.ops import Op

StackWord = tuple[Value, int]
"""(word, bytes it takes on the stack)"""
ReturnAddress = tuple[int, int, int]
"""(stack, offset, return address)"""
Picture = tuple[list[StackWord], int, int]
"""Words, bottom and top of a stack at some moment."""


class VirtualStack:
    """One stack of a graph under construction.

    `low` and `high` are the extremes the pointer or an access has reached, in bytes relative to
    the pointer at entry: what the guard at the entry must make sure of.
    """

    __slots__ = (
        "_return_addresses", "big", "bottom", "graph", "high", "index", "low", "top", "words",
    )  # fmt: skip

    def __init__(self, graph: Graph, index: int, big: bool) -> None:
        self.graph = graph
        self.index = index
        self.big = big
        self.words: list[StackWord] = []
        self.bottom = self.top = self.low = self.high = 0
        self._return_addresses: tuple[ReturnAddress, ...] | None = ()

    def copy(self) -> VirtualStack:
        """An independent copy over the same graph."""
        twin = VirtualStack(self.graph, self.index, self.big)
        twin.words = self.words.copy()
        twin.bottom, twin.top, twin.low, twin.high = self.bottom, self.top, self.low, self.high
        twin._return_addresses = self._return_addresses
        return twin

    def picture(self) -> Picture:
        """What an exit needs to know of the stack as it is now; cheaper than a copy."""
        return self.words.copy(), self.bottom, self.top

    def pictured(self, picture: Picture) -> VirtualStack:
        """A copy of the stack as it was when the picture was taken."""
        twin = VirtualStack(self.graph, self.index, self.big)
        twin.words, twin.bottom, twin.top = picture
        twin._return_addresses = None
        return twin

    @property
    def return_addresses(self) -> tuple[ReturnAddress, ...]:
        """Return addresses among the words, bottom first."""
        known = self._return_addresses
        if known is None:
            found, at = [], self.bottom
            for word, size in self.words:
                if word.is_return_address:
                    found.append((self.index, at, word.imm[0]))
                at += size
            known = self._return_addresses = tuple(found)
        return known

    def forget_return_addresses(self) -> None:
        """Take return addresses for numbers like any other."""
        if self.return_addresses:
            self.words = [
                (self.graph.const(word.imm[0]) if word.is_return_address else word, size)
                for word, size in self.words
            ]
            self._return_addresses = ()

    # -- splitting and joining ---------------------------------------------------------------

    def _split(self, word: Value, size: int, upper: int) -> tuple[Value, Value]:
        """A word of `size` bytes as the part below and the `upper` bytes on top of the stack."""
        graph = self.graph
        lower = size - upper
        if self.big:
            return word >> (8 * upper), graph.truncate(word, upper)
        return graph.truncate(word, lower), word >> (8 * lower)

    def _join(self, below: StackWord, above: StackWord) -> Value:
        (low_word, low_size), (high_word, high_size) = below, above
        if not self.big:
            return (high_word << (8 * low_size)) | low_word
        if low_size == high_size == 1:
            return self.graph.join(low_word, high_word)
        return (low_word << (8 * high_size)) | high_word

    def _memory(self, size: int) -> StackWord:
        offset = self.bottom - size
        word = slot(self.graph, self.index, offset, size)
        self.bottom = offset
        self.low = min(self.low, offset)
        return word, size

    def _take(self, count: int, most: int = 8) -> list[StackWord]:
        """Remove the topmost `count` bytes; words in stack order. What memory has is read in words
        of up to `most` bytes."""
        taken: list[StackWord] = []
        while count:
            if not self.words:
                piece = min(1 << (count.bit_length() - 1), self.graph.word_bits // 8, most)
                taken.append(self._memory(piece))
                self.top = self.bottom
                count -= piece
                continue
            word, size = self.words.pop()
            if word.is_return_address:
                self._return_addresses = None
            if size > count:
                below, word = self._split(word, size, count)
                self._keep(below, size - count)
                size = count
            taken.append((word, size))
            self.top -= size
            count -= size
        taken.reverse()
        return taken

    def _keep(self, word: Value, size: int) -> None:
        """Append what may come of a split, in pieces that processors can store."""
        if size & (size - 1):
            upper = size & -size
            below, word = self._split(word, size, upper)
            self._keep(below, size - upper)
            size = upper
        self.words.append((word, size))

    # -- what semantic functions do ----------------------------------------------------------

    def pop(self, size: int) -> Value:
        words = self.words
        if words and words[-1][1] == size:
            word = words.pop()[0]
            if word.is_return_address:
                self._return_addresses = None
            self.top -= size
            return word
        first, *rest = self._take(size)
        for piece in rest:
            first = self._join(first, piece), first[1] + piece[1]
        return first[0]

    def push(self, word: Value, size: int) -> None:
        if not 0 < word.bits <= 8 * size:
            word = self.graph.truncate(word, size)
        if word.is_return_address:
            self._return_addresses = None
        self.words.append((word, size))
        self.top += size
        if self.top > self.high:
            self.high = self.top

    def peek(self, depth: int, size: int) -> Value:
        if depth == size and self.words and self.words[-1][1] == size:
            return self.words[-1][0]
        # A wide word of which another instruction has just written the halves comes late.
        above = self._take(depth - size, size if size >= NARROW else 8)
        word = self.pop(size)
        for piece in ((word, size), *above):
            self._keep(*piece)
            self.top += piece[1]
            if piece[0].is_return_address:
                self._return_addresses = None
        return word

    def put(self, word: Value, size: int) -> None:
        self._take(size)
        self.push(word, size)

    # -- joins -------------------------------------------------------------------------------

    def split(self, sizes: list[int]) -> list[StackWord]:
        """The topmost words cut to these sizes, bottom first; the stack itself stays."""
        twin = self.copy()
        words = []
        for size in reversed(sizes):
            top = twin.words[-1] if twin.words else None
            if top is not None and top[1] == size:
                twin.words.pop()
                twin.top -= size
                words.append(top)
            else:
                words.append((twin.pop(size), size))
        words.reverse()
        return words

    def adopt(self, words: list[StackWord]) -> None:
        """Take other words for the same topmost bytes."""
        self.words = list(words)
        self._return_addresses = None
        self.bottom = self.top - sum(size for _, size in words)
        self.low = min(self.low, self.bottom)

    # -- what exits write --------------------------------------------------------------------

    def writes(self) -> list[tuple[int, int, int, Value]]:
        """(stack, offset, size, word) of every word; lowering drops what memory still holds."""
        slots, at = [], self.bottom
        for word, size in self.words:
            slots.append((self.index, at, size, word))
            at += size
        return slots


def slot(graph: Graph, index: int, offset: int, size: int) -> Value:
    """Stack memory as it was at entry."""
    return graph.pure(Op.SLOT, imm=(index, offset, size))


NARROW = 4
"""Bytes of words from which on what lies above them is taken for words of that size."""
FEW = 8
"""Bytes of a stack that must be no more than are needed: programs with small stacks would leave."""


def in_range(graph: Graph, stack: VirtualStack, size: int, held: int = 0) -> Value | None:
    """Whether the pointer at entry keeps all accesses of a stack from wrapping, or None: always.

    The pointer itself must stay below `size`, since it is kept as an address.

    Args:
        stack: how far they reach.
        size: bytes of the stack.
        held: so many bytes are known to be below the pointer without wrapping.
    """
    if -stack.low <= held and stack.high == 0:
        return None
    pointer = graph.pure(Op.POINTER, imm=(stack.index,), bits=size.bit_length() - 1)
    headroom = size - 1 - stack.high + stack.low
    if headroom < 0:
        return graph.const(0)
    if stack.high == 0:
        need = -stack.low
        power = 1 << (need - 1).bit_length()
        if need > FEW and power - need <= need // 2:  # a little more than needed, as one test
            return graph.binary(Op.NE, pointer & (size - power), graph.const(0))
        return graph.const(need) <= pointer
    if -stack.low <= held:
        return pointer <= size - 1 - stack.high
    above = (pointer + stack.low) & (size - 1)
    return above <= headroom
