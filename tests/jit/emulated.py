"""The whole JIT with its machine code run in an emulator of AArch64.

Everything is as on the real machine, but for three things put in its place: the interpreter is
AArch64 code in the emulator, the compiler compiles for AArch64, and the arena is the emulator's
memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import jitvm.engine.jit.regions as regions_module
from jitvm.engine.codegen.native import Compiler
from jitvm.engine.machine.machine import Tier
from jitvm.engine.memory.arena import Span
from jitvm.engine.tables.params import Parameters
from tests.engine.emulated import PAGE, EmulatedMachine, Emulator


class EmulatedArena:
    """Puts code where the emulator can run it; nothing is given back."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def install(self, code: bytes) -> Span:
        return Span(self.emulator.install(code), len(code))

    def free(self, span: Span) -> None:
        """Leave it: tests are short."""


@contextmanager
def emulated_jit(
    machine: EmulatedMachine, params: Parameters, compiler: Compiler
) -> Iterator[EmulatedMachine]:
    """A new machine with a JIT for the emulator, to run only here.

    Args:
        params: runs have to wait for the compiler (`background` is 0).
        compiler: one for AArch64.
    """
    arena = EmulatedArena(machine.emulator)
    with mock.patch.object(regions_module, "shared_arena", return_value=arena):
        machine.tier = Tier.JIT
        assert machine.native is not None
        machine.native.warm_up.start(params.but(direct=0))  # that knows no AArch64
        jit = machine.jit
        assert jit is not None
        jit.maker.compiler = compiler
        size = 8 * max(jit.params.window, jit.params.longest)
        _map_around(machine.emulator, jit.recording_address, size)
        yield machine


def _map_around(emulator: Emulator, address: int, size: int) -> None:
    """Let the emulator write a recording to this process's memory."""
    start = address & -PAGE
    emulator.map(start, -(-(address + size - start) // PAGE) * PAGE)
