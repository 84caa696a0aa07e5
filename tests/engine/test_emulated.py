"""The emulator itself: it refuses what native code must not do."""

from __future__ import annotations

import ctypes

import pytest

from jitvm.engine.memory.block import Block
from jitvm.engine.memory.layout import Layout
from jitvm.guests.uxn import UXN
from tests.engine.emulated import EmulationError, Emulator

RET = 0xD65F03C0
ADD_X0_X0_X1 = 0x8B010000
STR_X1_X0 = 0xF9000001
LDRB_W0_X0 = 0x39400000
BR_X1 = 0xD61F0020
MOV_X19_X0 = 0xAA0003F3
STR_X1_X0_UNDEFINED = 0x00000000


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Block(Layout(UXN)))


def install(emulator: Emulator, *instructions: int) -> int:
    return emulator.install(b"".join(word.to_bytes(4, "little") for word in instructions))


def test_calls_follow_the_convention(emulator: Emulator) -> None:
    first = install(emulator, ADD_X0_X0_X1, RET)
    second = install(emulator, ADD_X0_X0_X1, ADD_X0_X0_X1, RET)
    assert emulator.call(first, 40, 2) == 42
    assert emulator.call(second, 40, 1) == 42


def test_memory_is_the_blocks(emulator: Emulator) -> None:
    block = emulator.block
    emulator.call(install(emulator, STR_X1_X0, RET), block.base + 0x10000, 0x1122334455667788)
    assert block.view(0, 1)[0] == 0x88  # written through the mirror
    block.view(5, 1)[0] = 0x5A
    assert emulator.call(install(emulator, LDRB_W0_X0, RET), block.base + 0x10005) == 0x5A


def test_host_functions_are_called_natively(emulator: Emulator) -> None:
    word = ctypes.c_uint64
    function = ctypes.CFUNCTYPE(word, word, word, word)(lambda x0, _, x2: x0 + x2)
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    call = install(emulator, BR_X1)
    with pytest.raises(EmulationError, match="neither code nor host function"):
        emulator.call(call, 40, address, 2)
    emulator.block.words(emulator.block.layout.writers, 256)[7] = address
    assert emulator.call(call, 40, address, 2) == 42


@pytest.mark.parametrize("target", [0, 0x1234, "block"])
def test_jumps_out_of_the_code_are_refused(emulator: Emulator, target: int | str) -> None:
    address = emulator.block.base if target == "block" else int(target)
    with pytest.raises(EmulationError, match="neither code nor host function"):
        emulator.call(install(emulator, BR_X1), 0, address)


@pytest.mark.parametrize("target", [0, "below", "above", "code"])
def test_stray_stores_are_refused(emulator: Emulator, target: int | str) -> None:
    block, store = emulator.block, install(emulator, STR_X1_X0, RET)
    places = {
        "below": block.base - block.layout.head - 8,
        "above": block.base - block.layout.head + block.layout.total + 0x10000,
        "code": store,
    }
    address = places[target] if isinstance(target, str) else target
    with pytest.raises(EmulationError):
        emulator.call(store, address, 1)


def test_protected_registers_are_checked(emulator: Emulator) -> None:
    with pytest.raises(EmulationError, match="changed register"):
        emulator.call(install(emulator, MOV_X19_X0, RET), 1)


def test_undefined_instructions_are_reported(emulator: Emulator) -> None:
    with pytest.raises(EmulationError):
        emulator.call(install(emulator, STR_X1_X0_UNDEFINED, RET))
