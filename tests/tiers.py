"""The ways a guest can be run: every test of what instructions do runs them all.

reference     descriptions on Python integers
interpreter   native code of this processor
aarch64       the same native code for AArch64, in an emulator
jit           regions, as native code (see `tests.compiled`)
ir            regions, as region IR that is interpreted
"""

from __future__ import annotations

from functools import cache
from typing import Final

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.guest import Guest
from tests.compiled import compiling_machine

TIERS: Final = ("reference", "interpreter", "aarch64")
COMPILED_TIERS: Final = ("jit", "ir")
ALL_TIERS: Final = (*TIERS, *COMPILED_TIERS)
NATIVE_TIERS: Final = ("interpreter", "aarch64")


def make_machine(tier: str, guest: Guest) -> Machine:
    """A new machine of one of `ALL_TIERS`."""
    if tier == "aarch64":
        from tests.engine.emulated import EmulatedMachine

        return EmulatedMachine(guest)
    if tier in COMPILED_TIERS:
        return compiling_machine(tier, guest)
    return Machine(guest, tier=Tier(tier), cache=CodeCache())


@cache
def shared_machine(tier: str, guest: Guest) -> Machine:
    """One machine for tests that set all the state they look at and connect no devices."""
    return make_machine(tier, guest)
