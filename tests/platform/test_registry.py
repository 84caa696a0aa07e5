"""How a guest is found: by name, by module, by a program's suffix or bytes; and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.platform import Platform, ProgramError
from jitvm.platform.bare import BarePlatform
from jitvm.platform.registry import GuestError, named, of_file
from tests.toy.guest import TOY


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", __import__("sys").path[:])


def test_by_name() -> None:
    assert named("uxn").name == "uxn"


def test_a_bare_guest_by_its_module() -> None:
    platform = named("tests.toy.guest:TOY")
    assert isinstance(platform, BarePlatform)
    assert (platform.guest, platform.name) == (TOY, "toy")


def test_a_module_in_the_current_folder() -> None:
    Path("mine_here.py").write_text("from tests.toy.guest import TOY as VM\n")
    assert named("mine_here:VM").guest is TOY


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope", "there is no guest nope; installed: uxn, chip8"),
        ("nope:X", "guest nope:X: there is no module nope; install its package"),
        (":X", "take module:NAME"),
        ("nope:", "take module:NAME"),
        ("tests.toy.guest:NO", "tests.toy.guest has no NO"),
        ("tests.toy.guest:assemble", "is a function; name a Guest or a Platform"),
        ("tests.toy.guest:Guest", "is the class Guest; name a Guest or a Platform"),
        ("raises:X", "raises cannot be imported: ZeroDivisionError: division by zero"),
        ("leaves:X", "leaves cannot be imported: SystemExit: 3"),
        ("needs:X", "needs needs a module that is missing: not_there"),
        ("wrong:X", "wrong cannot be imported: SyntaxError"),
        ("lazy:X", "guest lazy:X: lazy does not give X: RuntimeError: not today"),
        ("broken:X", "DescriptionError: guest x: exactly one space holds code, not 0"),
    ],
)
def test_what_is_no_guest(name: str, message: str) -> None:
    Path("raises.py").write_text("1 / 0\n")
    Path("leaves.py").write_text("raise SystemExit(3)\n")
    Path("needs.py").write_text("import not_there\n")
    Path("wrong.py").write_text("def (\n")
    Path("lazy.py").write_text("def __getattr__(name):\n    raise RuntimeError('not\\ntoday')\n")
    Path("broken.py").write_text("from jitvm import Guest\nX = Guest('x', (), ())\n")
    with pytest.raises(GuestError) as raised:
        named(name)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.rom", b"\x00"),
        ("a.ROM", b"\x00"),
        ("a.tal", b""),
        ("a", b"\x80\x00"),
        ("a.bin", b"\x80\x00"),
        ("a.txt", b"|0100 BRK\n"),
    ],
)
def test_a_program_of_uxn(name: str, data: bytes) -> None:
    Path(name).write_bytes(data)
    assert of_file(name).name == "uxn"


def test_whoever_is_first_says_what_is_wrong_with_a_file() -> None:
    with pytest.raises(ProgramError, match="there is no such file"):
        of_file("no-such.xyz").load("no-such.xyz")
    with pytest.raises(ProgramError, match="is a folder"):
        of_file(".").load(".")


def test_a_program_of_nobody() -> None:
    Path("a.wasm").write_bytes(b"\0asm\x01\0\0\0")
    with pytest.raises(ProgramError) as raised:
        of_file("a.wasm")
    assert str(raised.value) == (
        "a.wasm: is no program of any guest that is installed (uxn .rom .tal; chip8 .ch8 .sc8 .xo8 "
        ".hex8); name its guest with --guest"
    )


def test_what_a_platform_says_of_nothing() -> None:
    plain = Platform()
    assert not plain.recognises("a.toy", b"")
    assert plain.program(b"ab").labels_at(0) == ()
    with pytest.raises(ProgramError, match="no-such: there is no such file; check the path"):
        plain.load("no-such")
    with pytest.raises(ProgramError, match=r"\.: is a folder; name a program in it"):
        plain.load(".")
