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


@pytest.mark.skipif(find_spec("gevent") is None, reason="needs gevent")
@pytest.mark.parametrize(
    "begin", [f"{PATCH}; import jitvm", f"import jitvm; {PATCH}"], ids=["before", "after"]
)
def test_guests_beside_tasks_of_gevent(begin: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", begin + PROGRAM], capture_output=True, timeout=HANGS
    )
    assert (done.stderr.decode(), done.returncode) == ("", 0)
    assert done.stdout.decode().splitlines() == [str([b"A"] * 3), "1", "TIME"]
