"""Modules that are prepared in the code cache: when they are used, and that nobody can tell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import jitvm
from jitvm import prepared, preparing
from jitvm.engine.memory.cachefolder import TAG
from tests.clock import HANGS

HELLO = "|0100 #48 #18 DEO #0185 #0f DEO BRK"
HEADS = ("jitvm.cli.main", "jitvm.cli.run", "jitvm.guests.uxn.varvara")
"""Of the groups that a program without a screen is run with."""
DRAWING = (
    *HEADS, "jitvm.cli.show", "jitvm.cli.outputs", "jitvm.guests.uxn.varvara.frames",
)  # fmt: skip
"""Of those that a screenshot is made with."""
BEFORE = {
    "jitvm", "jitvm.prepared", "jitvm.cli", "jitvm.cli.unheard",
    "jitvm.engine", "jitvm.engine.memory", "jitvm.engine.memory.cachefolder",
}  # fmt: skip
"""Modules that Python itself imports before it can be known that others are prepared."""
ALL = """
import sys
import jitvm.cli.run, jitvm.guests.uxn.varvara
from jitvm.cli.main import program
sys.argv = ["jitvm", "--version"]
program()
"""
"""A command that imports all of them, and does little else."""
RUN = """
import sys
from jitvm.cli.main import program
sys.argv = ["jitvm", "run", "--no-jit", "p.rom"]
program()
"""
TELL = """
import atexit, sys
def tell():
    for name in [name for name in sys.modules if name.split(".")[0] == "jitvm"]:
        module, spec = sys.modules[name], sys.modules[name].__spec__
        parent, _, child = name.rpartition(".")
        print(name, module.__file__, module.__package__, getattr(module, "__cached__", None),
              getattr(module, "__path__", None), module.__loader__ is spec.loader, spec.name,
              spec.origin, spec.cached, spec.has_location, spec.parent,
              spec.submodule_search_locations, spec.loader.is_package(name),
              spec.loader.get_filename(name),
              not parent or getattr(sys.modules[parent], child) is module)
atexit.register(tell)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own."""
    monkeypatch.setenv("JITVM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def run(code: str = ALL, *options: str, package: Path | None = None) -> str:
    """What a Python of its own prints."""
    environment = {name: os.environ[name] for name in ("JITVM_CACHE", "PATH")}
    environment["PYTHONPATH"] = str(package or prepared.PACKAGE.rpartition("/")[0])
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        env=environment, capture_output=True, text=True, timeout=HANGS,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


SPY = """
import atexit, sys
from _frozen_importlib_external import PathFinder
class Spy:
    names = []
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] == "jitvm":
            Spy.names.append(name)
sys.meta_path.insert(sys.meta_path.index(PathFinder), Spy)
atexit.register(lambda: print(*Spy.names))
"""


def by_python(package: Path | None = None) -> set[str]:
    """Modules of jitvm that Python itself had to look for."""
    return set(run(SPY + ALL, package=package).split()[2:]) - {"jitvm.version"}


def files(folder: Path) -> set[str]:
    """The groups that are there."""
    return {file.name[:-14] for file in folder.iterdir() if file.name.startswith("jitvm.")}


def of(folder: Path, head: str) -> Path:
    """The file of a group."""
    return folder / prepared.file_of(head)


# -- what is in them -----------------------------------------------------------------------------


def test_the_second_looks_for_next_to_nothing(folder: Path) -> None:
    assert len(by_python()) > 60
    assert files(folder) == {*HEADS, *prepared.WITH["jitvm.cli.run"]}
    assert by_python() == BEFORE


DRAW = "|0100 #ff #2e DEO ;frame #20 DEO2 BRK @frame BRK"
SCREENSHOT = ("--headless", "--frames", "1", "--screenshot", "p.png")


@pytest.mark.parametrize(
    ("source", "heads", "options"),
    [(HELLO, HEADS, ()), (DRAW, DRAWING, SCREENSHOT)],
    ids=["on the console", "with a screenshot"],
)
def test_a_run_needs_what_is_prepared_for_it_and_nothing_else(
    source: str, heads: tuple[str, ...], options: tuple[str, ...], folder: Path
) -> None:
    Path("p.rom").write_bytes(jitvm.assemble(source).rom)
    code = SPY + RUN.replace('"p.rom"', f"*{options}, 'p.rom'")
    run(code)  # makes handlers, and imports what does
    assert set(run(code).removeprefix("H").split()) == BEFORE
    for file in folder.glob("jitvm.*"):
        file.unlink()
    by_itself = run(TELL + code.replace(SPY, ""))
    needed = {line.split()[0] for line in by_itself.removeprefix("H").splitlines()}
    groups = (prepared.GROUPS[head].split() for head in heads)
    prepared_for_it = {prepared.name_of(file) for group in groups for file in group}
    other = {"jitvm.preparing", "jitvm.engine.host.part"}
    other |= {"jitvm.engine.jit", "jitvm.engine.jit.shelf"}  # with the JIT
    assert needed - BEFORE - other == prepared_for_it - other


@pytest.mark.parametrize(
    ("head", "before"),
    [
        ("jitvm.engine.jit.image", "jitvm.engine.jit.shelf"),
        ("jitvm.engine.jit.jit", "jitvm.engine.jit.shelf"),
        ("jitvm.engine.region.direct", "jitvm.engine.jit.jit"),
    ],
)
def test_the_jit_needs_nothing_that_is_not_prepared(head: str, before: str, folder: Path) -> None:
    make = f"PREPARED.missing = [{head!r}]; prepare()"
    run(f"from jitvm.prepared import PREPARED; from jitvm.preparing import prepare; {make}")
    assert head in files(folder)
    code = f"import jitvm.cli.run, {before}\n" + SPY
    assert run(code + f"import {head}\n").split() == []


def test_nobody_can_tell_that_they_were_prepared() -> None:
    by_themselves, together = (sorted(run(TELL + ALL).splitlines()) for _ in range(2))
    ours = {"jitvm.preparing", "jitvm.engine.host.part"}
    assert {line for line in by_themselves if line.split()[0] not in ours} <= set(together)


@pytest.mark.parametrize("head", prepared.GROUPS)
def test_each_group_imports_by_itself(head: str, folder: Path) -> None:
    prepared.PREPARED.missing = [head]  # other tests of this process may have missed more
    preparing.prepare()
    assert files(folder) == {head, *prepared.WITH.get(head, ())}
    told = f"import {head}; from jitvm.prepared import PREPARED; print(PREPARED.missing)"
    assert f"'{head}'" not in run(told)


def test_sources_and_lines_are_found() -> None:
    run()
    code = (
        "import inspect, sys, traceback; from jitvm.cli.main import main, find; "
        "from jitvm.cli.exits import interrupted\n"
        "print(inspect.getsource(find)); print(inspect.getsource(interrupted))\n"
        "try: interrupted()\nexcept TypeError: pass\n"
        "from jitvm.cli.run import options; from jitvm.guest.numbers import whole\n"
        "try: whole('it', 'none')\nexcept Exception: traceback.print_exc(file=sys.stdout)\n"
    )
    shown = run(code)
    assert 'def find(name: str) -> Command | None:\n    """The command of a name."""' in shown
    assert "return 128 + getattr(stop" in shown
    assert f'File "{prepared.path_of("guest/numbers")}", line ' in shown


def test_the_jit_needs_next_to_nothing_of_the_library() -> None:
    """Its guest waits for it."""
    code = (
        "import sys, jitvm.cli.run, jitvm.guests.uxn.platform; before = set(sys.modules)\n"
        "import jitvm.engine.jit.jit, jitvm.engine.region.direct\n"
        "from jitvm.engine.jit.thread import compile_thread; compile_thread()\n"
        "from jitvm.guests.uxn import UXN; UXN.stored(bytes(65536))\n"
        "print(*sorted(n for n in sys.modules.keys() - before if not n.startswith('jitvm')))"
    )
    assert set(run(code).split()) <= {"_heapq", "_queue", "_struct", "itertools"}


# -- when they are good --------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with a copy of the package."""
    ignored = shutil.ignore_patterns("__pycache__", "static")
    shutil.copytree(prepared.PACKAGE, tmp_path / "copy" / "jitvm", ignore=ignored)
    return tmp_path / "copy"


def test_another_source_counts_at_once(copied: Path) -> None:
    assert len(by_python(copied)) > 60
    assert by_python(copied) == BEFORE
    source = copied / "jitvm/cli/plain.py"
    source.write_text(source.read_text().replace('"--no-jit"', '"--no-jet"'))
    os.utime(source, (0, 0))
    told = (
        "from jitvm.cli.plain import plain; import jitvm.cli.run; print(plain(['--no-jit', 'p']))"
    )
    assert run(told, package=copied) == "None\n"
    assert "jitvm.cli.options" in by_python(copied)
    assert by_python(copied) == BEFORE


def test_a_source_that_was_put_back_to_its_time_counts_as_another(copied: Path) -> None:
    assert len(by_python(copied)) > 60
    source = copied / "jitvm/cli/plain.py"
    status = source.stat()
    source.write_text(source.read_text().replace('"--no-jit"', '"--no-jet"'))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert source.stat().st_size == status.st_size
    assert "jitvm.cli.options" in by_python(copied)


def test_a_package_elsewhere_has_files_of_its_own(copied: Path, folder: Path) -> None:
    run()
    run(package=copied)
    assert by_python() == by_python(copied) == BEFORE
    assert len([file for file in folder.iterdir() if file.name.startswith("jitvm.cli.run")]) == 2


def test_an_archive_is_left_to_python(copied: Path, folder: Path) -> None:
    archive = copied / "jitvm.zip"
    with zipfile.ZipFile(archive, "w") as into:
        for file in (copied / "jitvm").rglob("*"):
            into.write(file, file.relative_to(copied))
    for _ in range(2):
        assert len(by_python(archive)) > 60
    assert not folder.exists() or not files(folder)


@pytest.mark.parametrize("options", [["-O"], ["-OO"], ["-B"], ["-X", "dev"], ["-s", "-E"]])
def test_options_of_python(options: list[str]) -> None:
    run()
    for _ in range(2):
        if "-E" not in options:
            run(ALL, *options)
    assert by_python() == BEFORE


def test_nothing_is_written_where_nothing_can_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("/dev/null/cache", "/proc/cache", "~nobody-of-this-name/c"):
        monkeypatch.setenv("JITVM_CACHE", place)
        run()
    monkeypatch.setenv("JITVM_CACHE", str(folder))
    folder.mkdir()
    (folder / "letter.txt").write_text("to somebody")
    run()
    assert os.listdir(folder) == ["letter.txt"]


# -- what is not trusted -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda data: data[:100],
        lambda data: data[:-1],
        lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
        lambda data: bytes(len(data)),
        lambda data: data.replace(b"jitvm-modules-1", b"jitvm-modules-0"),
    ],
)
def test_what_is_damaged_is_made_again(change: object, folder: Path) -> None:
    run()
    file = of(folder, "jitvm.cli.run")
    content = file.read_bytes()
    file.write_bytes(change(content))  # type: ignore[operator]
    assert "jitvm.cli.options" in by_python()
    assert file.read_bytes() != change(content)  # type: ignore[operator]
    assert by_python() == BEFORE


def test_a_right_checksum_over_nothing_of_use(folder: Path) -> None:
    from zlib import adler32

    run()
    file = of(folder, "jitvm.cli.run")
    key = prepared.key_of("jitvm.cli.run")
    for rest in (b"", b"N", b"i\1\0\0\0", b"[\1\0\0\0N", b"[\0\0\0\0", b"?"):
        body = len(key).to_bytes(4, "little") + key + rest
        file.write_bytes(prepared.MAGIC + adler32(body).to_bytes(4, "little") + body)
        assert "jitvm.cli.options" in by_python(), rest


def test_files_are_read_only_behind_a_complete_tag(folder: Path) -> None:
    run()
    (folder / TAG).write_bytes(b"")
    assert "jitvm.cli.options" in by_python()


def test_files_that_others_can_write_are_not_read(folder: Path) -> None:
    run()
    of(folder, "jitvm.cli.run").chmod(0o666)
    assert "jitvm.cli.options" in by_python()


def test_fewer_modules_than_a_group_has_are_of_no_use(folder: Path) -> None:
    from marshal import dumps
    from zlib import adler32

    run()
    key, code = prepared.key_of("jitvm.cli.run"), compile("", "empty", "exec")
    body = len(key).to_bytes(4, "little") + key + dumps([("nowhere", code)])
    of(folder, "jitvm.cli.run").write_bytes(
        prepared.MAGIC + adler32(body).to_bytes(4, "little") + body
    )
    assert "jitvm.cli.options" in by_python()


# -- what is left to Python ----------------------------------------------------------------------


def test_a_module_that_is_imported_again_is_read_again() -> None:
    run()
    code = (
        "import importlib, sys; import jitvm.cli.run as run; "
        "print(type(run.__spec__.loader).__name__)\n"
        "importlib.reload(run); print(type(run.__spec__.loader).__name__)\n"
        "del sys.modules['jitvm.cli.run']; import jitvm.cli.run as again\n"
        "print(again is not run, type(again.__spec__.loader).__name__)"
    )
    assert run(code).split() == ["_HeadLoader", "SourceFileLoader", "True", "SourceFileLoader"]


def test_what_is_imported_already_is_not_executed_again() -> None:
    run()
    code = (
        "import sys; import jitvm.platform.output as before; import jitvm.cli.run\n"
        "print(type(jitvm.cli.run.__spec__.loader).__name__)\n"
        "print(sys.modules['jitvm.platform.output'] is before is jitvm.platform.output)"
    )
    assert run(code).split() == ["_HeadLoader", "True"]


def test_the_collector_is_left_as_it_was() -> None:
    run()
    for first, expected in (("", "True"), ("gc.disable()", "False")):
        code = f"import gc; {first}\nimport jitvm.cli.run; print(gc.isenabled())"
        assert run(code).strip() == expected


def test_the_collector_is_left_as_it_was_by_what_tables_import() -> None:
    for first, expected in (("", "True"), ("gc.disable()", "False")):
        code = f"import gc; {first}\n" \
               "from jitvm.guests.wire import table, texts\n" \
               "table.needed('pyarrow'); print(gc.isenabled())"  # fmt: skip
        assert run(code).strip() == expected


def test_a_child_of_a_fork_meanwhile_collects() -> None:
    code = """
import gc, os, threading
from jitvm.prepared import Uncollected
off, done = threading.Event(), threading.Event()
def imports():
    with Uncollected():
        off.set()
        done.wait()
thread = threading.Thread(target=imports)
thread.start()
off.wait()
assert not gc.isenabled()
if not (child := os.fork()):
    os._exit(not gc.isenabled())
assert os.waitpid(child, 0)[1] == 0
assert not gc.isenabled()
done.set()
thread.join()
assert gc.isenabled()
with Uncollected():  # in the thread that forks
    if not (child := os.fork()):
        os._exit(gc.isenabled())
    assert os.waitpid(child, 0)[1] == 0
"""
    run(code, "-W", "ignore::DeprecationWarning")  # of forks where there are threads


def test_a_module_that_fails_is_not_left_behind(copied: Path) -> None:
    source = copied / "jitvm/platform/output.py"
    source.write_text(source.read_text() + "\nraise LookupError\n")
    prepares = (
        "from jitvm import prepared, preparing\n"
        "prepared.PREPARED.missing = ['jitvm.cli.run']; preparing.prepare()"
    )
    run(prepares, package=copied)
    code = (
        "import sys\nfor _ in range(2):\n"
        "    try: import jitvm.cli.run\n"
        "    except LookupError: print([name for name in ('jitvm.platform.output', 'jitvm.cli.run',"
        " 'jitvm.platform.evaluator', 'jitvm.guests') if name in sys.modules])"
    )
    assert run(code, package=copied).splitlines()[0] == "['jitvm.platform.evaluator']"


def test_finders_of_others_come_first() -> None:
    run()
    code = (
        "import sys\n"
        "class Other:\n"
        "    names = []\n"
        "    def find_spec(name, path=None, target=None): Other.names.append(name)\n"
        "sys.meta_path.insert(0, Other)\n"
        "import jitvm.cli.run; print('jitvm.cli.run' in Other.names)"
    )
    assert run(code).strip() == "True"


BESIDE_THREADS = """
import sys
from threading import Thread
from jitvm import prepared
from jitvm.cli.main import program

own = []
class Spy(prepared._MemberLoader):
    def get_data(self, path):
        own.append(path)
        return super().get_data(path)
prepared._MemberLoader = Spy

def imports():
    import jitvm.engine.jit.jit, jitvm.engine.region.direct

threads = [Thread(target=imports) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
import jitvm.engine.region.direct as direct
import jitvm.engine.ir as package
print(len(own), len(prepared.PREPARED.missing), direct.__file__, direct.DirectOperations.__module__,
      *package.__path__)
sys.argv = ["jitvm", "--version"]
program()
"""


def test_while_other_threads_import_each_is_by_itself() -> None:
    first, second = (run(BESIDE_THREADS).split() for _ in range(2))
    assert int(first[0]) > 50
    assert int(first[1]) > 1
    assert second[:2] == ["0", "0"]
    assert first[2:] == second[2:]
    assert second[2:5] == [
        prepared.path_of("engine/region/direct"), "jitvm.engine.codegen.direct",
        prepared.path_of("engine/ir").removesuffix(".py"),
    ]  # fmt: skip


BESIDE_ONE = """
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from jitvm import prepared
by_itself = []
class Spy(prepared._MemberLoader):
    def __init__(self, name, path):
        by_itself.append(name)
        super().__init__(name, path)
prepared._MemberLoader = Spy
begun, end = allocate_lock(), allocate_lock()
begun.acquire(); end.acquire()
def thread():
    if IS_APART:
        prepared.PREPARED.apart.add(get_ident())
    begun.release(); end.acquire()
start_new_thread(thread, ())
begun.acquire()
import jitvm.cli.run
print(len(by_itself))
"""


@pytest.mark.parametrize("is_apart", [False, True])
def test_a_thread_that_imports_none_of_ours_does_not_count(is_apart: bool) -> None:
    run()
    made_by_itself = run(f"IS_APART = {is_apart}\n{BESIDE_ONE}")
    assert (int(made_by_itself) == 0) is is_apart


def test_nothing_half_made_is_left_when_one_fails() -> None:
    run()
    code = (
        "import sys; sys.modules['jitvm.engine.host.process'] = None\n"
        "try: import jitvm.cli.run\n"
        "except ImportError as error: print(error.name)\n"
        "assert 'jitvm.cli.run' not in sys.modules\n"
        "assert 'jitvm.engine.machine.machine' not in sys.modules\n"
        "del sys.modules['jitvm.engine.host.process']; import jitvm.cli.run"
    )
    assert run(code).strip() == "jitvm.engine.host.process"


def test_many_processes_prepare_at_once(folder: Path) -> None:
    environment = dict(os.environ, PYTHONPATH=prepared.PACKAGE.rpartition("/")[0])
    started = [
        subprocess.Popen([sys.executable, "-c", ALL], env=environment, stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [each.wait(HANGS) for each in started] == [0] * 4
    assert files(folder) == {*HEADS, *prepared.WITH["jitvm.cli.run"]}
    assert by_python() == BEFORE


def test_a_library_uses_them_and_writes_none(folder: Path) -> None:
    code = "import jitvm, sys; jitvm.Machine; jitvm.UXN"
    run(code)
    assert not folder.exists()
    run()
    assert run(f"{code}; print(sys.modules['jitvm.prepared'].PREPARED.missing)") == "[]\n"


DECODES = """
from tests.wire.schemas import generated
from jitvm import wire
table = wire.reader(generated("kinds.Leaf")).read([b"", b""])
assert table.to_arrow().num_rows == 2
"""


def test_what_decodes_writes_them(folder: Path) -> None:
    pytest.importorskip("pyarrow")
    heads = {head for head in prepared.GROUPS if "wire" in head}
    for _ in range(20):
        run(DECODES)  # at first plainly, while native code is made
        if folder.exists() and heads <= files(folder):
            break
    looked_for = set(run(SPY + DECODES).split())
    head = "jitvm.guests.wire.decoder"
    needed = {prepared.name_of(file) for file in prepared.GROUPS[head].split()}
    assert not looked_for & needed
