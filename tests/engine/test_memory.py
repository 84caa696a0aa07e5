"""Where things lie: the layout, its block with mirrors, and the arena of executable code."""

from __future__ import annotations

import ctypes
import gc
import os
import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.engine.memory.arena import ALIGNMENT, Arena, ArenaFull, Span
from jitvm.engine.memory.block import Block, BlockError, Mapping
from jitvm.engine.memory.layout import FIELDS, MIRROR, RING, TABLES, WIDEST, Layout
from jitvm.guest import Core, Guest, Opcode, Space, Stack
from jitvm.guests.uxn import UXN


def nothing(core: Core) -> None:
    """An opcode without effect."""


ROWS = tuple(Opcode(code, f"op{code:02x}", nothing) for code in range(256))

sizes = st.integers(0, 18).map(lambda bits: 1 << bits)
guests = st.builds(
    lambda stacks, before, after, ports, pc_bits: Guest(
        "sample",
        ROWS,
        (
            *(Space(f"before{i}", size) for i, size in enumerate(before)),
            Space("ram", 1 << pc_bits, code=True),
            *(Space(f"after{i}", size) for i, size in enumerate(after)),
        ),
        tuple(Stack(f"stack{i}", max(size, 2)) for i, size in enumerate(stacks)),
        ports=ports,
        pc_bits=pc_bits,
    ),
    st.lists(sizes, max_size=3),
    st.lists(sizes, max_size=2),
    st.lists(sizes, max_size=2),
    st.sampled_from([0, 256]),
    st.sampled_from([16, 17, 20]),
)


def ranges(layout: Layout) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size in bytes of everything in a block."""
    guest, size = layout.guest, layout.size
    for name in FIELDS:
        yield name, layout.fields[name], 8
    for stack, pointer, at in zip(guest.stacks, layout.pointers, layout.stacks, strict=True):
        yield f"pointer of {stack.name}", pointer, 8
        yield stack.name, at, stack.size
    for space, at in zip(guest.spaces, layout.spaces, strict=True):
        yield space.name, at, space.size
    yield "mirror", size, MIRROR
    yield "ports", layout.ports, guest.ports
    yield "readers", layout.readers, 8 * guest.ports
    yield "writers", layout.writers, 8 * guest.ports
    yield "code map", layout.code_map, size + WIDEST
    yield "code", layout.code, 8 * size
    yield "counters", layout.counters, 2 * size
    yield "ring", layout.ring, 2 * RING
    for name in TABLES:
        yield f"table {name}", layout.tables[name], layout.table_size
    yield "histogram", layout.histogram, 2048


@given(guests)
def test_nothing_overlaps_and_all_is_inside(guest: Guest) -> None:
    layout = Layout(guest)
    parts = sorted(ranges(layout), key=lambda part: (part[1], part[2]))
    for (name, at, size), (following, after, _) in pairwise(parts):
        assert at + size <= after, f"{name} runs into {following}"
    assert -layout.head <= parts[0][1]
    assert parts[-1][1] + parts[-1][2] <= layout.total - layout.head


@given(guests)
def test_alignment(guest: Guest) -> None:
    layout = Layout(guest)
    assert layout.spaces[guest.code_index] == 0
    assert layout.head % MIRROR == 0
    for stack, at in zip(guest.stacks, layout.stacks, strict=True):
        assert at % stack.size == 0
        assert layout.alignment % stack.size == 0
    words = [*layout.fields.values(), *layout.pointers, layout.readers, layout.code,
             layout.histogram, *layout.tables.values()]  # fmt: skip
    assert not any(at % 8 for at in words)


@pytest.mark.parametrize("pc_bits", [16, 17])
@pytest.mark.parametrize("stack", [256, 1 << 18])
def test_blocks_are_where_their_layout_says(pc_bits: int, stack: int) -> None:
    guest = Guest(
        "sample", ROWS, (Space("ram", 1 << pc_bits, code=True),), (Stack("data", stack),),
        pc_bits=pc_bits,
    )  # fmt: skip
    block = Block(Layout(guest))
    assert block.base % (1 << pc_bits) == 0
    assert (block.base + block.layout.stacks[0]) % stack == 0
    for at in (-block.layout.head, block.layout.total - block.layout.head - 1):
        block.view(at, 1)[0] = 0x5A


def test_the_mirror_is_the_same_bytes() -> None:
    layout = Layout(UXN)
    block = Block(layout)
    first, mirror = block.view(0, MIRROR), block.view(layout.size, MIRROR)
    for at in (0, 1, 4095, 4096, MIRROR - 1):
        first[at] = at & 0xFF | 1
        assert mirror[at] == first[at]
        mirror[at] ^= 0xFF
        assert mirror[at] == first[at]
    block.view(0, 8)[:] = b"12345678"
    assert bytes(block.view(layout.size - 4, 12))[4:] == b"12345678"
    assert bytes(block.view(layout.code_map, 8)) != b"12345678"


def test_a_block_is_given_back_with_its_last_view() -> None:
    gc.collect()
    block = Block(Layout(UXN))
    view = block.view(0, 16)[4:8]
    address = block.base
    assert mapped(address)
    del block
    gc.collect()
    assert mapped(address)
    view[:] = b"live"
    assert bytes(view) == b"live"
    del view
    gc.collect()
    assert not mapped(address)


def mapped(address: int) -> bool:
    """Whether this process has memory at an address."""
    if not os.path.exists("/proc/self/maps"):
        pytest.skip("needs /proc")
    with open("/proc/self/maps", encoding="utf-8") as lines:
        spans = (line.split()[0].split("-") for line in lines)
        return any(int(low, 16) <= address < int(high, 16) for low, high in spans)


# -- the arena -----------------------------------------------------------------------------------


def content(span: Span, size: int) -> bytes:
    return ctypes.string_at(span.address, size)


def refuse(*_: object) -> None:
    raise BlockError("not here")


@pytest.mark.parametrize("mirrors", [True, False], ids=["mirrored", "in a file"])
def test_code_is_readable_where_it_runs(mirrors: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not mirrors:
        monkeypatch.setattr(Mapping, "mirror", refuse)
    arena = Arena(1 << 16)
    spans = [(arena.install(bytes([i]) * (i + 1)), i) for i in range(100)]
    for span, i in spans:
        assert content(span, i + 1) == bytes([i]) * (i + 1)
        assert span.address % ALIGNMENT == 0
    assert arena.used == sum(span.size for span, _ in spans)


def test_freed_neighbours_join() -> None:
    arena = Arena(4 * 4096)
    spans = [arena.install(b"\xc3" * 4096) for _ in range(4)]
    with pytest.raises(ArenaFull, match="16384 are in use"):
        arena.install(b"\xc3")
    for span in (spans[0], spans[2]):
        span.free()
    with pytest.raises(ArenaFull):
        arena.install(b"\xc3" * 4097)
    spans[1].free()
    joined = arena.install(b"\x90" * 3 * 4096)
    assert joined.address == spans[0].address
    joined.free()
    spans[3].free()
    assert arena.used == 0
    assert arena.install(b"\x90" * 4 * 4096).address == spans[0].address


@pytest.mark.parametrize("seed", range(3))
def test_spans_never_overlap(seed: int) -> None:
    rng = random.Random(seed)
    arena = Arena(1 << 16)
    live: dict[Span, bytes] = {}
    for _ in range(400):
        if live and rng.random() < 0.45:
            span = rng.choice(list(live))
            assert content(span, len(live[span])) == live.pop(span)
            span.free()
            continue
        code = rng.randbytes(rng.randrange(1, 3000))
        try:
            live[arena.install(code)] = code
        except ArenaFull:
            assert arena.used > 20000
    for span, code in live.items():
        assert content(span, len(code)) == code
        span.free()
    assert arena.used == 0
    arena.install(bytes(1 << 16))
