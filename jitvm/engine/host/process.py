"""What happens to machines when their process forks or exits.

Memory that is mapped twice (the code space and its mirror, machine code) has to be a shared
mapping, which the child of a `fork` would share with its parent; and guests run on threads that
neither a fork nor interpreter shutdown waits for. So both go through a gate:

    thread of a guest          GATE.enter(tier)  native code  GATE.back(tier)
    os.fork      before        wait for imports; hold LLVM, close the gate, have native code come
                               back; copy what is shared               see `Shared`
                 parent        open the gate, let go of LLVM, forget the copies
                 child         the same, but replace what is shared by the copies;
                               forget threads that are not here        see `Threaded`
    end of the process         the same, for good

Invariants
 1. While the gate is closed nobody enters native code, not even by returning from a host function;
    but the wait at the gate is bounded, so that no lock held by the host can turn it into a
    deadlock.
 2. When a child starts, each guest that ran on another thread is between two instructions, with all
    its state in its block: it can be resumed from there, in parent and child. The exception is a
    host function that takes longer than `CALL_PATIENCE`: it leaves the guest inside the calling
    instruction.
 3. Once the process is exiting, nothing is unmapped that native code may still be executing.

A child forked by C code that skips the first step (as uWSGI does) copies what it shares by itself,
which is correct as long as its parent is idle.
"""

from __future__ import annotations

import atexit
import os
from time import monotonic

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.importing import is_importing, wait_for_imports
from jitvm.engine.host.unpatched import RLock, allocate_lock, get_ident, sleep
from jitvm.guest.light import WeakSet

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Protocol, TypeVar

    T = TypeVar("T")

    class Shared(Protocol):
        """Memory that a child would share with its parent."""

        def copied(self) -> bytes:
            """Its content."""

        def separate(self, content: bytes) -> None:
            """In the child: have memory of one's own at the same addresses, with this content."""

    class Threaded(Protocol):
        """What knows of threads."""

        def forget_threads(self) -> None:
            """In the child: no thread but this one is there."""

    class Guarded(Protocol):
        """What enters native code.

        Attributes:
            is_native: whether it is inside.
            is_called: whether a host function is called from inside.
            thread: who is, by its identity.
        """

        is_native: bool
        is_called: bool
        thread: int

        def wake(self) -> None:
            """Have native code come back soon."""


# Patience of the process, of no machine and no limit of the JIT: no rows of `params`.
PATIENCE = 1.0
"""Seconds a fork, or the end of the process, waits for native code to come back."""
CALL_PATIENCE = 0.1
"""Seconds it waits for host functions, which may wait for anything."""
GATE_PATIENCE = 5.0
"""Seconds a guest waits at the gate: more than any fork keeps it closed."""
LAST_WAIT = 0.5
"""Seconds a function that is called at exit waits for a lock."""
LOCK_PATIENCE = 60.0
"""Seconds a fork, or the end of the process, waits for LLVM to be done with a module, and a fork
for imports."""
_INTERVAL = 0.0001


def all_of(things: WeakSet[T]) -> list[T]:
    """What a set holds, while other threads add to it."""
    while True:
        try:
            return list(things)
        except RuntimeError:  # one was added meanwhile
            continue


class Gate:
    """Where threads wait before native code while their process forks or ends.

    Attributes:
        is_closed: nobody begins to run.
        is_locked: nobody ends an instruction either: host functions do not return.
        is_ending: so it stays.
    """

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._keeper = 0
        self.is_closed = self.is_locked = self.is_ending = False
        self._inside: WeakSet[Guarded] = WeakSet()

    def add(self, tier: Guarded) -> None:
        """Have native code of this one watched from now on."""
        self._inside.add(tier)

    def enter(self, tier: Guarded) -> None:
        """Before native code is entered."""
        tier.is_native = True  # before the look at the gate, which may be closed any time
        while self.is_closed and get_ident() != self._keeper:
            tier.is_native = False
            has_opened = self._wait()
            tier.is_native = True
            if not has_opened:
                return

    def back(self, tier: Guarded) -> None:
        """Before a host function returns to native code, which ends an instruction first."""
        tier.is_native = True
        if self.is_locked:
            self.enter(tier)
        elif self.is_closed:
            tier.wake()

    def _wait(self) -> bool:
        """Wait until the gate is open; for ever if the process ends, as its threads do then."""
        if not self._lock.acquire(timeout=-1 if self.is_ending else GATE_PATIENCE):
            return False
        self._lock.release()
        return True

    def close(self) -> None:
        """Have native code on other threads come back, and keep it out."""
        self._lock.acquire(timeout=GATE_PATIENCE)
        self._keeper = get_ident()
        self.is_closed = True
        began = monotonic()
        while late := self.others():
            native = [tier for tier in late if tier.is_native]
            if monotonic() - began > (PATIENCE if native else CALL_PATIENCE):
                break
            for tier in native:
                tier.wake()
            sleep(_INTERVAL)
        self.is_locked = True

    def others(self) -> list[Guarded]:
        """Who is in native code on another thread, or in what it calls."""
        here = get_ident()
        tiers = [tier for tier in all_of(self._inside) if tier.is_native or tier.is_called]
        return [tier for tier in tiers if tier.thread != here]

    def open(self) -> None:
        """Let everybody in again."""
        self.is_closed = self.is_locked = False
        if self._lock.locked():
            self._lock.release()

    def forget_threads(self) -> None:
        """In a child: nobody waits."""
        self._lock = allocate_lock()
        self.is_closed = self.is_locked = False
        for tier in self.others():
            tier.is_native = tier.is_called = False


GATE = Gate()
SHARED: WeakSet[Shared] = WeakSet()
"""All memory that is mapped twice."""
THREADED: WeakSet[Threaded] = WeakSet()
"""All that has to forget threads in a child."""


class Fork:
    """One fork: what was copied for the child, and which locks are held meanwhile.

    Attributes:
        is_last: the parent does nothing any more but end, so what is shared may stay so.
    """

    def __init__(self) -> None:
        self.copies: list[tuple[Shared, bytes]] | None = None
        self.held: list[RLock] = []
        self.is_last = False

    def copy(self) -> list[tuple[Shared, bytes]]:
        """What is shared, copied for the child."""
        return [] if self.is_last else [(each, each.copied()) for each in all_of(SHARED)]


LLVM = RLock()
"""Held by whoever is in LLVM. It has locks of its own, which a child would find held, and the end
of the process would take away what it works on."""
IMPORTS = RLock()
"""Held while something is imported that may be imported on several threads: Python's own lock of a
module would stay locked in a child, and the module half made. No other lock is taken inside."""
_locks: list[RLock] = []
FORK = Fork()


class ModuleLock:
    """A lock of a module, which a child finds open unless the forking thread itself holds it.

    When the process ends, whoever holds it on another thread may have stopped for good, and
    functions that are called at exit still use machines: these wait for a moment only.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self._is_held = False
        _locks.append(self.lock)

    def __enter__(self) -> None:
        self._is_held = self.lock.acquire(timeout=LAST_WAIT if GATE.is_ending else -1)

    def __exit__(self, *_error: object) -> None:
        if self._is_held:
            self.lock.release()


def _before() -> None:
    if GATE.is_ending:
        return
    end = monotonic() + LOCK_PATIENCE
    while True:
        are_over = wait_for_imports(end)
        if not SHARED:
            return
        # Before anybody waits at the gate, maybe with one of them.
        patience = LOCK_PATIENCE if are_over else CALL_PATIENCE
        waits = (LLVM, LOCK_PATIENCE), (IMPORTS, patience)
        FORK.held = [lock for lock, seconds in waits if lock.acquire(timeout=seconds)]
        GATE.close()
        FORK.copies = FORK.copy()
        if not (are_over and is_importing()) or monotonic() > end:
            return
        _after()  # an import has begun meanwhile, and may wait for what is held


def _after() -> None:
    if GATE.is_ending:
        return
    FORK.copies = None
    for lock in FORK.held:
        lock.release()
    FORK.held = []
    GATE.open()


def _in_child() -> None:
    for each, content in FORK.copies or FORK.copy():
        each.separate(content)
    for lock in (LLVM, IMPORTS, *_locks):
        if not lock._is_owned():  # type: ignore[attr-defined]
            lock._at_fork_reinit()  # type: ignore[attr-defined]
    GATE.forget_threads()
    for threaded in all_of(THREADED):
        threaded.forget_threads()
    _after()


def _immortal(thing: object) -> None:
    """Keep something as long as there is memory."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _at_end() -> None:
    """When the interpreter ends: daemon threads may be in native code, and go on while all that
    they use is taken down.

    They stop at the gate. What does not come back, because a host function does not, finds all of
    its code and its memory until the process is gone.
    """
    BACKGROUND.wait()  # before its threads are kept from what they need to finish
    LLVM.acquire(timeout=LOCK_PATIENCE)  # for good: other threads wait for it until they are gone
    GATE.close()
    GATE.is_ending = True
    for tier in GATE.others():
        _immortal(tier)


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
atexit.register(_at_end)
