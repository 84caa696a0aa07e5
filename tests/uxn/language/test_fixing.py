"""What can be done about findings, and what is shown between the words."""

from __future__ import annotations

import pytest

from jitvm.guests.uxn.language.project import MOST_FIXED
from jitvm.guests.uxn.language.renaming import applied
from tests.uxn.language.sources import MAIN, project

HEAD = "|00 @Zero $1 |10 @Console &vector $2 &read $5 &type $1 &write $1 &error $1\n|0100\n"


def fixed(source: str) -> dict[str, str]:
    """Titles of all fixes, and the main source after each."""
    read = project(source, legacy=False)
    found = read.fixes(MAIN, 0, len(source))
    return {
        fix.title: applied(read.reading, fix.edits).get(MAIN, source)
        for _, fixes in found
        for fix in fixes
    }


def safe(source: str) -> str:
    """A source after all safe fixes."""
    read = project(source, legacy=False)
    found = read.fixes(MAIN, 0, len(source), only_safe=True)
    edits = [edit for _, fixes in found for fix in fixes for edit in fix.edits]
    return applied(read.reading, edits).get(MAIN, source)


NAMES = "@print ( a -- ) POP JMP2r\n@scope &one &two JMP2r ,&one ;&two"


@pytest.mark.parametrize(
    ("word", "title", "after"),
    [
        ("prind", "Write `print`", "print"),
        (";prind", "Write `;print`", ";print"),
        ("?Print", "Write `?print`", "?print"),
        (";scope/on", "Write `;scope/one`", ";scope/one"),
        ("jsr2R", "Write `JSR2r`", "JSR2r"),
        ("AB", "Write `ab`", "ab"),
        ("#FF", "Write `#ff`", "#ff"),
        ("#1", "Write `#01`", "#01"),
        ("123", "Write `0123`", "0123"),
        ("$A", "Write `$a`", "$a"),
        ("(note)", "Put blanks around the parentheses", "( note )"),
        ("(a note )", "Put blanks around the parentheses", "( a note )"),
        (":print", "Write `=print`", "=print"),
        ("?{x }", "Put a blank behind `{`", "?{ x }"),
        ("?{ }x", "Put a blank behind `}`", "?{ } x"),
        ("?{ INC ( it )", "Close the brace at the end of the routine", "?{ INC } ( it )"),
        ("} POP", "Remove `}`", "POP"),
        (") POP", "Remove `)`", "POP"),
    ],
)
def test_errors(word: str, title: str, after: str) -> None:
    before = f"{HEAD}BRK {{}}\n{NAMES}\n"
    found = fixed(before.replace("{}", word))
    assert found[title] == before.replace("{}", after)


def test_sublabels_are_written_as_they_were() -> None:
    found = fixed(f"{HEAD}BRK\n@scope &first ,&frist LDR JMP2r")
    assert found["Write `,&first`"] == f"{HEAD}BRK\n@scope &first ,&first LDR JMP2r"


def test_a_comment_is_closed_where_its_line_ends() -> None:
    found = fixed(f"{HEAD}BRK ( it  \n@x")
    assert found["Close the comment at the end of its line"] == f"{HEAD}BRK ( it )  \n@x"


def test_a_routine_is_defined_where_there_is_none() -> None:
    found = fixed(f"{HEAD}compute BRK")
    assert found["Define `compute`"] == f"{HEAD}compute BRK\n\n@compute ( -- )\n\tJMP2r\n"
    assert not project(found["Define `compute`"]).findings()
    for word in (".compute", "/compute", "a/b"):
        assert not any("Define" in title for title in fixed(f"{HEAD}{word} BRK"))


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("BRK\n@old ( -- )\n\tJMP2r\n", "BRK\n\tJMP2r\n"),
        ("BRK\n@used ;used POP &old JMP2r\n", "BRK\n@used ;used POP JMP2r\n"),
        ("BRK @old", "BRK"),
    ],
)
def test_unused_labels_are_removed(source: str, after: str) -> None:
    found = fixed(HEAD + source)
    assert found["Remove the label `old`"] == HEAD + after


def test_a_label_stays_without_which_the_program_is_another_one() -> None:
    assert not fixed(f"{HEAD}BRK\n@a &x ;&x POP\n@old &x JMP2r\n")


@pytest.mark.parametrize(
    ("words", "title", "after"),
    [
        (";Zero LDZ", "Write `.Zero`", ".Zero LDZ"),
        (";Zero .Zero STZ", "Write `STZ2`", ";Zero .Zero STZ2"),
        ("Console/write", "Write `.Console/write`", ".Console/write"),
    ],
)
def test_rules(words: str, title: str, after: str) -> None:
    source = HEAD + "{} BRK"
    assert fixed(source.replace("{}", words))[title] == source.replace("{}", after)


def test_only_what_is_certain_is_safe() -> None:
    source = f"{HEAD}(set up) #FF #1 prind (note ) $A BRK :x (end)\n@print JMP2r @x"
    after = f"{HEAD}( set up ) #ff #1 prind ( note ) $A BRK =x ( end )\n@print JMP2r @x"
    assert safe(source) == after


def test_fixes_of_a_macro_are_in_its_body() -> None:
    source = f"%m {{ prind }}\n{HEAD}m m BRK\n@print JMP2r"
    assert fixed(source)["Write `print`"] == source.replace("prind", "print")


def test_where_nothing_is_wrong_nothing_is_safe() -> None:
    assert safe(f"{HEAD}BRK\n@old JMP2r") == f"{HEAD}BRK\n@old JMP2r"


def test_not_all_of_many_warnings_are_tried() -> None:
    source = HEAD + "BRK\n" + "".join(f"@old{number} JMP2r\n" for number in range(2 * MOST_FIXED))
    assert len(fixed(source)) == MOST_FIXED
    at = source.index("@old30")
    assert len(project(source).fixes(MAIN, at, at)) == 1


# -- hints ---------------------------------------------------------------------------------------


def hinted(source: str, *kinds: str) -> str:
    """A source with its hints."""
    read = project(source)
    for hint in reversed(read.hints(MAIN, 0, len(source), kinds or None)):
        source = f"{source[: hint.offset]}[{hint.text}]{source[hint.offset :]}"
    return source


def test_effects_are_shown_at_calls() -> None:
    source = "|0100 #01 f ;f JSR2 ;f POP2 g !f @f ( a\n-- b ) JMP2r @g ( to do ) JMP2r"
    assert hinted(source) == (
        "|0100 #01 f[( a -- b )] ;f[( a -- b )] JSR2 ;f POP2 g !f[( a -- b )] "
        "@f ( a\n-- b ) JMP2r @g ( to do ) JMP2r"
    )


def test_addresses_and_sizes_are_shown_to_those_who_ask() -> None:
    source = '|10 @x $2 |0100 ;f .x "abc "a =f @f ( -- ) JMP2r'
    assert hinted(source) == source
    assert hinted(source, "addresses", "sizes", "nonsense") == (
        '|10 @x $2 |0100 ;f[010b] .x[10] "abc[3 bytes] "a =f[010b] @f ( -- ) JMP2r'
    )
    assert hinted(source + " nowhere", "addresses") == source + " nowhere"
