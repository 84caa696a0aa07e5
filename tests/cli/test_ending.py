"""Commands that end while a module they do not need is being imported on another thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    "name", ["queue", "jitvm.engine.jit.compiler", "jitvm.engine.codegen.native"]
)
@pytest.mark.parametrize("command", ["run", "profile"])
def test_a_command_ends_while_something_is_imported(
    tmp_path: Path, name: str, command: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW.format(name=name, seconds=0.3))
    program = tmp_path / "early.tal"
    program.write_text(ENDS_EARLY)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(root)))}
    line = [sys.executable, "-m", "jitvm", command, str(program)]
    for _ in range(2):
        done = subprocess.run(
            line, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "partially" not in done.stderr
        assert "Error" not in done.stderr
