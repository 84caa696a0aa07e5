"""Functions of C and memory at addresses, without `ctypes`."""

from __future__ import annotations

import gc
import mmap
import os
import weakref

import pytest

from jitvm.engine.host.foreign import (
    Bytes,
    PortFunction,
    Word,
    address_of_bytes,
    address_of_callback,
    address_of_function,
    called,
    function,
    get_errno,
    memory,
)

LAST = (1 << 64) - 1


def test_functions_of_the_library() -> None:
    assert function("getpid")() == os.getpid()
    find = function("memchr", Bytes, Word, Word)
    text = b"hello"
    assert find(text, ord("l"), 5) - find(text, ord("h"), 5) == 2
    assert function("mmap", *(Word,) * 6)(0, 0, 3, 0x22, LAST, 0) == LAST  # no bytes
    assert get_errno() == 22
    with pytest.raises(OSError, match="no_such_function"):
        address_of_function("no_such_function")


@pytest.mark.parametrize("number", [0, 1, 1 << 31, 1 << 63, LAST])
def test_callbacks_get_and_give_whole_words(number: int) -> None:
    seen: list[tuple[int, ...]] = []

    def note(*words: int) -> int:
        seen.append(words)
        return words[1]

    callback = PortFunction(note)
    call = called(address_of_callback(callback), Word, Word, Word)
    assert call(0, number, 5) == number
    assert seen == [(0, number, 5)]


def test_memory_is_what_lies_there_and_keeps_its_owner() -> None:
    class Owner:
        """Of nothing but a weak reference to it."""

    content = bytearray(b"some bytes of an array")
    address, kept = address_of_bytes(content)
    owner = Owner()
    is_there = weakref.ref(owner)
    view = memory(address, owner)[5:10]
    del owner
    gc.collect()
    assert bytes(view) == b"bytes"
    view[:] = b"words"
    assert content == b"some words of an array"
    assert is_there() is not None
    view.release()
    del view
    gc.collect()
    assert is_there() is None
    assert kept is not None


def test_the_constants_are_those_of_mmap() -> None:
    from jitvm.engine.memory import block

    for name in ("PROT_READ", "PROT_WRITE", "PROT_EXEC"):
        assert getattr(block, name) == getattr(mmap, name)
    for name in ("MAP_SHARED", "MAP_PRIVATE", "MAP_ANONYMOUS"):
        assert getattr(block, f"_{name}") == getattr(mmap, name)
