"""Feeds: kernels and Python do the same, on both architectures, and touch nothing else."""

from __future__ import annotations

import ctypes
import gc
import random
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import unicorn
from unicorn import arm64_const as arm64

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.memory.shown import address_of
from jitvm.guests.wire import feed as feeds
from jitvm.guests.wire.feed import KERNELS, NULL, BrokenFraming, Feed, framed
from tests.fuzz.guarded import Guarded

SIZES = [*range(140), 191, 192, 193, 255, 256, 257, 1000, 4095, 5000]
_UC: Any = unicorn


class Named(bytes):
    """Bytes of somebody's."""


@pytest.fixture(params=["native", "Python"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to fill a feed."""
    if request.param == "native":
        KERNELS.wait()
        assert feeds.is_native(), "in CPython with LLVM"
    else:
        monkeypatch.setattr(feeds, "_kernel", lambda _: None)
    way: str = request.param
    return way


def content(feed: Feed) -> list[bytes]:
    data, offsets, _ = feed.messages
    return [bytes(data[a:b]) for a, b in pairwise(offsets)]


def in_pieces(feed: Feed, messages: Any, most: int) -> Iterator[tuple[list[bytes], frozenset[int]]]:
    at = 0
    while True:
        feed.clear()
        behind = feed.gather(messages, at, most)
        if behind == at:
            return
        assert feed.count == behind - at <= most
        yield content(feed), feed.messages[2]
        at = behind


def varint(number: int) -> bytes:
    head = bytearray()
    while number > 0x7F:
        head.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*head, number))


# -- what they do --------------------------------------------------------------------------------


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize(("most", "size"), [(1000, 1 << 20), (7, 1 << 20), (1000, 6000)])
def test_lists_are_gathered(kind: type, most: int, size: int) -> None:
    messages = kind(random.Random(1).randbytes(each) for each in SIZES)
    found = list(in_pieces(Feed(1000, size), messages, most))
    assert [each for piece, _ in found for each in piece] == list(messages)
    assert len(found) > 1 or (most, size) == (1000, 1 << 20)


@pytest.mark.usefixtures("way")
def test_other_objects_are_gathered_too() -> None:
    messages: list[Any] = [
        b"a",
        bytearray(b"bc"),
        None,
        memoryview(bytes(6)).cast("H"),
        Named(b"d"),
    ]
    messages = [*messages, b"e" * 70, *[None] * 3, b""] * 60
    expected = [NULL if each is None else bytes(each) for each in messages]
    for most in (600, 50):
        seen = 0
        for piece, nulls in in_pieces(Feed(600, 1 << 16), messages, most):
            assert piece == expected[seen : seen + len(piece)]
            assert nulls == {at for at in range(len(piece)) if messages[seen + at] is None}
            seen += len(piece)
        assert seen == len(messages)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("wrong", [3, "text", object(), [], memoryview(bytes(8))[::2]])
@pytest.mark.parametrize("at", [0, 1, 299])
def test_what_is_no_message_is_named(wrong: object, at: int) -> None:
    messages: list[Any] = [b"x"] * 300
    messages[at] = wrong
    feed = Feed(1000, 1 << 16)
    said = rf"message {at + 1000} is {type(wrong).__name__}, not bytes"
    if isinstance(wrong, memoryview):
        said = "does not lie in one piece"
    with pytest.raises(TypeError, match=said):
        feed.gather(messages, 0, 1000, 1000)


@pytest.mark.usefixtures("way")
def test_a_message_that_is_too_large_is_left() -> None:
    feed = Feed(10, 100)
    assert feed.gather([b"x" * 50, bytes(51), b""], 0, 10) == 1
    feed.clear()
    assert feed.gather([bytes(101)], 0, 10) == 0
    assert feed.gather([bytearray(101)], 0, 10) == 0
    assert feed.frame(memoryview(b"\x01x\x65" + bytes(101)), 0, 104, 10) == 2
    feed.clear()
    assert feed.strip(memoryview(bytes(200)), memoryview(array("q", (0, 200))), 0, 5) == 0


@pytest.mark.usefixtures("way")
def test_messages_behind_lengths_are_framed() -> None:
    messages = [random.Random(2).randbytes(size) for size in [*SIZES, 20_000]]
    data = b"".join(varint(len(each)) + each for each in messages)
    feed = Feed(1000, 1 << 20)
    assert feed.frame(memoryview(data), 0, len(data), 1000) == len(data)
    assert content(feed) == messages
    feed.clear()
    behind = feed.frame(memoryview(b"xx" + data), 2, len(data), 3)
    assert feed.frame(memoryview(data), behind - 2, len(data), 5) < len(data)
    assert content(feed) == messages[:5]


def test_lengths_are_the_same_to_kernels_and_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off anywhere, too long, too large, mutated."""
    KERNELS.wait()
    random_ = random.Random(3)
    heads = [varint(each) for each in (0, 1, 127, 128, 300, 1 << 14, (1 << 31) - 1, 1 << 31)]
    heads += [b"\x85\x00", b"\x83\x80\x80\x80\x00", b"\x83\x80\x80\x80\x80\x00", b"\xff" * 9]
    heads += [varint((1 << 32) - 1), varint(1 << 40), b"\xff\xff\xff\xff\x07"]
    cases: list[memoryview] = []
    for _ in range(3000):
        parts = [random_.choice(heads) + random_.randbytes(random_.randrange(5)) for _ in range(3)]
        data = bytearray(b"\x02ab" + b"".join(parts))
        data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
        cases.append(memoryview(data)[: random_.randrange(len(data) + 1)])
    found: list[list[Any]] = []
    for kernel in (feeds._kernel, lambda _: None):
        monkeypatch.setattr(feeds, "_kernel", kernel)
        feed = Feed(10, 1000)
        found.append([])
        for case in cases:
            feed.clear()
            found[-1].append((feed.frame(case, 0, len(case), 10), content(feed)))
    assert found[0] == found[1]
    assert {len(content) for _, content in found[0]} >= {0, 1, 2, 3, 4}


def test_a_length_is_there_or_cut_off_or_none() -> None:
    assert framed(memoryview(b"\x03abc"), 0, 4) == (1, 4)
    assert framed(memoryview(b"\xff\xff\xff\xff\x07"), 0, 5) == (5, 5 + (1 << 31) - 1)
    for cut in (b"", b"\x80", b"\xff" * 4):
        assert framed(memoryview(cut), 0, len(cut)) is None
    for wrong in (b"\xff" * 5, b"\xff\xff\xff\xff\x08", b"\x80" * 5 + b"\x00"):
        with pytest.raises(BrokenFraming):
            framed(memoryview(wrong), 0, len(wrong))


@pytest.mark.usefixtures("way")
def test_heads_are_stripped() -> None:
    messages = [b"head.." + random.Random(4).randbytes(size) for size in SIZES]
    data = memoryview(b"".join(messages))
    ends = [0]
    for each in messages:
        ends.append(ends[-1] + len(each))
    offsets = memoryview(array("q", ends))
    feed = Feed(1000, 1 << 20)
    assert feed.strip(data, offsets, 0, 6) == len(messages)
    assert content(feed) == [each[6:] for each in messages]
    feed.clear()
    assert feed.strip(data, offsets, 0, 7) == 0, "the first has six bytes"


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("ends", [(0, 8, 4), (0, 1 << 40), (-8, 8), (1 << 62, 1 << 63 - 1)])
def test_offsets_that_lie_are_not_followed(ends: tuple[int, ...]) -> None:
    offsets = memoryview(array("q", ends))
    feed = Feed(10, 100)
    assert feed.strip(memoryview(bytes(50)), offsets, 0, 0) == (1 if ends == (0, 8, 4) else 0)


def viewed(messages: list[bytes], size: int) -> tuple[Any, list[bytes]]:
    """Arrow's views of messages, and buffers of about a size that they show."""
    buffers, words = [b""], []
    for each in messages:
        if len(each) <= 12:
            words += [len(each), *array("I", each.ljust(12, b"\xaa"))]
            continue
        if len(buffers[-1]) > size:
            buffers.append(b"")
        words += [len(each), 0, len(buffers) - 1, len(buffers[-1])]
        buffers[-1] += each
    return np.array(words, np.uint32).reshape(-1, 4), buffers


@pytest.mark.usefixtures("way")
def test_what_views_show_is_gathered() -> None:
    messages = [random.Random(7).randbytes(size) for size in SIZES]
    views, buffers = viewed(messages, 1000)
    kept = [ctypes.create_string_buffer(each, len(each)) for each in buffers]
    data, sizes = [ctypes.addressof(each) for each in kept], [len(each) for each in buffers]
    assert len(data) > 5
    feed = Feed(1000, 1 << 20)
    assert feed.view(views, data, sizes, 0) == len(messages)
    assert content(feed) == messages
    feed = Feed(50, 600)
    found, at = [], 0
    while at < len(messages):
        behind = feed.view(views, data, sizes, at)
        found += content(feed) if behind > at else [messages[at]]
        feed.clear()
        at = max(behind, at + 1)
    assert found == messages
    for wrong in (
        (13, 0, 99, 0),
        (13, 0, 0, sizes[0] - 12),
        (1 << 31, 0, 0, 0),
        (50, 0, 0, 1 << 31),
    ):
        assert feed.view(np.array([wrong], np.uint32), data, sizes, 0) == 0


# -- what they touch -----------------------------------------------------------------------------


def test_kernels_touch_nothing_else() -> None:
    """Objects, bytes and the feed's memory end, or begin, at pages that nobody may touch."""
    KERNELS.wait()
    source, out = Guarded(1 << 14), Guarded(1 << 14)
    feed = Feed(8, 1 << 13)
    gather = feeds._kernel("gather")
    assert gather is not None
    for size in SIZES:
        payload = random.Random(size).randbytes(size)
        room = memoryview(out.put(bytes(size + 63), at_end=True))
        feed._words[feeds._AT["out"]], feed._words[feeds._AT["room"]] = address_of(room), size
        for at_end in (True, False):
            head = b"".join(word.to_bytes(8, "little") for word in (1, id(bytes), size, 0))
            address = address_of(source.put(head + payload + b"\0", at_end=at_end))
            pointers = (ctypes.c_uint64 * 1)(address)
            held = (ctypes.c_uint64 * 2)(ctypes.addressof(pointers), 1)
            where = ctypes.addressof(held)
            feed.clear()
            assert feed._run(gather, where, 0, 9, 8, objects=where + 8) == 1
            assert bytes(room[:size]) == payload
            prefixed = varint(size) + payload
            feed.clear()
            data = source.put(prefixed, at_end=at_end)
            assert feed.frame(data, 0, len(data), 8) == len(data)
            assert bytes(room[:size]) == payload
            feed.clear()
            offsets = memoryview(array("q", (0, len(data))))
            assert feed.strip(data, offsets, 0, len(prefixed) - size) == 1
            assert bytes(room[:size]) == payload
            feed.clear()
            feed._words[feeds._AT["room"]] = size
            views, _ = viewed([payload], 0)
            data = source.put(payload, at_end=at_end)
            shown = source.put(views.tobytes(), at_end=at_end) if size <= 12 else views
            assert feed.view(
                np.frombuffer(shown, np.uint32).reshape(-1, 4), [address_of(data)], [size], 0
            )
            assert bytes(room[:size]) == payload


def test_lists_that_change_meanwhile_are_read_as_a_loop_would() -> None:
    KERNELS.wait()
    messages = [bytes([at % 250]) * (at % 90) for at in range(20_000)]
    is_over = threading.Event()

    def change() -> None:
        random_ = random.Random(5)
        while not is_over.is_set():
            at = random_.randrange(len(messages))
            messages[at:] = [bytes(bytearray(each)) for each in reversed(messages[at:])]
            del messages[-random_.randrange(1, 50) :]
            messages.extend(bytes([7]) * 50 for _ in range(50))
            gc.collect(0)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        feed = Feed(1000, 1 << 16)
        for _ in range(200):
            for piece, _ in in_pieces(feed, messages, 1000):
                assert all(each == each[:1] * len(each) for each in piece)
    finally:
        is_over.set()
        thread.join()


def test_references_are_as_they_were() -> None:
    KERNELS.wait()
    message = bytes(bytearray(b"some message"))
    messages = [message] * 100
    before = sys.getrefcount(message)
    Feed(200, 1 << 16).gather(messages, 0, 200)
    assert sys.getrefcount(message) == before


def test_unusual_interpreters_join(monkeypatch: pytest.MonkeyPatch) -> None:
    known: Callable[[], bool] = feeds._objects_are_known.__wrapped__
    assert known()
    for thing, name, value in (
        (sys.implementation, "name", "pypy"), (sys, "_is_gil_enabled", lambda: False),
        (feeds, "_LENGTH", 24), (feeds, "_TYPE", 0),
    ):  # fmt: skip
        with monkeypatch.context() as context:
            context.setattr(thing, name, value, raising=False)
            assert not known()


# -- the other architecture ----------------------------------------------------------------------

WORDS, OBJECTS, OUT, OFFSETS, NULLS, STARTS = 0, 0x1000, 0x8000, 0x10000, 0x11000, 0x12000
ARENA_SIZE, ARENA, CODE, STACK = 0x20000, 0x400000, 0x100000, 0x800000
NONE, TYPE = STARTS, 0x77700
ADDRESSES = ("source", "out", "offsets", "nulls", "none", "objects", "starts")


def arena(kernel: str, start: int) -> bytearray:
    """What a kernel works on, where its memory begins at an address."""
    memory = bytearray(ARENA_SIZE)
    words = dict.fromkeys(feeds._WORDS, 0)
    words |= {
        "source": OBJECTS, "last": 30, "out": OUT, "room": 0x4000, "offsets": OFFSETS, "most": 99,
        "nulls": NULLS, "bytes": TYPE, "none": NONE, "objects": OBJECTS + 8, "starts": STARTS,
        "skip": 5, "limit": 0x3000,
    }  # fmt: skip
    random_ = random.Random(6)
    if kernel == "gather":
        items, at = OBJECTS + 16, OBJECTS + 0x400
        memory[OBJECTS : OBJECTS + 16] = (
            (start + items).to_bytes(8, "little") + bytes([28]) + bytes(7)
        )
        for number in range(28):
            size = random_.choice((0, 3, 15, 16, 17, 40, 64, 65, 200))
            address = start + NONE
            if number % 5:
                address = start + at
                head = b"".join(each.to_bytes(8, "little") for each in (1, TYPE, size, 0))
                memory[at : at + 32 + size] = head + random_.randbytes(size)
                at += 32 + size + -size % 16 + 16
            memory[items + 8 * number : items + 8 * number + 8] = address.to_bytes(8, "little")
    elif kernel == "frame":
        data = b"".join(
            varint(size) + random_.randbytes(size) for size in (0, 1, 63, 64, 65, 127, 128, 300)
        )
        memory[OBJECTS : OBJECTS + len(data)] = data
        words["last"] = len(data) - 1
    elif kernel == "view":
        views, buffers = viewed(
            [random_.randbytes(size) for size in (0, 5, 12, 13, 40, 99, 300)], 0
        )
        memory[OBJECTS : OBJECTS + views.nbytes] = views.tobytes()
        at = OBJECTS + 0x1000
        for number, each in enumerate(buffers):
            memory[at : at + len(each)] = each
            place = STARTS + 8 * number
            memory[place : place + 8] = (start + at).to_bytes(8, "little")
            memory[place + 0x800 : place + 0x808] = len(each).to_bytes(8, "little")
            at += len(each)
        words |= {"last": len(views), "skip": len(buffers), "limit": start + STARTS + 0x800}
    else:
        memory[OBJECTS : OBJECTS + 0x3000] = random_.randbytes(0x3000)
        ends = sorted(random_.randrange(0x2000) for _ in range(31))
        memory[STARTS : STARTS + 8 * 31] = bytes((ctypes.c_int64 * 31)(*ends))
    for name in ADDRESSES:
        words[name] += start
    memory[WORDS : WORDS + 8 * len(words)] = bytes((ctypes.c_int64 * len(words))(*words.values()))
    return memory


@pytest.mark.parametrize("kernel", ["gather", "frame", "strip", "view"])
def test_kernels_are_the_same_on_aarch64(kernel: str) -> None:
    with open(KERNELS._path, encoding="ascii") as file:
        text = file.read()
    KERNELS.wait()
    here = (ctypes.c_ubyte * ARENA_SIZE)()
    start = ctypes.addressof(here)
    ctypes.memmove(here, bytes(arena(kernel, start)), ARENA_SIZE)
    call = feeds._kernel(kernel)
    assert call is not None
    call(start + WORDS)
    code = Compiler("aarch64").compile(text)
    emulator = _UC.Uc(_UC.UC_ARCH_ARM64, _UC.UC_MODE_ARM)
    for address, size in ((CODE, 0x10000), (ARENA, ARENA_SIZE), (STACK, 0x10000)):
        emulator.mem_map(address, size)
    emulator.mem_write(CODE, code.machine_code)
    emulator.mem_write(ARENA, bytes(arena(kernel, ARENA)))
    emulator.reg_write(arm64.UC_ARM64_REG_X0, ARENA + WORDS)
    emulator.reg_write(arm64.UC_ARM64_REG_SP, STACK + 0x8000)
    emulator.reg_write(arm64.UC_ARM64_REG_LR, CODE + 0xFF00)
    emulator.emu_start(CODE + code.symbols[kernel], CODE + 0xFF00)
    there = bytes(emulator.mem_read(ARENA, ARENA_SIZE))
    told = memoryview(bytes(here)).cast("q"), memoryview(there).cast("q")
    for name in ("first", "written", "count", "null count"):
        at = feeds._AT[name]
        assert told[0][at] == told[1][at], name
    assert told[0][feeds._AT["count"]] > 5
    assert bytes(here)[OUT:STARTS] == there[OUT:STARTS]
