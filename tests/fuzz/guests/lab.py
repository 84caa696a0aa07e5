"""A machine of a random guest with devices that log, answer and interfere.

| port     | written                                        | read                              |
|----------|------------------------------------------------|-----------------------------------|
| 04 05    | sets a stack pointer                           | the low byte of the stack pointer |
| 13 21    |                                                | the next of a sequence; logged    |
| 18       | gathered in the output ring                    |                                   |
| 19 23    | logged                                         |                                   |
| 64 65    | address for 66 and 67 (plain storage)          |                                   |
| 66       | writes the byte to memory                      |                                   |
| 67       |                                                | adds one to memory, answers it    |
| 6e       | raises `Fault` when the byte is odd            |                                   |

All others are plain storage. The log holds accesses in order, with the stack pointers seen.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from tests.fuzz.guarded import Guarded
from tests.fuzz.guests.case import Program, Shape
from tests.portlog import PortLog

ANSWERED, LOGGED, POINTERS = (0x13, 0x21), (0x19, 0x23), (0x04, 0x05)
COLLECTED, PATCH, COUNT, FAULT, ADDRESS = 0x18, 0x66, 0x67, 0x6E, slice(0x64, 0x66)
MOST_FAULTS = 40


class Fault(Exception):
    """What the device at 6e raises."""


class Outcome(NamedTuple):
    """All that a guest, a device or an onlooker can see of a finished run."""

    stop: str
    executed: int
    """-1 where a machine does not count."""
    pc: int
    pointers: tuple[int, ...]
    stacks: tuple[bytes, ...]
    """Live bytes: those below each pointer."""
    spaces: tuple[bytes, ...]
    page: bytes
    log: tuple[tuple[int, int, tuple[int, ...]], ...]
    output: bytes


class GuestLab:
    """One machine with the devices above; it runs one program."""

    def __init__(self, machine: Machine, shape: Shape) -> None:
        self.machine = machine
        self.shape = shape
        self._log = PortLog(machine)
        self._output = bytearray()
        self._answers = self._faults = 0
        self._shown = Guarded(shape.shown)
        if shape.ports:
            self._connect()

    def _connect(self) -> None:
        machine = self.machine
        if all(size <= 256 for size in self.shape.stacks[:2]):
            self._log.connect_pointers(POINTERS[: len(self.shape.stacks)])
        for port in ANSWERED:
            machine.on_read(port, lambda port=port: self._answer(port))  # type: ignore[misc]
        self._log.watch(LOGGED)
        machine.collect(COLLECTED)
        machine.on_output_full(self._drain)
        machine.on_write(PATCH, self._patch)
        machine.on_read(COUNT, self._count)
        machine.on_write(FAULT, self._fault)

    # -- devices -----------------------------------------------------------------------------

    def _answer(self, port: int) -> int:
        self._answers += 1
        byte = (self._answers * 0x9D + (self._answers >> 3)) & 0xFF
        self._log.note(port, byte)
        return byte

    def _address(self) -> int:
        return int.from_bytes(self.machine.page[ADDRESS], "big") % self.shape.size

    def _patch(self, byte: int) -> None:
        at = self._address()
        self.machine.memory[at] = byte
        self.machine.code_written(at, 1)

    def _count(self) -> int:
        byte = (self.machine.memory[self._address()] + 1) & 0xFF
        self._patch(byte)
        return byte

    def _fault(self, byte: int) -> None:
        self._log.note(FAULT, byte)
        if byte & 1:
            raise Fault

    def _drain(self) -> None:
        self._output += self.machine.take_output()

    # -- running -----------------------------------------------------------------------------

    def load(self, program: Program, code: dict[int, int]) -> None:
        """Put a program, its noise and its stack pointers into this machine."""
        state, rng = self.machine.state, random.Random(program.noise)
        for number, space in enumerate(state.spaces):
            if number == self.shape.window_at:
                data = rng.randbytes(self.shape.shown)
                self.machine.attach(number, self._shown.put(data, at_end=program.noise % 4 > 0))
            elif len(space) <= 4096:
                space[:] = rng.randbytes(len(space))
        self.machine.memory[0x2000:0x2040] = rng.randbytes(0x40)
        for stack in state.stacks:
            count = min(len(stack), 64)
            stack[:count] = rng.randbytes(count)
        if self.shape.ports:
            self.machine.page[0x60:0x80] = rng.randbytes(0x20)
            self.machine.page[ADDRESS] = rng.choice((0x2000, 0x2001, 0x110)).to_bytes(2, "big")
        for at, byte in code.items():
            self.machine.memory[at] = byte
        for i, (pointer, stack) in enumerate(zip(program.pointers, state.stacks, strict=False)):
            state.pointers[i] = pointer % len(stack)
        state.pc = program.origin % self.shape.size

    def run(self, program: Program, *, limited: bool) -> Outcome:
        """Run what is loaded: to its limit, in pieces, or until it halts."""
        machine, state = self.machine, self.machine.state
        counts = machine.counting
        begin = machine.executed
        stop = self._run(program) if limited else self._go_on(None)
        self._drain()
        stacks = (
            bytes(view[:pointer])
            for view, pointer in zip(state.stacks, state.pointers, strict=True)
        )
        return Outcome(
            stop, machine.executed - begin if counts else -1, state.pc, tuple(state.pointers),
            tuple(stacks), tuple(map(bytes, state.spaces)), bytes(machine.page),
            tuple(self._log.rows), bytes(self._output),
        )  # fmt: skip

    def _run(self, program: Program) -> str:
        """Run to the limit, each piece by the budget; a fault ends a piece early."""
        begin = self.machine.executed
        for piece in program.pieces:
            left = program.limit - (self.machine.executed - begin)
            if (stop := self._go_on(min(piece, left))) != "budget":
                return stop
        return self._go_on(program.limit - (self.machine.executed - begin))

    def _go_on(self, budget: int | None) -> str:
        """Run until the program halts, faults too often, or the budget is used up."""
        end = None if budget is None else self.machine.executed + budget
        while self._faults < MOST_FAULTS:
            try:
                left = None if end is None else end - self.machine.executed
                stop = self.machine.run(max_instructions=left)
            except Fault:
                self._faults += 1
                continue
            if stop is Stop.INTERRUPT:
                return "late"
            return stop.name.lower()
        return "faults"
