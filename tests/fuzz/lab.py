"""A machine with devices that log, answer and interfere, and what a run of a case leaves.

| port  | written                                    | read                                   |
|-------|--------------------------------------------|----------------------------------------|
| 04 05 | sets a stack pointer                       | the stack pointer                      |
| 0f    | ends the events                            |                                        |
| 10 11 | address events start at                    |                                        |
| 12    |                                            | the event's byte (plain storage)       |
| 13    |                                            | the next of a sequence; logged         |
| 18    | gathered in the output ring                |                                        |
| 19 23 | logged, with both pointers                 |                                        |
| 64 65 | address for 66 and 68 (plain storage)      |                                        |
| 66    | writes the byte to memory                  |                                        |
| 67    |                                            | adds one to memory there, answers it   |
| 68    | writes it eight times                      |                                        |
| 6e    | raises `Fault` when the byte is odd        |                                        |

All others are plain storage. The log holds accesses in order, with the stack pointers seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from tests.fuzz.case import Case
from tests.portlog import PortLog

START = 0x100
EVENT, STOP, VECTOR = 0x12, 0x0F, 0x10
MOST_FAULTS = 50
MOST_OUTPUT = 1 << 20
MOST_INTERRUPTS = 2000
"""Interrupts of one run: on a slow machine they may come faster than the run gets on."""
LATE = 20.0
"""Seconds of processor time after which a run hangs, however many others keep the machine busy;
soon enough to find out in the same minute whether it does so because of dead bytes."""
LOOK = 2.0
"""Seconds after which it is looked whether one does."""


class Fault(Exception):
    """What the device at 6e raises."""


class Outcome(NamedTuple):
    """All that a guest, a device or an onlooker can see of a finished run."""

    stop: str
    pc: int
    pointers: tuple[int, ...]
    stacks: tuple[bytes, ...]
    """Live bytes: those below each pointer."""
    memory: bytes
    page: bytes
    log: tuple[tuple[int, int, tuple[int, ...]], ...]
    output: bytes


class Lab:
    """One machine of a tier with the devices above.

    Args:
        machine: a new one, of Uxn; without, one of a tier is made.
        tier: what executes.
        params: limits of the JIT.
    """

    def __init__(
        self, tier: Tier, params: Parameters | None = None, *, machine: Machine | None = None
    ) -> None:
        if machine is None:
            machine = Machine(UXN, tier=tier, cache=CodeCache(), params=params)
        self.machine = machine
        self._log = PortLog(machine)
        self._output = bytearray()
        self._answers = 0
        machine.collect(0x18)
        machine.on_output_full(self._drain)
        self._log.connect_pointers((0x04, 0x05))
        machine.on_read(0x13, self._answer)
        self._log.watch((0x19, 0x23))
        machine.on_write(0x66, lambda byte: self._patch(bytes([byte])))
        machine.on_read(0x67, self._count)
        machine.on_write(0x68, lambda byte: self._patch(bytes([byte] * 8)))
        machine.on_write(0x6E, self._fault)

    # -- devices -----------------------------------------------------------------------------

    def _answer(self) -> int:
        self._answers += 1
        byte = (self._answers * 0x9D + (self._answers >> 3)) & 0xFF
        self._log.note(0x13, byte)
        return byte

    def _address(self) -> int:
        return int.from_bytes(self.machine.page[0x64:0x66], "big")

    def _patch(self, content: bytes) -> None:
        at = self._address()
        for i, byte in enumerate(content):
            self.machine.memory[(at + i) & 0xFFFF] = byte
        self.machine.code_written(at, len(content))

    def _count(self) -> int:
        at = self._address()
        self.machine.memory[at] = byte = (self.machine.memory[at] + 1) & 0xFF
        self.machine.code_written(at, 1)
        return byte

    def _fault(self, byte: int) -> None:
        self._log.note(0x6E, byte)
        if byte & 1:
            raise Fault

    @property
    def noted(self) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
        """The log so far."""
        return tuple(self._log.rows)

    def _drain(self) -> None:
        self._output += self.machine.take_output()
        del self._output[MOST_OUTPUT:]

    # -- running -----------------------------------------------------------------------------

    def start_again(self) -> None:
        """Forget what devices have seen and answered."""
        self._log.rows.clear()
        self._output.clear()
        self._answers = 0

    def run(self, case: Case, rom: bytes) -> Outcome:
        """Run a case on this machine, which must be new."""
        self.load(case, rom)
        return self.go(case)

    def load(self, case: Case, rom: bytes) -> None:
        """Put a case's program and stack pointers into this machine."""
        self.machine.memory[START : START + len(rom)] = rom
        self.machine.state.pointers[:] = (case.wst, case.rst)
        self.machine.state.pc = START

    def go(self, case: Case) -> Outcome:
        """Run what is loaded or restored."""
        machine, state = self.machine, self.machine.state
        is_jit = machine.tier is Tier.JIT
        with self._interrupted(case.interrupts if is_jit else 0):
            stop = self._run(case)
            stop = self._deliver(case, stop)
        self._drain()
        stacks = (
            bytes(view[:pointer])
            for view, pointer in zip(state.stacks, state.pointers, strict=True)
        )
        return Outcome(
            stop, state.pc, tuple(state.pointers), tuple(stacks), bytes(machine.memory),
            bytes(machine.page), self.noted, bytes(self._output),
        )  # fmt: skip

    def _run(self, case: Case) -> str:
        for piece in case.pieces:
            if (stop := self._go_on(piece)) != "budget":
                return stop
        return self._go_on(self._left(case))

    def _left(self, case: Case) -> int | None:
        """The budget of a run that has no other: the JIT runs without one."""
        return None if self.machine.tier is Tier.JIT else case.limit

    def _go_on(self, budget: int | None, most_faults: int = MOST_FAULTS) -> str:
        """Run until the program halts, faults too often, or the budget is used up."""
        faults = 0
        while True:
            try:
                stop = self.machine.run(max_instructions=budget)
            except Fault:
                faults += 1
                if faults == most_faults:
                    return "faults"
                continue
            if stop is Stop.INTERRUPT:
                if self._late():
                    return "late"
                continue
            return stop.name.lower()

    def _deliver(self, case: Case, stop: str) -> str:
        machine, data = self.machine, case.events
        while data and stop == "halt" and not machine.page[STOP]:
            vector = int.from_bytes(machine.page[VECTOR : VECTOR + 2], "big")
            if not vector:
                break
            machine.vector = vector
            try:
                delivery = machine.deliver(
                    data, port=EVENT, stop_port=STOP, max_instructions=self._left(case)
                )
            except Fault:
                return "fault in event"
            stop = delivery.stop.name.lower()
            if delivery.stop is Stop.INTERRUPT:  # the rest of the event
                stop = self._go_on(self._left(case), 1)
                if stop == "faults":
                    return "fault in event"
            data = data[delivery.begun :]
        return stop

    # -- interrupts --------------------------------------------------------------------------

    def _late(self) -> bool:
        return time.thread_time() > self._deadline

    @contextmanager
    def _interrupted(self, microseconds: int) -> Iterator[None]:
        """Interrupt the machine now and then, and every few seconds whatever it does."""
        done = threading.Event()
        self._deadline = time.thread_time() + LATE

        def work() -> None:
            left = MOST_INTERRUPTS if microseconds else 0
            while not done.wait(microseconds / 1e6 if left > 0 else LOOK):
                left -= 1
                self.machine.interrupt()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
