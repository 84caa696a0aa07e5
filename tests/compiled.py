"""Instructions as compiled code, one at a time: what a table of opcodes says, of regions.

`compile_at(machine, pc)` makes the region that is entered at an address, of what lies in memory
there, as if it had been found hot. `execute(machine, pc)` enters it as an event does, by way of the
code table, and comes back when the guest halts: behind the instruction has to be one that does.
"""

from __future__ import annotations

from jitvm.engine.jit.jit import Jit
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.tables.params import Parameters
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Guest, Stop

PARAMS = Parameters(hot=65535, background=0, verify=1, polish=0, speed=0)
"""Nothing is found hot by itself, and regions are made fast, with the thorough passes left out."""


def compiling_machine(tier: str, guest: Guest) -> Machine:
    """A machine of a tier with regions."""
    return Machine(guest, tier=Tier(tier), cache=CodeCache(), params=PARAMS)


def jit_of(machine: Machine) -> Jit:
    jit = machine.jit
    assert jit is not None
    return jit


def compile_at(machine: Machine, pc: int) -> None:
    """Make the region at an address, and forget all others."""
    jit = jit_of(machine)
    jit.regions.forget_all()
    jit.recompile([pc])
    assert set(jit.regions) == {pc}, jit.statistics.errors


def execute(machine: Machine, pc: int, *, port: int = 0xFE) -> Stop:
    """Run from an address until the guest halts; the cell of `port` stays as it is."""
    machine.vector = pc
    byte = machine.page[port]
    return machine.deliver(bytes([byte]), port=port, stop_port=port).stop


def is_entered(machine: Machine, pc: int) -> bool:
    """Whether the region at an address was never left as soon as it was entered."""
    jit = jit_of(machine)
    compiled = jit.regions[pc].compiled
    counts = jit.regions.times_left(jit.regions[pc])
    early = (Reason.ENTRY.name, Reason.DEEP.name)
    return not any(
        count for (reason, _), count in zip(compiled.exits, counts, strict=True) if reason in early
    )
