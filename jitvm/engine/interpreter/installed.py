"""Tier 1 at run time: the installed handlers of a guest, shared by all its machines.

Handlers are loaded from the code cache if they are there, else made by LLVM, which is imported only
then. They are installed once per process and guest, and are freed with their guest.

Of a guest whose programs use a few of many opcodes, those are made that somebody asks for, and
others when they are first executed:

    machine ── opcodes of its program ──> `handlers_for` ──> units of the cache, or LLVM
            ── `Status.MISSING` at one ──>      "                 and from then on in the cache
"""

from __future__ import annotations

import os
import sys

from jitvm.engine.host.addresses import address_limit
from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.foreign import Bytes, Word, called
from jitvm.engine.host.process import IMPORTS, ModuleLock
from jitvm.engine.interpreter.unit import NONE, Unit, exports, spills
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.memory.fingerprint import stamp
from jitvm.engine.memory.layout import HANDLER_TABLES, TABLES, Layout
from jitvm.guest.light import partial

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Iterable
    from threading import Thread

    from jitvm.engine.codegen.native import Code
    from jitvm.engine.interpreter.source import InterpreterSource
    from jitvm.engine.memory.arena import Arena, Span
    from jitvm.engine.memory.cache import CodeCache
    from jitvm.guest import Guest

_lock = ModuleLock()
_ALL = frozenset(range(256))
_SLOW = frozenset(("movbe",))
"""Extensions that interpreters are slower with: this one loads and stores words in the other byte
order, which costs a tenth over the benchmark, single programs a third (Zen 4). Regions, which LLVM
has more room in to hide that, gain a little."""
# Patience of the process, of no machine and no limit of the JIT: no rows of `params`.
_MOST_THREADS = 4
"""Threads on which an interpreter is made."""
_WORTH_A_THREAD = 32
"""Different opcodes that each of them has at least."""
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
        self._entries: list[int] = []
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
        absent = [self.address(name) for name in ("missing", *spills(self._layout))]
        rest = b"".join(map(_row, absent[1:]))
        without = [at for at in absent for _ in range(256)]
        entries = [
            nothing if at == NONE else start + at
            for at, nothing in zip(unit.entries, without * len(HANDLER_TABLES), strict=True)
        ]
        if self._entries:
            both = zip(self._entries, unit.entries, entries, strict=True)
            entries = [was if at == NONE else new for was, at, new in both]
        self._entries = entries
        tables = {name: _row(self.address(name)) + rest for name in _STUBS}
        size = len(without)
        for at, name in enumerate(HANDLER_TABLES):
            tables[name] = bytes((Word * size)(*entries[size * at : size * (at + 1)]))
        self.tables = tables

    def lacks(self, opcodes: Iterable[int]) -> frozenset[int]:
        """Those of some opcodes that it has no handlers of."""
        missing = self.address("missing")
        return frozenset(code for code in opcodes if self._entries[code] == missing)

    def address(self, function: str) -> int:
        """Where a function of the interpreter runs."""
        return self._symbols[function]


def _row(address: int) -> bytes:
    """A part of a table that has one entry everywhere."""
    return address.to_bytes(8, sys.byteorder) * 256


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
    unit = _compiled(guest, opcodes, stubs=stubs)
    if cache is not None and key is not None and stamp(guest) == key:
        others = None if stubs else _kept(guest, cache, key)
        if stubs or others is not None:
            cache.store(_kind(guest), key, (others.joined(unit) if others else unit).kept())
    return unit


def _compiled(guest: Guest, opcodes: Iterable[int], *, stubs: bool) -> Unit:
    """Handlers that LLVM makes for this processor, many of them on several threads."""
    with IMPORTS:
        from jitvm.engine.codegen.native import Compiler, compile_together
        from jitvm.engine.interpreter.source import InterpreterSource

    sources = [
        InterpreterSource(guest, share, stubs=stubs and not number)
        for number, share in enumerate(_shares(guest, opcodes))
    ]
    compilers = [Compiler.for_host(os.uname().machine, without=_SLOW) for _ in sources]
    codes = compile_together(compilers, [source.text for source in sources], speed=1)
    whole, *rest = map(_unit, sources, codes)
    for unit in rest:
        whole = whole.joined(unit)
    return whole


def _shares(guest: Guest, opcodes: Iterable[int]) -> list[list[int]]:
    """Opcodes parted into as many lists as are worth a thread; at least one. Those that mean the
    same, and so share handlers, are in one.

    Where addresses are limited there is one: a thread for which LLVM gets no memory ends the
    process.
    """
    alike: dict[object, list[int]] = {}
    for code in opcodes:
        alike.setdefault(guest.opcodes[code].meaning, []).append(code)
    processors = len(os.sched_getaffinity(0)) if address_limit() is None else 1
    count = max(min(processors, _MOST_THREADS, len(alike) // _WORTH_A_THREAD), 1)
    groups = list(alike.values())
    return [[code for group in groups[start::count] for code in group] for start in range(count)]


def _unit(source: InterpreterSource, code: Code) -> Unit:
    return Unit.of_names(_named(source, code), source.layout)


def build(
    guest: Guest,
    architecture: str | None = None,
    opcodes: Iterable[int] = _ALL,
    *,
    stubs: bool = True,
) -> CachedCode:
    """Compile a guest's interpreter with LLVM; table rows are symbols ``table/row``.

    Args:
        architecture: "x86_64" or "aarch64"; default: this machine, with all its features.
        opcodes: those that get handlers.
        stubs: whether it has everything besides handlers.
    """
    with IMPORTS:
        from jitvm.engine.codegen.native import Compiler
        from jitvm.engine.interpreter.source import InterpreterSource

    source = InterpreterSource(guest, opcodes, stubs=stubs, architecture=architecture)
    if architecture is None:
        compiler = Compiler.for_host(os.uname().machine, without=_SLOW)
    else:
        compiler = Compiler(architecture)
    return _named(source, compiler.compile(source.text, speed=1))


def _named(source: InterpreterSource, code: Code) -> CachedCode:
    """Compiled code, with symbols as `build` gives them."""
    symbols = {
        name: code.symbols[name] for name in (exports(source.layout) if source.has_stubs else ())
    }
    for table in HANDLER_TABLES:
        for row, function in enumerate(source.tables[table]):
            if function:
                symbols[f"{table}/{row}"] = code.symbols[function]
    return CachedCode(code.machine_code, symbols)
