"""The assembler against hand-assembled bytes, and every problem it can tell."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.guests.uxn.assembler import (
    LEGACY_LEAVES,
    Assembly,
    AssemblyError,
    Diagnostic,
    Problem,
    assemble,
    most_left,
)
from jitvm.guests.uxn.assembler.limits import (
    MAX_ERRORS,
    MAX_LAMBDA_DEPTH,
    MAX_MACRO_DEPTH,
    MAX_NAME,
)
from jitvm.guests.uxn.encoding import MNEMONICS, mnemonic, opcode, operand_size


def problems(source: str | bytes, *, legacy: bool = False) -> list[Diagnostic]:
    """Assemble a source that must fail and return what was told."""
    with pytest.raises(AssemblyError) as caught:
        assemble(source, legacy=legacy)
    return list(caught.value.diagnostics)


def only_problem(source: str | bytes, *, legacy: bool = False) -> Diagnostic:
    """Assemble a source that must fail for one reason and return it."""
    found = problems(source, legacy=legacy)
    assert len(found) == 1, [each.render() for each in found]
    return found[0]


def warned(assembly: Assembly) -> list[Problem]:
    return [warning.problem for warning in assembly.warnings]


# -- encoding ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "byte"),
    [
        ("BRK", 0x00), ("LIT", 0x80), ("LITr", 0xC0), ("LIT2", 0xA0), ("LIT2r", 0xE0),
        ("LITk", 0x80), ("LIT2kr", 0xE0), ("INC", 0x01), ("INC2", 0x21), ("INCr", 0x41),
        ("INCk", 0x81), ("INC2kr", 0xE1), ("INCrk2", 0xE1), ("ADD2kkrr", 0xF8), ("SFT", 0x1F),
        ("DEO2", 0x37), ("JMP2r", 0x6C), ("EORk", 0x9E), ("STH2kr", 0xEF),
    ],
)  # fmt: skip
def test_opcode_words(word: str, byte: int) -> None:
    assert opcode(word) == byte
    assert assemble(word + " 01").rom == bytes([byte, 1])


@pytest.mark.parametrize("word", ["BRK2", "JCI", "JMI", "JSI", "add", "ADDx", "AD", "", "NOP"])
def test_words_that_are_no_opcodes(word: str) -> None:
    assert opcode(word) is None


def test_every_byte_has_one_spelling() -> None:
    assert len(set(MNEMONICS)) == 256
    immediates = {byte for byte in range(256) if mnemonic(byte) in ("JCI", "JMI", "JSI")}
    assert immediates == {0x20, 0x40, 0x60}
    assert all(opcode(mnemonic(byte)) == byte for byte in set(range(256)) - immediates)
    sizes = {byte: operand_size(byte) for byte in range(256) if operand_size(byte)}
    assert sizes == {0x20: 2, 0x40: 2, 0x60: 2, 0x80: 1, 0xA0: 2, 0xC0: 1, 0xE0: 2}


# -- the language -----------------------------------------------------------------------------

PROGRAMS = {
    "raw byte": ("12", "12"),
    "raw short": ("1234", "1234"),
    "literal byte": ("#12", "8012"),
    "literal short": ("#1234", "a01234"),
    "string": ('"abc', "616263"),
    "string with runes": ('"(a)"{;', "2861 29 22 7b 3b"),
    "string in utf-8": ('"é', "c3a9"),
    "brackets are ignored": ("[ LIT2 12 34 ]", "a01234"),
    "any control byte separates": ("01\t02\r\n03\x0004\x0105", "0102030405"),
    "comment": ("01 ( 02 ) 03", "0103"),
    "nested comment": ("01 ( 02 ( 03 ) 04 ) 05", "0105"),
    "comment with glued parentheses": ("( f(x) 2*(3-1) ) 01", "01"),
    "comment at the end": ("01 ( no newline )", "01"),
    "absolute padding": ("|0103 01", "00000001"),
    "relative padding": ("01 $2 02", "01000002"),
    "absolute padding by label": ("|0102 @x |0100 01 |x 02", "010002"),
    "relative padding by label": ("|0003 @x |0100 01 $x 02", "0100000002"),
    "relative padding by sublabel": ("|0002 @x &y |0100 01 $&y 02", "01000002"),
    "absolute padding by slash": ("|0102 @x &y |0100 01 |/y 02", "010002"),
    "trailing padding is no byte": ("01 $10", "01"),
    "trailing zeros are bytes": ("01 00 0000", "01000000"),
    "all zeros": ("00", "00"),
    "relative literal back": ("@x ,x", "80fd"),
    "relative literal ahead": (",x 01 02 @x", "80010102"),
    "relative literal furthest ahead": (",x $7f 01 @x", "807f" + 127 * "00" + "01"),
    "relative literal furthest back": ("@x $7d ,x", 125 * "00" + "8080"),
    "raw relative": ("@x 01 _x", "01fd"),
    "zero-page literal": ("|12 @x |0100 .x", "8012"),
    "raw low byte": ("|12 @x |0100 -x", "12"),
    "low byte of a far label": ("01 @x -x", "0101"),
    "absolute literal": ("@x ;x", "a00100"),
    "raw absolute": ("=x 01 @x", "010301"),
    "jump ahead": ("!x 01 @x", "40000101"),
    "jump back": ("@x 01 !x", "0140fffc"),
    "conditional jump": ("?x 01 @x", "20000101"),
    "call": ("x 01 @x", "60000101"),
    "far jump": ("!x |8200 @x 01", "4080fd" + 0x80FD * "00" + "01"),
    "call of a sublabel": ("@x x/y &y", "600000"),
    "call by slash": ("@x /y &y", "600000"),
    "sublabel": ("@x 01 &y ;&y", "01a00101"),
    "sublabel by slash": ("@x 01 &y ;/y", "01a00101"),
    "sublabel by full name": ("@x &y @z ;x/y", "a00100"),
    "sublabels by scope": ("@x &y 01 @z &y 02 ;&y ;x/y", "0102a00101a00100"),
    "scope of a label with a slash": ("@x/y 01 &z ;x/z", "01a00101"),
    "scope is up to the first slash": ("@x/y/w 01 &z ;x/z", "01a00101"),
    "sublabel before any label": ("&x ;on-reset/x", "a00100"),
    "sublabel without a name": ("@x & ;x/ ;&", "a00100a00100"),
    "sublabel that looks like a number": ("@x &add ;&add", "a00100"),
    "jumps to a sublabel": ("@x &y !&y ?&y", "40fffd20fffa"),
    "lambda": ("?{ 01 } 02", "2000010102"),
    "lambda jump": ("!{ 01 } 02", "4000010102"),
    "lambda call": ("{ 01 } 02", "6000010102"),
    "lambda addresses": (";{ 01 } ={ 02 }", "a0010401 010702"),
    "lambda bytes": (",{ 01 } _{ 02 } .{ 03 } -{ 04 }", "800001 0002 800803 0a04"),
    "nested lambdas": ("?{ ?{ 01 } 02 } 03", "200005 200001 01 02 03"),
    "lambdas keep the scope": ("@x ?{ &y } ;x/y", "200000a00103"),
    "macro": ("%twice { DUP ADD } #01 twice", "80010618"),
    "macro on lines": ("%m\n{\n01\n02\n}\nm", "0102"),
    "macro with comments": ("%m ( x -- y ) { 01 ( } ) 02 } m", "0102"),
    "macro in macro": ("%m { 01 } %n { m m } n", "0101"),
    "macro with lambda": ("%m { ?{ 01 } } m m", "20000101 20000101"),
    "macro with glued braces": ("%m {01 02} m", "0102"),
    "macro with a brace in a string": ('%m { "{ } m', "7b"),
    "empty macro": ("%m { } m 01", "01"),
    "macro with a label": ("%m { @x &y } m ;x/y", "a00100"),
    "macro by slash": ("%x/m { 01 } @x /m", "01"),
    "going back to fill a hole": ("[ LIT2 &x $2 ] &end |&x 1234 |&end 05", "a0123405"),
    "writing the same again": ("0102 |0100 0102", "0102"),
    "writing over zeros": ("00 00 05 |0100 01", "010005"),
    "device labels": ("|10 @Console &vector $2 &read $1 |0100 .Console/read", "8012"),
    "the last byte of memory": ("|ffff 01", "00" * 0xFEFF + "01"),
    "byte order mark": ("\ufeff01", "01"),
}


@pytest.mark.parametrize(("source", "expected"), PROGRAMS.values(), ids=PROGRAMS)
def test_programs(source: str, expected: str) -> None:
    assert assemble(source).rom == bytes.fromhex(expected)


def test_strings_hold_any_bytes() -> None:
    assert assemble(b'"\xff\xfe\x80').rom == b"\xff\xfe\x80"


def test_many_lambdas_and_labels() -> None:
    source = "?{ } " * 300 + "".join(f"@x{n} ;x{n} " for n in range(5000))
    assembly = assemble(source)
    assert len(assembly.symbols) == 5300
    assert assembly.symbols.address_of("λ12b") == 0x100 + 900


# -- problems ---------------------------------------------------------------------------------

PROBLEMS = {
    "open comment": ("01 ( 02", Problem.COMMENT_OPEN),
    "comment closed by a glued parenthesis": ("01 ( 02)", Problem.COMMENT_OPEN),
    "closing parenthesis alone": ("01 )", Problem.COMMENT_INVALID),
    "glued comment": ("01 (02 ) 03", Problem.WORD_INVALID),
    "long label": ("@" + "x" * (MAX_NAME + 1) + " 01", Problem.LABEL_INVALID),
    "macro that is a number": ("%add { } 01", Problem.MACRO_INVALID),
    "macro that is an opcode": ("%ADD2 { } 01", Problem.MACRO_INVALID),
    "macro that is a rune": ("%+ { ADD } %;x { 01 } 01", Problem.MACRO_INVALID),
    "macro without a name": ("% { } 01", Problem.MACRO_INVALID),
    "macro without a body": ("%m 01 02", Problem.MACRO_INVALID),
    "macro without an end": ("%m { 01", Problem.MACRO_OPEN),
    "macro at the end": ("01 %m", Problem.MACRO_INVALID),
    "macro twice": ("%m { } %m { } 01", Problem.MACRO_DUPLICATE),
    "macro named as a label": ("@m 01 %m { }", Problem.MACRO_DUPLICATE),
    "macro in a macro": ("%m { %n } m 01", Problem.MACRO_NESTED),
    "macro using itself": ("%m { 01 m } m", Problem.MACRO_RECURSIVE),
    "macro before its definition": ("m %m { 01 }", Problem.LABEL_UNKNOWN),
    "word glued to a closing brace": ("%m { 01 }02", Problem.WORD_INVALID),
    "label twice": ("@x @x 01", Problem.LABEL_DUPLICATE),
    "sublabel twice": ("@x &y &y 01", Problem.LABEL_DUPLICATE),
    "label named as a macro": ("%m { } @m 01", Problem.LABEL_DUPLICATE),
    "label that is a number": ("@cafe 01 ;cafe", Problem.LABEL_INVALID),
    "label that is a long number": ("@add32 01", Problem.LABEL_INVALID),
    "label that is an opcode": ("@ADD2k 01", Problem.LABEL_INVALID),
    "label that is BRK": ("@BRK 01", Problem.LABEL_INVALID),
    "label that is a rune": ("@_x 01", Problem.LABEL_INVALID),
    "label without a name": ("@ 01", Problem.LABEL_INVALID),
    "reference without a name": ("01 ;", Problem.LABEL_INVALID),
    "unknown label": (";x", Problem.LABEL_UNKNOWN),
    "unknown word": ("nope", Problem.LABEL_UNKNOWN),
    "BRK with modes": ("BRKk", Problem.LABEL_UNKNOWN),
    "unknown sublabel": ("@x 01 ;&y", Problem.LABEL_UNKNOWN),
    "open lambda": ("?{ 01", Problem.LAMBDA_OPEN),
    "lambda that is not open": ("01 }", Problem.LAMBDA_CLOSED),
    "word glued to a lambda": ("?{01 }", Problem.WORD_INVALID),
    "padding by a later label": ("$x @x 01", Problem.PADDING_INVALID),
    "padding by nothing": ("| 01", Problem.PADDING_INVALID),
    "padding by upper case": ("|01AB 01", Problem.PADDING_INVALID),
    "padding past the end": ("01 |10001", Problem.PADDING_INVALID),
    "relative padding past the end": ("01 $ff00", Problem.PADDING_INVALID),
    "zero page": ("|80 01 02 03", Problem.ZERO_PAGE),
    "past memory": ("|ffff 0102 03", Problem.OUTSIDE),
    "rewind": ("0102 |0100 03", Problem.REWIND),
    "rewind over a reference": ("@x ;x |0101 01", Problem.REWIND),
    "reference over bytes": ("@x 01 |0100 _x", Problem.REWIND),
    "one digit": ("1", Problem.HEX_INVALID),
    "three digits": ("123", Problem.HEX_INVALID),
    "five digits": ("12345", Problem.HEX_INVALID),
    "literal with three digits": ("#123", Problem.HEX_INVALID),
    "literal without digits": ("#", Problem.HEX_INVALID),
    "literal in upper case": ("#AB", Problem.HEX_INVALID),
    "string without utf-8 form": ('"\ud800', Problem.STRING_INVALID),
    "old address": ("@x :x", Problem.WORD_INVALID),
    "old character": ("01 'x", Problem.LABEL_UNKNOWN),
    "too far ahead": (",x $81 @x 01", Problem.TOO_FAR),
    "too far back": ("@x $7e ,x", Problem.TOO_FAR),
    "raw relative too far": ("_x $100 @x 01", Problem.TOO_FAR),
    "missing include": ("~no-such-file.tal 01", Problem.INCLUDE_MISSING),
    "include without a path": ("~ 01", Problem.INCLUDE_INVALID),
    "empty source": ("", Problem.OUTPUT_EMPTY),
    "nothing but labels": ("|0200 @x $2", Problem.OUTPUT_EMPTY),
}


@pytest.mark.parametrize(("source", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_problems(source: str, expected: Problem) -> None:
    found = problems(source)
    assert {each.problem for each in found} == {expected}
    for each in found:
        assert each.message.startswith(expected)
        assert each.render().isprintable() or "\n" in each.render()


def test_every_error_is_told_at_its_place() -> None:
    source = "@main\n\t#123 ;nowhere\n  add @main 01 ?&gone\n"
    found = [(each.line, each.column, each.problem) for each in problems(source)]
    assert found == [
        (2, 2, Problem.HEX_INVALID),
        (3, 3, Problem.HEX_INVALID),
        (3, 7, Problem.LABEL_DUPLICATE),
        (2, 7, Problem.LABEL_UNKNOWN),
        (3, 16, Problem.LABEL_UNKNOWN),
    ]


def test_rendering_shows_the_line_and_a_caret() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("@print-hex 01\n\t#01 ;print-hx JSR2\r\n", name="game.tal")
    assert str(caught.value).splitlines() == [
        "game.tal:2:6: error: Label unknown: `;print-hx`",
        "    2 |  #01 ;print-hx JSR2",
        "      |      ^~~~~~~~~",
        "  hint: did you mean `print-hex`?",
    ]


def test_long_lines_are_clipped_around_the_word() -> None:
    lines = only_problem("01 " * 500 + "nope " + "02 " * 500).render().splitlines()
    assert max(map(len, lines)) < 120
    column = lines[2].index("^")
    assert lines[1][column:].startswith("nope ")


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("@on-frame 01 on-fram", "`on-frame`"),
        ("@game &draw 01 ;game/drw", "`game/draw`"),
        ("@game &draw 01 ,&drw", "`game/draw`"),
        ("%square { DUP MUL } sqare", "`square`"),
        ("01 FF", "`ff`"),
        ("01 NIPX", "`NIP`"),
        ("@start 01 |strt", "`start`"),
    ],
)
def test_hints(source: str, hint: str) -> None:
    assert hint in only_problem(source).hint


def test_errors_in_undecodable_text_can_be_printed() -> None:
    text = only_problem(b'"\xff\xfe 01 \x1b[31m\xc3( nope').render()
    text.encode("utf-8")
    assert "\x1b" not in text


def test_mistakes_do_not_multiply() -> None:
    assert only_problem("|0000 " + "01 " * 50).problem is Problem.ZERO_PAGE
    assert only_problem("@cafe 01 ;cafe ;cafe cafes/x @cafes &x").problem is Problem.LABEL_INVALID
    assert only_problem("#123 ,x $7e @x 01").problem is Problem.HEX_INVALID
    assert len(problems("nope " * 1000)) == MAX_ERRORS


def test_macro_problems_are_told_where_the_macro_is_used() -> None:
    found = only_problem("%m { ;nowhere }\n%n { m }\n01\n  n")
    assert (found.line, found.column, found.token) == (4, 3, "n")
    assert "in macro `n`, at <input>:1" in found.message


def test_recursion_shows_the_chain() -> None:
    # A body may name a macro defined later: only the expansion tells.
    found = only_problem("%m { 01 n } %n { m } m")
    assert found.problem is Problem.MACRO_RECURSIVE
    assert "m -> n -> m" in found.message


SOUP = st.lists(
    st.sampled_from(
        PROGRAMS["macro with lambda"][0].split() + PROGRAMS["sublabels by scope"][0].split()
    )
    | st.sampled_from(
        ["(", ")", "[", "{", "}", "?{", "%", "%n", "|", "$", "~", "~x", "@", "&", "#"]
    )
    | st.text(max_size=6)
).map(" ".join)


@given(SOUP | st.binary(max_size=60), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_source_is_assembled_or_refused(source: str | bytes, legacy: bool) -> None:
    try:
        assembly = assemble(source, legacy=legacy)
    except AssemblyError as error:
        str(error).encode("utf-8")
        return
    assert assembly.rom
    assert sum(span.size for span in assembly.source_map.spans) <= len(assembly.rom)


# -- limits -----------------------------------------------------------------------------------


def test_macro_depth() -> None:
    chain = "%m0 { 01 } " + "".join(f"%m{n} {{ m{n - 1} }} " for n in range(1, MAX_MACRO_DEPTH + 1))
    assert assemble(f"{chain} m{MAX_MACRO_DEPTH - 1}").rom == b"\x01"
    assert only_problem(f"{chain} m{MAX_MACRO_DEPTH}").problem is Problem.LIMIT


def test_lambda_depth() -> None:
    deepest = "?{ " * MAX_LAMBDA_DEPTH + "} " * MAX_LAMBDA_DEPTH
    assert len(assemble(deepest).rom) == 3 * MAX_LAMBDA_DEPTH
    assert only_problem("?{ " + deepest + "}").problem is Problem.LIMIT


def test_expansion_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jitvm.guests.uxn.assembler.emit.MAX_WORDS", 10_000)
    bomb = "%m0 { [ } " + "".join(f"%m{n} {{ {f'm{n - 1} ' * 10} }} " for n in range(1, 9))
    assert only_problem(bomb + "m8").problem is Problem.LIMIT


# -- warnings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("02 @x 01", [Problem.UNUSED]),
        ("02 @x &y 01 ;x", [Problem.UNUSED]),
        ("02 @x &y 01 ;&y", []),
        ("02 @x &y 01 @x/y/z ;x/y/z", [Problem.UNUSED]),
        ("|10 @x |0100 @on-reset &start 01", [Problem.UNUSED]),
        ("02 @X &y 01", []),
        ("@x |x 01", []),
        ("01 ?{ }", []),
        ("@x .x", [Problem.TRUNCATED]),
        ("@x -x", []),
        ("[01 02 ]", [Problem.BRACKET]),
        ('01 " 02', [Problem.EMPTY_STRING]),
    ],
)
def test_warnings(source: str, expected: list[Problem]) -> None:
    assembly = assemble(source)
    assert warned(assembly) == expected
    assert all("warning:" in warning.render() for warning in assembly.warnings)


# -- symbols and the source map ---------------------------------------------------------------


def test_symbols_are_in_definition_order() -> None:
    assembly = assemble("|10 @Dev &port |0100 @main ?{ &x } 01")
    assert [(symbol.address, symbol.name) for symbol in assembly.symbols] == [
        (0x10, "Dev"),
        (0x10, "Dev/port"),
        (0x100, "main"),
        (0x103, "main/x"),
        (0x103, "λ00"),
    ]


def test_source_map_covers_every_emitted_byte() -> None:
    assembly = assemble('%m { DUP ADD }\n#01 m\n  "abc $2 ;x\n@x 00', name="a.tal")
    spans = [
        (span.address, span.size, span.line, span.column) for span in assembly.source_map.spans
    ]
    assert spans == [
        (0x100, 2, 2, 1),
        (0x102, 1, 2, 5),
        (0x103, 1, 2, 5),
        (0x104, 3, 3, 3),
        (0x109, 3, 3, 11),
        (0x10C, 1, 4, 4),
    ]
    found = assembly.source_map.lookup(0x10B)
    assert found is not None
    assert (found.file, found.line) == ("a.tal", 3)
    assert assembly.source_map.lookup(0x107) is None
    assert assembly.source_map.lookup(0xFF) is None
    assert assembly.source_map.lookup(0x10D) is None
    assert [span.address for span in assembly.source_map.at_line("a.tal", 3)] == [0x104, 0x109]


def test_source_map_knows_the_last_writer() -> None:
    source_map = assemble("0000 00\n |0101 05").source_map
    assert [(span.address, span.size, span.line) for span in source_map.spans] == [
        (0x100, 1, 1),
        (0x101, 1, 2),
        (0x102, 1, 1),
    ]


# -- the old dialect --------------------------------------------------------------------------

LEGACY = {
    "macros named by symbols": ("%+ { ADD } %! { NEQ } %% { DIVk MUL SUB } + ! %", "18 09 9b1a19"),
    "macros that look like numbers": ("%2+ { INC INC } %ab { 01 } 2+ ab", "0101 01"),
    "hex-looking labels": ("@add32 01 ;add32 ,add32 JSR", "01 a00100 80f9 0e"),
    "calls of hex-looking labels": ("@add 01 add", "01 60fffc"),
    "numbers stay numbers": ("@cafe cafe", "cafe"),
    "labels that begin with runes": ("@_div 01 ;_div", "01 a00100"),
    "characters": ("LIT 'a '( 'é", "8061 28 c3a9"),
    "raw addresses": ("@x :x", "0100"),
    "glued comments": ("01 (02 03) 04 (05) (06 ) 07", "01 04 07"),
    "padding by nothing": ("01 $ 02", "0102"),
    "near relative jumps": (",x JCN 01 @x", "80010d01"),
    "far relative jumps": (
        ",x JCN ,x JMP ,x JSR $80 01 @x",
        "200087 400084 600081" + "00" * 128 + "01",
    ),
}


@pytest.mark.parametrize(("source", "expected"), LEGACY.values(), ids=LEGACY)
def test_legacy_programs(source: str, expected: str) -> None:
    assert assemble(source, legacy=True).rom == bytes.fromhex(expected)


@pytest.mark.parametrize(("source", "expected"), PROGRAMS.values(), ids=PROGRAMS)
def test_legacy_reads_today_s_programs_alike(source: str, expected: str) -> None:
    assert assemble(source, legacy=True).rom == bytes.fromhex(expected)


def test_legacy_tells_of_widened_jumps() -> None:
    assembly = assemble(",x JCN $80 01 @x", legacy=True)
    assert warned(assembly) == [Problem.REWRITTEN]


@pytest.mark.parametrize("source", [",x LDR $80 01 @x", "_x JCN $80 01 @x"])
def test_legacy_cannot_mend_everything(source: str) -> None:
    assert only_problem(source, legacy=True).problem is Problem.TOO_FAR


BOTH_DIALECTS = """
    %x %+ %{ %;a %ADD %ab { } ?{ ( (glued ) glued) @a @ab @ADD &b @a/b a ;a ;b ,a /b &b + 'c
    abc ab ADD #12 #1 |100 $ $2 |a :a x ;nowhere nowhere ~nofile
"""


def error_count(source: str, *, legacy: bool) -> tuple[int, list[Diagnostic]]:
    """Errors of a source."""
    try:
        assemble(source, legacy=legacy)
    except AssemblyError as error:
        return len(error.diagnostics), list(error.diagnostics)
    return 0, []


@given(st.lists(st.sampled_from(BOTH_DIALECTS.split()), max_size=24).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_errors_that_the_older_dialect_leaves(source: str) -> None:
    """Where no look at the older dialect is worth it, it would not be hinted at."""
    count, errors = error_count(source, legacy=False)
    if errors and most_left(errors) < 0:
        assert LEGACY_LEAVES * error_count(source, legacy=True)[0] > count
