"""The File devices: what each operation does, gives and leaves on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from jitvm.guests.uxn.varvara import Computer, file, readcode
from tests.descriptors import open_below
from tests.varvara.filedevice import BUFFER, NAME, Device

Make = Callable[..., Computer]


@pytest.fixture(autouse=True, params=[False, True], ids=["python", "native"])
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether small reads are native from the first one on, or never."""
    if request.param:
        readcode.build()
    monkeypatch.setattr(file, "LOOK_AFTER", 1 if request.param else 0)


@pytest.fixture
def computer(make: Make) -> Computer:
    return make("BRK")


@pytest.fixture
def device(computer: Computer) -> Device:
    return Device(computer)


def test_a_guest_reads_a_file(make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"contents")
    computer = make(
        """;name .File/name DEO2 #0004 .File/length DEO2
        &more ;buffer .File/read DEO2 .File/success DEI2 ORAk ?{ POP2 BRK }
        POP2 ;buffer .File/success DEI2 ADD2 ;buffer
        &show LDAk .Console/write DEO INC2 GTH2k ?&show POP2 POP2 !&more
        @name "a.txt 00 @buffer $8"""
    )
    computer.run_console()
    assert computer.stdout == b"contents"


def test_a_guest_writes_a_file(make: Make, tmp_path: Path) -> None:
    computer = make(""";name #b8 DEO2 #0003 #ba DEO2 ;text #be DEO2 BRK @name "out 00 @text "abc""")
    computer.run_console()
    assert (tmp_path / "out").read_bytes() == b"abc"


class Case(NamedTuple):
    """A path, and what stat (4 wide), a read of 99 and a delete of it give."""

    path: str
    stat: bytes
    read: bytes
    deleted: int


@pytest.mark.parametrize(
    "case",
    [
        Case("file", b"0003", b"abc", 1),
        Case("./file", b"0003", b"abc", 1),
        Case("sub/../file", b"0003", b"abc", 1),
        Case("sub//inner", b"0001", b"x", 1),
        Case("sub", b"----", b"0001 inner\n", 0),
        Case("sub/", b"----", b"0001 inner\n", 0),
        Case("empty", b"0000", b"", 1),
        Case("missing", b"!!!!", b"", 0),
        Case("missing/file", b"!!!!", b"", 0),
        Case("file/", b"!!!!", b"", 0),
        Case("file/x", b"!!!!", b"", 0),
        Case("big", b"????", b"\0" * 99, 1),
        Case("", b"!!!!", b"", 0),
        Case("link", b"0003", b"abc", 1),
        Case("dangling", b"!!!!", b"", 1),
        Case("loop", b"!!!!", b"", 1),
        Case("n" * 300, b"!!!!", b"", 0),
        Case("x/" * 3000, b"\0", b"", 0),
    ],
)
def test_paths(device: Device, tmp_path: Path, case: Case) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "empty").touch()
    (tmp_path / "big").write_bytes(bytes(0x10000))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/inner").write_bytes(b"x")
    (tmp_path / "link").symlink_to("sub/../file")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    device.name(case.path, at=0x8000)
    if case.stat != b"\0":
        assert device.stat() == case.stat
    assert device.read(99) == case.read
    assert device.delete() == case.deleted


@pytest.mark.parametrize(
    ("size", "width", "text"),
    [
        (0x1F, 2, b"1f"),
        (0x1F, 1, b"?"),
        (0x1F, 6, b"00001f"),
        (0x1F, 0, b""),
        (0x12345, 5, b"12345"),
    ],
)
def test_stat_fills_its_width(
    device: Device, tmp_path: Path, size: int, width: int, text: bytes
) -> None:
    (tmp_path / "f").write_bytes(bytes(size))
    device.name("f")
    assert device.stat(width) == text


def test_reading_goes_on_and_ends_with_zero(device: Device, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abcde")
    device.name("f")
    assert [device.read(2) for _ in range(4)] == [b"ab", b"cd", b"e", b""]
    device.name("f")
    assert device.read(9) == b"abcde"


def test_reading_stops_at_the_end_of_memory(device: Device, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abcde")
    device.name("f")
    assert device.read(5, at=0xFFFE) == b"ab"
    assert device.memory[0] == 0
    assert device.read(5) == b"cde"


def test_writing_truncates_then_goes_on(device: Device, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"something longer")
    device.name("f")
    assert (device.write(b"ab"), device.write(b"cd")) == (2, 2)
    assert (tmp_path / "f").read_bytes() == b"abcd"
    device.name("f")
    assert device.write(b"") == 0
    assert (tmp_path / "f").read_bytes() == b""


def test_appending(device: Device, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"ab")
    device.put_byte(7, 1)
    device.name("f")
    assert device.write(b"cd") == 2
    assert (tmp_path / "f").read_bytes() == b"abcd"
    device.name("new")
    device.write(b"x")
    assert (tmp_path / "new").read_bytes() == b"x"


def test_changing_between_reading_and_writing_starts_over(device: Device) -> None:
    device.name("f")
    device.write(b"abcd")
    assert device.read(2) == b"ab"
    assert device.write(b"X") == 1
    assert device.read(9) == b"X"


def test_missing_folders_are_made(device: Device, tmp_path: Path) -> None:
    device.name("a/b/c.txt")
    assert device.write(b"x") == 1
    assert (tmp_path / "a/b/c.txt").read_bytes() == b"x"
    device.name("d/e/")
    assert device.write(b"ignored") == 1
    assert (tmp_path / "d/e").is_dir()
    assert device.write(b"again") == 1


def test_a_file_where_a_folder_is_needed_fails(device: Device, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    for path in ("f/x", "f/"):
        device.name(path)
        assert device.write(b"x") == 0
    (tmp_path / "d").mkdir()
    device.name("d")
    assert device.write(b"x") == 0


def test_the_name_is_what_memory_holds_when_it_is_used(device: Device, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    (tmp_path / "two").write_bytes(b"22")
    device.name("one")
    device.memory[NAME : NAME + 3] = b"two"
    assert device.read(9) == b"22"
    device.memory[NAME : NAME + 3] = b"one"
    assert device.read(9) == b""  # still the open file
    assert device.stat() == b"0001"


def test_without_a_name_nothing_succeeds(device: Device) -> None:
    device.put(2, 0x1234)
    assert (device.read(4), device.write(b"x"), device.stat(), device.delete()) == (b"", 0, b"", 0)


def test_a_name_without_an_end_is_none(device: Device) -> None:
    device.memory[0xFF00:] = b"x" * 0x100
    device.put(8, 0xFF00)
    assert device.read(4) == b""


def test_both_devices_are_independent(computer: Computer, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"aaaa")
    (tmp_path / "b").write_bytes(b"bbbb")
    one, two = Device(computer), Device(computer, 0xB0)
    one.name("a")
    two.name("b", at=NAME + 0x100)
    assert [one.read(1), two.read(3), one.read(9), two.read(9)] == [b"a", b"bbb", b"aaa", b"b"]


# -- listings ------------------------------------------------------------------------------------


def test_a_listing_is_sorted_and_whole(device: Device, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(bytes(0xABC))
    (tmp_path / "a").mkdir()
    (tmp_path / "c").write_bytes(bytes(0x10000))
    (tmp_path / ".hidden").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "out").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    device.name(".")
    assert device.read(999) == (
        b"0000 .hidden\n---- a/\n0abc b\n???? c\n!!!! gone\n!!!! out\n!!!! pipe\n"
    )
    assert device.read(999) == b""


def test_a_listing_comes_in_whole_lines(device: Device, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).touch()
    device.name(".")
    assert device.read(25) == b"0000 one\n0000 three\n"
    assert device.memory[BUFFER + 20] == 0
    assert device.read(25) == b"0000 two\n"
    assert device.read(25) == b""


def test_a_listing_that_fits_no_line_gives_nothing(device: Device, tmp_path: Path) -> None:
    (tmp_path / "name").touch()
    device.name(".")
    assert device.read(5) == b""
    assert device.read(12) == b"0000 name\n"


# -- failures ------------------------------------------------------------------------------------


def test_a_full_disk_gives_zero(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _data: object) -> int:
        raise OSError(28, "No space left on device")

    device.name("f")
    monkeypatch.setattr(os, "write", full)
    assert device.write(b"abc") == 0


def test_no_files_at_all(make: Make, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    device = Device(make("BRK", sandbox=None))
    device.name(tmp_path / "f")  # type: ignore[arg-type]
    assert (device.read(4), device.write(b"x"), device.stat(), device.delete()) == (b"", 0, b"", 0)
    assert (tmp_path / "f").read_bytes() == b"abc"


def test_reset_closes_files(computer: Computer, device: Device, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    device.name("f")
    assert device.read(1) == b"a"
    open_before = open_below(tmp_path)
    computer.reset()
    computer.close()
    assert open_below(tmp_path) < open_before
    assert device.read(1) == b""


def test_operations_leak_no_descriptors(device: Device, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to("/etc")
    device.name("d/f")
    device.write(b"x")
    before = open_below(tmp_path, Path("/etc"))
    for path in ("d/f", "d/../d/f", "l/passwd", "../x", "missing/x", "d", "d/f/g", "/etc/passwd"):
        device.name(path)
        device.read(4), device.stat(), device.delete()
    device.name("")
    assert open_below(tmp_path, Path("/etc")) <= before
