"""Loads programs from files and streams: ROMs as they are, Uxntal sources assembled.

A ROM is the bytes of a program, which are loaded as follows:

    0x000000 .. 0x00feff   bank 0 from 0x0100 to its end
    0x00ff00 .. 0x01feff   all of bank 1
    0x01ff00 ..            bank 2, and so on to bank 15

A file that ends in ``.tal`` is a source, one that ends in ``.rom`` a ROM. Anything else is judged
by its bytes: a source is UTF-8 text without control characters, which in practice no working ROM
is (its jumps, literals and zeros are not text).
"""

from __future__ import annotations

import os
import stat

from jitvm import platform
from jitvm.platform import ProgramError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from jitvm.engine.tables.place import Naming, Place
    from jitvm.guests.uxn.assembler import Assembly, SourceMap
    from jitvm.guests.uxn.symbols import SymbolTable

BANK_SIZE = 0x10000
BANK_COUNT = 16
PROGRAM_START = 0x0100
MAX_SIZE = BANK_COUNT * BANK_SIZE - PROGRAM_START

SOURCE_SUFFIX = ".tal"
ROM_SUFFIX = ".rom"
MAX_SOURCE = 32 << 20
"""Most bytes taken of a program that is not known to be a ROM."""

_LITERALS_OF_2021 = {b"\x01": 2, b"\x21": 3}
"""Bytes of an instruction that pushes a literal, by its opcode."""
_WRITES = (b"\x17", b"\x37")
"""DEO and DEO2, which have been these ever since."""
_TEXT_CONTROLS = frozenset("\t\n\r\f\v")


class RomError(ProgramError):
    """Bytes that cannot be a ROM; the message says why and what to do."""


class Rom:
    """The bytes of a program and its name in messages. (No dataclass: those slow every start.)

    Raises:
        RomError: there are none, or more than all banks hold.
    """

    __slots__ = ("data", "name")

    def __init__(self, data: bytes, name: str = "<rom>") -> None:
        size = len(data)
        if not size:
            raise RomError(f"{name}: the ROM is empty; a program has at least one byte")
        if size > MAX_SIZE:
            raise RomError(
                f"{name}: {size} bytes are too many for a ROM; {BANK_COUNT} banks of memory "
                f"hold {MAX_SIZE}. Is it another kind of file?"
            )
        self.data = data
        self.name = name

    def pieces(self) -> Iterator[tuple[int, int, bytes]]:
        """What each bank gets: (bank, address, bytes)."""
        first = BANK_SIZE - PROGRAM_START
        yield 0, PROGRAM_START, self.data[:first]
        for bank, start in enumerate(range(first, len(self.data), BANK_SIZE), 1):
            yield bank, 0, self.data[start : start + BANK_SIZE]


def rom_of(rom: bytes | Rom) -> Rom:
    """A ROM, from one or from its bytes.

    Raises:
        RomError: it is empty or too long.
    """
    return rom if isinstance(rom, Rom) else Rom(bytes(rom))


class Program(platform.Program):
    """A ROM and, when it was assembled just now, what the assembler knows about it.

    Labels of a ROM come from a ``.sym`` file beside it, which is read when one is asked for.
    """

    __slots__ = ("_place", "_symbols", "rom", "source_map", "symbols", "warnings")

    def __init__(
        self,
        rom: Rom,
        symbols: SymbolTable | None = None,
        warnings: tuple[str, ...] = (),
        source_map: SourceMap | None = None,
    ) -> None:
        super().__init__(rom.data, rom.name)
        self.rom = rom
        self.symbols = symbols
        self.warnings = warnings
        self.source_map = source_map
        self._symbols: SymbolTable | None = None
        self._place: Naming | None = None

    @property
    def hint(self) -> str:
        """That it is a ROM of 2021, if it looks like one; see `is_of_2021`."""
        if not is_of_2021(self.rom.data):
            return ""
        return (
            f"{self.name} looks like a ROM of 2021, when opcodes had other numbers; no Varvara of "
            "today runs it. Assemble its source again, or look for a newer ROM"
        )

    def label_table(self) -> SymbolTable:
        """All labels.

        Raises:
            SymbolFileError: the ``.sym`` file is damaged.
        """
        if self.symbols is not None:
            return self.symbols
        if self._symbols is None:
            from jitvm.guests.uxn.places import symbols_beside

            self._symbols = symbols_beside(self.rom.name)
        return self._symbols

    def place(self, address: int) -> Place:
        """A label and a line of source; see `platform.Program`."""
        if self._place is None:
            from jitvm.guests.uxn.places import naming

            self._place = naming(self.label_table(), self.source_map)
        return self._place(address)

    def instructions(self) -> tuple[int, ...]:
        """Where the source has instructions."""
        return () if self.source_map is None else self.source_map.instructions

    def address_of(self, label: str) -> int | None:
        """The address of a label."""
        return self.label_table().address_of(label)

    def labels_at(self, address: int) -> tuple[str, ...]:
        """The labels at an address."""
        return self.label_table().names_at(address)


def load_program(
    path: str | os.PathLike[str],
    *,
    legacy: bool = False,
    include_root: str | os.PathLike[str] | None = None,
) -> Program:
    """Read a ROM, or read and assemble a source.

    Args:
        path: the file.
        legacy: accept the older dialect of Uxntal.
        include_root: the only folder a source may include files from; None: see `assemble_file`.

    Raises:
        RomError: the file cannot be read, or is not a ROM.
        AssemblyError: the source has errors.
    """
    name = os.fspath(path)
    if name.endswith(SOURCE_SUFFIX):
        return _assemble_file(name, legacy, include_root)
    data = _read_file(name)
    if not name.endswith(ROM_SUFFIX) and looks_like_source(data):
        return _assemble_file(name, legacy, include_root)
    return Program(Rom(data, name))


def read_rom(path: str | os.PathLike[str]) -> Rom:
    """Read a ROM, whatever its name or look.

    Raises:
        RomError: the file cannot be read, or is not a ROM.
    """
    name = os.fspath(path)
    return Rom(_read_file(name), name)


def read_program(
    stream: BinaryIO,
    *,
    name: str,
    legacy: bool = False,
    include_root: str | os.PathLike[str] | None = None,
) -> Program:
    """Read a ROM or a source from a stream to its end.

    Raises:
        RomError: the stream cannot be read, or is not a ROM.
        AssemblyError: the source has errors.
    """
    try:
        data = stream.read(MAX_SOURCE + 1)
    except OSError as error:
        raise RomError(f"{name}: cannot be read: {error.strerror}") from error
    if not looks_like_source(data):
        return Program(Rom(data, name))
    from jitvm.guests.uxn.assembler import assemble

    assembly = assemble(data, name=name, legacy=legacy, include_root=include_root)
    return _program(assembly, name)


def is_of_2021(data: bytes) -> bool:
    """Whether a ROM begins as those do whose opcodes have the numbers of 2021: with two literals or
    more that are written to a port, such as ``#f0fe .System/r DEO2``.

    LIT was 01 and LIT2 21 then. Today these are INC and INC2, with which no program begins, as
    nothing is on its stack.
    """
    at = count = 0
    while (size := _LITERALS_OF_2021.get(data[at : at + 1])) is not None:
        at, count = at + size, count + 1
    return count > 1 and data[at : at + 1] in _WRITES


def looks_like_source(data: bytes) -> bool:
    """Whether bytes are text, including UTF-16, which the assembler then rejects by name."""
    from jitvm.platform.widetext import wide_encoding

    if wide_encoding(data) is not None:
        return True
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and all(
        char >= " " or char in _TEXT_CONTROLS for char in set(text) - {"\x7f"}
    )


def _assemble_file(name: str, legacy: bool, include_root: str | os.PathLike[str] | None) -> Program:
    from jitvm.guests.uxn.assembler import assemble_file

    return _program(assemble_file(name, legacy=legacy, include_root=include_root), name)


def _program(assembly: Assembly, name: str) -> Program:
    warnings = tuple(warning.render() for warning in assembly.warnings)
    return Program(Rom(assembly.rom, name), assembly.symbols, warnings, assembly.source_map)


def _read_file(name: str) -> bytes:
    """The bytes of a regular file or pipe, at most one more than a ROM or source may have."""
    try:
        with open(name, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file.read(MAX_SIZE + 1)
            return file.read(MAX_SOURCE + 1)
    except IsADirectoryError:
        raise RomError(f"{name}: is a folder; name a .rom or .tal file in it") from None
    except FileNotFoundError:
        raise RomError(f"{name}: there is no such file; check the path") from None
    except OSError as error:
        raise RomError(f"{name}: cannot be read: {error.strerror}") from error
    except ValueError:
        raise RomError(f"{name!r}: is no file name; it holds a zero byte") from None
