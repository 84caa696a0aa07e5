"""Uxn with the Varvara computer around it, as commands see it."""

from __future__ import annotations

import os

from jitvm import platform
from jitvm.platform import Option

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any, BinaryIO

    from jitvm.guest import Guest
    from jitvm.guests.uxn.assembler import Assembly
    from jitvm.guests.uxn.varvara.clock import Clock
    from jitvm.guests.uxn.varvara.computer import Computer
    from jitvm.guests.uxn.varvara.program import Program
    from jitvm.guests.uxn.varvara.recorder import Recorder
    from jitvm.guests.uxn.varvara.session import Session
    from jitvm.platform.frames import Frame
    from jitvm.platform.language import Language


class _Assembler:
    """Uxntal to ROMs."""

    suffix = ".rom"

    def assemble_file(self, path: str, **options: Any) -> Assembly:
        from jitvm.guests.uxn.assembler import assemble_file

        return assemble_file(path, **options)

    def assemble(self, data: bytes, name: str, **options: Any) -> Assembly:
        from jitvm.guests.uxn.assembler import assemble

        return assemble(data, name=name, **options)


class _Disassembler:
    """ROMs to Uxntal; labels are in ``.sym`` files."""

    def disassemble(self, path: str, symbols: str | None, *, addresses: bool) -> str:
        from jitvm.guests.uxn.disassembler import DisassemblyError, disassemble
        from jitvm.guests.uxn.symbols import load_symbols
        from jitvm.guests.uxn.varvara.program import SOURCE_SUFFIX, read_rom

        if path.endswith(SOURCE_SUFFIX):
            raise platform.ProgramError(
                f"{path}: is a source, not a ROM; assemble it with `jitvm asm {path}`"
            )
        rom = read_rom(path)
        beside = f"{path}.sym"
        if symbols is None and os.path.exists(beside):
            symbols = beside
        table = None if symbols is None else load_symbols(symbols)
        try:
            return disassemble(rom.data, table).render(addresses=addresses)
        except DisassemblyError as error:
            raise platform.ProgramError(f"{rom.name}: {error}") from error


class _Sessions:
    """Sessions of Varvara computers."""

    def load(self, path: str) -> Session:
        from jitvm.guests.uxn.varvara.session import Session

        return Session.load(path)

    def replay(self, session: Session, computer: Computer) -> Iterator[Frame]:
        from jitvm.guests.uxn.varvara.replayer import Replayer

        return Replayer(session, computer).frames()

    def recorder(self, path: str, computer: Computer) -> Recorder:
        from jitvm.guests.uxn.varvara.recorder import Recorder

        return Recorder(path, computer)


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
        Option("include_root", "the only folder a source may include files from", platform.folder),
    )
    running = (
        Option("sandbox", "the folder its files are in (default: .)", platform.folder),
        Option("clock", "a fixed time, such as 2024-02-29T12:00", _clock),
    )

    assembler = _Assembler()
    disassembler = _Disassembler()
    sessions = _Sessions()

    @property
    def guest(self) -> Guest:
        """Uxn."""
        from jitvm.guests.uxn import UXN

        return UXN

    @property
    def language(self) -> Language:
        """Uxntal."""
        from jitvm.guests.uxn.language import Uxntal

        return Uxntal()

    # -- programs ----------------------------------------------------------------------------

    def accepts(self, name: str, head: bytes) -> bool:
        """Text, and bytes in a file whose suffix says nothing: a ROM has no mark to tell it by."""
        from jitvm.guests.uxn.varvara.program import looks_like_source

        whole = head.rstrip(bytes(range(0x80, 0x100)))  # a character may be cut in two
        return os.path.splitext(name)[1] in ("", ".bin") or looks_like_source(whole)

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
        from jitvm.guests.uxn.varvara.program import Program, Rom

        del options
        return Program(Rom(data, name))

    # -- running -----------------------------------------------------------------------------

    def computer(self, program: platform.Program, **options: Any) -> Computer:
        """A Varvara computer."""
        from jitvm.guests.uxn.varvara.computer import Computer
        from jitvm.guests.uxn.varvara.program import Rom

        computer = Computer(Rom(program.data, program.name), **options)
        computer.program = program
        return computer

    def files_of(self, path: str) -> Iterator[Path]:
        """A source with all that it includes."""
        from jitvm.guests.uxn.sourcefiles import source_files

        return source_files(path)

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
