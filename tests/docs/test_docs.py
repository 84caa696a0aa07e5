"""What the pages and examples promise: their programs run, their links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser, _SubParsersAction
from dataclasses import dataclass
from pathlib import Path

import pytest

import jitvm
from jitvm.cli.commands import COMMANDS
from jitvm.engine.tables.params import LIMITS
from tests.docs.pages import ROOT, anchors, blocks, links, pages, run_block

EXAMPLES = sorted((ROOT / "examples").glob("*.tal"))
TESTED_ELSEWHERE = {"describe-your-own-bytecode.md": "tests/toy/test_page.py"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with the examples in it, and with the programs pages speak of."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for name in ("hello.tal", "game.tal"):
        shutil.copy(ROOT / "examples" / "hello.tal", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [p for p in pages() if blocks(p, "python")], ids=_name)
@pytest.mark.usefixtures("folder")
def test_python_in_pages_runs_and_gives_what_it_says(page: Path) -> None:
    if page.name in TESTED_ELSEWHERE:
        assert page.name in (ROOT / TESTED_ELSEWHERE[page.name]).read_text("utf-8")
        return
    names: dict[str, object] = {"__name__": "page"}
    for number, block in enumerate(blocks(page, "python"), 1):
        for expression, given, said in run_block(block, f"{page.name}, block {number}", names):
            assert (expression, given) == (expression, said)


@pytest.mark.parametrize("page", pages(), ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link}: there is no such file"
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert {page for page in (ROOT / "docs").glob("*.md") if page != index} <= linked


def test_the_glossary_points_at_files_that_exist() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    files = set(re.findall(r"`((?:engine|guest|platform)/[^`]*)`", page))
    assert files
    assert [file for file in sorted(files) if not (ROOT / "jitvm" / file).exists()] == []


def test_the_page_about_screens_has_every_key_of_the_window() -> None:
    from jitvm.window.keys import SHORTCUTS

    page = (ROOT / "docs" / "graphics.md").read_text("utf-8")
    rows = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("|"))
    assert [key.name for key in SHORTCUTS if key.name not in rows] == []


# -- parameters and options against the pages ------------------------------------------------------


def test_the_page_of_parameters_is_the_table() -> None:
    from jitvm.cli.params import page

    assert (ROOT / "docs" / "parameters.md").read_text("utf-8") == page()


def test_what_pages_set_in_the_environment_is_there() -> None:
    sources = " ".join(path.read_text("utf-8") for path in (ROOT / "jitvm").rglob("*.py"))
    known = {f"JITVM_{name.upper()}" for name in LIMITS} | {"JITVM_"}
    known |= set(re.findall(r'"(JITVM_[A-Z]+)"', sources))
    for page in pages():
        assert set(re.findall(r"JITVM_[A-Z_]*", page.read_text("utf-8"))) <= known, page.name


def _options() -> dict[str, set[str]]:
    """Options of each command, as its parser has them."""
    return {command.name: _options_of(command.parser()) for command in COMMANDS}


def _options_of(parser: ArgumentParser) -> set[str]:
    """Options of a parser and of those below it."""
    words: set[str] = set()
    for action in parser._actions:  # of another library; there is no public way to ask a parser
        words.update(action.option_strings)
        if isinstance(action, _SubParsersAction):
            words.update(*map(_options_of, action.choices.values()))
    return words


def test_commands_in_pages_have_the_options_they_are_given() -> None:
    options = _options()
    seen = set()
    for page in pages():
        for line in re.findall(r"jitvm ((?:\w+) [^\n`|#]*)", page.read_text("utf-8")):
            command, _, rest = line.partition(" ")
            for word in re.findall(r"(?<!\S)\[?(--?[a-zA-Z][\w-]*)", rest):
                if command in options:
                    assert word in options[command], f"{page.name}: jitvm {line}"
                    seen.add(word)
    assert len(seen) > 20


def test_every_option_is_on_a_page() -> None:
    text = "\n".join(page.read_text("utf-8") for page in pages())
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text))
    wanted = {word for words in _options().values() for word in words if word.startswith("--")}
    assert wanted - named == set()


# -- the README's commands -----------------------------------------------------------------------


def _readme_commands() -> list[str]:
    shell = "\n".join(blocks(ROOT / "README.md", "sh"))
    return [line for line in shell.splitlines() if line.startswith("jitvm ")]


def test_commands_of_the_readme_run(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for line in _readme_commands():
        words = shlex.split(line, comments=True)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "jitvm", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        assert done.returncode == 0, (line, done.stderr)
    assert (folder / "hello.rom").exists()


def test_the_two_commands_that_set_up_are_marked_and_start_from_python_alone() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    found = re.findall(r"<!-- ci: install and (run|test) -->\n```sh\n(.+)\n```\n", readme)
    assert [what for what, _ in found] == ["run", "test"]
    for _, command in found:
        assert command.startswith("python3 -m venv .venv && ")
    assert "<!-- ci: install and test -->" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_program_the_readme_profiles_becomes_native() -> None:
    computer = jitvm.load(
        ROOT / "examples" / "mandelbrot.tal",
        args=("dive",),
        params=jitvm.Parameters(background=0, keep=0),
    )
    with jitvm.profile(computer, mode="exact") as profile:
        computer.run_console()
    assert profile.native_share is not None
    assert profile.native_share > 0.9


# -- examples ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Session:
    """A use of an example and how its output begins and ends."""

    args: tuple[str, ...] = ()
    stdin: bytes = b""
    begins: bytes = b""
    ends: bytes = b"\n"
    exit_code: int = 0


HALF_BLOCK = "▀".encode()
SESSIONS: dict[str, list[Session]] = {
    "hello": [Session(begins=b"Hello, Uxn!\n")],
    "life": [
        Session(
            args=("fast",),
            begins=b"\x1b[2J\x1b[H\x1b[38;5;232m\x1b[48;5;232m" + 72 * HALF_BLOCK + b"\x1b[0m\n",
            ends=b"\x1b[0m\ngeneration 0400\n",
        )
    ],
    "mandelbrot": [
        Session(
            begins=b"\x1b[38;5;017m\x1b[48;5;017m" + HALF_BLOCK, ends=HALF_BLOCK + b"\x1b[0m\n"
        ),
        Session(args=("dive",), begins=b"\x1b[H\x1b[38;5;", ends=HALF_BLOCK + b"\x1b[0m\n"),
    ],
    "calc": [
        Session(stdin=b"1 + 2 * 3\n(1 + 2) * 3\n", begins=b"= 7\n= 9\n", ends=b"= 9\n"),
        Session(stdin=b"-7 / 2\n-7 % 2\nx = 5\n_ * x", begins=b"= -3\n= -1\n= 5\n= 25\n"),
        Session(args=("6 * 7", "-32767 - 1"), begins=b"= 42\n= -32768\n"),
        Session(stdin=b"2 +\n2\n", begins=b"? 2 +\n     ^ a number", ends=b"= 2\n"),
        Session(stdin=b"1/0\n" + b"(" * 250 + b"\n3\n", begins=b"? 1/0\n", ends=b"= 3\n"),
        Session(stdin=b"9" * 300 + b"\n", begins=b"? 999", ends=b"too large: 32767 is the limit\n"),
    ],
    "ls": [
        Session(begins=b"  dir examples/\n", ends=b"    2 files\n    1 folders\n"),
        Session(args=("examples/lib",), begins=b" ", ends=b"    0 folders\n"),
        Session(args=("..",), begins=b".. is not a folder here\n", exit_code=1),
        Session(args=("hello.tal",), begins=b"hello.tal is not a folder here\n", exit_code=1),
    ],
}


SCREENS = {
    "bee": "5 press right\n40 release right\n",
    "clock": "",
    "paint": "5 move 200 120\n6 down 1\n7 move 300 200\n8 up 1\n",
    "picture": "",
    "reader": "5 press down\n6 release down\n",
    "sprites": "",
    "synth": "5 key a\n",
}
"""Examples with a screen, and what is done to them for a second."""


def test_every_example_has_a_session() -> None:
    assert {path.stem for path in EXAMPLES} == SESSIONS.keys() | SCREENS.keys()


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.usefixtures("folder")
def test_examples_with_a_screen_draw_and_go_on(name: str) -> None:
    computer = jitvm.load(f"examples/{name}.tal")
    with computer.limited(time_limit=60):
        computer.boot()
        assert computer.is_graphical
        assert computer.run_frames(60, jitvm.parse_script(SCREENS[name])) is jitvm.Ending.FRAMES
    assert len({*map(bytes, computer.screen.pixels.reshape(-1, 4))}) > 1
    assert computer.stderr == b""
    computer.close()


@pytest.mark.parametrize(
    ("name", "session"), [(name, s) for name, listed in SESSIONS.items() for s in listed]
)
@pytest.mark.usefixtures("folder")
def test_examples_run_and_stop_by_themselves(name: str, session: Session) -> None:
    result = jitvm.run(f"examples/{name}.tal", *session.args, stdin=session.stdin, time_limit=60)
    assert result.ending is jitvm.Ending.EXIT
    assert result.stdout[: len(session.begins)] == session.begins
    assert result.stdout.endswith(session.ends)
    assert result.exit_code == session.exit_code


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_examples_say_how_they_are_run(path: Path) -> None:
    assert f"( {path.stem}: " in path.read_text("utf-8")
    assert f"    jitvm run examples/{path.name}" in path.read_text("utf-8")
