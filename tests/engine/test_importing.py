"""A fork waits for what jitvm imports on other threads, and for nothing else that is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path(__file__).parents[1] / "wire" / "protos"
START = """
import os, signal, sys, threading, time
from jitvm import wire

def child_of(function):
    if not (child := os.fork()):
        signal.alarm(60)
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return child

def is_well(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
FIRST_CALL = """
reader, data = wire.reader(SCHEMA), [b"\\x12\\x05" + "häß".encode()] * 2000

class Meeting:  # asked for each module, with its lock held
    def find_spec(self, name, *_):
        if name == AT:
            met.set()
            time.sleep(0.1)  # longer than it takes until the other thread forks, or waits to

def read():
    assert reader.read(data).to_arrow()["name"][1999].as_py() == "häß"

met = threading.Event()
sys.meta_path.insert(0, Meeting())
thread = threading.Thread(target=read)
thread.start()
assert met.wait(60)
assert is_well(child_of(read))
thread.join()
"""


def run(code: str, *path: Path) -> str:
    """What a program prints, in a new process; also where it complains."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", START + code],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    "at",
    ["jitvm.guests.wire.decoder", "numpy", "numpy.linalg", "pyarrow", "jitvm.guests.wire.arrow"],
)
def test_a_fork_in_the_first_call_of_another_thread(at: str) -> None:
    pytest.importorskip("pyarrow")
    code = FIRST_CALL.replace("SCHEMA", repr(f"{PROTOS / 'kinds.proto'}:Leaf"))
    assert run(code.replace("AT", repr(at))) == ""


# Of modules that stand in for others: `slow` is imported until it is told to be done.
SLOW = """
import slowly
slowly.has_begun.set()
assert slowly.may_end.wait(60)
"""
SLOWLY = """
import threading
has_begun, may_end = threading.Event(), threading.Event()
"""
WAITS = """
import slowly
def imports():
    import slow
thread = threading.Thread(target=lambda: exec(imports.__code__, {"__name__": NAME}))
thread.start()
assert slowly.has_begun.wait(60)
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A folder of such modules."""
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "slowly.py").write_text(SLOWLY)
    return tmp_path


def test_it_waits_for_what_ours_import(modules: Path) -> None:
    """And calls what is registered meanwhile to be called before it: logging's, for example."""
    (modules / "slow.py").write_text(
        SLOW + "import os, slowly\n"
        "os.register_at_fork(before=lambda: slowly.called.append('before'),\n"
        "                    after_in_parent=lambda: slowly.called.append('parent'),\n"
        "                    after_in_child=lambda: slowly.called.append('child'))\n"
    )
    (modules / "slowly.py").write_text(SLOWLY + "called = []\n")
    code = """
register = os.register_at_fork
timer = threading.Timer(0.2, slowly.may_end.set)
timer.start()
def child():
    import slow
    assert slowly.called == ["before", "child"], slowly.called
assert is_well(child_of(child))
assert slowly.called == ["before", "parent"], slowly.called
assert os.register_at_fork is register
thread.join()
timer.join()
"""
    assert run(WAITS.replace("NAME", "'jitvm.some'") + code, modules) == ""


def test_it_does_not_wait_for_what_others_import(modules: Path) -> None:
    code = """
assert is_well(child_of(lambda: wire.reader))
assert not slowly.may_end.is_set()
slowly.may_end.set()
thread.join()
"""
    assert run(WAITS.replace("NAME", "'jitvmother'") + code, modules) == ""


def test_a_program_that_runs_while_it_is_imported_does_not_keep_others_from_forking(
    modules: Path,
) -> None:
    """Ours is called from within, which is no import that it asks for."""
    (modules / "slow.py").write_text(
        "import slowly\nexec(compile('wait()', '', 'exec'), "
        "{'__name__': 'jitvm.some', 'wait': slowly.wait})\n"
    )
    (modules / "slowly.py").write_text(
        SLOWLY + "def wait():\n    has_begun.set()\n    assert may_end.wait(60)\n"
    )
    code = """
assert is_well(child_of(lambda: wire.reader))
slowly.may_end.set()
thread.join()
"""
    assert run(WAITS.replace("NAME", "'app'") + code, modules) == ""


def test_a_fork_within_an_import_waits_for_nobody(modules: Path) -> None:
    """The other thread waits for the module that forks."""
    (modules / "forking.py").write_text(
        "import os, slowly\nslowly.has_begun.set()\n"
        "from jitvm.engine.host.importing import is_importing\n"
        "slowly.until_it_waits()\n"
        "assert not is_importing()\n"
    )
    (modules / "slowly.py").write_text(
        SLOWLY + "import _frozen_importlib, threading, time\n"
        "def until_it_waits():\n"
        "    _, other = threading.enumerate()\n"
        "    while not _frozen_importlib._blocking_on.get(other.ident):\n"
        "        time.sleep(0.001)\n"
    )
    code = """
import slowly
def imports():
    assert slowly.has_begun.wait(60)
    import forking
known = {"__name__": "jitvm.some", "slowly": slowly}
thread = threading.Thread(target=lambda: exec(imports.__code__, known))
thread.start()
import forking
thread.join()
"""
    assert run(code, modules) == ""


def test_it_gives_up_on_what_waits_for_the_thread_that_forks(modules: Path) -> None:
    (modules / "slow.py").write_text(
        "import slowly\nslowly.has_begun.set()\nwith slowly.lock: pass\n"
    )
    (modules / "slowly.py").write_text(SLOWLY + "lock = threading.Lock()\nlock.acquire()\n")
    code = """
from jitvm.engine.host import importing
importing.PATIENCE = 0.2
assert is_well(child_of(lambda: wire.reader))
assert importing.is_importing()
slowly.lock.release()
thread.join()
assert not importing.is_importing()
"""
    assert run(WAITS.replace("NAME", "'jitvm.some'") + code, modules) == ""
