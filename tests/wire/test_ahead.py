"""NumPy's libraries are opened ahead, and nothing goes wrong where they cannot be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jitvm.guests.wire.ahead import _paths

MAPS = """
import os, sys
from time import sleep, monotonic
from tests.wire.schemas import generated
kind = generated("kinds.Leaf")
assert "numpy" not in sys.modules
from jitvm import wire
reader = wire.reader(kind)
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", MAPS + code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_libraries_are_mapped_before_anybody_imports_them() -> None:
    run(
        """
end = monotonic() + 30
while "_multiarray_umath" not in open("/proc/self/maps").read() and monotonic() < end:
    sleep(0.01)
assert "_multiarray_umath" in open("/proc/self/maps").read()
assert "numpy" not in sys.modules
assert len(reader.read([b"", b""])) == 2
"""
    )


def test_a_fork_meanwhile_waits() -> None:
    run(
        """
child = os.fork()
if not child:
    assert len(reader.read([b"", b""])) == 2
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert len(reader.read([b"", b""])) == 2
"""
    )


def test_they_are_those_that_would_be_imported(tmp_path: object) -> None:
    pytest.importorskip("numpy")
    found = [os.path.basename(path) for path in _paths(sys.path)]
    assert any(name.startswith("_multiarray_umath") for name in found)
    assert _paths([str(tmp_path)]) == []
