"""Watching a machine while it runs: Ctrl-C, deadlines, and work to be done every few milliseconds.

Native code runs inside one call that Python makes, so the main thread cannot run its signal
handlers until that call returns. One daemon thread a process, the watcher, makes it return:

    signal arrives   Python's C handler writes the signal's number to the wake-up descriptor;
                     the watcher reads it and interrupts the machines of the main thread; `run`
                     returns `Stop.INTERRUPT` and Python runs the signal's handler by itself
    Ctrl-C           as any signal; but `KeyboardInterrupt` is not raised before `leave_native`
    deadline passes  the watcher marks the watch `expired` and interrupts its machine
    tick             the watcher calls a function at a steady pace (to show output, say)

Use, around everything that runs the machine:

    with Watch(machine, seconds=2.0) as watch:
        stop = Stop.INTERRUPT
        while stop is Stop.INTERRUPT and not watch.stopped():
            watch.enter_native()
            try:
                stop = machine.run()
            finally:
                watch.leave_native()

Rules
 1. An interrupt may come for nothing (a signal whose handler does not raise): whoever runs the
    machine asks `stopped` and runs on when it says no.
 2. A deadline that passed interrupts again at every beat, because an interrupt may fall between
    two runs.
 3. The wake-up descriptor is set only where none is set (asyncio sets one) and only by the main
    thread, and is taken back when the last watch of that thread ends.
 4. A tick must not block: signals wait behind it.
 5. Between `enter_native` and `leave_native` Ctrl-C only interrupts. Its exception could otherwise
    be raised on the first line of a function that native code calls, where ctypes prints it and
    forgets it. A host function that waits for something must call `stopped` while it does.
"""

from __future__ import annotations

import _thread  # the `threading` module would double the cost of starting up
import os
import select
import signal
from collections.abc import Callable
from functools import lru_cache
from time import monotonic

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Protocol, Self

    class Interruptible(Protocol):
        """What can be watched: a machine."""

        def interrupt(self) -> None:
            """Stop the running guest soon; callable from any thread."""


BEAT = 0.03
"""Seconds between two ticks, and between two interrupts after a deadline."""
LONGEST_WAIT = 1_000_000
"""Seconds that are waited for at a time: `poll` counts milliseconds in 31 bits."""


class Watch:
    """One machine watched while a ``with`` block lasts.

    Args:
        machine: what is interrupted.
        seconds: time the block may take, above 0; None for any.
        tick: called about every `interval` seconds, in the watcher's thread.
        interval: seconds between ticks.
    """

    def __init__(
        self,
        machine: Interruptible,
        *,
        seconds: float | None = None,
        tick: Callable[[], None] | None = None,
        interval: float = BEAT,
    ) -> None:
        self._machine = machine
        self._seconds = seconds
        self._tick = tick
        self._interval = interval
        self._error: BaseException | None = None
        self._wakes = False
        self._defers_sigint = False
        self._is_native = False
        self._sigint = False
        self._deadline = self._next_beat = float("inf")
        self.expired = False

    def __enter__(self) -> Self:
        now = monotonic()
        if self._seconds is not None:
            self._deadline = now + self._seconds
        if self._tick is not None:
            self._next_beat = now + self._interval
        watcher = _watcher(os.getpid())
        self._wakes = watcher.catch_signals()
        if self._wakes and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._on_sigint)
            self._defers_sigint = True
        watcher.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        watcher = _watcher(os.getpid())
        watcher.remove(self)
        if self._defers_sigint:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._wakes:
            watcher.release_signals()

    def enter_native(self) -> None:
        """Tell that the machine is about to run."""
        self._is_native = True

    def leave_native(self) -> None:
        """Tell that it has come back.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed meanwhile.
        """
        self._is_native = False
        self._raise_sigint()

    def stopped(self) -> bool:
        """Whether the deadline has passed.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
            whatever `tick` raised.
        """
        self._raise_sigint()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self.expired

    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 when it has passed; None without one."""
        if self._seconds is None:
            return None
        return max(0.0, self._deadline - monotonic())

    def _on_sigint(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_native:
            raise KeyboardInterrupt
        self._sigint = True
        self._machine.interrupt()

    def _raise_sigint(self) -> None:
        if self._sigint:
            self._sigint = False
            raise KeyboardInterrupt

    # -- the watcher's side ------------------------------------------------------------------

    @property
    def due(self) -> float:
        """When this watch needs attention next, on the monotonic clock."""
        return self._next_beat if self.expired else min(self._deadline, self._next_beat)

    def attend(self, now: float, *, signalled: bool) -> None:
        """Do what is due: tick, and interrupt the machine where it must stop."""
        if now >= self._next_beat:
            self._next_beat = now + self._interval
            self._call_tick()
        if not self.expired and now >= self._deadline:
            self.expired = True
            self._next_beat = min(self._next_beat, now + self._interval)
        if self.expired or self._error is not None or (signalled and self._wakes):
            self._machine.interrupt()

    def _call_tick(self) -> None:
        if self._tick is None or self._error is not None:
            return
        try:
            self._tick()
        except BaseException as error:
            # It belongs to whoever runs the machine, and comes out of `stopped`.
            self._error = error


class _Watcher:
    """The thread, its pipe, and the watches it attends to."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._watches: tuple[Watch, ...] = ()
        self._lock = _thread.allocate_lock()
        self._catching = 0
        _thread.start_new_thread(self._loop, ())

    def add(self, watch: Watch) -> None:
        with self._lock:
            self._watches = (*self._watches, watch)
        self._nudge()

    def remove(self, watch: Watch) -> None:
        with self._lock:
            self._watches = tuple(other for other in self._watches if other is not watch)

    def catch_signals(self) -> bool:
        """Take the wake-up descriptor; False where it is not ours to take."""
        if self._catching:
            return self._in_main_thread() and self._count(+1)
        try:
            previous = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        except ValueError:
            return False
        if previous != -1:
            signal.set_wakeup_fd(previous)
            return False
        return self._count(+1)

    def release_signals(self) -> None:
        """Undo one `catch_signals`."""
        self._count(-1)
        if not self._catching:
            signal.set_wakeup_fd(-1)

    def _count(self, step: int) -> bool:
        self._catching += step
        return True

    def _in_main_thread(self) -> bool:
        try:
            signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        except ValueError:
            return False
        return True

    def _nudge(self) -> None:
        try:
            os.write(self._writer, b"\0")
        except BlockingIOError:
            return  # a full pipe wakes the thread as well

    def _loop(self) -> None:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        while True:
            due = min((watch.due for watch in self._watches), default=float("inf"))
            wait = min(max(0.0, due - monotonic()), LONGEST_WAIT)
            poll.poll(None if due == float("inf") else wait * 1000)
            signalled = any(self._arrived())
            now = monotonic()
            for watch in self._watches:
                watch.attend(now, signalled=signalled)

    def _arrived(self) -> bytes:
        """Numbers of the signals that came; zero bytes only ask to look at the watches again."""
        try:
            return os.read(self._reader, 4096)
        except BlockingIOError:
            return b""


@lru_cache(maxsize=1)
def _watcher(_process: int) -> _Watcher:
    """The watcher of this process; a forked child has no such thread and gets one of its own."""
    return _Watcher()
