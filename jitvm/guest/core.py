"""The abstract machine an opcode is written against.

An opcode's meaning is one function ``semantics(core)``. The same function runs on three cores:

    ReferenceInterpreter   words are Python ints               tier 0, the oracle
    HandlerCore            words are IR values, pc unknown     one native handler per opcode
    RegionCore             words are IR values, pc constant    one stretch of a compiled region

so it may use only what is here, and only operators that all words support:
``+ - * & | ^ << >>`` and the comparisons, which give 0 or 1.

Rules for semantic functions
 1. Words popped and loaded are unsigned and exactly as wide as asked for. Whatever is stored,
    pushed or jumped to is truncated to its destination.
 2. In between, arithmetic may overflow or go negative: only its low bits are meaningful. So mask
    (``& 0xff``) before a comparison, a right shift or a division of such a word, and before it
    decides a `select` or a `jump_if`. A shift's distance must be known to be below the word's
    width. Constants fit in a word. `jitvm.guest.checker` rejects an opcode that violates this or
    any other rule here, so no two tiers can differ because of it.
 3. No Python ``if`` on a word: use `select` or `jump_if`. Python's control flow may depend on
    what is known when the opcode is described (its mode bits), never on what it computes.
 4. Effects happen in the order they are written; a load does not follow a store to the same
    space within one opcode, nor a read of a port a write (compiled code decides whether to
    leave before the first effect). An instruction jumps at most once.
 5. `switch` is the last thing a function does: from there on each case is an instruction of its
    own, and one case cannot use what another computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

# Words are ints on the reference core and IR values on the others; they share operators, not a
# base class, because the oracle must stay plain Python integers.
Word = Any


class Core(Protocol):
    """What a semantic function may do. Sizes are in bytes, stacks and spaces are indices."""

    @property
    def pc(self) -> Word:
        """Address of this instruction's opcode byte."""

    @property
    def next_pc(self) -> Word:
        """Address of the instruction that follows this one in memory."""

    @property
    def opcode(self) -> Word:
        """The instruction's opcode byte, for functions that several rows share: rows of one
        function and one size share their handlers, too."""

    def operand(self, offset: int, size: int) -> Word:
        """The instruction's bytes from `offset` after the opcode byte."""

    def beyond(self, offset: int, size: int) -> Word:
        """Bytes of the code space from `offset` after the instruction, constant to the same degree
        as its own: for instructions that look at what follows them."""

    def pop(self, stack: int, size: int) -> Word:
        """Take `size` bytes off a stack; the pointer wraps."""

    def peek(self, stack: int, depth: int, size: int) -> Word:
        """Read `size` bytes whose lowest lies `depth` bytes below the pointer: at least `size`."""

    def push(self, stack: int, word: Word, size: int) -> None:
        """Put the low `size` bytes of a word on a stack; the pointer wraps."""

    def reserve(self, stack: int, size: int) -> None:
        """Move the pointer up without writing: a device that reads the pointer sees it moved.

        What is reserved is `put` before the instruction ends.
        """

    def put(self, stack: int, word: Word, size: int) -> None:
        """Write the topmost `size` bytes of a stack."""

    def load(self, space: int, address: Word, size: int, within: int | None = None) -> Word:
        """Read `size` bytes; the address of each byte wraps at `within` (default: the space).

        `within` is a power of two not above the space's size. In windows and large spaces, which
        know no `within`, only the address of the first byte wraps.
        """

    def store(
        self, space: int, address: Word, word: Word, size: int, within: int | None = None
    ) -> None:
        """Write `size` bytes; addresses wrap as for `load`."""

    def copy(self, space: int, address: Word, origin: int, source: Word, count: Word) -> None:
        """Copy `count` bytes of a window, or of another large space, to a space; the two addresses
        are truncated to theirs.

        Behind a window's end there are zeros. What would lie behind the end of a space, or comes
        from behind that of a large one, is left out: a copy does not wrap.
        """

    def near(self, window: int, address: Word) -> None:
        """Say that what follows reads near an address: compiled code makes sure once that this is
        inside of the window, and need not look again. Means nothing by itself."""

    def length(self, window: int) -> Word:
        """Bytes that a window shows."""

    def port_in(self, port: Word) -> Word:
        """Read a byte from a port, a word's low byte; a device may answer."""

    def port_out(self, port: Word, word: Word) -> None:
        """Write a byte to a port, then let the device act on it."""

    def select(self, condition: Word, yes: Word, no: Word) -> Word:
        """`yes` where the condition is not zero, else `no`; both are evaluated."""

    def expect(self, condition: Word) -> None:
        """Say that a condition, which is 0 or not, is to be expected: compiled code takes it for
        granted once it has looked, and leaves the instruction to the interpreter where it is not
        so. `select` by the same word is then decided. Means nothing by itself."""

    def switch(
        self,
        word: Word,
        cases: Mapping[int, Callable[[Core], None]],
        otherwise: Callable[[Core], None],
    ) -> None:
        """End the instruction with `cases[word]`, or with `otherwise` if there is no such case.

        Meant for encodings in which further bytes of the instruction select what it does. A word
        that depends on anything else is correct too, but compiled code then leaves the
        instruction to the interpreter.
        """

    def signed(self, word: Word, size: int) -> Word:
        """The low `size` bytes of a word read as two's complement."""

    def leading_zeros(self, word: Word, size: int) -> Word:
        """The number of zero bits above the highest set bit of the low `size` bytes; 8 * `size` if
        no bit is set."""

    def trailing_zeros(self, word: Word, size: int) -> Word:
        """The number of zero bits below the lowest set bit of the low `size` bytes; 8 * `size` if
        no bit is set."""

    def swap_bytes(self, word: Word, size: int) -> Word:
        """The low `size` bytes of a word in reverse order."""

    def divide(self, dividend: Word, divisor: Word, by_zero: int) -> Word:
        """Unsigned quotient, or `by_zero` if the divisor is zero."""

    def return_address(self) -> Word:
        """`next_pc` as a return address: compiled code follows it when it is jumped to."""

    def link(self) -> Word:
        """The former name of `return_address`."""

    def jump(self, target: Word) -> None:
        """Continue at `target` (truncated to the program counter) instead of `next_pc`."""

    def jump_if(self, condition: Word, target: Word) -> None:
        """Continue at `target` if the condition is not zero."""

    def halt(self) -> None:
        """End the run after this instruction.

        `pc` is where it would have continued, even if the instruction jumps.
        """

    def stop(self, reason: Word, place: Word) -> None:
        """End the run as `halt` does; leave a reason (32 bits) and a place (64) for the host."""
