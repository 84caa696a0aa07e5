"""Handlers that LLVM makes: on several threads where there are many, as each is a small module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jitvm.engine.codegen.native import Compiler, compile_together
from jitvm.engine.host.addresses import address_limit
from jitvm.engine.interpreter.source import InterpreterSource
from jitvm.engine.interpreter.unit import NONE, Entries, Unit, exports
from jitvm.engine.memory.layout import HANDLER_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.engine.codegen.native import Code
    from jitvm.guest import Guest

_SLOW = frozenset(("movbe",))
"""Extensions that interpreters are slower with: this one loads and stores words in the other byte
order, which costs a tenth over the benchmark, single programs a third (Zen 4). Regions, which LLVM
has more room in to hide that, gain a little."""
# Patience of the process, of no machine and no limit of the JIT: no rows of `params`.
_MOST_THREADS = 4
"""Threads on which an interpreter is made."""
_WORTH_A_THREAD = 32
"""Different opcodes that each of them has at least."""


def make_unit(
    guest: Guest,
    opcodes: Iterable[int] = range(256),
    *,
    stubs: bool = True,
    architecture: str | None = None,
) -> Unit:
    """Compile handlers, and what else an interpreter is made of.

    Args:
        opcodes: those that get handlers.
        stubs: whether it has everything besides handlers.
        architecture: "x86_64" or "aarch64", with what all of them have; default: this machine,
            with all its features.

    Raises:
        DescriptionError: a semantic function breaks a rule of `jitvm.guest.core`.
        NativeError: LLVM refused the generated code.
        ImportError: llvmlite is not installed.
        OSError: there is no room for LLVM.
    """
    sources = [
        InterpreterSource(guest, share, stubs=stubs and not number, architecture=architecture)
        for number, share in enumerate(shares(guest, opcodes))
    ]
    if architecture is None:
        compilers = [Compiler.for_host(os.uname().machine, without=_SLOW) for _ in sources]
    else:
        compilers = [Compiler(architecture) for _ in sources]
    codes = compile_together(compilers, [source.text for source in sources], speed=1)
    whole, *rest = map(_unit, sources, codes)
    for unit in rest:
        whole = whole.joined(unit)
    return whole


def shares(guest: Guest, opcodes: Iterable[int]) -> list[list[int]]:
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
    """What was compiled, with the functions of its text where tables have them."""
    named = exports(source.layout) if source.has_stubs else ()
    entries = [
        code.symbols[function] if function else NONE
        for table in HANDLER_TABLES
        for function in source.tables[table]
    ]
    symbols = {name: code.symbols[name] for name in named}
    return Unit(code.machine_code, symbols, Entries.of(entries))
