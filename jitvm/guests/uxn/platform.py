"""Uxn with the Varvara computer around it, as commands see it."""

from __future__ import annotations

import os

from jitvm import platform
from jitvm.platform import Option

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

    from jitvm.guest import Guest
    from jitvm.guests.uxn.varvara.clock import Clock
    from jitvm.guests.uxn.varvara.computer import Computer
    from jitvm.guests.uxn.varvara.program import Program


def _clock(text: str) -> Clock:
    """A clock that stands still."""
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not a time like 2024-02-29T12:00:00") from None
    return lambda: moment


class UxnPlatform(platform.Platform):
    """ROMs, and Uxntal sources, which are assembled when they are loaded."""

    name = "uxn"
    about = "Uxn, the 16-bit stack machine of Hundred Rabbits, in a Varvara computer"
    suffixes = (".rom", ".tal")
    loading = (
        Option("legacy", "accept the Uxntal of 2021 to 2023 in sources", platform.truth),
        Option("include_root", "the only folder a source may include files from"),
    )
    running = (
        Option("sandbox", "the folder its files are in (default: .)"),
        Option("clock", "a fixed time, such as 2024-02-29T12:00", _clock),
    )

    @property
    def guest(self) -> Guest:
        """Uxn."""
        from jitvm.guests.uxn import UXN

        return UXN

    # -- programs ----------------------------------------------------------------------------

    def accepts(self, name: str, head: bytes) -> bool:
        """Text, and bytes in a file whose suffix says nothing: a ROM has no mark to tell it by."""
        from jitvm.guests.uxn.varvara.program import looks_like_source

        return os.path.splitext(name)[1] in ("", ".bin") or looks_like_source(head)

    def load(self, path: str, **options: Any) -> Program:
        """See `load_program`."""
        from jitvm.guests.uxn.varvara.program import load_program

        return load_program(path, **options)

    def read(self, stream: BinaryIO, name: str, **options: Any) -> Program:
        """See `read_program`."""
        from jitvm.guests.uxn.varvara.program import read_program

        return read_program(stream, name=name, **options)

    def program(self, data: bytes, name: str = "<rom>", **options: Any) -> Program:
        """A ROM of its bytes."""
        from jitvm.guests.uxn.varvara.program import Program
        from jitvm.guests.uxn.varvara.rom import Rom

        del options
        return Program(Rom(data, name))

    # -- running -----------------------------------------------------------------------------

    def computer(self, program: platform.Program, **options: Any) -> Computer:
        """A Varvara computer."""
        from jitvm.guests.uxn.varvara.computer import Computer
        from jitvm.guests.uxn.varvara.rom import Rom

        computer = Computer(Rom(program.data, program.name), **options)
        computer.program = program
        return computer

    # -- looking at code ---------------------------------------------------------------------

    def spell(
        self, memory: Sequence[int], address: int, program: platform.Program
    ) -> tuple[str, int]:
        """In Uxntal, with labels."""
        from jitvm.guests.uxn.disassembler import spell
        from jitvm.guests.uxn.varvara.program import Program

        labels = program.label_table() if isinstance(program, Program) else None
        return spell(memory, address, labels)


PLATFORM = UxnPlatform()
