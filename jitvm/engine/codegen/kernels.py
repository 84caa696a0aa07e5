"""Kernels: functions in LLVM text that work on the host's memory, around a guest.

    text --the code cache, or LLVM--> machine code --arena--> the address of each function

A kernel is given all it touches as addresses in its arguments, so its code needs no relocation and
runs wherever the arena is. It is made for any processor of the architecture, by any version of
LLVM, so the text is all of the key in the code cache. Where the cache has it, LLVM is not imported.
"""

from __future__ import annotations

import os

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.process import IMPORTS, ModuleLock
from jitvm.engine.host.threads import AMPLE_STACKS
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.guest.light import partial

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from threading import Thread

    from jitvm.engine.memory.arena import Span

_lock = ModuleLock()


def find(kind: str, text: str) -> CachedCode | None:
    """A module's machine code if the code cache has it; LLVM is not asked."""
    return CodeCache().load(kind, _key(text))


def build(kind: str, text: str) -> CachedCode:
    """Compile a module and keep it in the code cache.

    Raises:
        ImportError: LLVM is not installed.
        NativeError: it refused the text.
    """
    with IMPORTS:
        from jitvm.engine.codegen.native import Compiler

    compiled = Compiler(os.uname().machine).compile(text)
    code = CachedCode(compiled.machine_code, compiled.symbols)
    CodeCache().store(kind, _key(text), code)
    return code


def _key(text: str) -> str:
    return f"{os.uname().machine}\n{text}"


class Kernels:
    """The functions of one text, for callers that can do without until they are there.

    Args:
        kind: what they are called in the code cache.
        path: of the text.
    """

    def __init__(self, kind: str, path: str) -> None:
        self._kind = kind
        self._path = path
        self._symbols: dict[str, int] = {}
        self._span: Span | None = None
        self._maker: Thread | None = None
        self._is_refused = False

    def address(self, function: str) -> int | None:
        """Where a function is called; None if there is no native code, or not yet: when the
        cache has none, a thread begins to make it."""
        if self._span is None and not self._is_refused:
            with _lock:
                self._begin()
        return None if self._span is None else self._span.address + self._symbols[function]

    def wait(self) -> None:
        """Until it is known whether there is native code."""
        with _lock:
            self._begin()
        if self._maker is not None:
            self._maker.join()

    def _begin(self) -> None:
        """Install what the cache has, or have it made; a child has none of its parent's threads."""
        if self._span is not None or (self._maker is not None and self._maker.is_alive()):
            return
        try:
            with open(self._path, encoding="ascii") as file:
                text = file.read()
            if (code := find(self._kind, text)) is not None:
                self._install(code)
                return
            from threading import Thread

            work = partial(BACKGROUND.do, partial(self._make, text))
            self._maker = Thread(target=work, name="jitvm-kernels", daemon=True)
            with AMPLE_STACKS:
                self._maker.start()
        except (OSError, MemoryError, RuntimeError):  # no executable memory, no threads
            self._is_refused = True

    def _make(self, text: str) -> None:
        try:
            self._install(build(self._kind, text))
        except Exception:  # whoever makes machines tells why nothing is native
            self._is_refused = True

    def _install(self, code: CachedCode) -> None:
        span = shared_arena().install(code.machine_code)
        self._symbols, self._span = code.symbols, span
