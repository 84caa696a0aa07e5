"""Testing a description: the same program at every tier, and random programs.

    from jitvm.testing import check, compare, random_programs

    check(TOY)                                 random programs at all tiers; raises `Difference`
    compare(TOY, assemble(SOURCE))             one program of your own
    compare(PLATFORM, "game.toy", frames=60)   with its devices, frame by frame
    for program in random_programs(TOY, seed=7, count=3): ...

The reference interpreter is the oracle: it shows whether the native tiers do what the description
says, not whether the description is right. The whole state is compared: memory and other spaces,
stacks, ports, pointers, the program counter, why the run stopped, and how many instructions were
executed. Only popped bytes are not, since native tiers may lose them (a run is compared up to the
first instruction that reads one).

| module     | contents                                                         |
|------------|------------------------------------------------------------------|
| programs   | random programs of a guest                                       |
| oracle     | the reference interpreter, and which bytes of stacks are dead    |
| compare    | a guest's program at all tiers, `check`                          |
| computers  | a platform's program at all tiers                                |
| difference | raised if they differ                                           |
"""

from __future__ import annotations

from jitvm.testing.compare import NATIVE, PARAMS, check, compare
from jitvm.testing.difference import Difference
from jitvm.testing.programs import RandomProgram, random_programs

__all__ = [
    "NATIVE",
    "PARAMS",
    "Difference",
    "RandomProgram",
    "check",
    "compare",
    "random_programs",
]
