"""The child that goes on when its command has ended: what it holds, and what it may take."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clock import HANGS, until

ROOT = Path(__file__).parents[2]
LEAVES = """
import json, os, resource, signal, sys, threading
from jitvm.engine.host import apart, handover
from jitvm.engine.host.apart import do_nothing_urgent

if sys.argv[2] == "fork":
    flags = (bytes([0xBF, *number.to_bytes(4, "little")]) for number in (0x111, 0x10000))
    handover._CODE = handover._CODE.replace(*flags)  # those of a thread alone: an error
else:
    os.fork = None
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
        "pid": os.getpid(),
        "threads": len(os.listdir("/proc/self/task")),
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

print(os.getpid(), flush=True)
def spin():
    while True:
        pass
sys.setswitchinterval(0.00001)
for _ in range(2):  # which ask for the interpreter lock all the time
    threading.Thread(target=spin, daemon=True).start()
apart.end_apart(7, work, 2.5, [kept])
"""
HELD = """
import sys, threading
from jitvm.engine.host.apart import end_apart
from jitvm.engine.host.process import IMPORTS, LLVM

lock = {"LLVM": LLVM, "IMPORTS": IMPORTS}[sys.argv[1]]
is_held, goes = threading.Event(), threading.Event()
def hold():
    with lock:
        is_held.set()
        goes.wait()
threading.Thread(target=hold).start()
is_held.wait()
end_apart(7, lambda: print("child", flush=True), 1)
print("there is none")
goes.set()
"""


def run(code: str, *words: str, status: int) -> str:
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", code, *words]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=HANGS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, "")
    return done.stdout


IS_KNOWN = os.uname().machine == "x86_64" and platform.libc_ver()[0] == "glibc"


@pytest.mark.parametrize(
    "how",
    ["fork", pytest.param("hand over", marks=pytest.mark.skipif(not IS_KNOWN, reason="not here"))],
)
def test_it_holds_and_takes_no_more_than_it_may(how: str, tmp_path: Path) -> None:
    told = tmp_path / "told"
    parent = int(run(LEAVES, str(told), how, status=7))
    until(told.exists)
    found = json.loads(told.read_text())
    assert found["pid"] != parent
    assert found["threads"] == 1
    assert found["descriptors"] == [0, 1, 2, found["kept"]]
    assert found["standard"] == [os.devnull] * 3
    assert found["cpu"] == [3, 3]
    assert found["core"] == [0, 0]
    assert 0 < found["alarm"] <= 60
    assert found["urgent"] == [True, os.nice(0)]
    assert found["later"] == [True, 19]


def test_there_is_none_while_another_thread_is_where_it_could_not_go_on() -> None:
    for lock in ("LLVM", "IMPORTS"):
        assert run(HELD, lock, status=0) == "there is none\n"
