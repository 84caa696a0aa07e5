"""CHIP-8 as commands see it: programs as bytes and as listings, for three kinds of machines."""

from __future__ import annotations

import os

from jitvm import platform
from jitvm.platform import Option, Program, ProgramError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from jitvm.guest import Guest
    from jitvm.guests.chip8.computer import Chip8Computer

SPEEDS = {"chip8": 15, "superchip": 30, "xochip": 1000}
"""Kinds of machines, and how many instructions each executes in a frame."""
BY_SUFFIX = {".sc8": "superchip", ".xo8": "xochip"}
QUIRKS = {
    "resets": "8XY1, 8XY2 and 8XY3 set VF to zero",
    "increments": "FX55 and FX65 move I",
    "waits": "DXYN waits for the next frame",
    "clips": "sprites end at the edge of the screen",
    "shifts": "8XY6 and 8XYE shift VX",
    "jumps": "BNNN adds VX",
}


def _machine(text: str) -> str:
    if text not in SPEEDS:
        raise ValueError(f"{text} is none of {', '.join(SPEEDS)}")
    return text


def _from(low: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        found = platform.number(text)
        if not low <= found < 1 << 64:
            raise ValueError(f"{text} is no number from {low} to {(1 << 64) - 1}")
        return found

    return convert


class Disassembler:
    """Writes listings."""

    def disassemble(self, path: str, symbols: str | None, *, addresses: bool) -> str:
        """The listing of a program, which has addresses always and labels never."""
        from jitvm.guests.chip8.listing import disassemble

        if symbols is not None:
            raise ProgramError(f"{symbols}: CHIP-8 programs have no files of labels")
        del addresses
        return disassemble(PLATFORM.load(path).data)


class Chip8Platform(platform.Platform):
    """Programs for CHIP-8, SUPER-CHIP and XO-CHIP."""

    name = "chip8"
    about = "CHIP-8, the virtual machine of early home computers, with SUPER-CHIP and XO-CHIP"
    suffixes = (".ch8", ".sc8", ".xo8", ".hex8")
    disassembler = Disassembler()
    running = (
        Option("machine", "chip8, superchip or xochip (default: as the suffix says)", _machine),
        Option("speed", "instructions a frame (default: 15, 30 or 1000, by machine)", _from(1)),
        Option("seed", "of random numbers (default: 1)", _from(0)),
        *(
            Option(name, f"{about}, yes or no (default: by machine)", platform.truth)
            for name, about in QUIRKS.items()
        ),
    )

    @property
    def guest(self) -> Guest:
        """CHIP-8 without extensions."""
        from jitvm.guests.chip8 import guest

        return guest()

    def program(self, data: bytes, name: str = "<program>", **options: Any) -> Program:
        """A program of its bytes, or of its listing."""
        del options
        if name.lower().endswith(".hex8"):
            from jitvm.guests.chip8.listing import parse

            data = parse(data.decode("utf-8", "replace"), name)
        if not data:
            raise ProgramError(f"{name}: is empty; a program has at least one instruction")
        return Program(data, name)

    def computer(
        self,
        program: Program,
        *,
        machine: str | None = None,
        speed: int | None = None,
        seed: int = 1,
        **options: Any,
    ) -> Chip8Computer:
        """A computer of a kind; `options` are quirks, and those of any computer."""
        from jitvm.guests.chip8 import CHIP8, SUPERCHIP, XOCHIP
        from jitvm.guests.chip8.computer import Chip8Computer

        name = program.name.lower().removesuffix(".hex8")
        kind = machine or BY_SUFFIX.get(os.path.splitext(name)[1], "chip8")
        quirks = {"chip8": CHIP8, "superchip": SUPERCHIP, "xochip": XOCHIP}[kind]
        quirks = quirks.but(**{name: options.pop(name) for name in QUIRKS if name in options})
        return Chip8Computer(program, quirks, speed=speed or SPEEDS[kind], seed=seed, **options)

    def spell(self, memory: Sequence[int], address: int, program: Program) -> tuple[str, int]:
        """In the words of Cowgod's reference."""
        from jitvm.guests.chip8.listing import spell

        del program
        return spell(memory, address)


PLATFORM = Chip8Platform()
