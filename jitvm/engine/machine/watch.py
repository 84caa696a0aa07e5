"""Watching a machine while it runs: signals, deadlines, and work to do every few milliseconds.

Native code runs inside a single call from Python, so the main thread cannot run its signal handlers
until that call returns. One daemon thread per process, the watcher, makes it return:

    signal arrives   Python's C handler writes the signal's number to the wake-up descriptor;
                     the watcher reads it and interrupts the machines of the main thread; `run`
                     returns `Stop.INTERRUPT` and Python itself runs the signal's handler
    Ctrl-C           like any signal, but `KeyboardInterrupt` is not raised before `leave_native`;
                     the same goes for SIGTERM and SIGHUP if `jitvm.engine.host.signals`
                     handles them
    deadline passes  the watcher marks the watch `expired` and interrupts its machine
    tick             the watcher calls a function at regular intervals (to show output, say)

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
 1. An interrupt may be spurious (a signal whose handler does not raise): whoever runs the machine
    asks `stopped` and runs on if it says no.
 2. Once a deadline has passed, the watcher interrupts again at every beat, because an interrupt may
    fall between two runs.
 3. The wake-up descriptor is set only if none is set (asyncio sets one) and only by the main
    thread, and is restored when the last watch of that thread ends.
 4. A tick must not block: signals wait for it.
 5. Between `enter_native` and `leave_native` such signals only interrupt. Otherwise their exception
    could be raised on the first line of a function that native code calls, where ctypes prints it
    and drops it. A host function that waits for something must call `stopped` while it does.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module makes enumerations of it
import os
import select
from time import monotonic

from jitvm.engine.host.descriptor import Descriptor
from jitvm.engine.host.process import THREADED
from jitvm.engine.host.signals import SIGNALS, Ending
from jitvm.engine.host.threads import started
from jitvm.engine.host.unpatched import allocate_lock, get_ident, unpatched
from jitvm.guest.light import partial

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Protocol, Self

    class Interruptible(Protocol):
        """What can be watched: a machine."""

        def interrupt(self) -> None:
            """Stop the running guest soon; callable from any thread."""


# Patience of the process, of no machine and no limit of the JIT: no rows of `params`.
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
        self.wakes = False
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._is_native = False
        self._signal = 0
        self._deadline = self._next_beat = float("inf")
        self.expired = False
        self.thread = 0

    def __enter__(self) -> Self:
        now = monotonic()
        if self._seconds is not None:
            self._deadline = now + self._seconds
        if self._tick is not None:
            self._next_beat = now + self._interval
        self.thread = get_ident()
        watcher = _watcher()
        watcher.have_pipe()
        self.wakes = watcher.catch_signals()
        if self.wakes:
            self._defer_signals()
        watcher.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        watcher = _watcher()
        watcher.remove(self)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self.wakes:
            watcher.release_signals()

    def enter_native(self) -> None:
        """Tell that the machine is about to run."""
        self._is_native = True

    def leave_native(self) -> None:
        """Tell that it has come back.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed meanwhile, or as good as that.
        """
        self._is_native = False
        self._handle_signal()

    def stopped(self) -> bool:
        """Whether the deadline has passed.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, or as good as that.
            whatever `tick` raised.
        """
        self._handle_signal()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self.expired

    @property
    def is_alone(self) -> bool:
        """Whether there was no thread to be had: who runs the machine has to come back by itself
        every now and then, and call `look`."""
        return _watcher().is_alone

    def look(self) -> None:
        """Do what the watcher's thread would do."""
        if monotonic() >= self.due:
            self.attend(monotonic(), signalled=False)

    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 when it has passed; None without one."""
        if self._seconds is None:
            return None
        return max(0.0, self._deadline - monotonic())

    def _defer_signals(self) -> None:
        """Stand in front of handlers that raise; those of others stay in their place."""
        for number in SIGNALS:
            handler = signal.getsignal(number)
            if handler is signal.default_int_handler or isinstance(handler, Ending):
                self._handlers[number] = handler
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._is_native:
            self._handlers[number](number, frame)
            return
        self._signal = number
        self._machine.interrupt()

    def forget_signals(self) -> None:
        """In a child made by `fork`, which is not in the block: give them back."""
        for number, handler in self._handlers.items():
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, handler)
        self._handlers.clear()
        self._signal = 0

    def _handle_signal(self) -> None:
        if self._signal:
            number, self._signal = self._signal, 0
            self._handlers[number](number, None)

    # -- the watcher's side ------------------------------------------------------------------

    @property
    def due(self) -> float:
        """When this watch needs attention next, on the monotonic clock."""
        return self._next_beat if self.expired else min(self._deadline, self._next_beat)

    def attend(self, now: float, *, signalled: bool) -> None:
        """Do what is due: tick, and interrupt the machine if it must stop."""
        if now >= self._next_beat:
            self._next_beat = now + self._interval
            self._call_tick()
        if not self.expired and now >= self._deadline:
            self.expired = True
            self._next_beat = min(self._next_beat, now + self._interval)
        if self.expired or self._error is not None or (signalled and self.wakes):
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
        self._watches: tuple[Watch, ...] = ()
        self._catching = 0
        self._begin()

    def _begin(self) -> None:
        self._lock = allocate_lock()
        self._open()

    def _open(self) -> None:
        """Have a pipe, and a thread that reads it."""
        self._reader, self._writer = map(Descriptor, os.pipe())
        for end in (self._reader, self._writer):
            os.set_blocking(end.number, False)
        # Registered here, as the pipe may be another one before the thread has begun.
        poll = unpatched("select", "poll")()
        poll.register(self._reader.number, select.POLLIN)
        self.is_alone = not started(partial(self._loop, self._reader, poll))

    @property
    def _has_pipe(self) -> bool:
        return self._reader.is_open and self._writer.is_open

    def have_pipe(self) -> None:
        """Have another pipe if somebody has closed all descriptors of the process."""
        if self._has_pipe:
            return
        with self._lock:
            if not self._has_pipe:  # nobody was faster
                self._reader.close()
                self._writer.close()
                self._open()

    def forget_threads(self) -> None:
        """In a child made by `fork`: have a pipe and a thread of its own, for the watches of the
        thread that made it. Signals of the child would else reach its parent's machines."""
        here = get_ident()
        for watch in self._watches:
            if watch.thread != here:
                watch.forget_signals()
        self._watches = tuple(watch for watch in self._watches if watch.thread == here)
        self._reader.close()
        self._writer.close()
        was_catching = self._catching
        self._catching = sum(watch.wakes for watch in self._watches)
        self._begin()
        if was_catching:
            writer = self._writer.number if self._catching else -1
            signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def add(self, watch: Watch) -> None:
        with self._lock:
            self._watches = (*self._watches, watch)
        if watch.due != float("inf"):  # else only a signal is waited for, which wakes it anyway
            self._nudge()

    def remove(self, watch: Watch) -> None:
        with self._lock:
            self._watches = tuple(other for other in self._watches if other is not watch)

    def catch_signals(self) -> bool:
        """Take the wake-up descriptor; False if it is not ours to take."""
        if self._catching:
            return self._in_main_thread() and self._count(+1)
        try:
            previous = signal.set_wakeup_fd(self._writer.number, warn_on_full_buffer=False)
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
            signal.set_wakeup_fd(self._writer.number, warn_on_full_buffer=False)
        except ValueError:
            return False
        return True

    def _nudge(self) -> None:
        try:
            os.write(self._writer.number, b"\0")
        except BlockingIOError:
            return  # a full pipe wakes the thread as well

    def _loop(self, reader: Descriptor, poll: select.poll) -> None:
        while True:
            due = min((watch.due for watch in self._watches), default=float("inf"))
            wait = min(max(0.0, due - monotonic()), LONGEST_WAIT)
            poll.poll(None if due == float("inf") else wait * 1000)
            self.have_pipe()
            if reader is not self._reader:  # another one is read by another thread
                return
            signalled = any(self._arrived())
            now = monotonic()
            for watch in self._watches:
                watch.attend(now, signalled=signalled)

    def _arrived(self) -> bytes:
        """Numbers of the signals that came; zero bytes only ask to look at the watches again."""
        try:
            return os.read(self._reader.number, 4096)
        except BlockingIOError:
            return b""


_watchers: list[_Watcher] = []


def _watcher() -> _Watcher:
    """The watcher of this process."""
    if not _watchers:
        _watchers.append(_Watcher())
        THREADED.add(_watchers[0])
    return _watchers[0]
