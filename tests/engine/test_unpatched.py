"""Where gevent has replaced threads and locks, guests run natively and all other tasks go on."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.clock import HANGS

PATCH = "from gevent import monkey; monkey.patch_all()"
PROGRAM = """
import os
import gevent
rom = bytes(jitvm.assemble(
    "|18 @out |0100 #20 &outer #0000 &l INC2 ORAk ?&l POP2 #01 SUB DUP ?&outer #41 .out DEO BRK"
).rom) + os.urandom(8)  # nobody has kept regions of it
jobs = [gevent.spawn(jitvm.run, rom) for _ in range(3)]
gevent.joinall(jobs, raise_error=True)
print([job.value.stdout for job in jobs])
from jitvm.engine.jit import thread
print(len(thread._shared))
gevent.sleep(0.01)  # whatever waits gets its turn, and waits for ever if it is no task
ended = jitvm.run(bytes(jitvm.assemble("|0100 @loop !loop").rom), time_limit=0.05)
print(ended.ending.name)
"""

PIPE = """
import os
import gevent
from gevent.os import make_nonblocking, nb_read
reader, writer = os.pipe()
make_nonblocking(reader)
found = []
def read():
    while data := nb_read(reader, 65536):
        found.append(len(data))
rom = bytes(jitvm.assemble(
    "|18 @out |0100 #04 &o #0000 &l #41 .out DEO INC2 ORAk ?&l POP2 #01 SUB DUP ?&o #800f DEO BRK"
).rom)
def run():
    with os.fdopen(writer, "wb", 0) as stream:
        jitvm.load(rom, stdout=stream).run_console()
gevent.joinall([gevent.spawn(read), gevent.spawn(run)], raise_error=True)
print(sum(found))
"""

pytestmark = pytest.mark.skipif(find_spec("gevent") is None, reason="needs gevent")


def output(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=HANGS)
    assert (done.stderr.decode(), done.returncode) == ("", 0)
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize(
    "begin", [f"{PATCH}; import jitvm", f"import jitvm; {PATCH}"], ids=["before", "after"]
)
def test_guests_beside_tasks_of_gevent(begin: str) -> None:
    assert output(begin + PROGRAM) == [str([b"A"] * 3), "1", "TIME"]


def test_a_task_reads_what_a_guest_writes() -> None:
    """More than a pipe holds: the guest has to let the other one go on while it waits."""
    assert output(f"{PATCH}; import jitvm{PIPE}") == [str(4 << 16)]
