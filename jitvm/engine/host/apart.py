"""Work that goes on when its command has ended: in a child, for which nobody waits.

    the command ends --fork--> the child: does what is urgent, goes on at the lowest priority, ends
                    '-- exits at once

To do it before the exit would cost the user time, and to drop it costs the next run the same work.
So that nobody notices the child:

 1. It holds none of the command's descriptors: whoever reads its output sees the end.
 2. It has a limit of processor time, and what nobody waits for it does at the lowest priority.
 3. It stays in the command's process group, and what ends that ends it, at any moment: so its work
    may be cut off anywhere, and files are written as by `jitvm.engine.host.part`.
 4. It is not made while another thread is inside LLVM or an import, after a short wait for it: the
    child could not use either.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module makes enumerations of it
import os
from itertools import pairwise

from jitvm.engine.host.process import IMPORTS, LLVM

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    T = TypeVar("T")
    Unfinished = tuple[float, Callable[[], int | None], Callable[[], None]]
    """Seconds of processor time that may be spent on it; what tells other processes that it is
    begun, and gives a descriptor, or None if one of them is at it; what finishes it."""

# Patience of the process, of no machine and no limit of the JIT: no rows of `params`.
PATIENCE = 0.02
"""Seconds the end of a command waits for LLVM or an import: what loading LLVM takes."""
LONGEST = 60
"""Seconds after which the child is ended, whatever it waits for."""
LOWEST = 19
"""The niceness of what should only run where nothing else wants to."""


def leave_to_child(unfinished: Mapping[T, Unfinished]) -> list[T]:
    """Have a child finish what no other process is finishing; which of it is left to one."""
    locks = {each: begin() for each, (_, begin, _) in unfinished.items()}
    left = [each for each, lock in locks.items() if lock is not None]
    if not left:
        return []

    def work() -> None:
        for each in left:
            _, _, finish = unfinished[each]
            finish()

    seconds = sum(unfinished[each][0] for each in left)
    return left if go_on_apart(work, seconds, filter(None, locks.values())) else []


def go_on_apart(work: Callable[[], None], seconds: float, keeps: Iterable[int] = ()) -> bool:
    """Do some work in a child.

    Args:
        work: what to do. What it raises is lost.
        seconds: processor time after which the child is ended.
        keeps: descriptors that stay open in it.

    Returns:
        in the command whether there is a child; the child does not return.
    """
    held = [lock for lock in (LLVM, IMPORTS) if lock.acquire(timeout=PATIENCE)]
    try:
        if len(held) < 2 or os.fork():
            return len(held) == 2
    except OSError:  # there may be no more processes
        return False
    finally:
        for lock in held:
            lock.release()
    try:
        _withdraw(seconds, sorted(keeps))
        work()
    finally:
        os._exit(0)


def _withdraw(seconds: float, keeps: list[int]) -> None:
    """Let go of all that others might notice."""
    signal.alarm(LONGEST)  # first, as nothing has failed yet
    import resource

    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    end = _end_of_descriptors() or resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    for low, high in pairwise((2, *keeps, end)):
        os.closerange(low + 1, high)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))


def _end_of_descriptors() -> int:
    """Behind the highest that is open, which may be beyond what the limit now allows; 0 if nobody
    can tell."""
    try:
        return max(map(int, os.listdir("/proc/self/fd"))) + 1
    except (OSError, ValueError):
        return 0


def do_nothing_urgent() -> None:
    """In the child: what follows may wait for whatever else wants to run."""
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.nice(LOWEST)
