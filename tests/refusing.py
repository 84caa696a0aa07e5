"""Systems that refuse things: seccomp filters, set in a child process before it runs a command.

    python -m tests.refusing WHAT... -- COMMAND...

WHAT is `exec` (executable memory that is shared or was writable before, as hardened kernels have
it), or the name of a system call of `CALLS`. The command gets EPERM.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from errno import EPERM

CALLS = {"memfd_create": 319, "mremap": 25}
"""Numbers of system calls of x86-64."""
_MMAP, _MPROTECT = 9, 10
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | EPERM
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_NUMBER, _PROTECTION, _FLAGS = 0, 32, 40
"""Where a filter finds the number of a call, and its third and fourth argument."""


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)


def _without_call(number: int) -> list[bytes]:
    """Refuse a call, whatever its arguments."""
    return [
        _step(_LOAD, _NUMBER),
        _step(_EQUAL, number, 0, 1),
        _step(_RETURN, _REFUSE),
        _step(_RETURN, _ALLOW),
    ]


def _without_executable_memory() -> list[bytes]:
    """Refuse all of mprotect, and shared mappings of mmap, that ask for PROT_EXEC."""
    return [
        _step(_LOAD, _NUMBER),
        _step(_EQUAL, _MPROTECT, 2, 0),
        _step(_EQUAL, _MMAP, 3, 0),
        _step(_RETURN, _ALLOW),
        _step(_LOAD, _PROTECTION),
        _step(_ANY_BIT, 4, 4, 5),
        _step(_LOAD, _PROTECTION),
        _step(_ANY_BIT, 4, 0, 3),
        _step(_LOAD, _FLAGS),
        _step(_ANY_BIT, 1, 0, 1),
        _step(_RETURN, _REFUSE),
        _step(_RETURN, _ALLOW),
    ]


def refuse(what: str) -> None:
    """Have this process and its children go without something.

    Raises:
        OSError: filters are not permitted here.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    steps = _without_executable_memory() if what == "exec" else _without_call(CALLS[what])
    code = ctypes.create_string_buffer(b"".join(steps))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
    )
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.c_void_p(ctypes.addressof(program)), 0, 0):
        raise OSError(ctypes.get_errno(), "no filters of system calls here")


if __name__ == "__main__":
    end = sys.argv.index("--")
    for each in sys.argv[1:end]:
        refuse(each)
    os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])
