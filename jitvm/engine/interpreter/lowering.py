"""The top of a stack in a register: handlers for each state that it may be in.

Most instructions pop what the one before has pushed. Where both go through memory, an interpreter
waits for each store to be read again, longer than for anything it computes. So a guest may name a
stack and sizes of words (`jitvm.guest.Stack`, `cached`). For each size there is a *state*, in which
the topmost bytes of that stack, so many, are in the register `top` and perhaps nowhere else:

    state 0   all of it is in memory: as regions, stubs and the host find it
    state k   the topmost word of the k-th size is in `top`

A dispatch table has a part for each state, and an instruction has a handler in each: it takes what
is on top from where it is, and goes on by the part for what it leaves there. What it buries it puts
in memory. What nobody reads is never written: bytes above a pointer are anyone's.

    checked: [ 256 handlers for state 0 | 256 for state 1 | 256 for state 2 ]

Where there are no handlers for a state, `spill_SIZE` puts the word in memory and goes on in state
0: so stubs, and opcodes without handlers yet, are only met there, and overwriting a whole table
with that of `stop` ends a run as ever. Handlers leave for full ones, for regions and for the host
in state 0 as well. (Caching states are an old idea: Ertl, "Stack caching for interpreters", 1995.)
"""

from __future__ import annotations

from jitvm.engine.codegen.emitter import Emitter
from jitvm.engine.codegen.lower import NOTHING, Lowering
from jitvm.engine.codegen.table import lowers
from jitvm.engine.ir.graph import Exit, Graph, Leave, Slot, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import Layout

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import ClassVar

    from jitvm.engine.codegen.table import Lowerings

LINE = 64
"""Bytes of a line of the processor's caches. Handlers begin with one of their own: where two share
one, and so what is known of the jumps in it, programs take up to 1.6 times as long (Zen 4)."""


def spill(e: Emitter, size: int) -> None:
    """Put the topmost word, which is in the register, where it lies on its stack."""
    word, bits = f"i{e.layout.guest.word_bits}", 8 * size
    text = "%top" if f"i{bits}" == word else e.let(f"trunc {word} %top to i{bits}")
    if size > 1 and e.layout.guest.byte_order == "big":
        text = e.let(f"call i{bits} @llvm.bswap.i{bits}(i{bits} {text})")
    e.store(f"i{bits}", text, e.at(-size, f"%s{e.layout.cached_stack}"), "stack")


class HandlerLowering(Lowering):
    """Lowers a handler for one state; other arguments as for `Lowering`.

    Args:
        state: which part of the tables it is for.
    """

    lowerings: ClassVar[Lowerings] = {**Lowering.lowerings}
    align = LINE

    def __init__(
        self, layout: Layout, graph: Graph, *, retry: str, hooked: bool, state: int
    ) -> None:
        super().__init__(layout, graph, retry=retry, hooked=hooked)
        self._state = state
        self._size = layout.states[state]

    # -- entry -------------------------------------------------------------------------------

    @lowers(lowerings, Op.SLOT)
    def _slot(self, value: Value) -> str:
        index, offset, size = value.imm
        end = offset + size
        if index != self.layout.cached_stack or end <= -self._size:
            return super()._slot(value)
        inside = end - max(offset, -self._size)
        if inside < self._size:
            self._moved.add(id(value))  # see `_opaque`
        text = self._part(end, inside)
        if inside == size:
            return text
        below, bytes_below = self._below(offset, -self._size - offset), size - inside
        if self.big:
            below = self.let(f"shl {self.word} {below}, {8 * inside}")
        else:
            text = self.let(f"shl {self.word} {text}, {8 * bytes_below}")
        return self.let(f"or {self.word} {below}, {text}")

    def _part(self, end: int, size: int) -> str:
        """Some bytes of the word in the register: so many, before an offset."""
        text, start = "%top", self._size + end - size
        if down := -end if self.big else start:
            text = self.let(f"lshr {self.word} {text}, {8 * down}")
        if size + down < self._size:
            text = self.let(f"and {self.word} {text}, {(1 << (8 * size)) - 1}")
        return text

    def _below(self, offset: int, size: int) -> str:
        """Bytes of the stack that are in memory as one word, of any size."""
        first = 1 << (size.bit_length() - 1)
        text = self._load_bytes(self.at(offset, f"%s{self.layout.cached_stack}"), first, "stack")
        if first == size:
            return text
        rest = self._below(offset + first, size - first)
        high, low, up = (text, rest, size - first) if self.big else (rest, text, first)
        high = self.let(f"shl {self.word} {high}, {8 * up}")
        return self.let(f"or {self.word} {high}, {low}")

    @lowers(lowerings, Op.LE)
    def _at_most(self, value: Value) -> str:
        """Whether there is room above a pointer, as one comparison: what LLVM makes of the bits
        that it knows takes three instructions."""
        pointer, most = value.args
        if pointer.op is not Op.POINTER or most.constant is None:
            return self._comparison(value)
        index = self._opaque(self.word, self.text(pointer))
        self._flags[id(value)] = flag = self.let(f"icmp ule {self.word} {index}, {most.constant}")
        return self.let(f"zext i1 {flag} to {self.word}")

    @lowers(lowerings, Op.GUARD)
    def _guard_value(self, value: Value) -> None:
        """Two guards in a row stay two branches: what LLVM makes one condition of, its code
        generator takes apart again, badly."""
        super()._guard_value(value)
        self.do(NOTHING)

    # -- exits -------------------------------------------------------------------------------

    def _retry(self) -> None:
        self._spill()
        super()._retry()

    def _spill(self) -> None:
        if self._size:
            spill(self, self._size)

    def _write_slots(self, exit_: Exit) -> None:
        kept = self._kept(exit_)
        written = [slot for slot in self._held.changed(exit_) if slot is not kept]
        if not self._stays(exit_):
            left = self._held_below(exit_)
            for slot in (*written, *([kept] if kept else ())):
                left.difference_update(self._bytes(slot))
            if left:
                self._spill()
        for slot in written:
            self._write_slot(slot)

    def _go_on(self, exit_: Exit, pc: str, stacks: list[str]) -> None:
        kept = self._kept(exit_)
        if kept is not None:
            _, _, size, word = kept
            state = self.layout.states.index(size)
            self.dispatch(pc, stacks, self.text(word), state)
        elif self._stays(exit_):
            self.dispatch(pc, stacks, "%top", self._state)
        else:
            self.dispatch(pc, stacks)

    def _kept(self, exit_: Exit) -> Slot | None:
        """What an exit leaves in the register rather than in memory: no word that memory has, as
        that would only have to be put there again if the next instruction buries it."""
        if not self._is_dispatch(exit_):
            return None
        for slot in self._held.changed(exit_):
            index, offset, size, _ = slot
            if index == self.layout.cached_stack and offset + size == self._change(exit_):
                return slot if size in self.layout.states else None
        return None

    def _stays(self, exit_: Exit) -> bool:
        """Whether an exit leaves the register and what lies under it as they are."""
        return (
            self._state > 0
            and self._is_dispatch(exit_)
            and self._change(exit_) == 0
            and not any(
                self._held_below(exit_) & self._bytes(slot) for slot in self._held.changed(exit_)
            )
        )

    def _is_dispatch(self, exit_: Exit) -> bool:
        """Whether another handler comes next for sure."""
        return exit_.kind is Leave.NEXT or (exit_.kind is Leave.JUMP and not self.hooked)

    def _held_below(self, exit_: Exit) -> set[int]:
        """Offsets of bytes in the register that are not popped."""
        return set(range(-self._size, min(self._change(exit_), 0))) if self._size else set()

    def _change(self, exit_: Exit) -> int:
        """Bytes by which the pointer of the stack moves."""
        change = exit_.pointers[self.layout.cached_stack]
        assert isinstance(change, int)  # only full handlers compute it
        return change

    def _bytes(self, slot: Slot) -> set[int]:
        """Offsets of what a slot covers of the stack."""
        index, offset, size, _ = slot
        return set(range(offset, offset + size)) if index == self.layout.cached_stack else set()
