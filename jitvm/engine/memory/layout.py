"""Where everything of one machine lies, relative to one base address.

All native code gets one pointer, `base`, the address of the guest's code space; whatever else it
needs is at a constant distance from there, so no handler loads a pointer to find a pointer:

    base - head        private spaces, stacks (each aligned to its size), port page,
                       port functions, context fields           see the properties below
    base               code space, N bytes
    base + N           its first MIRROR bytes, mapped a second time: an access that runs over the
                       end of the space reads and writes the beginning
    base + code_map    one byte for each byte of code space: what compiled code was made from it
                       (past its end, WIDEST bytes are always CODE and PAST_END, so a wide access
                       takes one wide load of the map, and one that wraps is always checked)
    base + code        one pointer for each program counter: where a jump goes when the JIT is on
    base + counters    one 16-bit count for each program counter
    base + ring        output ring: RING bytes as the guest wrote them, then the port of each
    base + tables      the machine's own copies of the dispatch tables, so that another thread
                       can stop it by overwriting them; each has a part for each state of the
                       register that interpreters keep the top of a stack in
    base + histogram   256 64-bit counts, one per opcode
    base + exits       EXITS 32-bit counts, one for each exit of each region
    base + executed    REGIONS 64-bit counts: instructions executed by each region that charges
    base + attached    of guests that have windows and large spaces: where their memory is
    base + told        what the guest's last `stop` gave

The hottest fields lie in the 128 bytes below `base`, where x86-64 reaches them with a one-byte
displacement.
"""

from __future__ import annotations

import os

from jitvm.guest.light import cached_property

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Guest, Stack

# Where things lie, which native code has built in: no limits that may be set (`params`).
MIRROR = max(os.sysconf("SC_PAGE_SIZE"), 65536)
RING = 65536
EXITS = 65536
MOST_EXITS = 4096
"""Exits of one region."""
REGIONS = 16384
POINTER = 8

CODE, CELL, PAST_END, HIT, BREAK = 1, 2, 4, 8, 16
"""Bits of the code map. CODE: compiled code was made from the byte; every store looks. CELL:
compiled code keeps the byte in a value; compiled stores look. PAST_END: the byte is past the last
one, wide stores wrap. HIT: a compiled store was about to write the byte and left. BREAK: the
machine stops before an instruction that begins there."""
WIDEST = 8
"""Bytes of the widest access."""
NEAR = 256
"""Bytes of a window that one look makes sure of: those from an address below its *fence*."""
RECORD_STEP = 8
"""Bytes of a recorded instruction."""
RECORD_OPCODE = 32
RECORD_POINTERS = (40, 52)
RECORD_POINTER_MASK = 0xFFF
"""A recorded instruction: pc in the low 32 bits, the opcode, the low bits of two stack pointers
(of their addresses: comparable with each other only)."""
FIELDS = (
    "interrupt",  # not zero: compiled loops leave, and `enter` returns at once
    "budget",  # instructions left, for the counting tables and charged regions
    "stop",  # set by host functions: leave after this instruction
    "status",  # why native code returned: a `Status`
    "table",  # dispatch table to enter with
    "pc",  # program counter outside of native code
    "ring_head",  # entries ever written to the output ring, by the guest
    "ring_tail",  # entries ever taken from it, by the host
    "ring_full",  # function called when the ring is full
    "written",  # function called after a store to watched bytes
    "busy",  # not zero: counters that run out start again by themselves
    "hot",  # what they start again with
    "patience",  # every how many times a failed entry tells the host
    "vector",  # program counter that `deliver` starts each event at
    "halted",  # function that regions tail-call when the guest halts: one of the next two
    "halt",  # returns to the host
    "event",  # goes on with the next event, if `deliver` has one
    "event_data",  # address of the byte of the next event
    "event_end",  # address after the byte of the last
    "event_byte",  # address of the port that gets it
    "event_mark",  # address of the port that gets the mark
    "mark",  # the mark
    "event_stop",  # address of the port that ends delivery when it is not zero
    "event_vector",  # address of the port that holds where events start; 0: `vector` does
    "recording_head",  # steps written by the recording table
    "recording_size",  # steps there is room for
    "exit",  # number of the exit being taken, or that `Status.HOT_EXIT` is about
    "every",  # every how many times the exit being taken tells the host
    "data",  # what native port functions keep: an address that is theirs alone
    "watermark",  # the highest address that the code map has a mark for
    "marks",  # address of the marks of what was executed, if there are any: `jitvm.guest.marks`
    "going",  # address of the byte of them to mark by where the instruction at hand goes
    "following",  # the address behind that instruction
    "recording",  # address of the recorded instructions, 64 bits each; see RECORD_OPCODE
)
TOLD = ("reason", "place", "copy", "clear", "zero")
"""Words after the rest: what a `stop` gave; the functions of C that copy and clear memory, and a
word that is 0."""
NEVER = (1 << 32) - 1
"""A period of `every` that no counter comes to."""
HANDLER_TABLES = ("plain", "checked", "jit", "hooked")
"""Dispatch tables of handlers; the others hold one stub everywhere."""
TARGETS = ("checked", "hooked")
"""What stubs go on to: never overwritten, so that what a stub has counted is executed."""
TABLES = (*HANDLER_TABLES, "count", "charge", "profile", "record", "stop")
"""Dispatch tables of each machine, 256 pointers a state; see `jitvm.engine.interpreter.source`."""
PART = 256 * POINTER
"""Bytes of the part of a table for one state."""


def _align(number: int, to: int) -> int:
    return -(-number // to) * to


LENGTH, FENCE = POINTER, 2 * POINTER
"""Where these are, from the address of a window's memory on."""


def fence_of(length: int) -> int:
    """The lowest address of a window of so many bytes that is not sure to have NEAR before its
    end."""
    return max(length - NEAR + 1, 0)


def reach(stack: Stack) -> int:
    """Bytes from where its pointer was that compiled code may touch: those of one instruction
    (`jitvm.guest.checker`), behind as many that a region has moved the pointer by."""
    return 2 * max(stack.size, WIDEST)


class Layout:
    """Byte offsets from `base` for one guest; negative ones lie in the head."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    @cached_property
    def fields(self) -> dict[str, int]:
        """Offset of each 64-bit context field."""
        return {name: -POINTER * (i + 1) for i, name in enumerate(FIELDS)}

    @cached_property
    def pointers(self) -> tuple[int, ...]:
        """Offset of the native stack pointer (an absolute address) of each stack."""
        below = -POINTER * len(FIELDS)
        return tuple(below - POINTER * (i + 1) for i in range(len(self.guest.stacks)))

    @cached_property
    def ports(self) -> int:
        """Offset of the port page."""
        used = POINTER * (len(FIELDS) + len(self.guest.stacks))
        return -_align(used, 256) - self.guest.ports

    @cached_property
    def readers(self) -> int:
        """Offset of the port functions called on reading, a pointer a port; null: plain."""
        return self.ports - POINTER * self.guest.ports

    @cached_property
    def writers(self) -> int:
        """Offset of the port functions called on writing, a pointer a port; null: plain."""
        return self.readers - POINTER * self.guest.ports

    @cached_property
    def stacks(self) -> tuple[int, ...]:
        """Offset of each stack's byte 0; aligned to its size.

        Around each stack lies as much unused memory as compiled code may reach over: it
        may read slots before it has made sure of the pointer, and write back what it read.
        """
        offsets, at = [], self.writers
        for stack in self.guest.stacks:
            at = -_align(-at + stack.size + reach(stack), max(stack.size, 64))
            offsets.append(at)
            at -= reach(stack)
        return tuple(offsets)

    @cached_property
    def spaces(self) -> tuple[int, ...]:
        """Offset of each space's byte 0; the code space is at 0. (Those that are attached lie
        elsewhere: see `attached`.)"""
        lowest = [at - reach(s) for at, s in zip(self.stacks, self.guest.stacks, strict=True)]
        offsets, at = [], min(lowest, default=self.writers)
        for index, space in enumerate(self.guest.spaces):
            if index == self.guest.code_index or space.is_attached:
                offsets.append(0)
                continue
            at = -_align(-at + space.size, 64)
            offsets.append(at)
        return tuple(offsets)

    @cached_property
    def head(self) -> int:
        """Bytes below `base`, a multiple of the mapping granularity."""
        lowest = min(self.writers, *self.stacks, *self.spaces) - max(
            map(reach, self.guest.stacks), default=0
        )
        return _align(-lowest, MIRROR)

    @property
    def alignment(self) -> int:
        """What `base` is a multiple of, so that stacks are aligned to their size."""
        return max(self.size, *(stack.size for stack in self.guest.stacks), 0)

    @property
    def size(self) -> int:
        """Bytes of the code space."""
        return self.guest.code_space.size

    @property
    def code_map(self) -> int:
        """Offset of the code map."""
        return self.size + MIRROR

    @property
    def code(self) -> int:
        """Offset of the code table."""
        return self.code_map + _align(self.size + WIDEST, 64)

    @property
    def counters(self) -> int:
        """Offset of the counters."""
        return self.code + POINTER * self.size

    @property
    def ring(self) -> int:
        """Offset of the output ring."""
        return self.counters + 2 * self.size

    @cached_property
    def cached_stack(self) -> int:
        """The stack whose topmost word interpreters keep in a register; -1: none."""
        cached = [i for i, stack in enumerate(self.guest.stacks) if stack.cached]
        return cached[0] if cached else -1

    @cached_property
    def states(self) -> tuple[int, ...]:
        """How many bytes of it are held there, by state; none in the first."""
        return 0, *(size for stack in self.guest.stacks for size in stack.cached)

    @property
    def table_size(self) -> int:
        """Bytes of a dispatch table."""
        return PART * len(self.states)

    @cached_property
    def tables(self) -> dict[str, int]:
        """Offset of each dispatch table."""
        first = self.ring + 2 * RING
        return {name: first + self.table_size * i for i, name in enumerate(TABLES)}

    @property
    def histogram(self) -> int:
        """Offset of the opcode counts."""
        return self.ring + 2 * RING + self.table_size * len(TABLES)

    @property
    def exits(self) -> int:
        """Offset of the exit counts."""
        return self.histogram + 256 * POINTER

    @property
    def executed(self) -> int:
        """Offset of the counts of instructions that regions have executed."""
        return self.exits + 4 * EXITS

    @cached_property
    def attached(self) -> dict[int, int]:
        """Offset of what is known of each window and large space: the address of its byte 0, and of
        windows their length and their fence (`fence_of`)."""
        at, offsets = self.executed + POINTER * REGIONS, {}
        for index, space in enumerate(self.guest.spaces):
            if space.is_attached:
                offsets[index] = at
                at += POINTER * (3 if space.window else 1)
        return offsets

    @cached_property
    def told(self) -> dict[str, int]:
        """Offset of each word of `TOLD`."""
        first = self.executed + POINTER * (REGIONS + 3 * len(self.attached))
        return {name: first + POINTER * i for i, name in enumerate(TOLD)}

    @property
    def total(self) -> int:
        """Bytes of the whole block."""
        return self.head + self.told[TOLD[-1]] + POINTER
