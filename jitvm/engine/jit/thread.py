"""The compile thread: one for all machines of the process.

LLVM runs one compilation at a time anyway, and guests keep running meanwhile. The thread is created
with the first job and ends with the process; jobs of machines that are gone are dropped.
"""

from __future__ import annotations

import atexit
import os
import sys
from _collections_abc import Callable
from _weakref import ref

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.notes import note
from jitvm.engine.host.process import IMPORTS, ModuleLock
from jitvm.engine.host.threads import YIELDING, started
from jitvm.engine.host.unpatched import allocate_lock

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from _queue import SimpleQueue
    from typing import Any

Job = Callable[[], None]
# Patience of the process, which has one such thread for all machines: no rows of `params`.
LAST_JOB = 30.0
"""Seconds the end of the process waits for the job at hand: more than any takes."""


class CompileThread:
    """A queue of jobs and the thread that does them.

    Where there are no threads to be had, a job is done at once by whoever submits it.
    """

    def __init__(self) -> None:
        with IMPORTS:  # processes that compile nothing need none
            from _queue import SimpleQueue

        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._ended = allocate_lock()
        self._ended.acquire()
        self._ending = False
        self._is_alone = not started(self._work)
        atexit.register(self.end)

    def submit(self, job: Job) -> None:
        """Do a job after those before it; what it raises is reported, and the next one goes on."""
        if self._is_alone:
            self._do(job)
        else:
            self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            with YIELDING:
                self._do(job)
        self._ended.release()

    def _do(self, job: Job) -> None:
        try:
            if not self._ending:
                BACKGROUND.do(job)
        except MemoryError:
            note("too little memory to compile with", "what is hot stays interpreted")
        except Exception:
            with IMPORTS:
                import threading

            here = threading.current_thread()
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), here)))

    def end(self) -> None:
        """Let the job at hand finish: LLVM must not run while the process is taken down."""
        self._ending = True
        self._jobs.put(None)
        self._ended.acquire(timeout=0 if self._is_alone else LAST_JOB)


def of_living(method: Callable[..., None], *arguments: object) -> Job:
    """A job that is one's own, and left out if nobody has him any more.

    Else programs that make machines for a moment each would have them wait here, with all their
    memory, as compiling one takes longer than running it.
    """
    bound: Any = method
    owner, function = ref(bound.__self__), bound.__func__

    def job() -> None:
        found = owner()
        if found is not None:
            function(found, *arguments)

    return job


_lock = ModuleLock()
_shared: list[CompileThread] = []


def _forget_thread() -> None:
    """In a child made by `fork`, which does not have it."""
    for thread in _shared:
        atexit.unregister(thread.end)
    _shared.clear()


os.register_at_fork(after_in_child=_forget_thread)


def compile_thread() -> CompileThread:
    """The compile thread of this process, started at first use."""
    with _lock:
        if not _shared:
            _shared.append(CompileThread())
        return _shared[0]
