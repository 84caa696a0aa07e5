"""Names of native code for GDB and LLDB, through their interface for JIT compilers.

    __jit_debug_descriptor --> entry <-> entry <-> entry        a linked list in this process
                                 |         |
                                ELF       ELF                   an object for each region
    __jit_debug_register_code()                                 where the debugger has a breakpoint

The debugger looks for both symbols in every library of the process. There is no C here to define
them, so a library with only these two is written as ELF, kept in memory and loaded. (LLVM's own
pair is not exported, so it cannot be used; GDB supports several pairs since version 11.)

Unwinding: on x86-64 a function's prologue is decoded from its machine code and described in
``.debug_frame``; regions and handlers mostly leave the stack alone. On AArch64 debuggers work that
out themselves.

Interface: "JIT Compilation Interface" in the manual of GDB.
"""

from __future__ import annotations

import ctypes
import os
import struct
from functools import cache
from threading import Lock
from typing import Any

from jitvm.profiling.elf import MACHINES, Symbol, named_code, shared_object
from jitvm.profiling.functions import Function

FUNCTION, DESCRIPTOR = "__jit_debug_register_code", "__jit_debug_descriptor"
_VERSION = 1
_REGISTER, _UNREGISTER = 1, 2
_lock = Lock()
"""Held while the list is changed: it is one for all machines of the process."""


class GdbError(RuntimeError):
    """There can be no interface on this system; the message says why."""


class Entry(ctypes.Structure):
    """An object in the list: ``struct jit_code_entry``."""


Entry._fields_ = [
    ("next", ctypes.POINTER(Entry)),
    ("previous", ctypes.POINTER(Entry)),
    ("object", ctypes.c_void_p),
    ("size", ctypes.c_uint64),
]


class Descriptor(ctypes.Structure):
    """The list and the last change of it: ``struct jit_descriptor``."""

    _fields_ = (
        ("version", ctypes.c_uint32),
        ("action", ctypes.c_uint32),
        ("relevant", ctypes.POINTER(Entry)),
        ("first", ctypes.POINTER(Entry)),
    )


@cache
def library() -> ctypes.CDLL:
    """The library that defines both symbols, loaded into this process.

    Raises:
        GdbError: it cannot be loaded here.
    """
    architecture = os.uname().machine
    if architecture not in MACHINES or not hasattr(os, "memfd_create"):
        raise GdbError(f"no interface for debuggers on {os.uname().sysname} {architecture}")
    first = struct.pack("<IIQQ", _VERSION, 0, 0, 0)
    file = os.memfd_create("jitvm-gdb")
    try:
        os.write(file, shared_object(architecture, FUNCTION, DESCRIPTOR, first))
        # The file stays open: a debugger that comes later opens it by this name.
        return ctypes.CDLL(f"/proc/{os.getpid()}/fd/{file}")
    except OSError as error:
        os.close(file)
        raise GdbError(f"the interface for debuggers cannot be loaded: {error}") from error


class GdbObjects:
    """A book of `jitvm.profiling.functions` that debuggers of this process read.

    Raises:
        GdbError: there can be none here.
    """

    def __init__(self) -> None:
        self._register = getattr(library(), FUNCTION)
        self._descriptor = Descriptor.in_dll(library(), DESCRIPTOR)
        self._entries: dict[tuple[Function, ...], tuple[Entry, Any]] = {}

    def add(self, functions: list[Function]) -> None:
        """An object for all of them together."""
        if not functions:
            return
        data = object_of(functions)
        buffer = ctypes.create_string_buffer(data, len(data))
        entry = Entry(object=ctypes.addressof(buffer), size=len(data))
        self._entries[tuple(functions)] = entry, buffer
        with _lock:
            entry.next = self._descriptor.first
            if entry.next:
                entry.next.contents.previous = ctypes.pointer(entry)
            self._descriptor.first = ctypes.pointer(entry)
            self._tell(_REGISTER, entry)

    def remove(self, function: Function) -> None:
        """Take the function's object back."""
        self._take_back((function,))

    def close(self) -> None:
        """Take back all objects."""
        for functions in list(self._entries):
            self._take_back(functions)

    def _take_back(self, functions: tuple[Function, ...]) -> None:
        entry, _ = self._entries[functions]
        with _lock:
            if entry.previous:
                entry.previous.contents.next = entry.next
            else:
                self._descriptor.first = entry.next
            if entry.next:
                entry.next.contents.previous = entry.previous
            self._tell(_UNREGISTER, entry)
        del self._entries[functions]

    def _tell(self, action: int, entry: Entry) -> None:
        self._descriptor.action = action
        self._descriptor.relevant = ctypes.pointer(entry)
        self._register()
        self._descriptor.action = 0


def object_of(functions: list[Function]) -> bytes:
    """The ELF object that names functions of this process."""
    ordered = sorted(functions, key=lambda each: each.address)
    symbols = [Symbol(each.name, each.address, each.size) for each in ordered]
    architecture = os.uname().machine
    frames = _frames(symbols) if architecture == "x86_64" else b""
    return named_code(architecture, symbols, frames)


# -- unwinding on x86-64 -------------------------------------------------------------------------

_SP, _RETURN = 7, 16
_DWARF = (0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15)
"""Numbers of registers in DWARF, by their numbers in machine code."""
_ADVANCE, _OFFSET, _CFA, _CFA_OFFSET = 0x40, 0x80, 0x0C, 0x0E
_LONGEST = 40
"""Bytes of a function that are looked at: six pushes and a subtraction."""


def _frames(symbols: list[Symbol]) -> bytes:
    """A section ``.debug_frame``: one common entry, and one for each function."""
    common = struct.pack("<IBBBb", 0xFFFFFFFF, 1, 0, 1, -8 & 0x7F)  # version 1, units 1 and -8
    common += bytes([_RETURN, _CFA, _SP, 8, _OFFSET | _RETURN, 1])
    entries = [_sized(common)]
    for each in symbols:
        code = ctypes.string_at(each.address, min(each.size, _LONGEST))
        place = struct.pack("<IQQ", 0, each.address, each.size)
        entries.append(_sized(place + stack_moves(code)))
    return b"".join(entries)


def _sized(entry: bytes) -> bytes:
    entry += bytes(-(len(entry) + 4) % 8)  # padding: "no operation"
    return struct.pack("<I", len(entry)) + entry


def stack_moves(code: bytes) -> bytes:
    """What a function's first instructions do to the stack, as instructions of DWARF.

    Pushes, and one subtraction from the stack pointer; whatever follows these ends it.
    """
    told, at, depth = b"", 0, 8
    while at < len(code):
        long = code[at] == 0x41
        opcode = code[at + 1] if long and at + 1 < len(code) else code[at]
        if 0x50 <= opcode <= 0x57:
            at, depth = at + 1 + long, depth + 8
            register = _DWARF[(opcode & 7) + 8 * long]
            told += _advance(1 + long) + bytes([_CFA_OFFSET]) + _uleb(depth)
            told += bytes([_OFFSET | register]) + _uleb(depth // 8)
            continue
        size = {b"\x48\x83\xec": 1, b"\x48\x81\xec": 4}.get(code[at : at + 3], 0)
        if size:
            depth += int.from_bytes(code[at + 3 : at + 3 + size], "little")
            told += _advance(3 + size) + bytes([_CFA_OFFSET]) + _uleb(depth)
        break
    return told


def _advance(size: int) -> bytes:
    return bytes([_ADVANCE | size])


def _uleb(number: int) -> bytes:
    """An unsigned number, seven bits a byte, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
