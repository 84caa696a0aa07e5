"""Where somebody has closed all descriptors of the process, as those do who make a daemon of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jitvm.engine.host.descriptor import Descriptor
from jitvm.engine.machine import watch
from tests.clock import HANGS

DAEMON = """
import gc, os, signal, sys, threading, time
import jitvm
endless = bytes(jitvm.assemble("|0100 @loop !loop").rom)
lists = bytes(jitvm.assemble("|a0 @file &vector $2 &ok $2 &stat $2 &delete $1 &append $1 &name $2 "
    "&length $2 &read $2 |0100 ;dir .file/name DEO2 #0040 .file/length DEO2 "
    ";buf .file/read DEO2 .file/ok DEI2 ORA #18 DEO BRK @dir 2e 00 @buf").rom)
machine = jitvm.load(lists, sandbox=".")
machine.start()
jitvm.run(endless, time_limit=0.01)
if FORKS:
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os.closerange(3, 200)
logs = [open(f"log{n}", "w+b", buffering=0) for n in range(30)]
for log in logs:
    log.write(b"mine")
assert jitvm.run(endless, time_limit=0.05).ending.name == "TIME"
machine.start()
assert jitvm.run(lists, sandbox=".").stdout != b"\\0"
def interrupt():
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    jitvm.run(endless)
except KeyboardInterrupt:
    print("stopped")
del machine
gc.collect()
for log in logs:
    log.seek(0)
    assert log.read() == b"mine", log.name
"""


@pytest.mark.parametrize("forks", [False, True])
def test_files_that_got_our_numbers_are_left_alone(forks: bool, tmp_path: Path) -> None:
    code = DAEMON.replace("FORKS", str(forks))
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=HANGS)
    assert (done.stdout, done.stderr.decode(), done.returncode) == (b"stopped\n", "", 0)


def test_a_number_that_went_to_another_file(tmp_path: Path) -> None:
    held = Descriptor(os.open(tmp_path, os.O_RDONLY))
    number = held.number
    assert held.is_open
    os.close(number)
    assert not held.is_open
    held.close()
    with (tmp_path / "other").open("wb") as file:
        again = Descriptor(os.open(tmp_path, os.O_RDONLY))
        os.dup2(file.fileno(), again.number)
        assert not again.is_open
        taken = again.number
        again.close()
        os.fstat(taken)  # still there
        os.close(taken)


def test_a_watcher_begins_after_its_pipe_was_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Callable[[], object]] = []

    def started(loop: Callable[[], object]) -> bool:
        begun.append(loop)
        return True

    monkeypatch.setattr(watch, "started", started)
    watcher = watch._Watcher()
    for end in (watcher._reader, watcher._writer):
        os.close(end.number)
    watcher.have_pipe()
    watcher._nudge()
    begun[0]()  # ends at once: another pipe is another's
    assert len(begun) == 2
    watcher._reader.close()
    watcher._writer.close()
