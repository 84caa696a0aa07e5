"""Listings: they assemble back to the same bytes, and they read well."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.disassembler import DisassemblyError, disassemble, spell
from jitvm.guests.uxn.disassembler.flow import Role, follow
from jitvm.guests.uxn.encoding import MNEMONICS, operand_size
from jitvm.guests.uxn.symbols import SymbolTable

COUNTER = """
( prints the digits, then counts frames )
|10 @Console &vector $2 &read $5 &type $1 &write $1
|20 @Screen &vector $2
|0000 @total $2

|0100
@on-reset
    ;on-frame .Screen/vector DEO2
    ;greeting print
    #09 &down DUP digit #01 SUB DUP ?&down
    POP BRK
@on-frame
    [ LIT2 &frames 0000 ] INC2 DUP2 ,&frames STR2
    .total STZ2 BRK
@digit
    #0a OVR GTH ,&small JCN
    POP "? .Console/write DEO JMP2r
&small
    LIT "0 ADD .Console/write DEO JMP2r
@print
    LDAk .Console/write DEO INC2 LDAk ?print POP2 JMP2r
@greeting "Hello 20 "there! 0a00
@picture 3c42 8181 8181 423c $20 ff00 0000
"""


def words(text: str) -> list[str]:
    return text.split()


def check_round_trip(rom: bytes, symbols: SymbolTable | None = None) -> None:
    listing = disassemble(rom, symbols)
    for addresses in (False, True):
        assert assemble(listing.render(addresses=addresses)).rom == rom
    assert b"".join(line.data for line in listing.lines) == rom


# -- round trips ------------------------------------------------------------------------------

OPCODE_HEAVY = st.lists(
    st.sampled_from([0x00, 0x01, 0x02, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0, 0xE0, 0x0C, 0x0D, 0x0E,
                     0x2C, 0x2E, 0x6C, 0x12, 0x13, 0x33, 0x14, 0x15, 0x16, 0x17, 0x37, 0xFF, 0xFE,
                     0xF0, 0x08, 0x41, 0x42, 0x22])
    | st.integers(0, 255),
    min_size=1,
    max_size=120,
).map(bytes)  # fmt: skip

SYMBOL_NAMES = st.text(max_size=8) | st.sampled_from(
    ["add", "ADD2", "BRK", "beef", "x", "x", "a/b", "s/", "/", "&x", "s/&y", "s/y", "(", "s/(",
     "{", "a{", "}", "λ00", "λ01", "Console/write", "on-reset", "sub_0103", "|0200", "é", "\udcff",
     "n" * 300, "two words", "[", "Screen", "'c"]
)  # fmt: skip


@given(st.binary(min_size=1, max_size=300) | OPCODE_HEAVY)
@settings(max_examples=150, deadline=None)
def test_any_bytes_come_back(rom: bytes) -> None:
    check_round_trip(rom)


@given(
    OPCODE_HEAVY,
    st.lists(st.tuples(st.integers(0xF0, 0x180) | st.integers(0, 0xFFFF), SYMBOL_NAMES)),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_come_back_with_any_symbols(rom: bytes, symbols: list[tuple[int, str]]) -> None:
    check_round_trip(rom, SymbolTable.of(symbols))


@pytest.mark.parametrize(
    "source",
    [
        COUNTER,
        "BRK",
        "01 00 0000",
        "00 $40 00",
        "@x ?x !x x ;x ,x _x .x -x =x",
        "#0104 JMP2 a0 1234 6c",
        "!x 80 @x 20 0001 01 02",
        "LIT [ @x 12 ] ,x STR LIT2 [ @y 12 @z 34 ] ,z STR ,y LDR2",
        "20 @x 00 @y 03 ,x STR ,y STR",
        "LITr 12 LIT2r 1234 LITr _x JMPr LIT2r =x JMP2r @x BRK",
        "#7f JMP #80 JMP",
        "|fffd !x @x",
        "|fff0 #7f JMP |ffff 01",
        "=x |2000 @x 01",
        '"plain 20 "text 20 "with 20 ""quotes" 20 "and 20 "(brackets) 00',
        '"' + "long" * 40,
    ],
    ids=range(16),
)
def test_programs_come_back(source: str) -> None:
    assembly = assemble(source)
    check_round_trip(assembly.rom)
    check_round_trip(assembly.rom, assembly.symbols)


def test_every_opcode_comes_back() -> None:
    check_round_trip(bytes(range(256)))
    for byte in range(256):
        check_round_trip(bytes([byte]))
        check_round_trip(bytes([byte, 0x01, 0x02]))


def test_a_full_bank_comes_back() -> None:
    check_round_trip(bytes(0xFEFF) + b"\x00")
    check_round_trip(bytes((7 * n + (n >> 8)) & 0xFF for n in range(0xFF00)))


@given(OPCODE_HEAVY)
@example(bytes.fromhex("400001 80 20fffc 00")).via("a literal whose operand is code")
@example(bytes.fromhex("400001 80 800c 40fffa")).via("the same, and a jump by that literal")
@settings(max_examples=100, deadline=None)
def test_instructions_never_overlap(rom: bytes) -> None:
    flow = follow(rom, SymbolTable())
    address = 0
    while address < len(flow.roles):
        size = operand_size(flow.memory[address]) if flow.roles[address] == Role.OPCODE else 0
        assert all(role == Role.OPERAND for role in flow.roles[address + 1 : address + 1 + size])
        address += 1 + size
        assert address >= flow.end or flow.roles[address] != Role.OPERAND
    assert all(flow.roles[operand] == Role.OPERAND for operand in flow.uses)


# -- telling code from data -------------------------------------------------------------------


def test_a_program_reads_well_without_symbols() -> None:
    text = words(disassemble(assemble(COUNTER).rom).render())
    assert "|18" in text
    assert ".Console/write" in text
    assert "@on-reset" in text
    assert any(word.startswith("@vector_") for word in text)
    assert any(word.startswith("&loop_") for word in text)
    assert any(word.startswith("&var_") for word in text)
    assert {'"Hello', '"there!', "$20"} <= set(text)


def test_a_program_reads_well_with_symbols() -> None:
    assembly = assemble(COUNTER)
    text = disassemble(assembly.rom, assembly.symbols).render()
    for expected in (
        ";on-frame .Screen DEO2",
        "?&down",
        "[ LIT2 &frames 0000 ] INC2 DUP2 ,&frames STR2",
        ".total STZ2",
        ",&small JCN",
        "@picture\n    3c42 8181 8181 423c",
        "ff00 0000",
    ):
        assert expected in text
    again = assemble(text)
    assert {(each.address, each.name) for each in again.symbols} >= {
        (each.address, each.name) for each in assembly.symbols
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("#0107 JMP2 ff ff ff @x INC BRK", ";on-reset/skip_0107 JMP2"),
        ("#03 JMP ff ff ff INC BRK", ",&skip_0106 JMP"),
        ("#01 #03 JCN BRK ff ff INC BRK", ",&skip_0108 JCN"),
        ("#02 JSR BRK ff INC JMP2r", ",sub_0105 JSR"),
        ("#0105 JSR2 BRK INC JMP2r", ";sub_0105 JSR2"),
        ("#0106 LDA BRK ff 12", ";data_0106 LDA"),
        ("#02 LDR BRK ff 12", ",data_0105 LDR"),
        ("#0108 #20 DEO2 BRK ff INC BRK", ";vector_0108 .Screen/vector DEO2"),
        ("#01 #02 EQU JMP BRK INC BRK", "EQU JMP\n    BRK\n    INC BRK"),
        ("LITr 02 JSRr BRK ff INC JMP2r", "LITr _sub_0105 JSRr"),
    ],
)
def test_constants_lead_to_code(source: str, expected: str) -> None:
    text = disassemble(assemble(source).rom).render()
    assert expected.replace(";on-reset/", ";&") in text, text


def test_unreached_labels_are_code_only_if_they_look_like_it() -> None:
    source = """
        BRK
        @routine #01 ADD2 !helper
        @helper .Screen/x DEO JMP2r
        @text "words 20 "of 20 "prose 00
        @sprite 40c0 e0f0 f8e0 1000
        |28 @Screen/x
    """
    assembly = assemble(source)
    text = disassemble(assembly.rom, assembly.symbols).render()
    assert "#01 ADD2 !helper" in text
    assert '"words 20 "of 20 "prose 00' in text
    assert "40c0 e0f0 f8e0 1000" in text


def test_address_comments() -> None:
    text = disassemble(assemble("#1234 POP2 BRK").rom).render(addresses=True)
    assert "( 0100: a0 12 34 22 00 )" in text


# -- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "ADD2k", "|x", "with space", "{", "", "\udcff"])
def test_impossible_names_are_mended(name: str) -> None:
    rom = assemble("x BRK @x BRK").rom
    check_round_trip(rom, SymbolTable.of([(0x0104, name)]))


def test_names_used_twice_are_told_apart() -> None:
    rom = assemble("01 02 03").rom
    text = words(disassemble(rom, SymbolTable.of([(0x101, "x"), (0x102, "x")])).render())
    assert {"@x", "@x_0102"} <= set(text)


# -- limits -----------------------------------------------------------------------------------


def test_roms_without_a_listing_are_refused() -> None:
    with pytest.raises(DisassemblyError, match="empty"):
        disassemble(b"")
    with pytest.raises(DisassemblyError, match="other banks"):
        disassemble(bytes(0xFF01))


# -- single instructions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("8012", "#12"),
        ("a01234", "#1234"),
        ("c012", "LITr 12"),
        ("e01234", "LIT2r 1234"),
        ("200010", "JCI print"),
        ("400012", "JMI print+2"),
        ("60fffd", "JSI main"),
        ("40f000", "JMI print+61424"),
        ("38", "ADD2"),
    ],
)
def test_spell(code: str, text: str) -> None:
    symbols = SymbolTable.of([(0x0100, "main"), (0x0113, "print")])
    memory = bytearray(0x10000)
    data = bytes.fromhex(code)
    memory[0x100 : 0x100 + len(data)] = data
    assert spell(memory, 0x0100, symbols) == (text, len(data))


def test_spell_without_symbols_and_round_the_end() -> None:
    memory = bytearray(0x10000)
    memory[0xFFFF], memory[0], memory[1] = 0x40, 0x01, 0x23
    assert spell(memory, 0xFFFF) == ("JMI 0x0125", 3)


def test_spell_names_every_plain_opcode() -> None:
    for byte in range(256):
        if byte & 0x1F:
            assert spell(bytes([byte]) + bytes(0xFFFF), 0) == (MNEMONICS[byte], 1)
