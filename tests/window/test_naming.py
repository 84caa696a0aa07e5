"""Titles, icons and names of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.guests.uxn.varvara import Computer
from jitvm.guests.uxn.varvara.face import program_icon, program_name
from jitvm.guests.uxn.varvara.program import Rom
from jitvm.platform.computer import file_stem
from jitvm.window.naming import screenshot_path
from tests.window.conftest import computer_of


def booted(source: str) -> Computer:
    computer = computer_of(source)
    computer.boot()
    return computer


def test_names() -> None:
    assert program_name(booted(';m #06 DEO2 BRK @m 00 "A 1b "B 0a "x 00 00')) == "AB"
    assert program_name(booted(";m #06 DEO2 BRK @m 00 0a 00 00")) == "rom"
    assert program_name(Computer(Rom(b"\0", "/some/where/left.v2.rom"))) == "left.v2"
    assert file_stem("<stdin>", "x") == "stdin"
    assert file_stem("<>", "x") == "x"


def test_an_icon_has_the_colours_of_the_program() -> None:
    tile = ["80", "00", "00", "00", "00", "00", "00", "00", "c0", "00", "00", "00", "00", "00",
            "00", "01"]  # fmt: skip
    data = " ".join(tile * 9)
    icon = program_icon(
        booted(
            f"""#0123 #08 DEO2 #4567 #0a DEO2 #89ab #0c DEO2 ;m #06 DEO2 BRK
            @m 00 "x 00 01 83 =icon @icon {data}"""
        )
    )
    assert icon is not None
    pixels = [icon[at : at + 4].hex() for at in range(0, len(icon), 4)]
    assert len(pixels) == 24 * 24
    assert pixels[:3] == ["3377bbff", "2266aaff", "004488ff"]
    assert pixels[7 * 24 + 7] == "2266aaff"
    assert pixels[8:10] == pixels[0:2]


def test_no_icon() -> None:
    assert program_icon(booted("BRK")) is None
    assert program_icon(booted(';m #06 DEO2 BRK @m 00 "x 00 00')) is None


def test_picture_names_fill_the_gaps(tmp_path: Path) -> None:
    for name in ("a-001.png", "a-003.png", "b-002.png"):
        (tmp_path / name).touch()
    assert Path(screenshot_path("a", str(tmp_path))).name == "a-002.png"
    with pytest.raises(OSError, match="no-such"):
        screenshot_path("a", str(tmp_path / "no-such"))
