"""Stubs of machines that stop at some instructions: they look before each one that is interpreted.

    break                            returns: the entry of opcodes to stop at
    count, charge, profile, record   as those of every interpreter, but a byte of the code map that
                                     has BREAK at the program counter makes them return

Places may have conditions, which the stubs of one machine then decide (`filters`).

They are made when the first machine of a guest is told to stop somewhere, and take the place of the
other stubs in this machine's own tables. So a machine that stops nowhere pays nothing, and one
that does pays where it interprets: no region goes past an instruction to stop at
(`jitvm.engine.region.attempt`), so compiled code is as it was.

An order that all tiers share: no budget left, then a place to stop at, then the instruction.
"""

from __future__ import annotations

import os
import sys

from jitvm.engine.codegen.emitter import (
    ATTRIBUTES,
    DECLARATIONS,
    METADATA,
    Emitter,
    used_functions,
)
from jitvm.engine.codegen.native import Compiler
from jitvm.engine.host.process import ModuleLock
from jitvm.engine.interpreter.filters import lower
from jitvm.engine.interpreter.source import InterpreterSource
from jitvm.engine.memory.arena import Span, shared_arena
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.engine.memory.layout import BREAK
from jitvm.engine.tables.status import Status
from jitvm.guest import Guest

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Mapping

    from jitvm.engine.interpreter.filters import Filter

STUBS = ("count", "charge", "profile", "record")
"""Tables of which one has another stub here."""
_NAMES = ("break", *STUBS)
_lock = ModuleLock()


class BreakSource(InterpreterSource):
    """LLVM text of the stubs."""

    def __init__(self, guest: Guest, filters: Mapping[int, Filter] | None = None) -> None:
        super().__init__(guest, (), stubs=False)
        self._filters = filters or {}

    def _look(self, e: Emitter) -> None:
        """Return if the byte of the code map says so."""
        marks = e.load("i8", e.at("%pc", e.at(self.layout.code_map)), "map")
        is_marked = e.let(f"icmp ne i8 {e.let(f'and i8 {marks}, {BREAK}')}, 0")
        e.do(f"br i1 {is_marked}, label %broken, label %unbroken, !prof !91")
        e.label("broken")
        if self._filters:
            cases = " ".join(f"i64 {at}, label %at{at}" for at in self._filters)
            e.do(f"switch i64 %pc, label %stop [{cases}]")
            for at, tree in self._filters.items():
                e.label(f"at{at}")
                holds = e.let(f"icmp ne i64 {lower(e, tree)}, 0")
                e.do(f"br i1 {holds}, label %stop, label %unbroken")
            e.label("stop")
        e.save("%pc", self.prototype.own_stacks(), Status.BREAK)
        e.label("unbroken")

    @property
    def module(self) -> str:
        """The whole module."""
        self._count()
        self._profile()
        self._record()
        self._returning("break", Status.BREAK)
        used = used_functions(_NAMES)
        return "\n".join([DECLARATIONS, *self._functions, used, ATTRIBUTES, METADATA, ""])


class BreakStubs:
    """Installed stubs of one guest, shared by all its machines; freed with it."""

    def __init__(self, code: CachedCode) -> None:
        self._span: Span = shared_arena().install(code.machine_code)
        start = self._span.address
        self._addresses = {name: start + code.symbols[name] for name in _NAMES}

    def __del__(self) -> None:
        """No machine of the guest is left."""
        if hasattr(self, "_span"):
            self._span.free()

    def tables(self, opcodes: frozenset[int]) -> dict[str, bytes]:
        """The tables of `STUBS` as 256 pointers, for machines that stop at these opcodes."""
        return {
            name: b"".join(
                self._addresses["break" if opcode in opcodes else name].to_bytes(8, sys.byteorder)
                for opcode in range(256)
            )
            for name in STUBS
        }


def filtering_stubs(guest: Guest, filters: Mapping[int, Filter]) -> BreakStubs:
    """Stubs that decide conditions of some places, for one machine.

    Raises:
        NativeError, ImportError, OSError, ArenaFull: as `handlers_for`.
    """
    return BreakStubs(_made(BreakSource(guest, filters)))


def break_stubs(guest: Guest, cache: CodeCache | None, key: str | None) -> BreakStubs:
    """The stubs of a guest, made or found in the cache at first use.

    Args:
        cache: where they are kept between runs.
        key: what the guest's interpreter was made from.

    Raises:
        NativeError, ImportError, OSError, ArenaFull: as `handlers_for`.
    """
    with _lock:
        found: BreakStubs | None = guest.break_stubs
        if found is None:
            found = guest.break_stubs = BreakStubs(_code(guest, cache, key))
        return found


def _code(guest: Guest, cache: CodeCache | None, key: str | None) -> CachedCode:
    kind = f"{guest.name}-breaks"
    if cache is not None and key is not None:
        kept = cache.load(kind, key)
        if kept is not None and _is_whole(kept):
            return kept
    code = _made(BreakSource(guest))
    if cache is not None and key is not None:
        cache.store(kind, key, code)
    return code


def _made(source: BreakSource) -> CachedCode:
    made = Compiler.for_host(os.uname().machine).compile(source.module, speed=1)
    return CachedCode(made.machine_code, {name: made.symbols[name] for name in _NAMES})


def _is_whole(code: CachedCode) -> bool:
    """Whether nothing is called outside of the code."""
    offsets = [code.symbols.get(name, -1) for name in _NAMES]
    return all(0 <= offset < len(code.machine_code) for offset in offsets)
