"""The debugging tier `ir`: like the JIT, but regions are interpreted instead of compiled.

    code[pc] of a region   a copy of the `stop` stub: native code returns at pc
    the host               runs the region's graph (`jitvm.engine.ir.run`), continues at its exit

Recording, forming, installing, invalidation and growing are the JIT's own, so a program that fails
at tier `jit` and works here is lowered wrongly; one that fails here as well was formed wrongly, or
a pass is wrong. What native code does after an exit (the code table, the counters, requests to
stop) is done here in the same order.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from jitvm.engine.ir.graph import Exit, Leave
from jitvm.engine.ir.run import Host, run
from jitvm.engine.jit.compiled import Installed
from jitvm.engine.jit.jit import Jit
from jitvm.engine.jit.maker import RegionMaker
from jitvm.engine.machine.native import NativeTier
from jitvm.engine.memory.layout import WIDEST
from jitvm.engine.tables.reasons import Reason
from jitvm.engine.tables.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.engine.tables.params import Parameters

_PORT_FUNCTION: Any = ctypes.CFUNCTYPE(
    ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64
)
STUB_SIZE = 256
"""Bytes copied of the `stop` stub; more than it has on any processor, so no limit to choose."""


class IrMaker(RegionMaker):
    """Makes regions whose machine code only comes back to the host."""

    stub = b""
    _makes_code = False

    def machine_code(
        self,
        name: str,  # noqa: ARG002
        entries: Iterable[int],
        text: str,  # noqa: ARG002
        speed: int,  # noqa: ARG002
    ) -> tuple[bytes, dict[int, int]]:
        """The stub, for all entries."""
        return self.stub, dict.fromkeys(entries, 0)


class IrJit(Jit):
    """A JIT of such regions."""

    maker_type = IrMaker
    maker: IrMaker

    def count_exit(self, installed: Installed, exit_: Exit) -> int:
        """Count an exit as its machine code would; returns how often it was taken."""
        at = installed.compiled.first_exit + exit_.number
        self.regions.exit_counts[at] += 1
        return self.regions.exit_counts[at]


class IrTier(NativeTier):
    """Executes one machine's block: handlers natively, regions as region IR."""

    def make_jit(self, params: Parameters) -> Jit:
        jit = IrJit(self.block, self.state, self.handlers, params, self.wake)
        jit.maker.stub = ctypes.string_at(self.handlers.address("stop"), STUB_SIZE)
        return jit

    def _goes_on(self, status: int) -> bool:
        fields, jit = self._fields, self.jit
        if status != Status.INTERRUPT or fields["interrupt"][0] or not isinstance(jit, IrJit):
            return super()._goes_on(status)
        if jit.regions.at(fields["pc"][0]) is None:
            return super()._goes_on(status)
        while (installed := jit.regions.at(fields["pc"][0])) is not None:
            exit_ = self._run_region(jit, installed)
            if exit_.kind is Leave.HALT:
                fields["status"][0] = Status.HALT
                return False
            if fields["stop"][0]:
                return super()._goes_on(Status.HOST)
            if self._failed_often(jit, installed, exit_):
                return super()._goes_on(Status.HOT_EXIT)
            if exit_.kind is not Leave.JUMP or fields["interrupt"][0]:
                return True
        return not jit.code.count(fields["pc"][0]) or super()._goes_on(Status.HOT)

    def _run_region(self, jit: IrJit, installed: Installed) -> Exit:
        self._take_pointers()
        self.state.pc = self._fields["pc"][0]
        self.state.reason = self.state.place = 0
        host = _TierHost(self)
        for i, top in enumerate(installed.compiled.region.entries.get(self.state.pc, ())):
            self.state.pointers[i] -= top
        before = host.budget = self._fields["budget"][0]
        exit_ = run(installed.compiled.region.graph, jit.guest, host)
        self._fields["budget"][0] = host.budget
        jit.regions.executed_counts[installed.compiled.counter] += before - host.budget
        self._give_pointers()
        self._fields["pc"][0] = self.state.pc
        if exit_.kind is Leave.HALT:
            self._told[0], self._told[1] = self.state.reason, self.state.place
        return exit_

    # -- what a region asks for --------------------------------------------------------------

    def field(self, name: str) -> int:
        """A field of the context."""
        return self._fields[name][0]

    def call_reader(self, port: int) -> int:
        """Have the device on a port answer."""
        return self._call_port(self.ports.readers[port], port, 0)

    def call_writer(self, port: int, byte: int) -> None:
        """Have the device on a port act on a byte."""
        self._call_port(self.ports.writers[port], port, byte)

    def _call_port(self, function: int, port: int, byte: int) -> int:
        """Call a port function as native code does: with the stack pointers in the context."""
        self._give_pointers()
        result = int(_PORT_FUNCTION(function)(self.block.base, port, byte))
        self._take_pointers()
        return result & 0xFF

    def _failed_often(self, jit: IrJit, installed: Installed, exit_: Exit) -> bool:
        """Count the exit; whether it is a failed entry to be reported to the host."""
        count = jit.count_exit(installed, exit_)
        self._fields["exit"][0] = installed.compiled.first_exit + exit_.number
        return exit_.reason == Reason.ENTRY.name and count % self._fields["patience"][0] == 0


class _TierHost(Host):
    """The tier's block, and its devices through the functions that native code calls."""

    def __init__(self, tier: IrTier) -> None:
        layout = tier.block.layout
        super().__init__(tier.state, tier.block.view(layout.code_map, layout.size + WIDEST))
        self._tier = tier

    def host_in(self, port: int) -> int:
        return self._tier.call_reader(port)

    def host_out(self, port: int, byte: int) -> None:
        self._tier.call_writer(port, byte)

    def poll(self) -> bool:
        return self._tier.field("interrupt") != 0

    def asks_to_stop(self) -> bool:
        return self._tier.field("stop") != 0
