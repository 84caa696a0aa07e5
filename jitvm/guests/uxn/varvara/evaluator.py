"""Runs vectors to their end, within a budget of instructions and a watch's deadline.

An interrupted vector is continued unless the deadline has passed, so signals whose handlers do not
raise go unnoticed by the guest. Events are raised by the machine's own loop, many in one call.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from jitvm.engine.machine import Machine
from jitvm.engine.watch import Watch
from jitvm.guest import Stop

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import TypeVar

    Outcome = TypeVar("Outcome")


class Ending(StrEnum):
    """Why a program is no longer running."""

    EXIT = "exit"
    """It ended by itself, or has nothing more to wait for."""
    TIME = "time limit"
    INSTRUCTIONS = "instruction limit"


class LimitReached(Exception):
    """A vector was stopped before its end; the machine can be run on from there."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.value)
        self.ending = ending


class Evaluator:
    """Runs a machine's vectors.

    Args:
        machine: what runs.
        read_port: where an event's byte is put.
        state_port: not zero there: no further event.

    Attributes:
        remaining: instructions that may still run; None for any number.
        watch: whose deadline holds; None for one of its own for each call, without a deadline.
    """

    def __init__(self, machine: Machine, read_port: int, state_port: int) -> None:
        self._machine = machine
        self._read_port = read_port
        self._state_port = state_port
        self.remaining: int | None = None
        self.watch: Watch | None = None

    def run(self, address: int) -> None:
        """Run from an address until the guest halts.

        Raises:
            LimitReached: the budget or the time is used up.
            KeyboardInterrupt: Ctrl-C.
        """
        self._watched(lambda: self._finish(self._run(address)))

    def deliver(self, data: bytes, mark: tuple[int, int]) -> None:
        """Raise one event a byte until the data or the program ends.

        `mark` is a port and what its cell holds at each event.

        Raises:
            LimitReached, KeyboardInterrupt: as for `run`.
        """
        self._watched(lambda: self._deliver(data, mark))

    def check_time(self) -> None:
        """Raise what ends a run while something is waited for: see `run`."""
        if self.watch is not None and self.watch.stopped():
            raise LimitReached(Ending.TIME)

    def _watched(self, work: Callable[[], None]) -> None:
        """Do the work under a watch, so that Ctrl-C ends it."""
        if self.watch is not None:
            work()
            return
        with Watch(self._machine) as self.watch:
            try:
                work()
            finally:
                self.watch = None

    def _deliver(self, data: bytes, mark: tuple[int, int]) -> None:
        machine = self._machine
        while data and not machine.page[self._state_port]:
            before = machine.executed
            done = self._native(
                partial(
                    machine.deliver,
                    data,
                    port=self._read_port,
                    stop_port=self._state_port,
                    mark=mark,
                    max_instructions=self.remaining,
                )
            )
            self._charge(before)
            data = data[done.begun :]
            self._finish(done.stop)

    def _finish(self, stop: Stop) -> None:
        """Run on until the vector halts."""
        while stop is not Stop.HALT:
            self._check(stop)
            stop = self._run(None)

    def _run(self, address: int | None) -> Stop:
        before = self._machine.executed
        stop = self._native(partial(self._machine.run, address, max_instructions=self.remaining))
        self._charge(before)
        return stop

    def _native(self, run: Callable[[], Outcome]) -> Outcome:
        watch = self.watch
        if watch is None:
            return run()
        watch.enter_native()
        try:
            return run()
        finally:
            watch.leave_native()

    def _charge(self, before: int) -> None:
        if self.remaining is not None:
            self.remaining -= self._machine.executed - before

    def _check(self, stop: Stop) -> None:
        if stop is Stop.BUDGET:
            raise LimitReached(Ending.INSTRUCTIONS)
        self.check_time()
