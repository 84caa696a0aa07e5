"""Nothing outside of the sandbox is ever opened, made, changed or removed."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jitvm.guests.uxn.varvara import Computer
from jitvm.guests.uxn.varvara.sandbox import OutsideError, Sandbox
from tests.clock import HANGS

Make = Callable[..., Computer]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A box, a sibling whose name begins alike, and a secret outside."""
    (tmp_path / "box/sub").mkdir(parents=True)
    (tmp_path / "box-too").mkdir()
    (tmp_path / "box-too/secret").write_bytes(b"secret")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "box/file").write_bytes(b"open")
    return tmp_path


@pytest.fixture
def box(world: Path) -> Sandbox:
    return Sandbox(world / "box")


def escapes(world: Path) -> list[str]:
    """Paths that lead out, made through links where they need some."""
    box = world / "box"
    (box / "up").symlink_to("..")
    (box / "direct").symlink_to(world / "secret")
    (box / "relative").symlink_to("../secret")
    (box / "chain").symlink_to("sub/chain")
    (box / "sub/chain").symlink_to("../../secret")
    (box / "etc").symlink_to("/etc")
    (box / "root").symlink_to("/")
    return [
        "../secret",
        "sub/../../secret",
        "./../secret",
        "..//secret",
        "../box/../secret",
        "../box-too/secret",
        str(world / "secret"),
        str(world / "box-too/secret"),
        f"{box}/../secret",
        "up/secret",
        "direct",
        "relative",
        "chain",
        "sub/chain",
        "etc/passwd",
        f"root{world}/secret",
        "/etc/passwd",
        "/",
        "..",
    ]


OPERATIONS: list[Callable[[Sandbox, bytes], object]] = [
    lambda box, path: box.open_file(path),
    lambda box, path: box.create_file(path, append=False),
    lambda box, path: box.create_file(path + b"/x/y", append=True),
    lambda box, path: box.make_folder(path + b"/folder"),
    lambda box, path: box.status(path),
    lambda box, path: box.entries(path),
]


def picture(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, but for the box."""
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if folder / "box" not in (path, *path.parents)
    }


@pytest.mark.parametrize("operation", range(len(OPERATIONS)))
def test_no_operation_leaves_the_box(world: Path, box: Sandbox, operation: int) -> None:
    paths = escapes(world)
    before = picture(world)
    for path in paths:
        with pytest.raises(OSError, match=r"sandbox|No such file|Not a directory|exists"):
            OPERATIONS[operation](box, path.encode())
    assert picture(world) == before


def test_escapes_are_told_from_what_is_missing(world: Path, box: Sandbox) -> None:
    for path in escapes(world):
        with pytest.raises(OutsideError):
            box.status(path.encode())


def test_removing_a_link_leaves_its_target(world: Path, box: Sandbox) -> None:
    escapes(world)
    box.remove(b"direct")
    assert not (world / "box/direct").is_symlink()
    assert (world / "secret").exists()
    with pytest.raises(OutsideError):
        box.remove(b"../secret")
    with pytest.raises(OutsideError):
        box.remove(b"up/secret")


def test_what_leads_back_inside_is_allowed(world: Path, box: Sandbox) -> None:
    (world / "box/abs").symlink_to(world / "box/file")
    (world / "box/sub/up").symlink_to("../file")
    (world / "link-to-box").symlink_to("box")
    for path in ("abs", "sub/up", "sub/../file", str(world / "box/file"), f"{world}/box/./file"):
        assert box.status(path.encode()).st_size == 4, path
    through_link = Sandbox(world / "link-to-box")
    assert through_link.status(b"abs").st_size == 4
    assert through_link.status(f"{world}/link-to-box/file".encode()).st_size == 4
    assert box.entries(f"{world}/box/sub".encode()) == [b"up"]


def test_writing_through_a_link_stays_inside(world: Path, box: Sandbox) -> None:
    (world / "box/out").symlink_to("../made")
    with pytest.raises(OutsideError):
        box.create_file(b"out", append=False)
    assert not (world / "made").exists()
    (world / "box/in").symlink_to("sub/made")
    os.close(box.create_file(b"in", append=False))
    assert (world / "box/sub/made").exists()


def test_only_files_and_folders(world: Path, box: Sandbox) -> None:
    os.mkfifo(world / "box/fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(world / "box/socket"))
        (world / "box/null").symlink_to("/dev/null")
        for name in (b"fifo", b"socket", b"null"):
            for operation in (
                lambda name: box.open_file(name),
                lambda name: box.create_file(name, append=False),
                lambda name: box.status(name),
            ):
                with pytest.raises(PermissionError):
                    operation(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a device")
def test_no_devices(world: Path, box: Sandbox) -> None:
    try:
        os.mknod(world / "box/zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no devices can be made here")
    with pytest.raises(PermissionError):
        box.open_file(b"zero")


@pytest.mark.parametrize("swapped", ["file", "folder"])
def test_races_do_not_leave_the_box(world: Path, box: Sandbox, swapped: str) -> None:
    """A name that keeps changing between inside and a link to the outside."""
    inside, outside = ("file", "../secret") if swapped == "file" else ("sub", "../box-too")
    (world / "box/sub/secret").write_bytes(b"open")
    stop = threading.Event()

    def swap() -> None:
        one, two = world / "box/.one", world / "box/.two"
        while not stop.is_set():
            one.symlink_to(inside)
            os.replace(one, world / "box/name")
            two.symlink_to(outside)
            os.replace(two, world / "box/name")

    thread = threading.Thread(target=swap)
    thread.start()
    path = b"name" if swapped == "file" else b"name/secret"
    seen: set[bytes] = set()
    tries, deadline = 0, time.monotonic() + HANGS
    try:
        while tries < 1500 or (len(seen) < 2 and time.monotonic() < deadline):
            tries += 1
            try:
                descriptor = box.open_file(path)
            except OSError:
                seen.add(b"refused")
                continue
            seen.add(os.read(descriptor, 10))
            os.close(descriptor)
    finally:
        stop.set()
        thread.join()
    assert b"secret" not in seen
    assert seen == {b"open", b"refused"}


def test_a_moved_folder_does_not_carry_dots_outside(world: Path, box: Sandbox) -> None:
    """`..` goes back the way we came, even when the folder has moved out meanwhile."""
    with box.walk(b"sub/.") as place:
        os.rename(world / "box/sub", world / "sub")
        assert os.path.samestat(os.fstat(place.parent), os.stat(world / "sub"))
    os.rename(world / "sub", world / "box/sub")
    assert box.status(b"sub/../file").st_size == 4


def test_a_guest_is_refused_with_one_warning(make: Make, world: Path) -> None:
    computer = make(
        """;name .File/name DEO2 #0006 .File/length DEO2
        #0020 .File/read DEO2 .File/success DEI2 #0020 .File/stat DEO2 .File/success DEI2 BRK
        @name "../secret 00""",
        sandbox=world / "box",
    )
    computer.run_console()
    assert bytes(computer.machine.memory[0x20:0x26]) == bytes(6)
    assert bytes(computer.machine.state.stacks[0][:4]) == bytes(4)
    assert computer.stderr.count(b"../secret, which is outside of") == 1
    assert b"--sandbox" in computer.stderr


def test_a_missing_root_fails_softly(make: Make, tmp_path: Path) -> None:
    computer = make(
        ";name .File/name DEO2 #0001 .File/length DEO2 ;name .File/write DEO2 "
        '.File/success DEI2 BRK @name "x 00',
        sandbox=tmp_path / "nowhere",
    )
    computer.run_console()
    assert bytes(computer.machine.state.stacks[0][:2]) == bytes(2)
    assert not (tmp_path / "nowhere").exists()
