"""Thousands of machines, one after the other: what the process keeps of them."""

from __future__ import annotations

import os

import jitvm
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.tables.params import Parameters

ROM = jitvm.assemble("|0100 #0000 &l INC2 DUP2 #2000 NEQ2 ?&l POP2 BRK").rom


def figures() -> dict[str, int]:
    """What the process uses now: KiB of memory, descriptors, threads, bytes of code."""
    with open("/proc/self/status", encoding="ascii") as lines:
        memory = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    counted = {name: len(os.listdir(f"/proc/self/{name}")) for name in ("fd", "task")}
    return {"KiB": memory, **counted, "code": shared_arena().used}


def make(count: int, *, guests: bool = False) -> None:
    """Make, run and drop machines, each of a guest of its own if so wanted."""
    uxn = jitvm.UXN
    for number in range(count):
        guest = uxn
        if guests:
            guest = jitvm.Guest(uxn.name, uxn.opcodes, uxn.spaces, uxn.stacks, uxn.ports)
        params = Parameters(hot=20, background=0, keep=0) if number % 50 == 0 else None
        machine = jitvm.Machine(guest, tier=jitvm.Tier.JIT, params=params)
        machine.memory[0x100 : 0x100 + len(ROM)] = ROM
        machine.run(0x100)


def soak(count: int, *, guests: bool = False) -> bool:
    """Whether the last of many machines leaves no more behind than the first 500."""
    make(500, guests=guests)
    before = figures()
    make(count - 500, guests=guests)
    after = figures()
    print(f"after 500: {before}; after {count}: {after}")
    return after["KiB"] <= 1.25 * before["KiB"] and after["fd"] <= before["fd"] + 4
