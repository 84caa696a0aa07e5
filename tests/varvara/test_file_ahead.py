"""Reading ahead and native reads: that they happen, and that no program can tell."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer, file, readahead, readcode, words
from jitvm.guests.uxn.varvara.screen import state
from tests.varvara.filedevice import BUFFER, NAME, Device

if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.handle import Files

Make = Callable[..., Computer]

ROOT = Path(__file__).parents[2]
READ = 0xAD
EAGER = Parameters().changed({"background": 0, "hot": 1, "window": 64, "keep": 0})


@pytest.fixture(autouse=True, scope="module")
def native() -> Iterator[None]:
    """Small reads are native from the first one on, with a small buffer."""
    readcode.build()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "LOOK_AFTER", 1)
        patch.setattr(readahead, "SIZE", 64)
        yield


@pytest.fixture(params=[tier for tier in Tier if tier is not Tier.REFERENCE], ids=str)
def tier(request: pytest.FixtureRequest) -> Tier:
    """The tiers that have native port functions."""
    return Tier(request.param)


def count_python(computer: Computer) -> list[int]:
    """A list that grows with each call of Python for File/read of the first device."""
    writers, calls = computer.machine.state.ports.writers, list[int]()
    python = writers[READ]

    def counted(byte: int) -> None:
        calls.append(byte)
        python(byte)

    writers[READ] = counted
    return calls


def test_python_sees_few_reads(make: Make, tmp_path: Path) -> None:
    content = os.urandom(640)
    (tmp_path / "f").write_bytes(content)
    computer = make("BRK")
    device, calls = Device(computer), count_python(computer)
    device.name("f")
    assert b"".join(device.read(1) for _ in range(640)) == content
    assert len(calls) == 10
    assert device.read(1) == b""


def test_the_reference_tier_stays_with_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no LLVM, and is what all others are compared with."""
    monkeypatch.setattr(readcode, "find", None)
    monkeypatch.setattr(readcode, "installed", None)
    monkeypatch.setattr(readcode, "build_behind", None)
    monkeypatch.setattr(file, "BUILD_AFTER", 2)
    (tmp_path / "f").write_bytes(b"abc")
    computer = Computer(b"\0", tier=Tier.REFERENCE, sandbox=tmp_path)
    device, calls = Device(computer), count_python(computer)
    device.name("f")
    assert [device.read(1) for _ in range(4)] == [b"a", b"b", b"c", b""]
    assert len(calls) == 4


def test_a_file_that_grows_is_read_on(make: Make, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a")
    device = Device(make("BRK"))
    device.name("f")
    assert [device.read(1), device.read(1)] == [b"a", b""]
    with (tmp_path / "f").open("ab") as more:
        more.write(b"b")
    assert [device.read(1), device.read(1)] == [b"b", b""]


@pytest.mark.parametrize("name", ["f", "hard", "soft", "sub/../f"])
def test_what_the_other_device_writes_is_read(make: Make, tmp_path: Path, name: str) -> None:
    (tmp_path / "f").write_bytes(b"abcdef")
    (tmp_path / "hard").hardlink_to(tmp_path / "f")
    (tmp_path / "soft").symlink_to("f")
    (tmp_path / "sub").mkdir()
    computer = make("BRK")
    one, two = Device(computer), Device(computer, 0xB0)
    one.name("f")
    assert one.read(2) == b"ab"
    two.name(name, at=NAME + 0x100)
    assert two.write(b"12") == 2
    assert one.read(1) == b""
    assert two.write(b"34") == 2
    assert [one.read(1), one.read(9)] == [b"3", b"4"]


class Spy:
    """Passes everything on."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.sizes: list[int] = []

    def read(self, path: Callable[[], bytes], size: int) -> tuple[int, bytes]:
        self.sizes.append(size)
        return self._files.read(path, size)

    def __getattr__(self, name: str) -> object:
        return getattr(self._files, name)


def test_others_in_the_place_of_the_files_see_all_reads(make: Make, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abcdef")
    computer = make("BRK")
    device = Device(computer)
    handle = computer.files[0].files
    assert handle is not None
    spy = Spy(handle)
    device.name("f")
    assert device.read(1) == b"a"
    computer.files[0].files = spy  # type: ignore[assignment]
    assert [device.read(1), device.read(1)] == [b"b", b"c"]
    assert spy.sizes == [1, 1]
    computer.files[0].files = handle
    assert [device.read(1), device.read(2), device.read(1)] == [b"d", b"ef", b""]
    assert spy.sizes == [1, 1]


def test_reading_over_compiled_code(tier: Tier, tmp_path: Path) -> None:
    """Bytes are read into an instruction of a loop that has become native since the last one."""
    content = bytes(range(1, 9))
    (tmp_path / "f").write_bytes(content)
    source = """|0100 ;name #a8 DEO2 #0001 #aa DEO2
        @again ;again/patch #ac DEO2 #a3 DEI ?{ BRK }
            #80 &show LIT &patch $1 #18 DEO #01 SUB DUP ?&show POP !again
        @name "f 00"""
    rom = assemble(source, name="test.tal").rom
    params = EAGER if tier is not Tier.INTERPRETER else None
    computer = Computer(rom, tier=tier, sandbox=tmp_path, params=params)
    calls = count_python(computer)
    computer.run_console()
    assert computer.stdout == b"".join(bytes([byte]) * 0x80 for byte in content)
    assert (len(calls) == 2) == (tier is Tier.INTERPRETER)


def test_a_compiled_loop_reads_natively(tier: Tier, tmp_path: Path) -> None:
    content = os.urandom(4000)
    (tmp_path / "f").write_bytes(content)
    source = """|0100 ;name #a8 DEO2
        &loop #0003 #aa DEO2 ;buffer #ac DEO2 #a3 DEI DUP ?{ POP BRK }
            #00 SWP ;buffer ADD2 ;buffer
            &show LDAk #18 DEO INC2 GTH2k ?&show POP2 POP2 !&loop
        @name "f 00 @buffer $3"""
    rom = assemble(source, name="test.tal").rom
    params = EAGER if tier is not Tier.INTERPRETER else None
    computer = Computer(rom, tier=tier, sandbox=tmp_path, params=params)
    calls = count_python(computer)
    computer.run_console()
    assert computer.stdout == content
    assert len(calls) < 4000 // 64 * 2


# -- any sequence of operations ------------------------------------------------------------------

PATHS = ("a", "b", "hard", "soft", "sub", "new", "sub/new/", "missing/../a", "../out", "")
SIZES = (0, 1, 2, 3, 63, 64, 65, 1024, 1025, 0x8000)
USUAL = st.one_of(
    st.tuples(st.just("read"), st.sampled_from([1, 2, 3])),
    st.tuples(st.just("again"), st.integers(1, 70)),
    st.tuples(st.just("write"), st.binary(max_size=5)),
)
STEPS = st.one_of(
    USUAL,
    USUAL,
    st.tuples(st.just("name"), st.sampled_from(["a", "hard"]) | st.sampled_from(PATHS)),
    st.tuples(st.just("read"), st.sampled_from(SIZES)),
    st.tuples(st.just("top"), st.sampled_from([1, 2, 3, 4])),
    st.tuples(st.just("append"), st.sampled_from([0, 1])),
    st.tuples(st.just("stat"), st.sampled_from([2, 4])),
    st.tuples(st.sampled_from(["delete", "close"]), st.just(0)),
)


class World:
    """A computer with a folder of its own, and what can be seen of both."""

    def __init__(self, tier: Tier, folder: Path) -> None:
        folder.mkdir()
        (folder / "a").write_bytes(bytes(range(256)) * 9)
        (folder / "b").write_bytes(b"short")
        (folder / "hard").hardlink_to(folder / "a")
        (folder / "soft").symlink_to("b")
        (folder / "sub").mkdir()
        (folder / "sub/file").touch()
        params = None if tier in (Tier.REFERENCE, Tier.INTERPRETER) else EAGER
        self.folder = folder
        self.computer = Computer(b"\0", tier=tier, sandbox=folder, params=params)
        self.devices = [Device(self.computer, base) for base in file.BASES]

    def do(self, index: int, step: tuple[str, object]) -> tuple[object, ...]:
        """Everything that can be seen after a step of a device."""
        device = self.devices[index]
        seen: list[int] = []
        match step:
            case ("name", str(path)):
                device.name(path, at=NAME + 0x100 * index)
            case ("read", int(size)):
                device.read(size)
            case ("top", int(size)):
                device.read(size, at=0xFFFE)
            case ("again", int(times)):
                device.put(0xA, 1)
                for _ in range(times):
                    device.put(0xC, BUFFER)
                    seen += [device.success, device.memory[BUFFER]]
            case ("write", bytes(data)):
                device.write(data)
            case ("append", int(byte)):
                device.put_byte(7, byte)
            case ("stat", int(width)):
                device.stat(width)
            case ("delete", _):
                device.delete()
            case ("close", _):
                self.computer.files[index].close()
        return device.success, seen, bytes(device.memory), bytes(device.page)

    def files(self) -> dict[str, bytes]:
        """All files, with what is in them."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else b""
            for path in self.folder.rglob("*")
        }


@settings(max_examples=25)
@given(
    tier=st.sampled_from([tier for tier in Tier if tier is not Tier.REFERENCE]),
    steps=st.lists(st.tuples(st.sampled_from([0, 1]), STEPS), min_size=10, max_size=40),
)
def test_any_interleaving(tier: Tier, steps: list[tuple[int, tuple[str, object]]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        plain, native = World(Tier.REFERENCE, folder / "0"), World(tier, folder / "1")
        for index, step in [(0, ("name", "a")), (1, ("name", "a")), *steps]:
            assert native.do(index, step) == plain.do(index, step)
            assert native.files() == plain.files()
        native.computer.close()
        plain.computer.close()
    finally:
        shutil.rmtree(folder)


# -- the code ------------------------------------------------------------------------------------


def test_the_code_needs_no_relocation_elsewhere() -> None:
    compiled = Compiler("aarch64").compile(readcode.text())
    assert set(compiled.symbols) == {"read", "length"}


def test_the_rows_of_words_do_not_overlap() -> None:
    assert words.SCREEN + state.WORDS <= words.FILES
    assert max(readahead.LENGTH, readahead.PYTHON, readahead.END) < words.FILE_WORDS
    assert words.FILES + len(file.BASES) * words.FILE_WORDS <= words.WORDS


def test_other_bits_of_the_code_map_do_not_matter(tmp_path: Path) -> None:
    """Only bytes with CODE set are left to Python; the first of a read may have been stored."""
    (tmp_path / "f").write_bytes(b"abcdef")
    computer = Computer(b"\0", tier=Tier.INTERPRETER, sandbox=tmp_path)
    machine, device, calls = computer.machine, Device(computer), count_python(computer)
    device.name("f")
    assert device.read(1) == b"a"
    marks = (ctypes.c_ubyte * 8).from_address(machine.block.base + machine.layout.code_map + BUFFER)
    marks[2], marks[3] = 0xFE, 0x01
    assert device.read(3) == b"bcd"
    assert len(calls) == 1
    assert device.read(2, at=BUFFER + 2) == b"ef"
    assert len(calls) == 2


PROGRAM = f"""
import sys
from pathlib import Path
from jitvm.engine.machine.machine import Tier
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer, file

folder = Path(sys.argv[1])
(folder / "f").write_bytes(bytes(2 * file.BUILD_AFTER))
rom = assemble('''{"|0100 ;name #a8 DEO2 #0001 #aa DEO2 &l ;at #ac DEO2 #a3 DEI ?&l BRK"}
    @name "f 00 @at $1''', name="test.tal").rom
Computer(rom, tier=Tier.INTERPRETER, sandbox=folder).run_console()
print("llvmlite" in sys.modules)
"""


def run(folder: Path) -> str:
    """What it prints: its files are beside the cache, which may not lie among them."""
    environment = {**os.environ, "JITVM_CACHE": str(folder / "cache")}
    files = folder / "files"
    files.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, files],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def test_llvm_is_needed_once(tmp_path: Path) -> None:
    unfinished = shutil.ignore_patterns(".*.part")  # other tests may be writing them
    shutil.copytree(os.environ["JITVM_CACHE"], tmp_path / "cache", ignore=unfinished)
    for kept in (tmp_path / "cache").glob("varvara-file-*"):
        kept.unlink()
    run(tmp_path)
    assert len(list((tmp_path / "cache").glob("varvara-file-*.code"))) == 1
    assert run(tmp_path) == "False\n"
