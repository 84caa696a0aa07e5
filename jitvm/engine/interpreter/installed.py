"""Tier 1 at run time: the installed handlers of a guest, shared by all its machines.

Handlers are loaded from the code cache if they are there, else made by LLVM, which is imported only
then. They are installed once per process and guest, and are freed with their guest.
"""

from __future__ import annotations

import ctypes
import os
import sys

from jitvm.engine.host.process import IMPORTS, ModuleLock
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.memory.fingerprint import stamp
from jitvm.engine.memory.layout import HANDLER_TABLES, TABLES

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.engine.memory.arena import Arena
    from jitvm.engine.memory.cache import CodeCache
    from jitvm.guest import Guest

_lock = ModuleLock()


class Handlers:
    """Installed native code of one guest's interpreter: addresses, and callable ways in."""

    def __init__(self, code: CachedCode, arena: Arena) -> None:
        self.span = arena.install(code.machine_code)
        self._symbols = code.symbols
        pointer, word = ctypes.c_void_p, ctypes.c_uint64
        self.enter = ctypes.CFUNCTYPE(None, pointer)(self.address("enter"))
        self.step = ctypes.CFUNCTYPE(None, pointer)(self.address("step"))
        deliver = ctypes.CFUNCTYPE(word, pointer, ctypes.c_char_p, *(word,) * 5)
        self.deliver = deliver(self.address("deliver"))
        self.tables = {name: self._table(name) for name in TABLES}

    def __del__(self) -> None:
        """No machine of the guest is left."""
        self.span.free()

    def _table(self, name: str) -> bytes:
        """256 function pointers; stub tables hold one stub everywhere."""
        if name not in HANDLER_TABLES:
            return self.address(name).to_bytes(8, sys.byteorder) * 256
        rows = (self.address(f"{name}/{row}") for row in range(256))
        return b"".join(address.to_bytes(8, sys.byteorder) for address in rows)

    def address(self, function: str) -> int:
        """Where a function of the interpreter runs."""
        return self.span.address + self._symbols[function]


def handlers_for(guest: Guest, cache: CodeCache | None) -> Handlers:
    """The guest's handlers, installed at first use.

    Raises:
        DescriptionError: a semantic function breaks a rule of `jitvm.guest.core`.
        NativeError: LLVM refused the generated code.
        ImportError: they are not cached and llvmlite is not installed.
        OSError: there is no executable memory, or no room for LLVM.
        ArenaFull: there is no room for them.
    """
    with _lock:
        if guest.handlers is None:
            arena = shared_arena()  # where there is none, nothing is compiled for it
            guest.handlers = Handlers(_load_or_build(guest, cache), arena)
            arena.note_size()
        found: Handlers = guest.handlers
        return found


def _load_or_build(guest: Guest, cache: CodeCache | None) -> CachedCode:
    key = stamp(guest) if cache is not None else None
    if cache is None or key is None:
        return build(guest)
    kind = f"{guest.name}-interpreter"
    code = cache.load(kind, key)
    if code is None:
        code = build(guest)
        if stamp(guest) == key:
            cache.store(kind, key, code)
    return code


def build(guest: Guest, architecture: str | None = None) -> CachedCode:
    """Compile a guest's interpreter with LLVM; table rows are symbols ``table/row``.

    Args:
        architecture: "x86_64" or "aarch64"; default: this machine, with all its features.
    """
    with IMPORTS:
        from jitvm.engine.codegen.native import Compiler
        from jitvm.engine.interpreter.source import EXPORTS, InterpreterSource

    source = InterpreterSource(guest)
    if architecture is None:
        compiler = Compiler.for_host(os.uname().machine)
    else:
        compiler = Compiler(architecture)
    code = compiler.compile(source.text, speed=1)
    symbols = {name: code.symbols[name] for name in EXPORTS}
    for table in HANDLER_TABLES:
        for row, function in enumerate(source.tables[table]):
            symbols[f"{table}/{row}"] = code.symbols[function]
    return CachedCode(code.machine_code, symbols)
