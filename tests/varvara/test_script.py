"""Input scripts: what they say, what is wrong with them, and writing them back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.platform import events
from jitvm.platform.events import Button, Event
from jitvm.platform.script import (
    ScriptError,
    event_text,
    load_script,
    make_script,
    parse_events,
    parse_script,
)

EVENTS = st.one_of(
    st.builds(events.Press, st.integers(1, 255), st.integers(1, 4)),
    st.builds(events.Release, st.integers(1, 255), st.integers(1, 4)),
    st.builds(events.Key, st.integers(1, 255)),
    st.builds(events.Text, st.text()),
    st.builds(events.Move, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
    st.builds(events.MouseDown, st.integers(1, 3)),
    st.builds(events.MouseUp, st.integers(1, 3)),
    st.builds(events.Wheel, st.integers(-0x8000, 0x7FFF), st.integers(-0x8000, 0x7FFF)),
    st.builds(events.Stdin, st.binary() | st.text().map(str.encode)),
    st.builds(events.KeyDown, st.sampled_from([*events.KEYS, *'a1 "#é'])),
    st.builds(events.KeyUp, st.sampled_from([*events.KEYS, *'a1 "#é'])),
    st.just(events.EndOfInput()),
    st.builds(events.Reset, st.booleans()),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key a", [events.Key(97)]),
        ("key 7", [events.Key(0x37)]),
        ("key 0x1b", [events.Key(27)]),
        ("key 13", [events.Key(13)]),
        ("key enter", [events.Key(13)]),
        ('key "#"', [events.Key(35)]),
        ('key " " # the space bar', [events.Key(32)]),
        ("key é", [events.Text("é")]),
        ("press A left", [events.Press(Button.A | Button.LEFT)]),
        ("press a LEFT Start", [events.Press(Button.A | Button.LEFT | Button.START)]),
        ("release up pad 4", [events.Release(Button.UP, 4)]),
        ("keydown q", [events.KeyDown("q")]),
        ('keyup " "', [events.KeyUp(" ")]),
        ("keyup enter", [events.KeyUp("enter")]),
        ("move 100 0x20", [events.Move(100, 32)]),
        ("click 3", [events.MouseDown(3), events.MouseUp(3)]),
        ("down 1", [events.MouseDown(1)]),
        ("up 1", [events.MouseUp(1)]),
        ("wheel 0 -1", [events.Wheel(0, -1)]),
        (r'text "a\tb\\\" \xc3\xa9 é"', [events.Text('a\tb\\" é é')]),
        (r'stdin "\x00\xff\e"', [events.Stdin(b"\0\xff\x1b")]),
        ("eof", [events.EndOfInput()]),
        ("reset", [events.Reset()]),
        ("reset soft", [events.Reset(soft=True)]),
    ],
)
def test_what_lines_mean(text: str, expected: list[Event]) -> None:
    assert parse_script(f"  7\t{text} ").frames == {7: tuple(expected)}


def test_frames_absolute_relative_and_shared() -> None:
    script = parse_script("# a comment\n\n2 key a # one\r\n2 key b\n+5 key c\n+0 key d\n9 key e\n")
    assert script.frames == {
        2: (events.Key(97), events.Key(98)),
        7: (events.Key(99), events.Key(100)),
        9: (events.Key(101),),
    }
    assert script.last == 9
    assert (script.at(7)[0], script.at(8)) == (events.Key(99), ())
    assert parse_script("").last == 0


def test_the_first_relative_frame_counts_from_the_reset_vector() -> None:
    assert parse_script("+3 eof").last == 3


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("key a", 1, "a line begins with its frame"),
        ('"1" key a', 1, "a line begins with its frame"),
        ("0 key a", 1, "a line begins with its frame"),
        ("-1 key a", 1, "a line begins with its frame"),
        ("1.5 key a", 1, "a line begins with its frame"),
        ("²  key a", 1, "a line begins with its frame"),
        ("9" * 5000 + " key a", 1, "a line begins with its frame"),
        ("5 key a\n4 key b", 2, "the one before has 5"),
        ("1", 1, "nothing: what happens is one of: key text press"),
        ("\n\n1 kee a", 3, "kee: what happens is one of: key text press"),
        ('1 "key" a', 1, '"key": what happens'),
        ("1 key", 1, "key is written: key CHARACTER"),
        ("1 key ab", 1, "key is written"),
        ("1 key 256", 1, "key is a whole number from 1 to 255, not 256"),
        ("1 key a b", 1, "key is written"),
        ("1 text hello", 1, 'text is written: text "..."'),
        ('1 text "a" "b"', 1, "text is written"),
        ('1 text "a', 1, 'a string ends with "'),
        ('1 text "a"b', 1, 'a string ends with "'),
        ('1 text a"b"', 1, "quotes belong around"),
        (r'1 text "\q"', 1, r"\q is unknown"),
        (r'1 text "\x4"', 1, r"\x is unknown"),
        (r'1 text "\xff"', 1, "text is UTF-8"),
        ("1 press", 1, "press is written: press BUTTONS"),
        ("1 press Z", 1, "buttons are: A B select"),
        ("1 press pad 2", 1, "press is written"),
        ("1 press A pad 5", 1, "pad is a whole number from 1 to 4, not 5"),
        ("1 move 1", 1, "move is written: move X Y"),
        ("1 move 1 70000", 1, "pointer's y is a whole number from 0 to 65535"),
        ("1 click 0", 1, "mouse button is a whole number from 1 to 3"),
        ("1 click left", 1, "with 1 left"),
        ("1 wheel 0 40000", 1, "wheel's y is a whole number from -32768 to 32767"),
        ("1 eof now", 1, "eof is written"),
        ("1 reset hard", 1, "reset is written: reset, or reset soft"),
    ],
)
def test_errors_name_the_line_and_what_is_expected(text: str, line: int, told: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse_script(text, "in.txt")
    assert str(caught.value).startswith(f"in.txt:{line}: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_text("1 key é\n", encoding="utf-8")
    assert load_script(path).frames == {1: (events.Text("é"),)}
    path.write_bytes(b"1 key \xff\n")
    with pytest.raises(ScriptError, match=r"in\.txt: is not UTF-8 text, at byte 6"):
        load_script(path)
    with pytest.raises(ScriptError, match=r"none\.txt: cannot be read: No such file"):
        load_script(tmp_path / "none.txt")


@given(st.lists(st.tuples(st.integers(0, 3), EVENTS)))
def test_a_script_can_be_written_back(steps: list[tuple[int, Event]]) -> None:
    frame, happened = 1, []
    for step, event in steps:
        frame += step
        happened.append((frame, event))
    script = make_script(happened)
    assert parse_script(str(script)) == script


@given(EVENTS)
def test_an_event_is_one_line_of_text(event: Event) -> None:
    text = event_text(event)
    assert text.isprintable()
    assert parse_events(text) == (event,)


def test_a_script_is_made_in_order() -> None:
    with pytest.raises(ValueError, match="frame 1 comes after frame 2"):
        make_script([(2, events.EndOfInput()), (1, events.EndOfInput())])


@given(st.text())
def test_any_text_is_a_script_or_a_script_error(text: str) -> None:
    try:
        parse_script("1 " + text)
    except ScriptError:
        return
