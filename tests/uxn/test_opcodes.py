"""Every opcode in every mode against hand-worked cases, with every wrap, at every tier.

A row is one instruction, in the notation of the language's own documentation:

    "JSR2  1234       -- / .+0 @1234"
     name  before        after

    12 1234        bytes and shorts on the instruction's stack, the right end on top
    / 12 1234      on the other stack
    =12 =1234      operand bytes behind the opcode
    [10]=1234      memory, from an address on
    p[10]=12       the port page
    @1234          where control goes; without it, to the next instruction
    .+12 .-12      as a word or an address: the next instruction's, and a distance from it

Rows are written for the working stack. The return mode exchanges the stacks and nothing else, so
each row is run for both; the keep mode has rows of its own, because reading operands in place is
where implementations go wrong. Each row runs with the stacks and the instruction at all the
places where a wrap may happen: nothing in a row depends on them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.encoding import MNEMONICS, MODE_RETURN, opcode, operand_size
from tests.tiers import TIERS, make_machine, shared_machine

ROWS = """
INC    01                    -- 02
INC    ff                    -- 00
INC2   00ff                  -- 0100
INC2   ffff                  -- 0000
INCk   7f                    -- 7f 80
INC2k  12ff                  -- 12ff 1300

POP    12 34                 -- 12
POP2   12 3456               -- 12
POPk   12                    -- 12
POP2k  1234                  -- 1234

NIP    12 34                 -- 34
NIP2   1234 5678             -- 5678
NIPk   12 34                 -- 12 34 34
NIP2k  1234 5678             -- 1234 5678 5678

SWP    12 34                 -- 34 12
SWP2   1234 5678             -- 5678 1234
SWPk   12 34                 -- 12 34 34 12
SWP2k  1234 5678             -- 1234 5678 5678 1234

ROT    12 34 56              -- 34 56 12
ROT2   1234 5678 9abc        -- 5678 9abc 1234
ROTk   12 34 56              -- 12 34 56 34 56 12
ROT2k  1234 5678 9abc        -- 1234 5678 9abc 5678 9abc 1234

DUP    12                    -- 12 12
DUP2   1234                  -- 1234 1234
DUPk   12                    -- 12 12 12
DUP2k  1234                  -- 1234 1234 1234

OVR    12 34                 -- 12 34 12
OVR2   1234 5678             -- 1234 5678 1234
OVRk   12 34                 -- 12 34 12 34 12
OVR2k  1234 5678             -- 1234 5678 1234 5678 1234

EQU    12 12                 -- 01
EQU    12 13                 -- 00
EQU2   1234 1234             -- 01
EQU2   1234 1334             -- 00
EQU2   1234 1235             -- 00
EQUk   12 12                 -- 12 12 01
EQU2k  1234 0034             -- 1234 0034 00

NEQ    12 12                 -- 00
NEQ    12 13                 -- 01
NEQ2   1234 1234             -- 00
NEQ2   1234 1334             -- 01
NEQk   12 92                 -- 12 92 01
NEQ2k  abcd abcd             -- abcd abcd 00

GTH    34 12                 -- 01
GTH    12 34                 -- 00
GTH    12 12                 -- 00
GTH    ff 01                 -- 01
GTH2   0100 00ff             -- 01
GTH2   00ff 0100             -- 00
GTH2   8000 7fff             -- 01
GTHk   34 12                 -- 34 12 01
GTH2k  3456 3456             -- 3456 3456 00

LTH    34 12                 -- 00
LTH    12 34                 -- 01
LTH    12 12                 -- 00
LTH    01 ff                 -- 01
LTH2   0100 00ff             -- 00
LTH2   00ff 0100             -- 01
LTH2   7fff 8000             -- 01
LTHk   34 12                 -- 34 12 00
LTH2k  0001 8000             -- 0001 8000 01

JMP    05                    -- @.+05
JMP    fe                    -- @.-02
JMP    80                    -- @.-80
JMP    7f                    -- @.+7f
JMP2   1234                  -- @1234
JMP2   ffff                  -- @ffff
JMPk   00                    -- 00 @.+00
JMP2k  0000                  -- 0000 @0000

JCN    01 05                 -- @.+05
JCN    80 fe                 -- @.-02
JCN    00 05                 --
JCN2   01 1234               -- @1234
JCN2   00 1234               --
JCNk   01 80                 -- 01 80 @.-80
JCNk   00 80                 -- 00 80
JCN2k  ff abcd               -- ff abcd @abcd
JCN2k  00 abcd               -- 00 abcd

JSR    05                    -- / .+0 @.+05
JSR    80                    -- / .+0 @.-80
JSR2   1234                  -- / .+0 @1234
JSRk   7f                    -- 7f / .+0 @.+7f
JSR2k  1234                  -- 1234 / .+0 @1234

STH    12 / 99               -- / 99 12
STH2   1234 / 99             -- / 99 1234
STHk   12                    -- 12 / 12
STH2k  1234                  -- 1234 / 1234

LDZ    10 [10]=56            -- 56 [10]=56
LDZ    ff [ff]=56            -- 56 [ff]=56
LDZ2   10 [10]=5678          -- 5678 [10]=5678
LDZ2   ff [ff]=56 [0]=78     -- 5678 [ff]=56 [0]=78
LDZk   10 [10]=56            -- 10 56 [10]=56
LDZ2k  ff [ff]=56 [0]=78     -- ff 5678 [ff]=56 [0]=78

STZ    56 10                 -- [10]=56
STZ    56 ff                 -- [ff]=56
STZ2   5678 10               -- [10]=5678
STZ2   5678 ff               -- [ff]=56 [0]=78
STZk   56 10                 -- 56 10 [10]=56
STZ2k  5678 ff               -- 5678 ff [ff]=56 [0]=78

LDR    05 [.+05]=56          -- 56 [.+05]=56
LDR    80 [.-80]=56          -- 56 [.-80]=56
LDR    fc [.-04]=56          -- 56 [.-04]=56
LDR2   05 [.+05]=5678        -- 5678 [.+05]=5678
LDR2   7f [.+7f]=5678        -- 5678 [.+7f]=5678
LDRk   fa [.-06]=56          -- fa 56 [.-06]=56
LDR2k  00 [.+00]=5678        -- 00 5678 [.+00]=5678
LDR2k  06 [.+06]=5678        -- 06 5678 [.+06]=5678

STR    56 05                 -- [.+05]=56
STR    56 80                 -- [.-80]=56
STR    56 ff                 -- [.-01]=56
STR2   5678 05               -- [.+05]=5678
STR2   5678 fe               -- [.-02]=5678
STR2   5678 ff               -- [.-01]=5678
STRk   56 7f                 -- 56 7f [.+7f]=56
STR2k  5678 00               -- 5678 00 [.+00]=5678
STR2k  5678 06               -- 5678 06 [.+06]=5678

LDA    1234 [1234]=56        -- 56 [1234]=56
LDA    0000 [0]=56           -- 56 [0]=56
LDA2   1234 [1234]=5678      -- 5678 [1234]=5678
LDA2   00ff [ff]=5678        -- 5678 [ff]=5678
LDAk   1234 [1234]=56        -- 1234 56 [1234]=56
LDA2k  1234 [1234]=5678      -- 1234 5678 [1234]=5678

STA    56 1234               -- [1234]=56
STA    56 0000               -- [0]=56
STA2   5678 1234             -- [1234]=5678
STA2   5678 00ff             -- [ff]=5678
STAk   56 1234               -- 56 1234 [1234]=56
STA2k  5678 1234             -- 5678 1234 [1234]=5678

DEI    10 p[10]=56           -- 56 p[10]=56
DEI    ff p[ff]=56           -- 56 p[ff]=56
DEI2   10 p[10]=5678         -- 5678 p[10]=5678
DEI2   ff p[ff]=56 p[0]=78   -- 5678 p[ff]=56 p[0]=78
DEIk   10 p[10]=56           -- 10 56 p[10]=56
DEI2k  ff p[ff]=56 p[0]=78   -- ff 5678 p[ff]=56 p[0]=78

DEO    56 10                 -- p[10]=56
DEO2   5678 10               -- p[10]=5678
DEO2   5678 ff               -- p[ff]=56 p[0]=78
DEOk   56 ff                 -- 56 ff p[ff]=56
DEO2k  5678 ff               -- 5678 ff p[ff]=56 p[0]=78

ADD    12 34                 -- 46
ADD    ff 02                 -- 01
ADD2   12ff 0001             -- 1300
ADD2   ffff ffff             -- fffe
ADDk   80 80                 -- 80 80 00
ADD2k  00ff 00ff             -- 00ff 00ff 01fe

SUB    34 12                 -- 22
SUB    12 34                 -- de
SUB2   1300 0001             -- 12ff
SUB2   0000 0001             -- ffff
SUBk   00 01                 -- 00 01 ff
SUB2k  0001 0100             -- 0001 0100 ff01

MUL    12 03                 -- 36
MUL    80 02                 -- 00
MUL    ff ff                 -- 01
MUL2   0123 0010             -- 1230
MUL2   ffff ffff             -- 0001
MULk   10 11                 -- 10 11 10
MUL2k  0100 0100             -- 0100 0100 0000

DIV    36 03                 -- 12
DIV    37 03                 -- 12
DIV    12 00                 -- 00
DIV    ff ff                 -- 01
DIV    80 ff                 -- 00
DIV2   1230 0010             -- 0123
DIV2   1234 0000             -- 0000
DIV2   ffff 0002             -- 7fff
DIVk   ff 10                 -- ff 10 0f
DIV2k  8000 0003             -- 8000 0003 2aaa

AND    f5 3c                 -- 34
AND2   f5a5 3c5a             -- 3400
ANDk   f5 3c                 -- f5 3c 34
AND2k  ffff 0f0f             -- ffff 0f0f 0f0f

ORA    f5 3c                 -- fd
ORA2   f5a5 3c5a             -- fdff
ORAk   81 18                 -- 81 18 99
ORA2k  1200 0034             -- 1200 0034 1234

EOR    f5 3c                 -- c9
EOR2   f5a5 3c5a             -- c9ff
EORk   ff ff                 -- ff ff 00
EOR2k  ffff 00ff             -- ffff 00ff ff00

SFT    34 10                 -- 68
SFT    34 01                 -- 1a
SFT    34 33                 -- 30
SFT    34 34                 -- 18
SFT    ff 08                 -- 00
SFT    ff 80                 -- 00
SFT    ff 0f                 -- 00
SFT2   1248 34               -- 0920
SFT2   ffff ff               -- 8000
SFT2   8001 0f               -- 0001
SFT2   8001 f0               -- 8000
SFT2   1234 00               -- 1234
SFTk   34 42                 -- 34 42 d0
SFT2k  1248 40               -- 1248 40 2480

LIT    =12                   -- 12
LIT2   =1234                 -- 1234
LITr   =12 99                -- 99 / 12
LIT2r  =1234                 -- / 1234
JMI    =1234                 -- @.+1234
JMI    =fffd                 -- @.-03
JMI    =0000                 -- @.+0
JCI    =1234 01              -- @.+1234
JCI    =8000 ff              -- @.-8000
JCI    =1234 00              --
JSI    =1234                 -- / .+0 @.+1234
JSI    =fffd 99              -- 99 / .+0 @.-03
BRK    12                    -- 12
"""

PLACES = (0x0200, 0xFFFD, 0xFFFE, 0xFFFF)
"""Where the instruction stands: 0xfffd and on, its operand or its successor wraps."""
BOTTOMS = ((0x10, 0x20), (0x00, 0xFF), (0xFF, 0xFE), (0xFE, 0x00), (0xFD, 0xFD), (0xFB, 0xFC))
"""Where the operands on the two stacks begin: pointers of 0, 1, 254, 255 and wraps inside."""


# -- rows ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Side:
    """One half of a row; words are still text."""

    own: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    operand: str = ""
    memory: list[tuple[str, bytes]] = field(default_factory=list)
    page: list[tuple[int, bytes]] = field(default_factory=list)
    target: str = ".+0"


def parse_side(text: str) -> Side:
    side = Side()
    words = side.own
    for token in text.split():
        if token == "/":
            words = side.other
        elif token.startswith("="):
            side.operand += token[1:]
        elif token.startswith("@"):
            side.target = token[1:]
        elif match := re.fullmatch(r"(p?)\[(.*)\]=(\w+)", token):
            place, content = match[2], bytes.fromhex(match[3])
            if match[1]:
                side.page.append((int(place, 16), content))
            else:
                side.memory.append((place, content))
        else:
            words.append(token)
    return side


@dataclass(frozen=True, slots=True)
class Row:
    """A parsed row for one opcode byte; `turned` when the stacks are exchanged."""

    text: str
    code: int
    turned: bool
    before: Side
    after: Side


IMMEDIATE = {"BRK": 0x00, "JCI": 0x20, "JMI": 0x40, "JSI": 0x60}


def parse_rows(text: str) -> list[Row]:
    rows = []
    for line in text.strip().splitlines():
        if not line:
            continue
        name, rest = line.split(None, 1)
        before, after = map(parse_side, rest.split("--"))
        code = IMMEDIATE[name] if name in IMMEDIATE else opcode(name)
        assert code is not None, name
        rows.append(Row(line, code, False, before, after))
        if code & 0x1F:
            rows.append(Row(line + " (r)", code | MODE_RETURN, True, before, after))
    return rows


PARSED = parse_rows(ROWS)


def address(text: str, next_pc: int) -> int:
    """A hexadecimal number, or a distance from the next instruction."""
    if text.startswith("."):
        return (next_pc + int(text[1:], 16)) & 0xFFFF
    return int(text, 16)


def stack_bytes(words: list[str], next_pc: int) -> bytes:
    relative = {word: f"{address(word, next_pc):04x}" for word in words if word[0] == "."}
    return bytes.fromhex("".join(relative.get(word, word) for word in words))


def poke(memory: memoryview | bytearray, at: int, content: bytes) -> None:
    for i, byte in enumerate(content):
        memory[(at + i) % len(memory)] = byte


# -- running -------------------------------------------------------------------------------------


def run_row(machine: Machine, row: Row, pc: int, bottoms: tuple[int, int]) -> None:
    """Set up a row's state, execute its instruction, and compare all that is specified."""
    state, length = machine.state, 1 + operand_size(row.code)
    next_pc = (pc + length) & 0xFFFF
    order = (1, 0) if row.turned else (0, 1)

    memory = bytearray(0x10000)
    for place, content in row.before.memory:
        poke(memory, address(place, next_pc), content)
    poke(memory, pc, bytes([row.code]) + bytes.fromhex(row.before.operand))
    page = bytearray(0x100)
    for port, content in row.before.page:
        poke(page, port, content)
    machine.memory[:], machine.page[:] = memory, page
    for stack, words, bottom in zip(
        order, (row.before.own, row.before.other), bottoms, strict=True
    ):
        content = stack_bytes(words, next_pc)
        state.stacks[stack][:] = b"\xee" * 0x100
        poke(state.stacks[stack], bottom, content)
        state.pointers[stack] = (bottom + len(content)) & 0xFF

    stop = machine.run(pc, max_instructions=1)

    for place, content in row.after.memory:
        poke(memory, address(place, next_pc), content)
    for port, content in row.after.page:
        poke(page, port, content)
    assert stop is (Stop.BUDGET if row.code else Stop.HALT)
    assert state.pc == address(row.after.target, next_pc)
    assert machine.memory == memory
    assert machine.page == page
    for stack, words, bottom in zip(order, (row.after.own, row.after.other), bottoms, strict=True):
        expected = stack_bytes(words, next_pc)
        cells = bytes(state.stacks[stack])
        live = bytes(cells[(bottom + i) & 0xFF] for i in range(len(expected)))
        assert live == expected
        assert state.pointers[stack] == (bottom + len(expected)) & 0xFF
        below = cells[:bottom] if bottom <= 0x20 else b""
        assert below == b"\xee" * len(below)


def code_overlaps(row: Row, pc: int) -> bool:
    """Whether a row's memory would lie on its own instruction when that stands at `pc`."""
    length = 1 + operand_size(row.code)
    next_pc = pc + length
    code = {(pc + i) & 0xFFFF for i in range(length)}
    return any(
        (address(place, next_pc) + i) & 0xFFFF in code
        for place, content in row.before.memory
        for i in range(len(content))
    )


def test_every_opcode_has_rows() -> None:
    assert {row.code for row in PARSED} == set(range(256))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("code", range(256), ids=lambda code: MNEMONICS[code])
def test_opcode(code: int, tier: str) -> None:
    machine = shared_machine(tier, UXN)
    for row in PARSED:
        if row.code != code:
            continue
        for pc, bottoms in product(PLACES, BOTTOMS):
            if code_overlaps(row, pc):
                continue
            try:
                run_row(machine, row, pc, bottoms)
            except AssertionError as error:
                error.add_note(f"row: {row.text}\npc {pc:#x}, stacks from {bottoms}")
                raise


END_OF_MEMORY = """
LDA2   ffff [ffff]=5678      -- 5678 [ffff]=5678
LDA2k  ffff [ffff]=5678      -- ffff 5678 [ffff]=5678
STA2   5678 ffff             -- [ffff]=5678
STA2k  5678 ffff             -- 5678 ffff [ffff]=5678
LDA2   fffe [fffe]=5678      -- 5678 [fffe]=5678
STA2   5678 fffe             -- [fffe]=5678
"""


def end_of_memory_rows() -> list[Row]:
    """Rows whose memory lies where some places of the others have their instruction."""
    return parse_rows(END_OF_MEMORY)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("row", end_of_memory_rows(), ids=lambda row: row.text)
def test_shorts_at_the_end_of_memory(row: Row, tier: str) -> None:
    run_row(shared_machine(tier, UXN), row, 0x0200, (0x10, 0x20))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("pc", "rel", "at"), [(0xFFF0, 0x0E, 0xFFFF), (0x0010, 0xEE, 0xFFFF)])
def test_relative_shorts_across_the_end_of_memory(tier: str, pc: int, rel: int, at: int) -> None:
    machine = shared_machine(tier, UXN)
    for name, stack in (("STR2", [0x56, 0x78, rel]), ("LDR2", [rel])):
        if name == "STR2":
            machine.memory[:] = bytes(0x10000)
        machine.memory[pc] = opcode(name) or 0
        poke(machine.state.stacks[0], 0, bytes(stack))
        machine.state.pointers[0] = len(stack)
        machine.run(pc, max_instructions=1)
        assert (machine.memory[at], machine.memory[0]) == (0x56, 0x78)
    assert bytes(machine.state.stacks[0][:2]) == b"\x56\x78"


@pytest.mark.parametrize("tier", TIERS)
def test_a_store_into_the_next_instruction_is_executed(tier: str) -> None:
    machine = shared_machine(tier, UXN)
    # LIT INC, LIT 0, STR: the byte behind STR becomes INC; then BRK.
    machine.memory[0x100:0x107] = bytes([0x80, 0x01, 0x80, 0x00, 0x13, 0x00, 0x00])
    machine.state.pointers[:] = [1, 0]
    machine.state.stacks[0][0] = 0x41
    assert machine.run(0x100) is Stop.HALT
    assert (machine.state.stacks[0][0], machine.state.pc) == (0x42, 0x107)


@pytest.mark.parametrize("tier", TIERS)
def test_keep_mode_reads_all_operands_before_results_cover_them(tier: str) -> None:
    """ROT2k at the top of a full circle: operands in place, results around the end."""
    machine = shared_machine(tier, UXN)
    machine.memory[0x100] = opcode("ROT2k") or 0
    cells = bytes(range(256))
    machine.state.stacks[0][:] = cells
    machine.state.pointers[:] = [0xFE, 0]
    machine.run(0x100, max_instructions=1)
    expected = bytearray(cells)
    # operands f8..fd, results b c a at fe ff 00 01 02 03
    poke(expected, 0xFE, bytes([0xFA, 0xFB, 0xFC, 0xFD, 0xF8, 0xF9]))
    assert bytes(machine.state.stacks[0]) == expected
    assert machine.state.pointers[0] == 0x04


# -- ports with devices --------------------------------------------------------------------------


class Device:
    """A device on every port: it answers reads and logs all traffic with the pointers it saw."""

    def __init__(self, machine: Machine) -> None:
        self.log: list[tuple[str, int, int, tuple[int, ...]]] = []
        for port in range(256):
            machine.on_read(port, partial(self.read, machine, port))
            machine.on_write(port, partial(self.write, machine, port))

    def read(self, machine: Machine, port: int) -> int:
        answer = (port * 3 + 1) & 0xFF
        self.log.append(("in", port, answer, tuple(machine.state.pointers)))
        return answer

    def write(self, machine: Machine, port: int, byte: int) -> None:
        assert machine.page[port] == byte
        self.log.append(("out", port, byte, tuple(machine.state.pointers)))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("turned", [False, True], ids=["wst", "rst"])
@pytest.mark.parametrize(
    ("name", "stack", "after", "traffic"),
    [
        # pointers seen: writes after the pops; reads with the slot of each result reserved
        ("DEO", "56 10", "", [("out", 0x10, 0x56, 0)]),
        ("DEO2", "5678 10", "", [("out", 0x10, 0x56, 0), ("out", 0x11, 0x78, 0)]),
        ("DEO2", "5678 ff", "", [("out", 0xFF, 0x56, 0), ("out", 0x00, 0x78, 0)]),
        ("DEOk", "56 10", "56 10", [("out", 0x10, 0x56, 2)]),
        ("DEO2k", "5678 10", "5678 10", [("out", 0x10, 0x56, 3), ("out", 0x11, 0x78, 3)]),
        ("DEI", "10", "31", [("in", 0x10, 0x31, 1)]),
        ("DEI2", "10", "31 34", [("in", 0x10, 0x31, 1), ("in", 0x11, 0x34, 2)]),
        ("DEI2", "ff", "fe 01", [("in", 0xFF, 0xFE, 1), ("in", 0x00, 0x01, 2)]),
        ("DEIk", "10", "10 31", [("in", 0x10, 0x31, 2)]),
        ("DEI2k", "10", "10 31 34", [("in", 0x10, 0x31, 2), ("in", 0x11, 0x34, 3)]),
    ],
)
def test_devices(
    name: str, stack: str, after: str, traffic: list[tuple[str, int, int, int]],
    turned: bool, tier: str,
) -> None:  # fmt: skip
    machine = make_machine(tier, UXN)
    device = Device(machine)
    code = opcode(name)
    assert code is not None
    for bottom in (0x00, 0x40, 0xFD, 0xFE, 0xFF):
        device.log.clear()
        own, content = int(turned), bytes.fromhex(stack)
        machine.memory[0x100] = code | (MODE_RETURN if turned else 0)
        poke(machine.state.stacks[own], bottom, content)
        machine.state.pointers[own] = (bottom + len(content)) & 0xFF
        machine.state.pointers[1 - own] = 0x77
        machine.run(0x100, max_instructions=1)
        expected = []
        for kind, port, byte, above in traffic:
            pointers = [0x77, 0x77]
            pointers[own] = (bottom + above) & 0xFF
            expected.append((kind, port, byte, tuple(pointers)))
        assert device.log == expected
        live = bytes.fromhex(after)
        cells = machine.state.stacks[own]
        assert bytes(cells[(bottom + i) & 0xFF] for i in range(len(live))) == live
        assert machine.state.pointers[own] == (bottom + len(live)) & 0xFF


def connect_pointers(machine: Machine) -> None:
    """Ports 4 and 5 as in Varvara's System device: the stack pointers."""

    def setter(stack: int) -> None:
        def write(byte: int) -> None:
            machine.state.pointers[stack] = byte

        machine.on_read(4 + stack, lambda: machine.state.pointers[stack])
        machine.on_write(4 + stack, write)

    setter(0)
    setter(1)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("name", "wst", "rst", "pushed"),
    [
        ("DEI", [0x04], [], [0x01]),  # the result's slot counts
        ("DEI", [0x05], [9, 9], [0x02]),  # on the other stack it does not
        ("DEI2", [0x04], [9, 9], [0x01, 0x02]),
        ("DEIk", [0x04], [], [0x04, 0x02]),
        ("DEIr", [], [0x05], [0x01]),
        ("DEIr", [9], [0x04], [0x01]),
    ],
)
def test_reading_stack_pointers(
    name: str, wst: list[int], rst: list[int], pushed: list[int], tier: str
) -> None:
    machine = make_machine(tier, UXN)
    connect_pointers(machine)
    machine.memory[0x100] = opcode(name) or 0
    for stack, content in enumerate((wst, rst)):
        poke(machine.state.stacks[stack], 0, bytes(content))
        machine.state.pointers[stack] = len(content)
    machine.run(0x100, max_instructions=1)
    own = int(name.endswith("r"))
    assert machine.state.pointers[own] == len(pushed)
    assert list(machine.state.stacks[own][: len(pushed)]) == pushed


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("name", "stack", "pointers"),
    [
        ("DEO", [0x99, 0x04], [0x99, 0x30]),
        ("DEO", [0x99, 0x05], [0x00, 0x99]),
        ("DEO2", [0x12, 0x34, 0x04], [0x12, 0x34]),
        ("DEO2", [0x12, 0x34, 0x03], [0x34, 0x30]),
        ("DEOk", [0x99, 0x04], [0x99, 0x30]),
    ],
)
def test_writing_stack_pointers(
    name: str, stack: list[int], pointers: list[int], tier: str
) -> None:
    machine = make_machine(tier, UXN)
    connect_pointers(machine)
    machine.memory[0x100:0x103] = bytes([opcode(name) or 0, 0x80, 0x77])  # then LIT 77
    poke(machine.state.stacks[0], 0, bytes(stack))
    machine.state.pointers[:] = [len(stack), 0x30]
    machine.run(0x100, max_instructions=1)
    assert machine.state.pointers == pointers
    machine.run(max_instructions=1)
    assert machine.state.stacks[0][pointers[0]] == 0x77


@pytest.mark.parametrize("tier", TIERS)
def test_a_device_may_overwrite_the_next_instruction(tier: str) -> None:
    machine = make_machine(tier, UXN)
    # LIT 41, LIT2 55 20, DEO; the device turns the BRK behind it into INC; BRK.
    machine.memory[0x100:0x108] = bytes([0x80, 0x41, 0xA0, 0x55, 0x20, 0x17, 0x00, 0x00])
    machine.on_write(0x20, lambda _: machine.memory.__setitem__(0x106, 0x01))
    assert machine.run(0x100) is Stop.HALT
    assert (machine.state.stacks[0][0], machine.state.pc) == (0x42, 0x108)
