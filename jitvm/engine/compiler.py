"""One thread that compiles, for all machines of the process.

LLVM runs one compilation at a time anyway, and guests go on while it does. The thread is made
with the first job and ends with the process; jobs of machines that are gone are dropped.
"""

from __future__ import annotations

import atexit
import queue
import sys
import threading
from collections.abc import Callable

from jitvm.engine.background import BACKGROUND

Job = Callable[[], None]
SWITCH_INTERVAL = 0.00005
"""Seconds the compile thread may keep the interpreter lock while a guest's device waits for it."""


class CompileThread:
    """A queue of jobs and the thread that does them."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="jitvm-compiler", daemon=True)
        self._thread.start()
        self._ending = False
        atexit.register(self._end)

    def submit(self, job: Job) -> None:
        """Do a job after those before it; what it raises is told, and the next one goes on."""
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            usual = sys.getswitchinterval()
            sys.setswitchinterval(min(usual, SWITCH_INTERVAL))
            try:
                if not self._ending:
                    BACKGROUND.do(job)
            except Exception:
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), self._thread)))
            finally:
                sys.setswitchinterval(usual)

    def _end(self) -> None:
        """Let the job at hand finish: LLVM must not run while the process is taken down."""
        self._ending = True
        self._jobs.put(None)
        self._thread.join(timeout=5)


_lock = threading.Lock()
_shared: list[CompileThread] = []


def compile_thread() -> CompileThread:
    """The compile thread of this process, started at first use."""
    with _lock:
        if not _shared:
            _shared.append(CompileThread())
        return _shared[0]
