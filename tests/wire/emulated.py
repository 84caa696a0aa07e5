"""Programs of the wire VM as AArch64, in an emulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache

import pytest

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.machine.machine import Machine
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Guest
from jitvm.guests.wire.machines import Programmed
from tests.engine.emulated import EmulatedMachine
from tests.jit.emulated import emulated_jit


@cache
def _compiler() -> Compiler:
    return Compiler("aarch64")


@contextmanager
def emulated(
    guest: Guest, made: Programmed, params: Parameters | None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Have a program executed there, in regions if there are parameters for them."""
    machine = EmulatedMachine(guest)
    code = made.program.code
    machine.memory[: len(code)] = code
    monkeypatch.setattr(type(made), "machine", lambda *_: machine)
    scope: AbstractContextManager[Machine] = nullcontext(machine)
    if params is not None:
        scope = emulated_jit(machine, params, _compiler())
    with scope:
        yield
        if machine.jit is not None:
            assert machine.jit.statistics.installed
