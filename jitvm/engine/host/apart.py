"""Work that goes on when its command has ended: in a child, for which nobody waits.

    the command ends, at once --> the child: does what is urgent, goes on at the lowest priority

To do it before the exit would cost the user time, and to drop it costs the next run the same work.
So that nobody notices the child:

 1. It holds none of the command's descriptors: whoever reads its output sees the end.
 2. It has a limit of processor time, and what nobody waits for it does at the lowest priority.
 3. It stays in the command's process group, and what ends that ends it, at any moment: so its work
    may be cut off anywhere, and files are written as by `jitvm.engine.host.part`.
 4. It is not made while another thread is inside LLVM or an import, after a short wait for it: the
    child could not use either.

How it is made, so that the end of the command does not wait for that: `handover`.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module makes enumerations of it
import os
from itertools import pairwise

from jitvm.engine.host.handover import hand_over
from jitvm.engine.host.process import FORK, IMPORTS, LLVM

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jitvm.engine.host.background import Unfinished

# Patience of the process, of no machine and no limit of the JIT: no rows of `params`.
PATIENCE = 0.02
"""Seconds the end of a command waits for LLVM or an import: what loading LLVM takes."""
LONGEST = 60
"""Seconds after which the child is ended, whatever it waits for."""
LOWEST = 19
"""The niceness of what should only run where nothing else wants to."""


def leave_to_child(status: int, unfinished: Iterable[Unfinished], last: Callable[[], None]) -> None:
    """End the process, and have a child finish what no other process is finishing.

    Returns only if that is nothing, or if there is no child to be had.

    Args:
        status: of the process.
        unfinished: what a child can do.
        last: does what is to be done before the process ends; if this returns, it may have been
            done for all but what is unfinished, and is to be done once more.
    """
    locks = [(each, each.begin_work()) for each in unfinished]
    left = [each for each, lock in locks if lock is not None]
    if not left:
        return

    def work() -> None:
        for each in left:
            each.is_left = False  # it is here
            each.finish()

    for each in left:
        each.is_left = True
    last()
    seconds = sum(each.seconds_to_finish for each in left)
    end_apart(status, work, seconds, [lock for _, lock in locks if lock is not None])
    for each in left:
        each.is_left = False


def end_apart(
    status: int, work: Callable[[], None], seconds: float, keeps: Iterable[int] = ()
) -> None:
    """End the process, and do some work in a child; return if there is none to be had.

    Args:
        status: of the process, all of whose output is written.
        work: what to do. What it raises is lost.
        seconds: processor time after which the child is ended.
        keeps: descriptors that stay open in it.
    """
    held = [lock for lock in (LLVM, IMPORTS) if lock.acquire(timeout=PATIENCE)]
    try:
        if len(held) < 2 or not _is_in_child(status):
            return
    finally:
        for lock in held:
            lock.release()
    try:
        _withdraw(seconds, sorted(keeps))
        work()
    finally:
        os._exit(0)


def _is_in_child(status: int) -> bool:
    """End the process and go on in a child of it; False if there can be none."""
    FORK.is_last = True
    try:
        if hand_over(status, LONGEST):
            return True
        if os.fork():
            os._exit(status)
        return True
    except OSError:  # there may be no more processes
        return False
    finally:
        FORK.is_last = False


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
