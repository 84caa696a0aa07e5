"""CHIP-8, a virtual machine for games on early home computers, with both of its extensions."""

from __future__ import annotations

from functools import cache

from jitvm.guest import Guest
from jitvm.guests.chip8 import instructions
from jitvm.guests.chip8.instructions import CHIP8, SPACES, STACKS, SUPERCHIP, XOCHIP, Quirks

__all__ = ["CHIP8", "SUPERCHIP", "XOCHIP", "Quirks", "guest"]


@cache
def guest(quirks: Quirks = CHIP8) -> Guest:
    """The bytecode as some machine understands it."""
    name = "xo-chip" if quirks.xo else "superchip" if quirks.super else "chip-8"
    made = Guest(
        name=name,
        opcodes=instructions.opcodes(quirks),
        spaces=SPACES,
        stacks=STACKS,
        word_bits=64,
        version=repr(quirks),
    )
    made.sources = (__file__, instructions.__file__)
    return made
