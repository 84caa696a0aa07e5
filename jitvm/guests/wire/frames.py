"""Messages out of a stream, each behind its length: a bytecode of two instructions.

    input   07 m m m m m m m 02 m m ...          a window: what was read
    output  0 7 9 ...   m m m m m m m m m        a large space: offsets, and the messages themselves

One instruction reads a length, copies that many bytes and comes again; the other stops. So framing
is a loop that becomes native as any other, and those who decode see messages side by side. Copying
costs little: what was copied is in the cache when it is decoded.
"""

from __future__ import annotations

from functools import cache

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Guest, Opcode, Space, Stack
from jitvm.guests.wire.instructions import M32, a_length

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guest import Core

CODE, INPUT, OUTPUT, STATE = range(4)
AT, END, COUNT, MOST, WRITTEN = 0, 4, 8, 12, 16
"""Addresses in STATE, of words of 4 bytes: the frame at hand and the end of the data; messages so
far and how many there may be; where the next is written."""
DATA = 1 << 28
"""Where messages begin in OUTPUT; before them are offsets."""
MOST_MESSAGES = DATA // 8 - 2
BITS = 32


def frame(core: Core) -> None:
    """Copy a message; again until one is not whole, or there are enough."""
    at, end, count, most, to = (
        core.load(STATE, place, 4) for place in (AT, END, COUNT, MOST, WRITTEN)
    )
    is_length, length, begin = a_length(core, at)
    length = length & M32
    behind = begin + length
    fits = is_length & (behind <= end) & (count < most)
    size = core.select(fits, length, 0)
    core.copy(OUTPUT, to, INPUT, begin, size)
    core.store(OUTPUT, (count << 3) + 8, to + size - DATA, 8)
    core.store(STATE, AT, core.select(fits, behind, at), 4)
    core.store(STATE, COUNT, count + core.select(fits, 1, 0), 4)
    core.store(STATE, WRITTEN, to + size, 4)
    core.jump_if(fits, core.pc)


def stop(core: Core) -> None:
    """End the run."""
    core.halt()


@cache
def guest() -> Guest:
    """The bytecode."""
    rows = [Opcode(0, "frame", frame)]
    rows += [Opcode(number, f"stop-{number:02x}", stop) for number in range(1, 256)]
    spaces = (
        Space("code", 1 << 16, code=True),
        Space("input", 1 << BITS, window=True),
        Space("output", 1 << BITS, large=True),
        Space("state", 64),
    )
    made = Guest(
        "wire-frames", tuple(rows), spaces, (Stack("none", 256),), pc_bits=16, word_bits=64,
        byte_order="little",
    )  # fmt: skip
    made.sources = (__file__,)
    return made


class Framer:
    """Takes messages out of what was read; of one thread at a time."""

    def __init__(self) -> None:
        self._machine = Machine(guest())
        self._machine.memory[0:2] = bytes((0, 1))
        self._state = self._machine.state.spaces[STATE].cast("I")
        self._output = self._machine.state.spaces[OUTPUT]

    def messages(
        self, data: memoryview, first: int, last: int, most: int
    ) -> tuple[memoryview, memoryview, int]:
        """Messages of some bytes, as many as are whole.

        Args:
            data: the bytes; of those behind `first`, 3 GiB at most are looked at.
            first: where the first frame begins.
            last: where the data ends.
            most: messages at most.

        Returns:
            The messages side by side, int64 offsets in them, and where the first frame begins that
            was not taken. They hold until the next call.
        """
        last = min(last, first + (3 << 30))
        self._machine.attach(INPUT, data[first:last])
        for place, word in (
            (AT, 0), (END, last - first), (COUNT, 0), (MOST, min(most, MOST_MESSAGES)),
            (WRITTEN, DATA),
        ):  # fmt: skip
            self._state[place // 4] = word
        self._output[:8] = bytes(8)
        try:
            self._machine.run(0)
        finally:
            self._machine.attach(INPUT, None)
        count, written = self._state[COUNT // 4], self._state[WRITTEN // 4]
        offsets = self._output[: 8 * (count + 1)].cast("q")
        return self._output[DATA:written], offsets, first + self._state[AT // 4]
