"""Work on other threads that must not be cut off, and what is saved before the process exits.

LLVM must not run while the process is torn down, and a module must not be inspected while another
thread imports it. So whoever ends the process asks here, in a module that is always loaded, and no
new work starts from then on:

    thread of the JIT:   BACKGROUND.do(work)
    end of a command:    if BACKGROUND.close(): save, exit at once         else exit as usual
                         BACKGROUND.unfinished(): of that, what a child can finish
    end of any program:  close, wait for what is running (see `jitvm.engine.host.process`)
    in between:          BACKGROUND.alone(work), for which nothing else may be under way
    within long work:    BACKGROUND.step(), where it may be left if the process ends at once

This module imports nothing that costs time at start.
"""

from __future__ import annotations

import atexit
import os
from time import monotonic

from jitvm.engine.host.unpatched import RLock, allocate_lock, sleep

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Unfinished(Protocol):
        """What a child can finish.

        Attributes:
            is_left: whether it is left to one.
            seconds_to_finish: processor time that may be spent on it.
        """

        is_left: bool

        @property
        def seconds_to_finish(self) -> float: ...

        def begin_work(self) -> int | None:
            """Tell other processes; a descriptor, or None if one of them is at it."""

        def finish(self) -> None:
            """Do it."""


# Patience of the process, of no machine and no limit of the JIT: no rows of `params`.
PATIENCE = 30.0
"""Seconds the end of a program waits for what is under way."""
_INTERVAL = 0.001


class Background:
    """The work of threads that end with the process."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._turn = RLock()
        self._under_way = 0
        self._is_closed = self._is_abandoned = False
        self._last: list[Callable[[], None]] = []
        self._leaving: list[Callable[[], list[Unfinished]]] = []

    def do(self, work: Callable[[], None]) -> None:
        """Do something that has to be finished once it is begun, unless the process is ending."""
        with self._turn, self._lock:
            if self._is_closed:
                return
            self._under_way += 1
        try:
            work()
        finally:
            with self._lock:
                self._under_way -= 1

    def close(self) -> bool:
        """Begin nothing any more; whether something is under way."""
        with self._lock:
            self._is_closed = True
            return self._under_way > 0

    def abandon(self) -> None:
        """Have what is under way stop where it may: the process ends at once, by `os._exit`.

        Until then it would share the interpreter lock with whoever ends the process, who needs it
        back after each file that is opened.
        """
        self._is_abandoned = True

    def step(self) -> None:
        """Between two steps of long work, while no lock is held: stop here for good if the work is
        abandoned."""
        if self._is_abandoned:
            never = allocate_lock()
            never.acquire()
            never.acquire()

    def wait(self) -> None:
        """Close, and wait until nothing is under way, but no longer than `PATIENCE`."""
        self.close()
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is under way, but no longer than `PATIENCE`."""
        end = monotonic() + PATIENCE
        while self._under_way and monotonic() < end:
            sleep(_INTERVAL)

    def alone(self, work: Callable[[], None]) -> None:
        """Do something with nothing else under way; what would begin meanwhile waits until it is
        over."""
        with self._turn:
            self.settle()
            work()

    def before_end(self, function: Callable[[], None]) -> Callable[[], None]:
        """Have a function called before the process ends, however it does; a decorator."""
        self._last.append(function)
        atexit.register(function)
        return function

    def at_leisure(
        self, function: Callable[[], list[Unfinished]]
    ) -> Callable[[], list[Unfinished]]:
        """Have a function called when a command has ended, which tells what of its work a child of
        the process can do (`jitvm.engine.host.apart`); a decorator."""
        self._leaving.append(function)
        return function

    def unfinished(self) -> list[Unfinished]:
        """What these functions tell."""
        return [each for function in self._leaving for each in function()]

    def put_away(self) -> None:
        """Call those functions now: the process will be ended without Python's own way down."""
        for function in list(self._last):
            function()

    def forget_threads(self) -> None:
        """After a fork: the threads that did something are not in the child."""
        self._lock, self._turn = allocate_lock(), RLock()
        self._under_way = 0
        self._is_abandoned = False


BACKGROUND = Background()
os.register_at_fork(after_in_child=BACKGROUND.forget_threads)
