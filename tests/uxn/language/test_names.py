"""Names: definitions, references, renames, help, completion, outlines."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from jitvm.guests.uxn.language import Uxntal
from jitvm.guests.uxn.language.project import Project
from jitvm.guests.uxn.language.workspace import Workspace
from jitvm.platform.language import Kind, LanguageError, Span
from tests.uxn.language.sources import MAIN

SOURCE = """\
|00 @zero $1
|18 @Console/write $1
|20 @Screen &vector $2 &width $2
%emit { .Console/write DEO }
%again { ?&loop }

|0100 ;on-reset JMP2

( prints a text )
@print ( str* -- )
	&loop ( str* -- )
		LDAk emit INC2 LDAk again
	&end POP2 JMP2r

@on-reset ( -> )
	;text print ;text print/loop
	#41 .zero STZ ;Screen/vector POP2
	{ 01 } POP2r ;print/end POP2
	BRK

@text "Hi 00
"""


def at(mark: str, source: str = SOURCE) -> int:
    """Where a piece of a source is; a `^` in it is the place, else it is the beginning."""
    return source.index(mark.replace("^", "")) + max(0, mark.find("^"))


def read(source: str = SOURCE, **others: str) -> Project:
    texts = {MAIN: source} | {f"{name}.tal": text for name, text in others.items()}
    return Uxntal().read(MAIN, texts=texts, folder=".")


PROJECT = read()


def words(spans: list[Span] | tuple[Span, ...], source: str = SOURCE) -> list[str]:
    """Spans as ``line:text``."""
    return [f"{source.count(chr(10), 0, s.start) + 1}:{source[s.start : s.end]}" for s in spans]


def test_the_source_is_right() -> None:
    assert [each.rule for each in PROJECT.findings()] == []


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (";text pri^nt", ["10:@print"]),
        ("prin^t/loop", ["10:@print"]),
        ("print/lo^op", ["11:&loop"]),
        ("@pri^nt", ["10:@print"]),
        ("em^it INC2", ["4:%emit"]),
        ("?&lo^op }", ["11:&loop"]),
        (".Console/wri^te", ["2:@Console/write"]),
        ("{^ 01", ["18:}"]),
        (";Scree^n/vector", ["3:@Screen"]),
        ("LDA^k", []),
        ("( pri^nts", []),
    ],
)
def test_definitions(mark: str, expected: list[str]) -> None:
    assert words(list(PROJECT.definition(MAIN, at(mark)))) == expected


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("@pri^nt", ["10:print", "16:print"]),
        ("&lo^op (", ["11:loop", "5:loop", "16:loop"]),
        ("%emi^t", ["4:emit", "12:emit"]),
        ("print/en^d", ["13:end", "18:end"]),
        ("{^ 01", ["18:{", "18:}"]),
    ],
)
def test_references(mark: str, expected: list[str]) -> None:
    found = PROJECT.references(MAIN, at(mark))
    assert words(list(found)) == expected
    without = PROJECT.references(MAIN, at(mark), definition=False)
    if "{" not in mark:
        assert words(list(without)) == expected[1:]


def renamed(source: str, mark: str, name: str) -> str:
    """A source after a rename."""
    edits = read(source).rename(MAIN, at(mark, source), name)
    for edit in sorted(edits, key=lambda edit: -edit.span.start):
        source = source[: edit.span.start] + edit.text + source[edit.span.end :]
    return source


@pytest.mark.parametrize(
    ("mark", "name", "changes"),
    [
        ("@pri^nt", "put", [("@print", "@put"), ("text print ", "text put "),
                            ("print/loop", "put/loop"), ("print/end", "put/end")]),
        ("print/lo^op", "while", [("&loop (", "&while ("), ("?&loop", "?&while"),
                                  ("print/loop", "print/while")]),
        ("em^it INC2", "putc", [("%emit", "%putc"), ("LDAk emit", "LDAk putc")]),
        (".zer^o", "first", [("@zero", "@first"), (".zero", ".first")]),
        ("@Conso^le", "Out", [("Console", "Out")]),
        ("@te^xt", "words", [("@text", "@words"), (";text", ";words")]),
        ("&en^d", "12", [("&end", "&12"), ("print/end", "print/12")]),
    ],
)  # fmt: skip
def test_renames(mark: str, name: str, changes: list[tuple[str, str]]) -> None:
    expected = SOURCE
    for old, new in changes:
        expected = expected.replace(old, new)
    assert renamed(SOURCE, mark, name) == expected


@pytest.mark.parametrize(
    ("mark", "name", "why"),
    [
        ("@pri^nt", "ADD", "is an opcode"),
        ("@pri^nt", "beef", "reads as a number"),
        ("@pri^nt", "", "missing"),
        ("@pri^nt", "a b", "no blanks"),
        ("@pri^nt", "a/b", "no `/`"),
        ("@pri^nt", ";a", "cannot begin with"),
        ("@pri^nt", "(a", "cannot begin with"),
        ("@pri^nt", "text", "is taken"),
        ("@pri^nt", "emit", "is taken"),
        ("@pri^nt", "Console", "is taken"),
        ("&lo^op (", "end", "is taken"),
        ("LDA^k", "x", "not the name"),
        ("( pri^nts", "x", "not the name"),
        ("@pri^nt", "x" * 300, "longer than"),
    ],
)
def test_refused_renames(mark: str, name: str, why: str) -> None:
    with pytest.raises(LanguageError, match=why):
        PROJECT.rename(MAIN, at(mark), name)


def test_a_macro_that_names_several() -> None:
    source = "%m { ?&x } |0100 @one &x m @two &x m BRK"
    with pytest.raises(LanguageError, match="names it by `\\?&x`, and `two/x`"):
        renamed(source, "@one &^x", "y")
    with pytest.raises(LanguageError, match="the name of `one/x` and `two/x`"):
        renamed(source, "?&^x", "y")


def test_a_rename_that_would_change_the_program() -> None:
    source = "|0100 @on-reset ;here ;nowhere @here BRK"
    with pytest.raises(LanguageError, match="nothing to rename"):
        renamed(source, ";nowhe^re", "x")
    with pytest.raises(LanguageError, match="has no name"):
        renamed("|0100 ;on-reset/x &x BRK", ";on-re^set", "y")


def test_renames_in_included_files(tmp_path: Path) -> None:
    (tmp_path / "main.tal").write_text("|0100 put BRK ~lib.tal")
    (tmp_path / "lib.tal").write_text("@put JMP2r")
    main = str((tmp_path / "main.tal").resolve())
    project = Uxntal().read(main, texts={}, folder=".")
    edits = project.rename(main, 6, "out")
    assert [(Path(each.span.file).name, each.span.start) for each in edits] == [
        ("lib.tal", 1), ("main.tal", 6),
    ]  # fmt: skip
    (link,) = project.links(main)
    assert link[1] == str((tmp_path / "lib.tal").resolve())
    assert project.definition(main, 16)[0].file == link[1]
    assert [each.name for each in project.symbols(link[1])] == ["put"]


# -- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (";text pri^nt", ["@print ( str* -- )", "prints a text", "1 use"]),
        ("&en^d", ["print/end", "1 use"]),
        ("LDA^k", ["LDAk ( addr* -- addr* v )", "Load from an address.", "keeps its operands"]),
        ("#4^1", ["0x41", "65", "`A`"]),
        ("em^it INC2", ["%emit { .Console/write DEO }"]),
        (";Screen/vecto^r", ["port `20` **Screen/vector**, a short", "sixty times"]),
        (".zer^o", ["variable `00`"]),
        ('"H^i', ["2 bytes"]),
        ("{^ 01", ["anonymous label"]),
        ("|01^00", ["continue at", "256"]),
        ("$^1", ["skip", "1"]),
    ],
)
def test_hover(mark: str, expected: list[str]) -> None:
    found = PROJECT.hover(MAIN, at(mark))
    assert found is not None
    for piece in expected:
        assert piece in found[1]


def test_hover_of_numbers() -> None:
    source = '|0100 #18 DEO #ff #ffff #20 #0a #60 nope "\ud800 BRK'
    project = read(source)

    def said(mark: str) -> str:
        found = project.hover(MAIN, at(mark, source))
        return "" if found is None else found[1]

    assert "Console/write" in said("#18")
    assert "-1" in said("#ff")
    assert "65535 = -1" in said("#ffff")
    assert "a space" in said("#20")
    assert "not defined" in said("nope")
    assert "no UTF-8 form" in said('"\ud800')
    assert project.hover(MAIN, len(source)) is not None
    assert project.hover(MAIN, 10_000) is None


# -- completion ----------------------------------------------------------------------------------


def offered(source: str, mark: str = "¦") -> dict[str, str]:
    """What is offered at a mark in a source."""
    offset = source.index(mark)
    source = source.replace(mark, "")
    _, found = read(source).completions(MAIN, offset)
    return {each.text: each.detail for each in found}


def test_completion() -> None:
    assert offered(SOURCE.replace("BRK", ";pr¦ BRK")).keys() == {
        ";print", ";print/loop", ";print/end",
    }  # fmt: skip
    assert {";&end", ";/end", ";print/end"} <= offered(
        SOURCE.replace("&end POP2", "&end ;¦")
    ).keys()
    assert "&end" not in offered(SOURCE.replace("BRK", ";&¦ BRK"))
    assert offered(SOURCE.replace("BRK", "pri¦ BRK"))["print"] == "( str* -- )"
    assert offered(SOURCE.replace("BRK", "em¦ BRK")) == {"emit": "macro"}
    assert "Screen/vector" not in offered(SOURCE.replace("BRK", "S¦ BRK"))
    found = offered(SOURCE.replace("BRK", ".Con¦ BRK"))
    assert ".Console/write" in found
    assert "not declared" in found[".Console/error"]
    assert offered(SOURCE.replace("BRK", "LD¦ BRK")).keys() == {
        "LDZ", "LDR", "LDA",
    }  # fmt: skip
    assert {"ADD2", "ADDk", "ADD2kr"} <= offered(SOURCE.replace("BRK", "ADD¦ BRK")).keys()
    assert {"ADDr2", "ADDr2k"} == set(offered(SOURCE.replace("BRK", "ADDr2¦ BRK"))) - {"ADDr2kk"}
    assert any("@Mouse" in text for text in offered(SOURCE.replace("BRK", "|¦ BRK")))
    assert offered(SOURCE.replace("prints", "pri¦")) == {}
    assert offered(SOURCE.replace("BRK", "#1¦ BRK")) == {}


def test_completion_of_files(tmp_path: Path) -> None:
    for name in ("lib.tal", "notes.txt", ".hidden.tal", "a b.tal"):
        (tmp_path / name).write_text("")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "deep.tal").write_text("")
    main = str((tmp_path / "main.tal").resolve())
    for text, expected in (("~", ["~lib.tal", "~more/"]), ("~more/", ["~more/deep.tal"]),
                           ("~../", []), ("~nowhere/", [])):  # fmt: skip
        project = Uxntal().read(main, texts={main: text}, folder=".")
        assert [each.text for each in project.completions(main, len(text))[1]] == expected


# -- outlines ------------------------------------------------------------------------------------


def test_symbols() -> None:
    tops = PROJECT.symbols(MAIN)
    assert [each.name for each in tops] == [
        "zero", "Console/write", "Screen", "emit", "again", "print", "on-reset", "text",
    ]  # fmt: skip
    by_name = {each.name: each for each in tops}
    assert [each.full for each in by_name["print"].inner] == ["print/loop", "print/end"]
    assert by_name["zero"].kind is Kind.VARIABLE
    assert by_name["Screen"].kind is Kind.PORT
    assert by_name["emit"].kind is Kind.MACRO
    assert by_name["print"].kind is Kind.ROUTINE
    span = by_name["print"].span
    assert SOURCE[span.start : span.end].endswith("JMP2r")
    for each in tops:
        assert each.span.start <= each.word.start <= each.word.end <= each.span.end
        for inner in each.inner:
            assert each.span.start <= inner.span.start <= inner.span.end <= each.span.end


def test_folds() -> None:
    source = "(\nc\n)\n@main\n\t?{\n\t\tINC [\n\t\t12 ]\n\t}\n\n@b-c INC\n"
    project = read(source)
    lines = [
        (source.count("\n", 0, start), source.count("\n", 0, end), kind)
        for start, end, kind in project.folds(MAIN)
    ]
    assert lines == [
        (0, 2, Kind.COMMENT), (3, 7, Kind.ROUTINE), (4, 7, Kind.OPERATOR), (5, 6, Kind.OPERATOR),
    ]  # fmt: skip


def test_colours() -> None:
    found = PROJECT.words(MAIN, 0, len(SOURCE))
    kinds = {SOURCE[each.start : each.end]: each.kind for each in found}
    assert kinds["LDAk"] is Kind.OPCODE
    assert kinds["41"] is Kind.NUMBER
    assert kinds["emit"] is Kind.MACRO
    assert kinds["( prints a text )"] is Kind.COMMENT
    assert kinds['"Hi'] is Kind.STRING
    assert kinds["Screen/vector"] is Kind.PORT
    assert all(one.end <= other.start for one, other in pairwise(found))
    part = PROJECT.words(MAIN, at("@print"), at("&loop ("))
    assert [SOURCE[each.start : each.end] for each in part] == ["@", "print", "( str* -- )"]


# -- workspaces ----------------------------------------------------------------------------------


def test_mains(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    for name, text in {
        "game.tal": "~src/lib.tal", "src/lib.tal": "~util.tal ~src/other.tal", "src/util.tal": "",
        "src/other.tal": "", "demo.tal": "~src/util.tal", "alone.tal": "( ~not/there.tal )",
        "loop1.tal": "~loop2.tal", "loop2.tal": "~loop1.tal", ".hidden/x.tal": "~../game.tal",
    }.items():  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    workspace = Workspace([str(root)])

    def mains(name: str, **texts: str) -> list[str]:
        newer = {str(root / f"{each}.tal"): text for each, text in texts.items()}
        found = workspace.mains(str(root / name), newer)
        return [str(Path(each).relative_to(root)) for each in found]

    assert mains("src/util.tal") == ["demo.tal", "game.tal"]
    assert mains("src/other.tal") == ["game.tal"]
    assert mains("game.tal") == ["game.tal"]
    assert mains("alone.tal") == ["alone.tal"]
    assert mains("loop1.tal") == ["loop1.tal"]
    assert mains("alone.tal", game="~alone.tal") == ["game.tal"]
    assert mains("src/util.tal", demo="") == ["game.tal"]
    assert len(workspace.sources({})) == 8
    outside = Workspace([]).mains(str(root / "loop2.tal"), {})
    assert outside == [str(root / "loop2.tal")]
