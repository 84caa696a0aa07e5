"""Kernels do the same on both architectures: here, and on AArch64 in an emulator.

All a kernel touches lies in one arena, at whatever address; words that are addresses in it are
given as offsets and moved there.

    0        memory, 64 KiB       10000   port page       11000   words of the screen, or cells
    20000    background           80000   foreground      c0000   a frame, or samples
"""

from __future__ import annotations

import ctypes
import random
from typing import Any

import pytest
import unicorn
from unicorn import arm64_const as arm64

from jitvm.engine.codegen.kernels import build
from jitvm.engine.codegen.native import Compiler
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.arena import shared_arena
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara.audio import state as cells
from jitvm.guests.uxn.varvara.audio.mixer import Mixer
from jitvm.guests.uxn.varvara.audio.note import VOICES, Note
from jitvm.guests.uxn.varvara.native.library import function_entry
from jitvm.guests.uxn.varvara.screen import Screen
from jitvm.guests.uxn.varvara.screen import state as at
from tests.varvara.native.texts import SOURCES

SIZE = 0x100000
PAGE, WORDS, BACKGROUND, FOREGROUND, OUT = 0x10000, 0x11000, 0x20000, 0x80000, 0xC0000
CODE, ARENA, STACK = 0x1000000, 0x4000000, 0x8000000
ARGUMENTS = (
    arm64.UC_ARM64_REG_X0, arm64.UC_ARM64_REG_X1, arm64.UC_ARM64_REG_X2, arm64.UC_ARM64_REG_X3,
)  # fmt: skip
_UC: Any = unicorn


def text_of(name: str, arguments: int) -> str:
    (source,) = (source for source in SOURCES if source.name == name)
    return source.path.read_text() + function_entry(arguments)


def run_here(name: str, arena: bytes, pointers: list[int], arguments: list[int]) -> bytes:
    """The arena after a kernel has run on this processor."""
    buffer = ctypes.create_string_buffer(arena, SIZE)
    start = ctypes.addressof(buffer)
    move(buffer, pointers, start)
    code = build("test", text_of(name, len(arguments)))
    span = shared_arena().install(code.machine_code)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *(ctypes.c_int64,) * len(arguments))
    function(span.address + code.symbols["entry"])(*(placed(each, start) for each in arguments))
    move(buffer, pointers, -start)
    return buffer.raw


def run_emulated(name: str, arena: bytes, pointers: list[int], arguments: list[int]) -> bytes:
    """The arena after it has run on AArch64."""
    buffer = ctypes.create_string_buffer(arena, SIZE)
    move(buffer, pointers, ARENA)
    code = Compiler("aarch64").compile(text_of(name, len(arguments)))
    emulator = _UC.Uc(_UC.UC_ARCH_ARM64, _UC.UC_MODE_ARM)
    for address, size in ((CODE, 0x10000), (ARENA, SIZE), (STACK, 0x10000)):
        emulator.mem_map(address, size)
    emulator.mem_write(CODE, code.machine_code)
    emulator.mem_write(ARENA, buffer.raw)
    end = CODE + 0xFF00
    emulator.reg_write(arm64.UC_ARM64_REG_SP, STACK + 0x8000)
    emulator.reg_write(arm64.UC_ARM64_REG_LR, end)
    for register, argument in zip(ARGUMENTS, arguments, strict=False):
        emulator.reg_write(register, placed(argument, ARENA))
    emulator.emu_start(CODE + code.symbols["entry"], end)
    buffer.raw = bytes(emulator.mem_read(ARENA, SIZE))
    move(buffer, pointers, -ARENA)
    return buffer.raw


def placed(argument: int, start: int) -> int:
    """An offset as an address; small numbers that are none are given as -1 - n."""
    return start + argument if argument >= 0 else -1 - argument


def move(buffer: ctypes.Array[ctypes.c_char], pointers: list[int], by: int) -> None:
    """Change words that are addresses."""
    for offset in pointers:
        word = ctypes.c_int64.from_buffer(buffer, offset)
        word.value += by


def screen_arena() -> tuple[bytearray, list[int]]:
    """A screen of 100 by 40 with something on it, and where its words are addresses."""
    machine = Machine(UXN, tier=Tier.REFERENCE)
    screen = Screen(machine)
    write = machine.state.ports.write
    for port, byte in ((0x22, 0), (0x23, 100), (0x24, 0), (0x25, 40), (0x2E, 0x83)):
        write(port, byte)
    screen.compose()
    arena = bytearray(random.Random(3).randbytes(0x10000) + bytes(SIZE - 0x10000))
    words = (ctypes.c_int64 * at.WORDS).from_address(machine.data)
    words[at.BACKGROUND], words[at.FOREGROUND] = BACKGROUND, FOREGROUND
    arena[WORDS : WORDS + 8 * at.WORDS] = bytes(words)
    layer = random.Random(4).randbytes(116 * 56)
    for start in (BACKGROUND, FOREGROUND):
        arena[start : start + len(layer)] = bytes(byte & 3 for byte in layer)
    return arena, [WORDS + 8 * word for word in (at.BACKGROUND, at.FOREGROUND)]


@pytest.mark.parametrize("control", [0x05, 0x41, 0x32, 0x85, 0xFA, 0xC3])
@pytest.mark.parametrize(("name", "auto"), [("sprite", 0x00), ("sprite", 0xF6), ("pixel", 0x03)])
def test_drawing(name: str, auto: int, control: int) -> None:
    arena, pointers = screen_arena()
    arena[PAGE + 0x26] = auto
    arena[PAGE + 0x28 : PAGE + 0x2E] = bytes.fromhex("001dfffc1234")
    if name == "pixel":
        arena[PAGE + 0x2A : PAGE + 0x2C] = b"\x00\x04"
    given = (name, bytes(arena), pointers, [0, PAGE, WORDS, -1 - control])
    here = run_here(*given)
    assert here == run_emulated(*given)
    assert here != arena


def test_composition() -> None:
    arena, pointers = screen_arena()
    words = memoryview(arena)[WORDS : WORDS + 8 * at.WORDS].cast("q")
    words[at.LEFT], words[at.TOP], words[at.RIGHT], words[at.BOTTOM] = 3, -2, 98, 39
    given = ("compose", bytes(arena), pointers, [WORDS, OUT])
    here = run_here(*given)
    assert here == run_emulated(*given)
    assert any(here[OUT:])


def test_mixing() -> None:
    machine = Machine(UXN, tier=Tier.REFERENCE)
    mixer = Mixer(machine.memory)
    arena = bytearray(random.Random(5).randbytes(0x10000) + bytes(SIZE - 0x10000))
    for voice in range(VOICES):
        note = Note(
            address=0x4000 * voice, length=(0x40, 0x100, 0x2000, 0x3FFF)[voice],
            adsr=(0, 0x1111, 0x0101, 0x2000)[voice], volume=0x3F << voice & 0xFF,
            pitch=40 + 13 * voice, loops=voice != 2,
        )  # fmt: skip
        mixer._take_over(voice, note)
    arena[WORDS : WORDS + 8 * cells.WORDS] = bytes(mixer._words)
    arguments = [0, WORDS, OUT, -1 - 20000]
    here = run_here("mix", bytes(arena), [], arguments)
    assert here == run_emulated("mix", bytes(arena), [], arguments)
    ends = here[WORDS + 8 * (cells.VOICE + cells.ENDS)]
    assert any(here[OUT:])
    assert ends == 1
