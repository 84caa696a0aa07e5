"""Tier 1 at run time: the installed handlers of a guest, shared by all its machines.

Handlers are loaded from the code cache if they are there, else made by LLVM, which is imported only
then. They are installed once per process and guest, and are freed with their guest.

Of a guest whose programs use a few of many opcodes, those are made that somebody asks for, and
others when they are first executed:

    machine ── opcodes of its program ──> `handlers_for` ──> units of the cache, or LLVM
            ── `Status.MISSING` at one ──>      "                 and from then on in the cache
"""

from __future__ import annotations

import sys

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.foreign import Bytes, Word, called
from jitvm.engine.host.process import IMPORTS, ModuleLock
from jitvm.engine.host.threads import AMPLE_STACKS
from jitvm.engine.interpreter.unit import Entries, Unit, spills
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.memory.fingerprint import stamp
from jitvm.engine.memory.layout import HANDLER_TABLES, POINTER, TABLES, Layout
from jitvm.guest.light import partial

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Iterable
    from threading import Thread

    from jitvm.engine.memory.arena import Arena, Span
    from jitvm.engine.memory.cache import CodeCache
    from jitvm.guest import Guest

_lock = ModuleLock()
_ALL = frozenset(range(256))
_STUBS = tuple(name for name in TABLES if name not in HANDLER_TABLES)
"""Tables that hold one stub everywhere, of their own name."""


class Handlers:
    """Installed native code of one guest's interpreter: addresses, and callable ways in.

    Args:
        unit: its stubs, and handlers of some opcodes or all.
        layout: where tables lie.
        arena: where it is installed.
        key: what it was made from (`fingerprint.stamp`); None if nobody can tell.

    Attributes:
        tables: each dispatch table, as 256 pointers for each state.
        spans: where its code is.
    """

    def __init__(self, unit: Unit, layout: Layout, arena: Arena, key: str | None = None) -> None:
        self.key = key
        self._layout = layout
        self.spans: list[Span] = []
        self._arena = arena
        self._symbols: dict[str, int] = {}
        self.tables: dict[str, bytes] = {}
        self.add(unit)
        self.enter = called(self.address("enter"), Word, returns=None)
        self.step = called(self.address("step"), Word, returns=None)
        self.deliver = called(self.address("deliver"), Word, Bytes, *(Word,) * 5)

    def __del__(self) -> None:
        """No machine of the guest is left."""
        for span in self.spans:
            span.free()

    def add(self, unit: Unit) -> None:
        """Install handlers of opcodes that there were none of; machines copy the tables then.

        Raises:
            ArenaFull: there is no room for them.
        """
        span = self._arena.install(unit.machine_code)
        self.spans.append(span)
        start = span.address
        self._symbols |= {name: start + offset for name, offset in unit.symbols.items()}
        rest = b"".join([self._row(name) for name in spills(self._layout)])
        without = self._row("missing") + rest
        before = Entries(b"".join([self.tables.get(name, without) for name in HANDLER_TABLES]))
        content, size = unit.entries.moved(start).or_else(before).content(), len(without)
        self.tables = {name: self._row(name) + rest for name in _STUBS} | {
            name: content[size * at : size * (at + 1)] for at, name in enumerate(HANDLER_TABLES)
        }

    def _row(self, function: str) -> bytes:
        """A part of a table that has one entry everywhere."""
        return self.address(function).to_bytes(POINTER, sys.byteorder) * 256

    def lacks(self, opcodes: Iterable[int]) -> frozenset[int]:
        """Those of some opcodes that it has no handlers of."""
        missing = self.address("missing")
        plain = memoryview(self.tables["plain"]).cast("Q")
        return frozenset([code for code in opcodes if plain[code] == missing])

    def address(self, function: str) -> int:
        """Where a function of the interpreter runs."""
        return self._symbols[function]


def handlers_for(guest: Guest, cache: CodeCache | None, opcodes: Iterable[int] = _ALL) -> Handlers:
    """The guest's handlers, installed at first use; those of some opcodes at least.

    Raises:
        DescriptionError: a semantic function breaks a rule of `jitvm.guest.core`.
        NativeError: LLVM refused the generated code.
        ImportError: they are not cached and llvmlite is not installed.
        OSError: there is no executable memory, or no room for LLVM.
        ArenaFull: there is no room for them.
    """
    found: Handlers | None = guest.handlers
    if found is not None and not found.lacks(opcodes):
        return found
    with _lock:
        found = guest.handlers
        if found is None:
            arena = shared_arena()  # if there is none, nothing is compiled for it
            key = None if cache is None else stamp(guest)
            unit = _kept(guest, cache, key) or _made(guest, cache, key, opcodes, stubs=True)
            found = guest.handlers = Handlers(unit, Layout(guest), arena, key)
            arena.note_size()
        if lacking := found.lacks(opcodes):
            found.add(_made(guest, cache, found.key, lacking, stubs=False))
        return found


def handlers_are_ready(
    guest: Guest, cache: CodeCache | None, opcodes: Iterable[int] = _ALL
) -> bool:
    """Whether `handlers_for` need not compile, or failed to, as it then tells. Where it has to,
    `make_handlers` does so on another thread."""
    making = _making(guest)
    thread, asked = making or (None, frozenset())
    if guest.handlers is None and thread is None and cache is not None:
        _install_kept(guest, cache)
    found: Handlers | None = guest.handlers
    if found is not None and not found.lacks(opcodes):
        return True
    return thread is not None and not thread.is_alive() and asked.issuperset(opcodes)


def make_handlers(guest: Guest, cache: CodeCache | None, opcodes: Iterable[int] = _ALL) -> None:
    """Begin to make what `handlers_for` would have to compile, unless it is being made."""
    making = _making(guest)
    if making is not None and making[0].is_alive():
        return
    from threading import Thread

    wanted = frozenset(opcodes)
    work = partial(BACKGROUND.do, partial(_make, guest, cache, wanted))
    thread = Thread(target=work, name="jitvm-interpreter", daemon=True)
    guest.making = thread, wanted
    with AMPLE_STACKS:
        thread.start()


def _make(guest: Guest, cache: CodeCache | None, opcodes: frozenset[int]) -> None:
    try:
        handlers_for(guest, cache, opcodes)
    except Exception:
        return


def _install_kept(guest: Guest, cache: CodeCache) -> None:
    """Install what an earlier process has made, if possible; else `handlers_for` tells."""
    try:
        handlers_for(guest, cache, ())
    except (OSError, MemoryError):
        return


def _making(guest: Guest) -> tuple[Thread, frozenset[int]] | None:
    """The thread that makes handlers, or made them last, and of which opcodes."""
    return guest.making  # type: ignore[no-any-return]


def _kind(guest: Guest) -> str:
    return f"{guest.name}-interpreter"


def _kept(guest: Guest, cache: CodeCache | None, key: str | None) -> Unit | None:
    """What the cache has of a guest's interpreter."""
    if cache is None or key is None or (code := cache.load(_kind(guest), key)) is None:
        return None
    unit = Unit.of_kept(code, Layout(guest))
    if unit is None:
        cache.report_damaged(_kind(guest), key)
    return unit


def _made(
    guest: Guest, cache: CodeCache | None, key: str | None, opcodes: Iterable[int], *, stubs: bool
) -> Unit:
    """Handlers that LLVM makes, and keeps beside those that the cache has; where the guest is what
    it was when the first of them were installed."""
    with IMPORTS:
        from jitvm.engine.interpreter.making import make_unit

    unit = make_unit(guest, opcodes, stubs=stubs)
    if cache is not None and key is not None and stamp(guest) == key:
        others = None if stubs else _kept(guest, cache, key)
        if stubs or others is not None:
            cache.store(_kind(guest), key, (others.joined(unit) if others else unit).kept())
    return unit
