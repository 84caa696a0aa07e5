"""Stubs that some machines have in the place of the usual ones, in tables of their own.

    StubSource ──> LLVM text ──> machine code ──> the code cache
                                     └─> Stubs    installed, shared by all machines of a guest

They are made when the first machine of a guest needs them; no other machine pays. What they do
besides is said by who makes them: `breaks` and `marking`.
"""

from __future__ import annotations

import os
import sys

from jitvm.engine.codegen.emitter import ATTRIBUTES, DECLARATIONS, METADATA, used_functions
from jitvm.engine.codegen.native import Compiler
from jitvm.engine.host.process import ModuleLock
from jitvm.engine.interpreter.source import InterpreterSource
from jitvm.engine.memory.arena import Span, shared_arena
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.guest import Guest

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    Shared = TypeVar("Shared", bound="Stubs")

STUBS = ("count", "charge", "profile", "record")
"""Tables of which one has other stubs."""
_lock = ModuleLock()


class StubSource(InterpreterSource):
    """LLVM text of stubs."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest, (), stubs=False)

    def names(self) -> Sequence[str]:
        """Of all stubs."""
        raise NotImplementedError

    def write(self) -> None:
        """Write them."""
        raise NotImplementedError

    @property
    def module(self) -> str:
        """The whole module."""
        self.write()
        used = used_functions(self.names())
        return "\n".join([DECLARATIONS, *self._functions, used, ATTRIBUTES, METADATA, ""])

    def compiled(self) -> CachedCode:
        """Machine code of them.

        Raises:
            NativeError, ImportError, OSError: as `handlers_for`.
        """
        made = Compiler.for_host(os.uname().machine).compile(self.module, speed=1)
        return CachedCode(made.machine_code, {name: made.symbols[name] for name in self.names()})


class Stubs:
    """Installed stubs; freed with whoever has them."""

    def __init__(self, code: CachedCode) -> None:
        self._span: Span = shared_arena().install(code.machine_code)
        start = self._span.address
        self._pointers = {
            name: (start + at).to_bytes(8, sys.byteorder) for name, at in code.symbols.items()
        }

    def __del__(self) -> None:
        """No machine of the guest is left."""
        if hasattr(self, "_span"):
            self._span.free()

    def table(self, names: Iterable[str]) -> bytes:
        """Pointers to some stubs."""
        return b"".join(self._pointers[name] for name in names)


def shared(
    kind: str,
    guest: Guest,
    make: Callable[[CachedCode], Shared],
    write: Callable[[], StubSource],
    cache: CodeCache | None,
    key: str | None,
) -> Shared:
    """The stubs of a guest, made or found in the cache at first use.

    Args:
        kind: of stubs.
        make: what becomes of their code.
        write: their text.
        cache: where they are kept between runs.
        key: what the guest's interpreter was made from.

    Raises:
        NativeError, ImportError, OSError, ArenaFull: as `handlers_for`.
    """
    with _lock:
        if guest.stubs is None:
            guest.stubs = {}
        found: Shared | None = guest.stubs.get(kind)
        if found is None:
            code = _code(f"{guest.name}-{kind}", write(), cache, key)
            found = guest.stubs[kind] = make(code)
        return found


def _code(kind: str, source: StubSource, cache: CodeCache | None, key: str | None) -> CachedCode:
    if cache is None or key is None:
        return source.compiled()
    kept = cache.load(kind, key)
    if kept is not None and _is_whole(kept, source.names()):
        return kept
    code = source.compiled()
    cache.store(kind, key, code)
    return code


def _is_whole(code: CachedCode, names: Sequence[str]) -> bool:
    """Whether nothing is called outside of the code."""
    return all(0 <= code.symbols.get(name, -1) < len(code.machine_code) for name in names)
