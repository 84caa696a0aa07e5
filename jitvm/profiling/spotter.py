"""Samples where a thread's native code is, by a timer on the thread's processor time.

    the kernel's timer      every few milliseconds of processor time that the thread uses
      -> signal SIGURG      to that thread, whatever it is executing
        -> handler          machine code: appends (instruction pointer, dispatch table) to a ring
          -> `take`         Python reads the ring at any time

A Python thread could sample only while it holds the GIL, which the guest's thread holds in every
Python device, so it would never see a device at work. A signal sees everything, does not stop the
guest, takes a microsecond, and never arrives while the thread waits.

Invariants
 1. The handler touches the ring and one word of the machine's block, nothing else.
 2. The signal is ignored by default, so a late one does no harm.
 3. There is one spotter at a time in a process; an existing signal handler is left alone.

The layout of `ucontext_t`, `struct sigaction` and `struct sigevent`: Linux, glibc and musl.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
import threading
import time
from typing import Any

POINTER_AT = {"x86_64": 168, "aarch64": 440}
"""Bytes from the start of ``ucontext_t`` to the saved instruction pointer."""
SLOTS = 1 << 15
"""Answers the ring holds: two minutes of them."""

_SIGEVENT = "=QiiI44x"  # value, signo, notify, thread; padding to 64 bytes
_SIGACTION = struct.Struct("=Q128siIQ")  # handler, mask, flags, padding, restorer
_THREAD_ID = 4  # SIGEV_THREAD_ID
_SA_SIGINFO, _SA_ONSTACK, _SA_RESTART = 0x4, 0x08000000, 0x10000000
_DEFAULT, _IGNORE = 0, 1
_IR = """
define void @spot(i32 %signal, ptr %info, ptr %context) nounwind {{
  %saved = getelementptr inbounds i8, ptr %context, i64 {pointer_at}
  %pointer = load i64, ptr %saved, align 8
  %table = load volatile i64, ptr inttoptr (i64 {table} to ptr), align 8
  %head = load i64, ptr inttoptr (i64 {ring} to ptr), align 8
  %slot = and i64 %head, {mask}
  %at = shl i64 %slot, 4
  %entry = getelementptr i8, ptr inttoptr (i64 {entries} to ptr), i64 %at
  store i64 %pointer, ptr %entry, align 8
  %second = getelementptr i8, ptr %entry, i64 8
  store i64 %table, ptr %second, align 8
  %next = add i64 %head, 1
  store atomic i64 %next, ptr inttoptr (i64 {ring} to ptr) release, align 8
  ret void
}}
"""

_one = threading.Lock()


class Spotter:
    """Spots one thread; nothing is spotted before `start`.

    Args:
        table: address of the word that is noted with each answer.
        interval: seconds of processor time between two answers; the kernel may take longer.
    """

    def __init__(self, table: int, interval: float) -> None:
        self._table = table
        self._interval = interval
        self._libc: Any = ctypes.CDLL(None, use_errno=True)
        self._ring = (ctypes.c_uint64 * (1 + 2 * SLOTS))()
        self._taken = 0
        self._timer: ctypes.c_void_p | None = None
        self._before = b""

    @staticmethod
    def is_possible() -> bool:
        """Whether this system has what it takes."""
        return sys.platform == "linux" and os.uname().machine in POINTER_AT

    @property
    def is_running(self) -> bool:
        """Whether there is a timer."""
        return self._timer is not None

    def start(self, thread: threading.Thread) -> bool:
        """Begin to spot a thread of this process; returns whether that worked.

        It fails if another spotter runs or the signal has a handler already.
        """
        if not self.is_possible() or not _one.acquire(blocking=False):
            return False
        if not self._set_handler():
            _one.release()
            return False
        if not self._set_timer(thread):
            self._restore_handler()
            _one.release()
            return False
        return True

    def stop(self) -> None:
        """End it; what was spotted can still be taken."""
        if self._timer is None:
            return
        self._libc.timer_delete(self._timer)
        self._timer = None
        self._restore_handler()
        _one.release()

    def take(self) -> list[tuple[int, int]]:
        """Answers since the last call: instruction pointer, and the word noted with it.

        Where more have come than the ring holds, the oldest are lost.
        """
        head = self._ring[0]
        first = max(self._taken, head - SLOTS)
        self._taken = head
        at = (1 + 2 * (number % SLOTS) for number in range(first, head))
        return [(self._ring[i], self._ring[i + 1]) for i in at]

    # -- for the operating system ------------------------------------------------------------

    def _set_handler(self) -> bool:
        old = ctypes.create_string_buffer(_SIGACTION.size)
        if self._libc.sigaction(signal.SIGURG, None, old):
            return False
        if _SIGACTION.unpack(old.raw)[0] not in (_DEFAULT, _IGNORE):
            return False
        self._before = old.raw
        flags = _SA_SIGINFO | _SA_ONSTACK | _SA_RESTART
        new = _SIGACTION.pack(self._handler(), bytes(128), flags, 0, 0)
        return not self._libc.sigaction(signal.SIGURG, new, None)

    def _restore_handler(self) -> None:
        self._libc.sigaction(signal.SIGURG, self._before, None)

    def _handler(self) -> int:
        """The handler's address. Its few bytes stay: a thread might be inside when it is unset."""
        from jitvm.engine.machine.inspect import install_code

        architecture, ring = os.uname().machine, ctypes.addressof(self._ring)
        text = _IR.format(
            pointer_at=POINTER_AT[architecture],
            table=self._table,
            ring=ring,
            entries=ring + 8,
            mask=SLOTS - 1,
        )
        return install_code(text, "spot", architecture)

    def _set_timer(self, thread: threading.Thread) -> bool:
        if thread.ident is None or thread.native_id is None:
            return False
        clock = time.pthread_getcpuclockid(thread.ident)
        event = struct.pack(_SIGEVENT, 0, signal.SIGURG, _THREAD_ID, thread.native_id)
        timer = ctypes.c_void_p()
        if self._libc.timer_create(ctypes.c_int(clock), event, ctypes.byref(timer)):
            return False
        seconds, rest = divmod(round(self._interval * 1e9), 10**9)
        pace = struct.pack("=qqqq", seconds, rest, seconds, rest)
        if self._libc.timer_settime(timer, 0, pace, None):
            self._libc.timer_delete(timer)
            return False
        self._timer = timer
        return True
