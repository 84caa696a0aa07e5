"""Lowered graphs do what their interpretation does: golden files, exits, marks, byte orders."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.engine.ir.text import parse
from jitvm.engine.ir.verify import verify
from jitvm.engine.memory.layout import HIT
from jitvm.guest import Guest
from jitvm.guests.uxn import UXN
from tests.engine.declared import declared
from tests.ir.golden import files, read
from tests.ir.lowered import native
from tests.ir.states import Seen, look

LITTLE = declared("little")
BIG = declared("big")
POINTERS = (100, 7)


def ports_and_bytes(what: Seen) -> list[tuple[int, ...]]:
    """What was written to devices, without where the pointers were."""
    return [entry[:2] for entry in what.log]


def agree(text: str, guest: Guest = UXN, seeds: int = 12) -> None:
    """A graph leaves the same behind as machine code, and interpreted, from many states."""
    verify(parse(text), guest)
    compared = 0
    for seed in range(seeds):
        expected = look(parse(text), seed, POINTERS, guest)
        if expected.reason == "POLL":
            continue  # machine code is not polled here
        graph = parse(text)
        got = native(guest).look(graph, seed, POINTERS)
        if "collect" in text:  # goes to the ring, without the pointers
            got, expected = (each._replace(log=ports_and_bytes(each)) for each in (got, expected))
        assert got == expected
        compared += 1
    assert compared or "poll" in text


@pytest.mark.parametrize("path", files("passes"), ids=lambda path: path.stem)
def test_golden_is_lowered_right(path: Path) -> None:
    golden = read(path)
    agree(golden.source, seeds=4)
    agree("\n".join(golden.expected) + "\n", seeds=4)


def test_a_reason_has_32_bits_and_a_place_has_all() -> None:
    agree(
        """graph "told" words 64
b0 entry:
  %0:32 = slot[0,-4,4]
  %1:64 = shl %0, #29
  act
  tell %1, %1
  done
  leave x0
x0: next DEEP pc #256 pointers +0 +0
""",
        LITTLE,
    )


# -- exits ---------------------------------------------------------------------------------------

WRITTEN = """
b0 entry:
  %0:8 = slot[0,-1,1]
  %1:8 = slot[0,-2,1]
  %2:3 = and %0, #7
  %3:1 = ne %2, #0
  guard %3 -> x0
  %4:1 = ne %2, #1
  guard %4 -> x1
  %5:1 = ne %2, #2
  guard %5 -> x2
  %6:1 = ne %2, #3
  guard %6 -> x3
  %7:1 = ne %2, #4
  guard %7 -> x4
  %8:1 = ne %2, #5
  guard %8 -> x5
  %9:1 = ne %2, #6
  guard %9 -> x6
  leave x7
"""


@pytest.mark.parametrize("kind", ["next", "jump"])
@pytest.mark.parametrize(
    ("slot", "other"),
    [
        ("0@0:1=%1", "0@0:2=%1"),  # as many bytes
        ("0@0:2=%1", "0@2:2=%1"),  # as far up
        ("0@0:2=%1", "1@0:2=%1"),  # on the same stack
        ("0@0:2=%1", "0@0:2=%0"),  # the same word
        ("0@0:2=#258", "0@0:2=#259"),  # the same number
    ],
)
def test_exits_share_what_is_the_same_only(slot: str, other: str, kind: str) -> None:
    """Exits whose ways to the leave differ in one thing alone, before and behind others."""
    variants = [slot, other, f"{slot} 0@4:1=%0", f"{other} 0@4:1=%0"]
    exits = [f"x{i}: {kind} {'DEEP' if i & 1 else 'PORT'} pc #{256 + i} pointers +5 +{i & 3} "
             f"slots {variants[i % 4]}" for i in range(8)]  # fmt: skip
    agree('graph "exits" words 32' + WRITTEN + "\n".join(exits) + "\n", seeds=40)


def test_what_a_sync_wrote_over_is_written_back() -> None:
    """A word that memory held at entry, and a part of it that a device was shown otherwise."""
    for guest, size in ((UXN, 2), (LITTLE, 8), (BIG, 8)):
        for at in range(size):
            agree(f"""graph "sync" words {guest.word_bits}
b0 entry:
  %0:{8 * size} = slot[0,-{size},{size}]
  %1:{8 * size} = slot[0,-{2 * size},{size}]
  act
  sync -> x0
  done
  leave x1
x0: next HOST pc #256 pointers +0 +0 slots 0@-{size - at}:1=#165
x1: next DEEP pc #257 pointers +0 +0 slots 0@-{2 * size}:{size}=%1 0@-{size}:{size}=%0
""", guest, 3)  # fmt: skip


def test_an_exit_counts_and_gives_its_instructions_back() -> None:
    text = """graph "charged" words 32
b0 entry:
  charge[9] -> x0
  %0:8 = slot[0,-1,1]
  %1:1 = lt %0, #128
  guard %1 -> x1
  leave x2
x0: next BUDGET pc #256 pointers +0 +0
x1: next DEEP pc #257 pointers +0 +0 instructions 4
x2: jump LINK pc #258 pointers +0 +0 instructions 1
"""
    here = native(UXN)
    reasons = set()
    for seed in range(12):
        reason = here.look(parse(text), seed, POINTERS).reason
        reasons.add(reason)
        done = {"DEEP": 9 - 4, "LINK": 9 - 1}[reason]
        assert here.executed[5] == done
        assert here.budget_used == done
    assert reasons == {"DEEP", "LINK"}


# -- the code map --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("bits", [None, 1])
def test_a_store_that_leaves_marks_what_it_would_have_hit(size: int, bits: int | None) -> None:
    """All its bytes, and no others; a guard that lets it pass marks nothing."""
    mask = int.from_bytes(bytes([255 if bits is None else bits] * size), "little")
    text = f"""graph "hit" words 64
b0 entry:
  %0:8 = slot[0,-1,1]
  %1:9 = add %0, #64
  %2:{8 * size} = map[{size}] %1
  %3:{8 * size} = and %2, #{mask}
  %4:1 = eq %3, #0
  guard %4 -> x0
  act
  store[0,{size},65536] %1, %0
  done
  leave x1
x0: next STORE pc #256 pointers +0 +0
x1: next DEEP pc #257 pointers +0 +0
"""
    here = native(LITTLE)
    left = set()
    for seed in range(40):
        got = here.look(parse(text), seed, POINTERS)
        left.add(got.reason)
        at = 64 + got.stacks[0][99]
        expected = set(range(at, at + size)) if got.reason == "STORE" else set()
        assert {at for at in range(0x10000) if here.map[at] & HIT} == expected
    assert left == {"STORE", "DEEP"}


# -- byte orders and widths ----------------------------------------------------------------------


@pytest.mark.parametrize("guest", [LITTLE, BIG], ids=["little", "big"])
@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_words_of_each_width(size: int, guest: Guest) -> None:
    bits = 8 * size
    agree(f"""graph "words" words 64
b0 entry:
  %0:{bits} = slot[0,-{size},{size}]
  %1:{bits} = load[0,{size},65536] #260
  %2:6 = and %0, #{56}
  %3:{bits} = load[1,{size},64] %2
  %4:0 = signed[{size}] %3
  %5:{bits} = {"or %0, %1" if size == 8 else f"and %4, #{(1 << bits) - 1}"}
  %6:1 = lt %0, %3
  %7:{bits} = select %6, %1, %5
  %8:{bits} = div[7] %0, %7
  %9:1 = le %8, %1
  act
  store[1,{size},64] %2, %7
  store[0,{size},65536] #300, %8
  done
  leave x0
x0: next DEEP pc #256 pointers -{size} +{size} slots 0@-{2 * size}:{size}=%7 1@0:{size}=%8
""", guest)  # fmt: skip


@pytest.mark.parametrize("guest", [LITTLE, BIG], ids=["little", "big"])
@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_zeros_and_bytes_of_each_width(size: int, guest: Guest) -> None:
    """Of any word, of one of which only the low bits are meant, and of nothing at all."""
    bits, count = 8 * size, (8 * size).bit_length()
    agree(f"""graph "bytes" words 64
b0 entry:
  %0:{bits} = slot[0,-{size},{size}]
  %1:0 = sub %0, #256
  %2:{bits} = load[0,{size},65536] #4096
  %3:{count} = clz[{size}] %0
  %4:{count} = clz[{size}] %1
  %5:{count} = clz[{size}] %2
  %6:{count} = ctz[{size}] %0
  %7:{count} = ctz[{size}] %1
  %8:{count} = ctz[{size}] %2
  %9:{bits} = bswap[{size}] %0
  %10:{bits} = bswap[{size}] %1
  leave x0
x0: next DEEP pc #256 pointers +6 +{2 * size} slots 0@0:1=%3 0@1:1=%4 0@2:1=%5 0@3:1=%6 0@4:1=%7 \
0@5:1=%8 1@0:{size}=%9 1@{size}:{size}=%10
""", guest)  # fmt: skip


@pytest.mark.parametrize("guest", [UXN, LITTLE], ids=["32", "64"])
def test_words_are_unsigned_up_to_their_highest_bit(guest: Guest) -> None:
    size = guest.word_bits // 8
    bits = 8 * size
    lines = [
        f"  %{5 + i}:1 = {op} {', '.join(sides)}"
        for i, (op, sides) in enumerate(
            (op, sides)
            for op in ("lt", "le", "eq", "ne")
            for sides in (("%0", "%1"), ("%1", "%0"), ("%0", "%0"))
        )
    ]
    flags = " ".join(f"1@{i}:1=%{5 + i}" for i in range(len(lines)))
    body = "\n".join(lines)
    agree(f"""graph "unsigned" words {guest.word_bits}
b0 entry:
  %0:{bits} = slot[0,-{size},{size}]
  %1:{bits} = slot[0,-{2 * size},{size}]
  %2:1 = and %1, #1
  %3:{bits} = div[200] %0, %2
  %4:{bits - 3} = shr %0, #3
{body}
  leave x0
x0: next DEEP pc #256 pointers +{2 * size} +12 slots 0@0:{size}=%3 0@{size}:{size}=%4 {flags}
""", guest, 16)  # fmt: skip


LINKS = {
    "masked": "%2:16 = and %0, #65280\n  %9:16 = or %2, %1",
    "shifted": "%2:8 = shr %0, #8\n  %3:16 = shl %2, #8\n  %9:16 = or %3, %1",
    "added": "%2:16 = and %0, #65280\n  %9:17 = add %2, %1",
    "exclusive": "%2:16 = and %0, #65280\n  %9:16 = xor %2, %1",
    "selected": "%2:16 = and %0, #65280\n  %3:16 = select %1, %2, #512\n  %9:16 = or %3, %1",
    "swapped": "%2:16 = bswap[2] %0\n  %3:8 = and %2, #255\n"
    "  %4:16 = shl %3, #8\n  %9:16 = or %4, %1",
}


@pytest.mark.parametrize("guest", [UXN, LITTLE, BIG], ids=["uxn", "little", "big"])
@pytest.mark.parametrize("name", LINKS)
def test_links_within_a_page(name: str, guest: Guest) -> None:
    """The low byte of an address is replaced by the one that is there."""
    agree(
        f"""graph "link" words 32
b0 entry:
  %0:16 = slot[0,-2,2]
  %1:8 = load[0,1,65536] %0
  {LINKS[name]}
  leave x0
x0: next DEEP pc #256 pointers +0 +0 slots 0@-2:2=%9
""",
        guest,
        seeds=4,
    )


@pytest.mark.parametrize("guest", [LITTLE, BIG], ids=["little", "big"])
def test_links_of_two_bytes(guest: Guest) -> None:
    agree(
        """graph "link" words 64
b0 entry:
  %0:32 = slot[0,-4,4]
  %1:16 = and %0, #65535
  %2:16 = load[0,2,65536] %1
  %3:32 = and %0, #4294901760
  %4:32 = or %3, %2
  leave x0
x0: next DEEP pc #256 pointers +0 +0 slots 0@-4:4=%4
""",
        guest,
        seeds=4,
    )
