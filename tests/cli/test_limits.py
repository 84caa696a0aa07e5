"""Programs run on what a system leaves them, and one line says what that is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clock import HANGS

ROOT = Path(__file__).parents[2]
COUNT = "|0100 #00 &l INC DUP #40 NEQ ?&l #18 DEO #0a18 DEO #800f DEO BRK"
DRAW = """|0100 #f0 #08 DEO #0f #0a DEO #f0 #0c DEO #0020 #22 DEO2 #0018 #24 DEO2
    #05 #26 DEO ;tile #2c DEO2 #41 #2f DEO #85 #2f DEO
    #0004 DUP2 #28 DEO2 #2a DEO2 #01 #2e DEO #b2 #2e DEO
    ;wave #3c DEO2 #0004 #3a DEO2 #ff #3e DEO #3c #3f DEO BRK
@tile 183c 7eff ff7e 3c18 ffff 0000 ffff 0000
@wave 00ff 00ff
"""
DRAWN = """
import sys, warnings, hashlib, jitvm
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    computer = jitvm.Computer(jitvm.assemble(sys.argv[1]).rom, sandbox=None)
    frame = computer.frame()
print(hashlib.sha256(computer.screen.pixels.tobytes() + frame.sound.tobytes()).hexdigest())
print(computer.machine.tier, [each.category is jitvm.FallbackWarning for each in told])
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="filters are for x86-64"
)


def run(
    *arguments: str, without: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    if without:
        command = [sys.executable, "-m", "tests.refusing", *without, "--", *command]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, timeout=HANGS, check=False,
    )  # fmt: skip
    if "no filters of system calls" in done.stderr:
        pytest.skip("filters of system calls are not permitted here")
    return done


@pytest.fixture
def count(tmp_path: Path) -> str:
    path = tmp_path / "count.tal"
    path.write_text(COUNT)
    return str(path)


@pytest.mark.parametrize(
    ("without", "told"),
    [
        (("exec",), ["no executable memory (Operation not permitted); programs are interpreted"]),
        (("memfd_create",), ["no files in memory (Operation not permitted); memory is mirrored"]),
        (("memfd_create", "mremap"), ["no files in memory (Operation not permitted); a temporary"]),
    ],
)
def test_one_line_says_what_is_left(count: str, without: tuple[str, ...], told: list[str]) -> None:
    done = run("-m", "jitvm", "run", count, without=without)
    assert (done.returncode, done.stdout) == (0, "@\n")
    lines = done.stderr.splitlines()
    assert len(lines) == len(told)
    for line, begin in zip(lines, told, strict=True):
        assert line.startswith(f"jitvm: note: {begin}")


def test_without_a_mirror_the_reference_runs(count: str) -> None:
    done = run(
        "-c", "import tempfile; tempfile.mkstemp = lambda **_: open('/nowhere/x')\n"
        "import sys; from jitvm.cli.main import program; sys.argv[0] = 'jitvm'; program()",
        "run", count, without=("memfd_create", "mremap"),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "@\n")
    assert done.stderr.startswith("jitvm: note: no memory that is shown twice; programs are")
    assert done.stderr.count("\n") == 1


def test_screens_and_sound_are_the_same_in_python() -> None:
    native, python = run("-c", DRAWN, DRAW), run("-c", DRAWN, DRAW, without=("exec",))
    assert native.stdout.splitlines()[1] == "jit []", native.stderr
    assert python.stdout.splitlines()[1] == "reference [True]", python.stderr
    assert native.stdout.splitlines()[0] == python.stdout.splitlines()[0]


def test_reference_runs_say_nothing(count: str) -> None:
    done = run("-m", "jitvm", "run", "--tier", "reference", count, without=("exec",))
    assert (done.returncode, done.stdout, done.stderr) == (0, "@\n", "")


def test_explain_needs_native_code(count: str) -> None:
    done = run("-m", "jitvm", "explain", count, without=("exec",))
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        "jitvm: error: nothing to explain: nothing can become native here"
    ]


@pytest.mark.parametrize("megabytes", [600, 300, 200, 100])
@pytest.mark.parametrize("is_cold", [False, True])
def test_little_address_space(count: str, tmp_path: Path, megabytes: int, is_cold: bool) -> None:
    limited = (
        "import resource, sys; from jitvm.cli.main import program; sys.argv[0] = 'jitvm'\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20},) * 2); program()"
    )
    usual = os.environ.get("JITVM_CACHE", "")
    cache = str(tmp_path / "cache") if is_cold else usual
    done = run("-c", limited, "run", count, JITVM_CACHE=cache)
    assert (done.returncode, done.stdout) == (0, "@\n"), done.stderr
    assert "little address space" in done.stderr or "libllvmlite" in done.stderr
    # At the end there may be no room for a thread's stack either, or for what compiles.
    more = ("jitvm: note: no more threads", "jitvm: note: too little memory to compile with")
    notes = [line for line in done.stderr.splitlines() if not line.startswith(more)]
    assert len(notes) == 1
    assert notes[0].startswith("jitvm: note: ")


def test_without_llvm(count: str, tmp_path: Path) -> None:
    absent = (
        "import sys; sys.modules['llvmlite'] = None; sys.argv[0] = 'jitvm'\n"
        "from jitvm.cli.main import program; program()"
    )
    done = run("-c", absent, "run", count, JITVM_CACHE=str(tmp_path / "cache"))
    assert (done.returncode, done.stdout) == (0, "@\n")
    assert done.stderr.startswith("jitvm: note: no native code (import of llvmlite halted")
    assert done.stderr.count("\n") == 1
