"""Machine code without LLVM: places of values, moves on edges, and what is left to LLVM.

That operations mean the same by LLVM, without it and interpreted is tested by `test_ops` and
`test_lowered`, which run each graph in all three ways.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations

import pytest

from jitvm.engine.codegen.places import Unknown
from jitvm.engine.codegen.registers import Allocation
from jitvm.engine.ir.ops import EFFECTS
from jitvm.engine.ir.passes.dominators import reverse_postorder
from jitvm.engine.ir.text import parse
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.region.direct import DirectLowering
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Core, Guest, Opcode, Space
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.ir.lowered import RUNS_DIRECTLY, native
from tests.ir.test_lowered import BIG, LITTLE, agree

pytestmark = pytest.mark.skipif(not RUNS_DIRECTLY, reason="knows x86-64 only")

MANY = 40
"""Values that are needed at once: far more than there are registers."""


def crowded(bits: int) -> str:
    """All words are made before any is used, each by an operation that reads another one."""
    lines = ["  %0:8 = slot[0,-1,1]", "  %1:8 = slot[0,-2,1]"]
    for at in range(2, MANY):
        op = ("add", "sub", "xor", "mul", "or")[at % 5]
        lines.append(f"  %{at}:0 = {op} %{at - 1}, %{at - 2}")
    last = MANY
    for at in range(MANY - 1, 1, -1):
        lines.append(f"  %{last}:8 = and %{at}, #255")
        lines.append("  act")
        lines.append(f"  store[0,1,256] #{at}, %{last}")
        lines.append("  done")
        last += 1
    body = "\n".join(lines)
    return f'graph "crowded" words {bits}\nb0 entry:\n{body}\n  leave x0\n' + (
        "x0: next DEEP pc #256 pointers +0 +0\n"
    )


@pytest.mark.parametrize("guest", [LITTLE, BIG], ids=["little", "big"])
def test_more_values_than_registers(guest: Guest) -> None:
    agree(crowded(64), guest)


CALLS = {
    "in": "%{result}:8 = host_in #24",
    "in, then out": "%{result}:8 = host_in #24\n  host_out #24, %{byte}",
    "out": "host_out #24, %{byte}",
    "collect": "collect #24, %{byte}",
}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("many", [2, 4, 7, 20])
def test_what_is_needed_behind_a_call_of_the_host_is_kept(kind: str, many: int) -> None:
    """Words in all registers there are, of which the call may spoil most; as many calls as words,
    and after each a word that is needed no more. The last byte that is written is needed by nothing
    else."""
    lines = ["b0 entry:", "  %0:8 = slot[0,-1,1]", "  %1:8 = slot[0,-2,1]"]
    lines += [
        f"  %{at}:0 = {('add', 'xor')[at % 2]} %{at - 1}, %{at - 2}" for at in range(2, many + 2)
    ]
    at = many + 2
    sum_ = 0
    for word in range(many + 1, -1, -1):
        lines += [f"  %{at}:8 = and %{word}, #255", "  act"]
        call = CALLS[kind].format(result=at + 1, byte=at)
        lines += [f"  {call}", "  done"]
        last, at = at, at + 1 + ("result" in CALLS[kind])
        other = at - 1
        lines.append(f"  %{at}:0 = add %{sum_}, %{other if other != last else word}")
        sum_, at = at, at + 1
    lines += [f"  %{at}:8 = and %{sum_}, #255", "  leave x0"]
    lines.append(f"x0: next DEEP pc #256 pointers +1 +0 slots 0@0:1=%{at}")
    for bits in (32, 64):
        agree(f'graph "calls" words {bits}\n' + "\n".join(lines) + "\n", seeds=4)


def test_arguments_that_change_places_round_a_loop() -> None:
    """A ring of three, two that swap, one that stays, a constant and a word of memory."""
    agree("""graph "ring" words 32
b0 entry:
  %0:8 = slot[0,-1,1]
  %1:8 = slot[0,-2,1]
  %2:8 = slot[0,-3,1]
  %3:8 = slot[0,-4,1]
  %4:8 = slot[0,-5,1]
  %5:3 = and %0, #7
  goto b1(%5, %0, %1, %2, %3, %4, %1, #7)
b1 loop(%6:8, %7:8, %8:8, %9:8, %10:8, %11:8, %12:8, %13:8):
  act
  store[0,1,256] #1, %7
  store[0,1,256] #2, %10
  store[0,1,256] #3, %13
  done
  %14:1 = lt #0, %6
  branch %14, b2, x0
b2:
  %15:0 = sub %6, #1
  %16:8 = and %15, #255
  goto b1(%16, %8, %9, %7, %11, %10, %12, #9)
x0: next DEEP pc #256 pointers +4 +0 slots 0@0:1=%9 0@1:1=%8 0@2:1=%11 0@3:1=%12
""")


@pytest.mark.parametrize("text", [crowded(32), crowded(64)])
def test_no_two_values_share_a_place_while_both_are_needed(text: str) -> None:
    blocks = reverse_postorder(parse(text))
    allocation = Allocation(
        blocks,
        lambda value: value.args,
        lambda _: (),
        lambda _: (),
        lambda value: value.op in EFFECTS,
        range(4),
    )
    lives = list(allocation.lives.values())
    for one, other in combinations(lives, 2):
        if one.place == other.place:
            assert one.end < other.begin or other.end < one.begin
    assert allocation.spilled


def _take(machine: Machine, out: bytearray) -> None:
    out.extend(machine.take_written()[0])


@pytest.mark.parametrize("byte", ["DUP2 MUL", "DUP2 ADD #07 EOR", "DUP2 SWP POP INC", "OVR"])
def test_a_full_ring_is_emptied_before_the_byte_that_did_not_fit(byte: str) -> None:
    """Which nothing needs any more, so its register is free for what empties the ring."""
    rom = assemble(f"|0100 #0000 &l INC2 {byte} #18 DEO {byte} #18 DEO ORAk ?&l POP2 BRK").rom
    written = {}
    for speed in (None, 0):
        params = Parameters(hot=2, window=64, background=0, keep=0, speed=speed or 0)
        tier = Tier.INTERPRETER if speed is None else Tier.JIT
        machine = Machine(UXN, tier=tier, cache=None, params=params)
        out = bytearray()
        machine.collect(0x18)
        machine.on_output_full(partial(_take, machine, out))
        machine.memory[0x100 : 0x100 + len(rom)] = rom
        for _ in range(2):
            machine.run(0x100)
        out.extend(machine.take_written()[0])
        written[tier] = bytes(out)
    assert written[Tier.JIT] == written[Tier.INTERPRETER]
    assert len(written[Tier.JIT]) == 2 * 0x20000


def test_spaces_that_lie_too_far_away_are_left_to_llvm() -> None:
    """Of two gigabytes and more: what an instruction adds to an address has 32 bits."""

    def counts(core: Core) -> None:
        core.store(last, 8, core.load(last, 8, 4) + 1, 4)
        core.jump(0)

    for last in (6, 8):
        spaces = [Space(f"far-{at}", 1 << 28) for at in range(last)]
        rows = [Opcode(code, f"op-{code}", counts) for code in range(256)]
        guest = Guest("far", tuple(rows), (Space("code", 1 << 16, code=True), *spaces))
        params = Parameters(hot=2, window=64, background=0, keep=0, speed=0)
        machine = Machine(guest, tier=Tier.JIT, cache=None, params=params)
        machine.run(0, max_instructions=5000)
        assert machine.state.spaces[last][8:12] == (5000).to_bytes(4, "big")
        jit = machine.native and machine.native.jit
        assert jit
        assert jit.statistics.installed
        assert not jit.statistics.errors


def test_what_is_not_known_is_left_to_llvm() -> None:
    text = """graph "zeros" words 32
b0 entry:
  %0:8 = slot[0,-1,1]
  %1:4 = clz[1] %0
  leave x0
x0: next DEEP pc #256 pointers +1 +0 slots 0@0:1=%1
"""
    with pytest.raises(Unknown):
        DirectLowering(native(UXN).bare.layout, parse(text), first_exit=0, report_every={})
    agree(text)


@pytest.mark.parametrize(
    ("reason", "pointers", "reports"),
    [("ENTRY", "+0 +0", True), ("DEEP", "+0 +0", False), ("ENTRY", "%0 +0", False)],
)
def test_an_exit_reports_by_its_reason(reason: str, pointers: str, reports: bool) -> None:
    text = f"""graph "left" words 32
b0 entry:
  %0:8 = slot[0,-1,1]
  leave x0
x0: next {reason} pc #256 pointers {pointers}
"""
    assert native(UXN).reports(text) is reports
