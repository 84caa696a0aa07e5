"""Starting threads when that may be refused.

A process limit, a sandbox, or interpreter shutdown (from Python 3.12 on) may refuse new threads.
Nothing in jitvm needs one to be correct; each user of `started` says what it does without.

In other interpreters than the main one there are none: where one of them ends and a thread of it
does not, Python ends the process, whatever else goes on there.

A thread that works while a guest runs is `YIELDING`: Python keeps the interpreter lock for 5 ms
while another thread waits for it, and a guest with a device in Python, or fed by bytes, would wait
as long each time it comes back.
"""

from __future__ import annotations

import _thread
import os
import sys

from jitvm.engine.host.notes import note, reason
from jitvm.engine.host.unpatched import allocate_lock, stack_size, start_new_thread

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable


# Python has it from 3.13 on; before, it refuses other interpreters such threads, or `ctypes`.
_is_main: Callable[[], bool] = getattr(_thread, "_is_main_interpreter", lambda: True)

# Patience of the process, which has one interpreter lock: no row of `params`.
SWITCH_INTERVAL = 0.00005
"""Seconds a thread that works beside guests may keep the interpreter lock from them."""
ENOUGH = 2 << 20
"""Bytes of the stack of a thread that compiles: several times what it was seen to need."""


class Yielding:
    """Threads inside of it let go of the interpreter lock soon after another one waits for it."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._inside = 0
        self._usual = 0.0

    def forget_threads(self) -> None:
        """In a child made by `fork`: nobody is inside."""
        self._lock = allocate_lock()
        if self._inside:
            self._inside = 0
            sys.setswitchinterval(self._usual)

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(min(self._usual, SWITCH_INTERVAL))
            self._inside += 1

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                sys.setswitchinterval(self._usual)


YIELDING = Yielding()
os.register_at_fork(after_in_child=YIELDING.forget_threads)


class AmpleStacks:
    """Threads that are started inside of it have stacks for LLVM, and for importing NumPy.

    A program with many threads may have asked for small ones (`threading.stack_size`).
    """

    def __init__(self) -> None:
        self.forget_threads()

    def forget_threads(self) -> None:
        """In a child made by `fork`: nobody is inside."""
        self._lock = allocate_lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        self._asked_for = stack_size()
        if 0 < self._asked_for < ENOUGH:  # 0: as the operating system has it
            stack_size(ENOUGH)

    def __exit__(self, *_error: object) -> None:
        if stack_size() != self._asked_for:
            stack_size(self._asked_for)
        self._lock.release()


AMPLE_STACKS = AmpleStacks()
os.register_at_fork(after_in_child=AMPLE_STACKS.forget_threads)


def started(function: Callable[[], object]) -> bool:
    """Call a function on a thread of its own, a daemon; False if there is none to be had."""
    if not _is_main():
        return False
    try:
        with AMPLE_STACKS:
            start_new_thread(_as_far_as_possible, (function,))
    except RuntimeError as error:
        if "shutdown" not in str(error):  # the end of the interpreter need not be reported
            note("no more threads", "what they would do is done in between, or left out")
        return False
    return True


def _as_far_as_possible(function: Callable[[], object]) -> None:
    """Call a function; it may end where no file can be opened any more, and nothing be imported."""
    try:
        function()
    except (OSError, ImportError) as error:
        note(f"a thread has ended ({reason(error)})", "what it would do is left out")
