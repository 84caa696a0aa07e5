"""Ends of commands: early ones, with closed streams, and with faults of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli.exits import Exit
from tests.clock import HANGS

ROOT = Path(__file__).parents[2]
ENDS_EARLY = "|0100 #0000 #0040 &o SWP2 &l INC2 DUP2 #0000 NEQ2 ?&l SWP2 #0001 SUB2 ORAk ?&o BRK"
"""Runs until its JIT is being made, and not until it is there."""
SLOW = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            time.sleep({seconds})
sys.meta_path.insert(0, Slow())
"""


@pytest.mark.parametrize(
    "name", ["queue", "jitvm.engine.jit.thread", "jitvm.engine.codegen.native"]
)
@pytest.mark.parametrize("command", ["run", "profile"])
def test_a_command_ends_while_something_is_imported(
    tmp_path: Path, name: str, command: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW.format(name=name, seconds=0.3))
    program = tmp_path / "early.tal"
    program.write_text(ENDS_EARLY)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    line = [sys.executable, "-m", "jitvm", command, str(program)]
    for _ in range(2):
        done = subprocess.run(
            line, env=environment, capture_output=True, text=True, timeout=HANGS, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "partially" not in done.stderr
        assert "Error" not in done.stderr


CLOSED = [
    ["profile", "short.tal"], ["top", "short.tal"], ["explain", "--list", "short.tal"],
    ["params"], ["cache"], ["--help"], ["run", "--help"], [], ["run", "short.tal"],
    ["dashboard", "--time-limit", "0.1", "short.tal"], ["asm", "-o", "-", "short.tal"],
    ["dis", "short.rom"], ["run", "--headless", "--frames", "1", "--hash-frames", "-", "short.tal"],
]  # fmt: skip


@pytest.mark.parametrize("streams", [(1, 2), (0, 3)])
@pytest.mark.parametrize("words", CLOSED, ids=" ".join)
def test_streams_may_be_closed(tmp_path: Path, words: list[str], streams: tuple[int, int]) -> None:
    (tmp_path / "short.tal").write_text("|0100 #00 DEO BRK")
    (tmp_path / "short.rom").write_bytes(b"\x80\x00\x17\x00")

    done = subprocess.run(
        [sys.executable, "-m", "jitvm", *words], cwd=tmp_path, stderr=subprocess.PIPE,
        timeout=HANGS, preexec_fn=lambda: os.closerange(*streams), check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    needs_output = words[:1] in (["asm"], ["dis"])
    assert done.returncode == (Exit.FAILURE if needs_output else Exit.OK)
    assert b"Traceback" not in done.stderr
    if needs_output and streams == (1, 2):
        assert done.stderr == b"jitvm: error: standard output is closed; name a file with -o\n"


def test_what_opens_first_gets_no_standard_stream() -> None:
    """Or what libraries write to standard error would be in somebody's file."""
    code = (
        "import os, sys; sys.argv[0] = 'jitvm'; from importlib import import_module\n"
        "it = import_module('jitvm.cli.main')\n"
        "it.main = lambda: os.write(2, b'nobody sees this') and 0\n"
        "it.program()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, timeout=HANGS, check=False,
        preexec_fn=lambda: os.closerange(0, 3),
    )  # fmt: skip
    assert done.returncode == 0


def test_a_fault_of_ours_ends_the_process() -> None:
    """However it comes about, and while LLVM is being loaded: nothing is waited for that does not
    come, as it would be for an hour."""
    code = (
        "import sys; sys.argv[0] = 'jitvm'; from importlib import import_module\n"
        "it = import_module('jitvm.cli.main')\n"
        "from jitvm.engine.host import background\n"
        "from jitvm.engine.host.background import BACKGROUND\n"
        "from jitvm.engine.host.process import LLVM\n"
        "import threading, time\n"
        "background.PATIENCE = 3600\n"
        "is_begun = threading.Event()\n"
        "def work():\n"
        "    is_begun.set()\n"
        "    time.sleep(0.05)  # as an import takes\n"
        "    with LLVM: pass\n"
        "def main():\n"
        "    threading.Thread(target=BACKGROUND.do, args=(work,), daemon=True).start()\n"
        "    is_begun.wait()\n"
        "    raise AttributeError('of ours')\n"
        "it.main = main\n"
    )
    for end in ("it.program()", "main()"):
        done = subprocess.run(
            [sys.executable, "-c", code + end], cwd=ROOT, capture_output=True,
            timeout=HANGS, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.rstrip().endswith(b"AttributeError: of ours")
