"""Ending a process while another one goes on with its memory.

A process that ends has no use for its memory any more, but `fork` copies the tables of all its
pages, and takes a fault for each that either side writes to afterwards: 2 ms of a command that has
run for 30. So a child is made that shares the memory, and its parent does nothing from then on but
end, without so much as a write to its stack:

    the process   clone(CLONE_VM)   exit_group(status)
    the child     '-- waits until all threads of its parent are gone; goes on, behind the call

The child finds what `fork` would leave it: one thread, the interpreter lock with it, and locks of
threads that are gone, which Python makes anew. What `fork` of C's library does besides is not done,
so it has to be without need: no thread of others' may be inside `malloc`. Threads of Python's are
only where they have let go of the interpreter lock, in LLVM, which the caller keeps them out of.
"""

from __future__ import annotations

import _thread
import os
from _ctypes import FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, CFuncPtr

from jitvm.engine.host.foreign import Word, address_of_function, function, memory

_PAGE = 4096
_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_MAP_PRIVATE, _MAP_ANONYMOUS = 2, 32

_CODE = bytes.fromhex(
    "53"              # push rbx
    "4154"            # push r12
    "4155"            # push r13
    "4156"            # push r14
    "4157"            # push r15
    "4189fc"          # mov r12d, edi        the status
    "89f3"            # mov ebx, esi         the number of this process
    "4989cd"          # mov r13, rcx         what the child calls
    "4589c6"          # mov r14d, r8d        seconds
    "4d89cf"          # mov r15, r9          what is called if there is no child
    "ffd2"            # call rdx             what is called before
    "31ff"            # xor edi, edi
    "b8da000000"      # mov eax, 218         set_tid_address(0): the kernel would write there
    "0f05"            # syscall              as this thread ends, into what the child has then
    "bf11010000"      # mov edi, 0x111       CLONE_VM | SIGCHLD
    "31f6"            # xor esi, esi         the same stack
    "31d2"            # xor edx, edx
    "4531d2"          # xor r10d, r10d
    "4531c0"          # xor r8d, r8d
    "b838000000"      # mov eax, 56          clone
    "0f05"            # syscall
    "4885c0"          # test rax, rax
    "782f"            # js failed
    "7538"            # jnz parent
    "4489f7"          # mov edi, r14d
    "b825000000"      # mov eax, 37          alarm
    "0f05"            # syscall
    "b86e000000"      # wait: mov eax, 110   getppid: another one's, when no thread is left
    "0f05"            # syscall
    "39d8"            # cmp eax, ebx
    "7509"            # jne alone
    "b818000000"      # mov eax, 24          sched_yield
    "0f05"            # syscall
    "ebec"            # jmp wait
    "41ffd5"          # alone: call r13
    "31c0"            # xor eax, eax
    "415f"            # out: pop r15
    "415e"            # pop r14
    "415d"            # pop r13
    "415c"            # pop r12
    "5b"              # pop rbx
    "c3"              # ret
    "4889c3"          # failed: mov rbx, rax
    "41ffd7"          # call r15
    "4889d8"          # mov rax, rbx
    "ebeb"            # jmp out
    "4489e7"          # parent: mov edi, r12d
    "b8e7000000"      # mov eax, 231         exit_group
    "0f05"            # syscall
)  # fmt: skip
"""A function of x86-64 whose result is 0 in the child, else the error; parameters: the status, the
number of the process, functions for before and for the child, seconds until its alarm, a function
for where there is none. Python executes nothing between these: a thread that is gone may have asked
for the interpreter lock, and Python would wait until it has it."""


class _Held(CFuncPtr):
    """A function of C that is called with the interpreter lock held."""

    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI
    _argtypes_ = (Word,) * 6
    _restype_ = Word


def hand_over(status: int, seconds: int) -> bool:
    """End this process with a status; what has called goes on in a child, with the same memory.

    Args:
        status: of this process.
        seconds: after which the child is ended, whatever it does, unless it changes its alarm.

    Returns:
        whether there is a child: False only ever in this process, True only in the child.
    """
    if not _is_possible():
        return False
    code = _executable(_CODE)
    if code is None:
        return False
    before, parent, child = (
        address_of_function(f"PyOS_{moment}")
        for moment in ("BeforeFork", "AfterFork_Parent", "AfterFork_Child")
    )
    error: int = _Held(code)(status, os.getpid(), before, child, seconds, parent)
    return not error


def _is_possible() -> bool:
    """Whether it is known how, and no thread but Python's is there."""
    try:
        is_known = os.uname().machine == "x86_64" and bool(os.confstr("CS_GNU_LIBC_VERSION"))
        return is_known and len(os.listdir("/proc/self/task")) == _thread._count() + 1
    except (OSError, ValueError):
        return False


def _executable(code: bytes) -> int | None:
    """Where some code is, or None if the system allows no new one."""
    map_memory, protect = function("mmap", *[Word] * 6), function("mprotect", *[Word] * 3)
    kind = _MAP_PRIVATE | _MAP_ANONYMOUS
    address: int = map_memory(0, _PAGE, _PROT_READ | _PROT_WRITE, kind, -1, 0)
    if address % _PAGE:
        return None
    memory(address, None)[: len(code)] = code
    return None if protect(address, _PAGE, _PROT_READ | _PROT_EXEC) else address
