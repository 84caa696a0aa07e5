"""A guest of somebody else's: a package that pip installs, and a module in the current folder.

The package is the one of docs/describe-your-own-bytecode.md, built by a backend of its own, so that
nothing has to be fetched.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.toy.guest import assemble

PAGE = ROOT / "docs" / "describe-your-own-bytecode.md"
BUSY = """
        li   r2  0x7fff
        li   r3  4000
outer:  li   r1  0
inner:  addi r1  1
        bne  r1  r2  inner
        addi r3  -1
        bne  r3  r0  outer
        li   r1  65
        out  r1  1
        halt
"""
"""Counts for 262 million instructions, writes A and halts."""
SERVES_LATE = """
import sys, time
from jitvm.cli import dashboard, main
serve = dashboard._serve
def late(arguments, session):
    while session.runner.activity not in ("ended", "failed"):
        time.sleep(0.01)
    return serve(arguments, session)
dashboard._serve = late
sys.exit(main(sys.argv[1:]))
"""
"""The command, but that the time of `jitvm dashboard` begins when the program has ended."""
BACKEND = """
import zipfile
from pathlib import Path


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "toyvm-1.0-py3-none-any.whl"
    info = "toyvm-1.0.dist-info"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        for path in sorted(Path("toyvm").glob("*.py")):
            wheel.write(path)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: toyvm\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(
            f"{info}/entry_points.txt", "[jitvm.guests]\\ntoy = toyvm.platform:PLATFORM\\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""


class Place:
    """A folder, and a Python that knows jitvm and whatever is installed for it."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.python = python
        self.folder = folder

    def jitvm(
        self, *words: str, launcher: tuple[str, ...] = ("-m", "jitvm")
    ) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            [self.python, *launcher, *words],
            cwd=self.folder,
            env={**os.environ, "JITVM_CACHE": str(self.folder.parent / "cache")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def out(self, *words: str, launcher: tuple[str, ...] = ("-m", "jitvm")) -> str:
        """What a command that succeeds prints."""
        done = self.jitvm(*words, launcher=launcher)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


def _package(folder: Path) -> None:
    """Write the package of the page."""
    (folder / "toyvm").mkdir(parents=True)
    (folder / "toyvm" / "__init__.py").write_text("".join(blocks(PAGE, "python")))
    (folder / "toyvm" / "platform.py").write_text("".join(blocks(PAGE, "python3")))
    (project,) = blocks(PAGE, "toml")
    ours = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n\n'
    project = re.sub(r"^\[build-system\].*?\n\n", ours, project, flags=re.DOTALL)
    entry = re.search(r'^\[project.entry-points."jitvm.guests"\]\n(.*)$', project, re.MULTILINE)
    assert entry is not None
    assert f"{entry[1]}\n" == 'toy = "toyvm.platform:PLATFORM"\n'
    (folder / "pyproject.toml").write_text(project)
    (folder / "backend.py").write_text(BACKEND)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A clean environment into which pip has installed the package."""
    folder = tmp_path_factory.mktemp("plugin")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    packages = next((folder / "env" / "lib").glob("python*")) / "site-packages"
    # What jitvm itself needs, from wherever these tests have it; the repository before all else.
    ours = [path for path in sys.path if path.endswith("-packages")]
    (packages / "jitvm.pth").write_text("".join(f"{path}\n" for path in (ROOT, *ours)))
    _package(folder / "source")
    python = folder / "env" / "bin" / "python"
    subprocess.run(
        [
            sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
            "--no-deps", "--no-build-isolation", "--disable-pip-version-check", folder / "source",
        ],
        check=True,
        cwd=folder,
    )  # fmt: skip
    assert (packages / "toyvm" / "platform.py").exists()
    (folder / "here").mkdir()
    (folder / "here" / "busy.toys").write_text(BUSY)
    (folder / "here" / "busy.toy").write_bytes(assemble(BUSY))
    (folder / "here" / "busy.bin").write_bytes(assemble(BUSY))
    (folder / "here" / "bare.py").write_text("".join(blocks(PAGE, "python")))
    return Place(python, folder / "here")


def test_it_is_listed(place: Place) -> None:
    guests = {each["name"]: each for each in json.loads(place.out("guests", "--json"))}
    assert guests.keys() >= {"uxn", "toy"}
    assert guests["toy"]["from"] == "toyvm 1.0"
    assert guests["toy"]["suffixes"] == [".toy", ".toys"]
    assert "sixteen registers" in place.out("guests")


@pytest.mark.parametrize("tier", ["reference", "interpreter", "jit"])
def test_it_runs(place: Place, tier: str) -> None:
    limit = ("--max-instructions", "1000") if tier == "reference" else ()
    done = place.jitvm("run", "--tier", tier, *limit, "busy.toys")
    assert (done.stdout, done.returncode) == (("", 125) if limit else ("A", 0))
    assert done.stderr == ""


def test_it_runs_by_name_whatever_the_file_is_called(place: Place) -> None:
    assert place.out("run", "--guest", "toy", "busy.bin") == "A"
    assert place.out("run", "--guest", "toyvm.platform:PLATFORM", "busy.bin") == "A"


def test_it_is_profiled(place: Place) -> None:
    profile = json.loads(place.out("profile", "--exact", "--json", "busy.toys"))
    assert profile["title"] == "busy.toys"
    assert profile["instructions"] > 262_000_000


def test_it_is_explained(place: Place) -> None:
    text = place.out("explain", "busy.toys", "--stage", "guest", "--stage", "ir")
    assert "addi  r1 r0 0x0001" in text
    assert 'graph "region 00' in text
    assert place.out("explain", "busy.toys", "--list").startswith("00")


def test_it_is_watched(place: Place) -> None:
    last = place.out("top", "--exact", "--interval", "0.1", "busy.toys").split("busy.toys")[-1]
    assert "ended" in last
    assert last.endswith("\nA\n\n")


def test_its_run_is_kept_by_the_dashboard(place: Place) -> None:
    pytest.importorskip("starlette")
    pytest.importorskip("plotly")
    words = ("dashboard", "--save", "run.jsonl", "-O", "background=0", "--time-limit", "0.1")
    place.out(*words, "busy.toys", launcher=("-c", SERVES_LATE))
    kept = (place.folder / "run.jsonl").read_text()
    assert "addi" in kept
    assert json.loads(kept.splitlines()[0])["name"] == "busy.toys"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--legacy", "busy.toys"], "--legacy: toy has no such option"),
        (["run", "--sandbox", ".", "busy.toys"], "--sandbox: toy has no such option"),
        (["run", "-G", "speed=2", "busy.toys"], "toy has origin, output, error"),
        (["run", "-G", "origin", "busy.toys"], "takes NAME=VALUE"),
        (["run", "-G", "origin=x", "busy.toys"], "x is no number like 256 or 0x100"),
        (["run", "-G", "output=256", "busy.toys"], "-G output=256: 256 is no port"),
        (["debug", "-G", "error=0x100", "busy.toys"], "-G error=0x100: 0x100 is no port"),
        (["run", "-G", "origin=0xffff", "busy.toys"], "do not fit into the 65536 bytes of toy"),
        (["run", "--frames", "3", "busy.toys"], "programs of toy have no screen"),
        (["run", "--replay", "x", "busy.toys"], "sessions of toy cannot be recorded"),
        (["run", "wrong.toys"], "wrong.toys: cannot be assembled: 'fly'"),
        (["asm", "--guest", "toy", "busy.toys"], "there is no assembler of toy"),
        (["dis", "--guest", "toy", "busy.toy"], "there is no disassembler of toy"),
        (["explain", "busy.toys", "nowhere"], "nowhere is neither a label"),
        (["run", "x.unknown"], "is no program of any guest"),
    ],
)
def test_what_it_has_not_is_told_in_a_line(place: Place, words: list[str], message: str) -> None:
    (place.folder / "wrong.toys").write_text("fly\n")
    (place.folder / "x.unknown").write_bytes(b"\0\1\2")
    done = place.jitvm(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("jitvm: error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


BARE = ("--guest", "bare:TOY", "-G", "output=1")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", *BARE, "busy.bin"], "A"),
        (["profile", *BARE, "busy.bin"], "native"),
        (["explain", *BARE, "busy.bin", "--stage", "guest"], "addi 01 01 00"),
        (["top", *BARE, "busy.bin", "--interval", "0.1"], "ended"),
    ],
)
def test_a_bare_guest_in_the_current_folder(place: Place, words: list[str], expected: str) -> None:
    assert expected in place.out(*words)


BROKEN = """
from jitvm import Guest, Opcode, Space

def wrong(core):
    if core.load(0, 0, 1):
        core.halt()

rows = [Opcode(n, f"wrong-{n}", wrong) for n in range(256)]
VM = Guest("broken", tuple(rows), (Space("memory", 0x10000, code=True),))
"""


@pytest.mark.parametrize("command", ["run", "profile", "explain", "top", "dashboard"])
def test_a_description_that_breaks_a_rule_is_told_in_a_line(place: Place, command: str) -> None:
    (place.folder / "broken.py").write_text(BROKEN)
    done = place.jitvm(command, "--guest", "broken:VM", "busy.bin")
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr == (
        "jitvm: error: guest broken, opcode 0x00 wrong-0: asked Python whether a word is true; "
        "use select or jump_if\n"
    )


def test_top_ends_where_no_machine_could_be_made(place: Place) -> None:
    done = place.jitvm("top", *BARE, "-G", "origin=0xffff", "busy.bin")
    assert (done.stdout, done.returncode) == ("", 1)
    assert "do not fit into the 65536 bytes of toy" in done.stderr
