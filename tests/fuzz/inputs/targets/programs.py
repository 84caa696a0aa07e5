"""Programs: ROMs, sources in both dialects, symbols; CHIP-8, as bytes and as listings."""

from __future__ import annotations

import shutil
from pathlib import Path

from jitvm.engine.machine.machine import Tier
from jitvm.guests.chip8.listing import disassemble as disassemble_chip8
from jitvm.guests.chip8.platform import PLATFORM as CHIP8
from jitvm.guests.uxn.assembler import Assembly, assemble_file
from jitvm.guests.uxn.assembler.errors import AssemblyError
from jitvm.guests.uxn.disassembler import DisassemblyError, disassemble
from jitvm.guests.uxn.symbols import SymbolFileError, SymbolTable
from jitvm.guests.uxn.varvara.computer import Computer
from jitvm.guests.uxn.varvara.program import RomError, read_rom
from jitvm.platform import ProgramError
from jitvm.platform.evaluator import LimitReached
from tests.fuzz.inputs.targets.target import Target

INCLUDE = b"\n---\n"
"""Between a source and the file `lib.tal` that it may include."""
INSTRUCTIONS = 20_000
SANDBOX = "guest"

_MODERN = b"""|00 @System &vector $2 &pad $4 &metadata $2
|10 @Console &vector $2 &read $1 &pad $5 &write $1
%EMIT { .Console/write DEO } ( say it )
|0100 @on-reset ( -> )
    ;meta .System/metadata DEO2 LIT "A EMIT ;text JSR2 [ LIT2 &value $2 ] POP2
    #01 ?{ INC !on-reset } ,&value LDR2 POP2 lib/say #800f DEO BRK
@text "abc $2 &a ( comment ( nested ) ) JMP2r &list =text -text ff 1234 JMP2r
@meta 00 "Name 0a "by 20 "me 00 01 83 =text
~lib.tal
"""
_LIBRARY = b"""@lib &say LIT "x #18 DEO JMP2r
"""
_LEGACY = b"""|0100 @main #41 #18 DEO ;data LDA POP ,&over JMP &over .byte POP
    ;sub JSR2 BRK
@sub JMP2r
|0200 @data [ 41 42 ] &end $1 'a "text &byte |00 @byte
"""
_WORDS = (
    b"|0100 ", b"%M { INC }\n", b"@a/b ", b"&c ", b"$ffff ", b"|ffff ", b"~lib.tal ", b"~./../x ",
    b"?{ ", b"} ", b"!{ ", b"{ ", b"[ ", b"] ", b"( ", b") ", b';x ', b"=x ", b"_x ", b"LIT2rk ",
    b'"text ', b"#12 ", b"#1234 ", b"/sub ", b"x/y/z ", b"@ ", b"& ", b"% ", b"$$ ", b"|$10 ",
)  # fmt: skip


# -- ROMs ----------------------------------------------------------------------------------------


def _roms() -> tuple[bytes, ...]:
    small = bytes.fromhex("a0 01 02 80 18 17 40 ff fa 60 00 03 00")
    return (small, *(_assembled(each) for each in ("files.tal", "metadata.tal", "draw.tal")))


_SOURCES = {
    "files.tal": """|a0 @File &vector $2 &success $2 &stat $2 &delete $1 &append $1 &name $2 &length
        $2 &read $2 &write $2 |0100 ;name .File/name DEO2 #0004 .File/length DEO2
        ;data .File/write DEO2 ;name .File/name DEO2 ;data .File/read DEO2
        #0020 .File/length DEO2 ;data .File/stat DEO2 #01 .File/delete DEO #800f DEO BRK
        @name "a/b 00 @data "abcd $20""",
    "metadata.tal": _MODERN.decode().replace("~lib.tal", _LIBRARY.decode()),
    "draw.tal": """|20 @Screen &vector $2 &width $2 &height $2 &auto $1 &pad $1 &x $2 &y $2 &addr $2
        &pixel $1 &sprite $1 |0100 #0040 .Screen/width DEO2 #0030 .Screen/height DEO2
        ;frame .Screen/vector DEO2 BRK @frame #16 .Screen/auto DEO ;tile .Screen/addr DEO2
        #05 .Screen/sprite DEO .Screen/x DEI2 INC2 .Screen/x DEO2 #80 .Screen/pixel DEO
        ;boot #02 DEO2 BRK @tile 8142 2418 1824 4281 @boot 00 0010 0000 0000 0000 0000""",
}


def _assembled(name: str) -> bytes:
    from jitvm.guests.uxn.assembler import assemble

    return assemble(_SOURCES[name]).rom


def _rom(data: bytes, folder: Path) -> None:
    """Read, taken apart, and run for a while with files of its own."""
    path, sandbox = folder / "input.rom", folder / SANDBOX
    path.write_bytes(data)
    rom = read_rom(path)
    disassemble(rom.data).render(addresses=True)
    sandbox.mkdir()
    try:
        computer = Computer(rom, tier=Tier.INTERPRETER, sandbox=sandbox)
        with computer.limited(max_instructions=INSTRUCTIONS):
            computer.boot()
            if computer.is_graphical:
                computer.frame()
            else:
                computer.feed(b"ab\n")
                computer.end_of_input()
    except LimitReached:
        pass
    finally:
        shutil.rmtree(sandbox)
    _ = computer.stdout, computer.system.metadata
    computer.close()


# -- CHIP-8 --------------------------------------------------------------------------------------

_LISTING = """# a point that moves
0200: 6A02  LD VA, 02
0202: A20A  LD I, 20A
0204: DAA1  DRW VA, VA, 1
0206: 7A01  ADD VA, 01
0208: 1204  JP 204
020A: 80F000001234  a sprite
"""


def _chip8(data: bytes, _: Path) -> None:
    """A program of its bytes, listed and read again, and run for two frames."""
    program = CHIP8.program(data, "input.xo8")
    listing = CHIP8.program(disassemble_chip8(data).encode(), "input.hex8")
    assert listing.data == data
    computer = CHIP8.computer(program, tier=Tier.INTERPRETER, speed=1000)
    computer.run_frames(2)
    computer.close()


def _listing(data: bytes, folder: Path) -> None:
    _chip8(CHIP8.program(data, "input.hex8").data, folder)


# -- sources -------------------------------------------------------------------------------------


def _source(data: bytes, folder: Path) -> None:
    _assemble(data, folder, legacy=False)


def _legacy(data: bytes, folder: Path) -> None:
    _assemble(data, folder, legacy=True)


def _assemble(data: bytes, folder: Path, *, legacy: bool) -> Assembly:
    """Whatever is assembled has symbols that can be written, and assembles alike once more."""
    source, _, library = data.partition(INCLUDE)
    (folder / "lib.tal").write_bytes(library)
    (folder / "input.tal").write_bytes(source)
    made = assemble_file(folder / "input.tal", legacy=legacy, include_root=folder)
    for warning in made.warnings:
        warning.render()
    symbols = SymbolTable.from_bytes(made.symbols.to_bytes())
    assert symbols == made.symbols
    listing = disassemble(made.rom, made.symbols).render(addresses=False)
    (folder / "input.tal").write_bytes(listing.encode("utf-8", "surrogateescape"))
    assert assemble_file(folder / "input.tal").rom == made.rom, "another ROM from its listing"
    return made


# -- symbols -------------------------------------------------------------------------------------


def _symbols(data: bytes, _: Path) -> None:
    table = SymbolTable.from_bytes(data)
    assert table.to_bytes() == data
    for address in (0, 0x0123, 0xFFFF):
        table.describe(address)


PROGRAMS = {
    "rom": Target(_roms, _rom, (RomError, DisassemblyError), ("input.rom",), longest=4096),
    "source": Target(
        lambda: (_MODERN + INCLUDE + _LIBRARY,), _source, (AssemblyError,),
        ("input.tal", "lib.tal"), words=_WORDS,
    ),
    "legacy": Target(
        lambda: (_LEGACY,), _legacy, (AssemblyError,), ("input.tal", "lib.tal"), words=_WORDS
    ),
    "chip8": Target(
        lambda: (CHIP8.program(_LISTING.encode(), "a.hex8").data,), _chip8, (ProgramError,),
        longest=4096,
    ),
    "listing": Target(
        lambda: (_LISTING.encode(),), _listing, (ProgramError,),
        words=(b"FFFF: 00", b"0x200: ", b"10000: ", b"  ", b"#", b":", b"1 2"), longest=4096,
    ),
    "symbols": Target(
        lambda: (b"\x01\x00on-reset\0\x01\x10loop/next\0\x00\x10a\0",),
        _symbols,
        (SymbolFileError,),
    ),
}  # fmt: skip
"""By name."""
