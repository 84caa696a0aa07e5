"""The kernels' machine code: kept between runs, and nothing loaded that is not needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
HEAVY = ("llvmlite", "numpy", "numba")
PROGRAM = f"""
import sys
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara.screen import Screen

machine = Machine(UXN, tier=Tier.REFERENCE)
screen = Screen(machine)
loaded = lambda: [name for name in {HEAVY} if name in sys.modules]
write = machine.state.ports.write
print(loaded())
for port in (0x20, 0x21, 0x22, 0x26, 0x28, 0x2c):
    write(port, 0)
print(loaded())
write(0x23, 64)
write(0x2e, 0x83)
write(0x2f, 0x01)
print(loaded())
print(screen.compose(), screen.layer(0).sum())
"""


def run(folder: Path) -> list[str]:
    environment = {**os.environ, "JITVM_CACHE": str(folder)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_llvm_is_needed_once(tmp_path: Path) -> None:
    shown = f"True {3 * (64 * 320 - 8 * 8)}"
    assert run(tmp_path) == ["[]", "[]", "['llvmlite']", shown]
    assert run(tmp_path) == ["[]", "[]", "[]", shown]
