"""The child that goes on when its command has ended: what it holds, and what it may take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.clock import HANGS, until

ROOT = Path(__file__).parents[2]
LEAVES = """
import json, os, resource, signal, sys
from jitvm.engine.host.apart import do_nothing_urgent, go_on_apart

pipe = os.pipe()
high = os.dup2(pipe[1], 200)
kept = os.open(os.devnull, os.O_RDONLY)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

def work():
    found = {
        "descriptors": [fd for fd in range(300) if os.path.exists(f"/proc/self/fd/{fd}")],
        "standard": [os.readlink(f"/proc/self/fd/{fd}") for fd in range(3)],
        "kept": kept,
        "cpu": resource.getrlimit(resource.RLIMIT_CPU),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "alarm": signal.alarm(0),
        "urgent": [os.sched_getscheduler(0) == os.SCHED_OTHER, os.nice(0)],
    }
    do_nothing_urgent()
    found["later"] = [os.sched_getscheduler(0) == os.SCHED_BATCH, os.nice(0)]
    with open(sys.argv[1] + ".part", "w") as file:
        json.dump(found, file)
    os.rename(sys.argv[1] + ".part", sys.argv[1])

print(go_on_apart(work, 2.5, [kept]))
"""
HELD = """
import sys, threading
from jitvm.engine.host.apart import go_on_apart
from jitvm.engine.host.process import IMPORTS, LLVM

lock = {"LLVM": LLVM, "IMPORTS": IMPORTS}[sys.argv[1]]
is_held, goes = threading.Event(), threading.Event()
def hold():
    with lock:
        is_held.set()
        goes.wait()
threading.Thread(target=hold).start()
is_held.wait()
print(go_on_apart(lambda: print("child", flush=True), 1))
goes.set()
"""


def run(code: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=HANGS, check=True,
    )  # fmt: skip
    assert not done.stderr
    return done.stdout


def test_it_holds_and_takes_no_more_than_it_may(tmp_path: Path) -> None:
    told = tmp_path / "told"
    assert run(LEAVES, str(told)) == "True\n"
    until(told.exists)
    found = json.loads(told.read_text())
    assert found["descriptors"] == [0, 1, 2, found["kept"]]
    assert found["standard"] == [os.devnull] * 3
    assert found["cpu"] == [3, 3]
    assert found["core"] == [0, 0]
    assert 0 < found["alarm"] <= 60
    assert found["urgent"] == [True, os.nice(0)]
    assert found["later"] == [True, 19]


def test_there_is_none_while_another_thread_is_where_it_could_not_go_on() -> None:
    for lock in ("LLVM", "IMPORTS"):
        assert run(HELD, lock) == "False\n"
