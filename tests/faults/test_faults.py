"""One short case, from end to end, for each fault that was once found outside of these tests.

What a case stands for is tested in full where it belongs; here it is run as whoever met it ran it:
a process of its own, with the command or a few lines of Python, and what it prints and ends with.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jitvm.cli.exits import Exit
from tests.clock import HANGS, until

ROOT = Path(__file__).parents[2]
JITVM = (sys.executable, "-m", "jitvm")

COUNTS = "|0100 #00 @o #0000 @l INC2 ORAk ?l POP2 INC DUP #08 LTH ?o POP #2b18 DEO #800f DEO BRK"
"""Counts to 65536 eight times, says ``+`` and ends: enough for a region, over at once."""
LONGER = COUNTS.replace("INC DUP #08 LTH", "INC2 DUP2 #0600 LTH2").replace("#00 @o", "#0000 @o")
"""The same for as long as a profile needs to see something: a third of a second, interpreted."""
ENDLESS = "|0100 #7e18 DEO @l INC !l"
"""Says ``~`` and goes on for ever."""

filtered = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="filters are for x86-64"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with nothing in it but the programs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "counts.tal").write_text(COUNTS)
    (tmp_path / "longer.tal").write_text(LONGER)
    (tmp_path / "endless.tal").write_text(ENDLESS)
    return tmp_path


def run(
    *words: str, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        words, input=stdin, env={**os.environ, **(environment or {})}, capture_output=True,
        timeout=HANGS, check=False,
    )  # fmt: skip
    if b"no filters of system calls" in done.stderr:
        pytest.skip("filters of system calls are not permitted here")
    return done


def says(code: str, *words: str, environment: dict[str, str] | None = None) -> list[str]:
    """Lines that Python code prints; it has to end well."""
    done = run(sys.executable, "-W", "ignore", "-c", code, *words, environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


def is_one_line(error: bytes, *parts: str) -> None:
    """Whether that is all that was said, and holds these."""
    text = error.decode()
    assert text.startswith("jitvm: error: ")
    assert text.count("\n") == 1
    for part in parts:
        assert part in text


# -- processes -----------------------------------------------------------------------------------


def test_a_fork_shares_no_memory() -> None:
    assert says("""
import os, jitvm
machine = jitvm.Machine(jitvm.UXN)
machine.memory[0x3000:0x3003] = b"own"
child = os.fork()
if child == 0:
    machine.memory[0x3000:0x3003] = b"new"
    os._exit(machine.memory[0x3000] != ord("n"))
print(os.waitpid(child, 0)[1], bytes(machine.memory[0x3000:0x3003]))
""") == ["0 b'own'"]


def test_forked_workers_run_what_is_theirs() -> None:
    assert says("""
import os, jitvm
from jitvm.engine.tables.params import Parameters
def answer(step):
    source = f"|0100 #0000 @l #{step:04x} ADD2 INC2 DUP2 #4000 LTH2 ?l #18 DEO POP #800f DEO BRK"
    rom = jitvm.assemble(source).rom
    return jitvm.run(rom, params=Parameters(background=0, keep=0, hot=20)).stdout
steps = range(1, 7)
expected = [answer(step) for step in steps]
children = []
for step in steps:
    child = os.fork()
    if child == 0:
        os._exit(not all(answer(step) == expected[step - 1] for _ in range(2)))
    children.append(child)
print(sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
""") == ["[0, 0, 0, 0, 0, 0]"]


def test_an_exit_does_not_wait_for_a_guest_on_a_daemon_thread() -> None:
    assert says("""
import threading, jitvm
is_there = threading.Event()
machine = jitvm.Machine(jitvm.UXN, jit=True)
rom = jitvm.assemble("|0100 @l #01 #40 DEO !l").rom
machine.memory[0x100 : 0x100 + len(rom)] = rom
machine.on_write(0x40, lambda byte: is_there.set())
threading.Thread(target=machine.run, args=(0x100,), daemon=True).start()
is_there.wait()
print("leaves")
""") == ["leaves"]


def test_programs_end_while_something_is_imported(folder: Path) -> None:
    (folder / "slow").mkdir()
    (folder / "slow" / "sitecustomize.py").write_text("""
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name in ("queue", "llvmlite", "_queue"):
            time.sleep(0.1)
sys.meta_path.insert(0, Slow())
""")
    (folder / "short.tal").write_text(COUNTS.replace("#08", "#02"))
    for command in ("run", "profile"):
        done = run(
            *JITVM, command, "short.tal", environment={"PYTHONPATH": f"{folder / 'slow'}:{ROOT}"}
        )
        assert (done.returncode, done.stderr) == (0, b"")


# -- guests of one's own -------------------------------------------------------------------------

GUEST = """
from jitvm import Guest, Machine, Opcode, Space, Stack, Tier
def halt(o): o.halt()
def number(o): o.push(0, o.operand(0, 1), 1)
def guest(name, meanings, **more):
    rows = tuple(Opcode(c, f"row{c}", *meanings.get(c, (halt,))) for c in range(256))
    spaces = (Space("memory", 65536, code=True),)
    return Guest(name=name, opcodes=rows, spaces=spaces, stacks=(Stack("only", 256),), **more)
def at(tier, guest, program):
    machine = Machine(guest, tier=Tier(tier))
    machine.memory[: len(program)] = bytes(program)
    machine.run(0)
    return machine
"""


def test_guests_of_one_name_are_told_apart() -> None:
    lines = says(
        GUEST
        + """
for label, what in (("minus", lambda a, b: a - b), ("both", lambda a, b: a & b)):
    def work(o):
        b, a = o.pop(0, 1), o.pop(0, 1)
        o.push(0, what(a, b), 1)
    both = guest("namesake", {1: (number, 1), 2: (work,)})
    tops = [at(t, both, [1, 12, 1, 5, 2, 0]).state.stacks[0][0] for t in ("reference", "jit")]
    print(label, *tops)
"""
    )
    assert lines == ["minus 7 7", "both 4 4"]


def test_a_helper_that_is_edited_counts(folder: Path) -> None:
    script = (
        GUEST
        + """
import helper
def work(o): o.push(0, helper.of(o.pop(0, 1)), 1)
edited = guest("edited", {1: (number, 1), 2: (work,)})
print(*(at(t, edited, [1, 20, 2, 0]).state.stacks[0][0] for t in ("reference", "interpreter")))
"""
    )
    environment = {"PYTHONPATH": f"{folder}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    lines = []
    for body in ("word + 3", "word ^ 5"):
        (folder / "helper.py").write_text(f"def of(word): return {body}\n")
        lines += says(script, environment=environment)
    assert lines == ["23 23", "17 17"]


def test_a_device_is_read_once_for_each_read() -> None:
    assert (
        says("""
import jitvm
from jitvm.engine.tables.params import Parameters
rom = jitvm.assemble('''
    |0080 @left $1
    |0100 #30 .left STZ @l #21 DEI #00 STZ .left LDZ #01 SUB DUP .left STZ ?l BRK
''').rom
for tier in ("reference", "jit"):
    machine = jitvm.Machine(
        jitvm.UXN, tier=tier, params=Parameters(hot=4, background=0, window=64, longest=64)
    )
    reads = []
    machine.on_read(0x21, lambda: reads.append(machine.state.pointers[0]) or len(reads) & 0xff)
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    machine.state.pointers[0] = 255
    machine.run(0x100)
    print(len(reads), max(reads) < 256, machine.memory[0])
""")
        == ["48 True 48"] * 2
    )


def test_opcodes_that_only_store_are_defined_at_every_tier() -> None:
    assert says(
        GUEST
        + """
def put(o): o.store(0, 0x8000 | o.operand(0, 1), 9, 1)
stores = guest("stores", {1: (put, 1)})
print(*(at(t, stores, [1, 0x55, 0]).memory[0x8055] for t in ("reference", "interpreter", "jit")))
"""
    ) == ["9 9 9"]


MISTAKES = {
    "no ports": ("o.port_out(7, 1)", "row1: port_out: the guest has no ports"),
    "peek above": ("o.push(0, o.peek(0, 1, 2), 1)", "row1: peek: 2 bytes at depth 1 lie above"),
    "truth": ("o.jump(3) if o.pop(0, 1) else o.halt()", "row1: asked Python whether a word is"),
    "no stack": ("o.push(4, 1, 1)", "row1: push: there is no stack 4"),
    "no space": ("o.store(2, 0, 1, 1)", "row1: store: there is no space 2"),
    "width": ("o.load(0, 0, 5)", "row1: a word of 5 bytes"),
    "name": ("o.popp(0, 1)", "row1: asked its core for 'popp'; did you mean 'pop'?"),
    "fraction": ("o.push(0, 0.5, 1)", "row1: push of 0.5"),
    "loop": ("[o.halt() for _ in range(o.pop(0, 1))]", "row1: words cannot do this: be an index"),
}


@pytest.mark.parametrize("tier", ["reference", "jit"])
def test_mistakes_in_descriptions_are_told(tier: str) -> None:
    bodies = [body for body, _ in MISTAKES.values()]
    lines = says(
        GUEST
        + f"""
from jitvm import DescriptionError
for body in {bodies!r}:
    try:
        Machine(guest("wrong", {{1: (eval("lambda o: " + body),)}}), tier=Tier({tier!r}))
        print("built")
    except DescriptionError as error:
        print(error)
"""
    )
    for line, (_, expected) in zip(lines, MISTAKES.values(), strict=True):
        assert line.startswith("guest wrong, opcode 0x01 ")
        assert expected in line


# -- what the system refuses ---------------------------------------------------------------------


@filtered
@pytest.mark.parametrize(
    ("refused", "told"),
    [("exec", b"jitvm: note: no executable memory ("), ("memfd_create", b"jitvm: note: no files")],
)
def test_programs_run_on_what_is_left(refused: str, told: bytes) -> None:
    source = COUNTS.replace("#08", "#01").replace("#0000", "#f000")
    Path("short.tal").write_text(source)
    refusing = (sys.executable, "-m", "tests.refusing", refused, "--", *JITVM, "run")
    done = run(*refusing, "short.tal")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (0, b"+", 1)
    assert done.stderr.startswith(told)
    done = run(*refusing, "--tier", "reference", "short.tal")
    assert (done.returncode, done.stdout) == (0, b"+")


def test_without_threads_work_is_done_in_between() -> None:
    assert says(
        """
import sys, jitvm
rom = jitvm.assemble(sys.argv[1]).rom
import _thread
def none(*_): raise RuntimeError("can't start new thread")
_thread.start_new_thread = none
import threading
threading._start_new_thread = none
result = jitvm.run(rom, time_limit=60)
print(result.stdout, result.exit_code)
""",
        COUNTS,
    ) == ["b'+' 0"]


def test_code_is_kept_where_no_guest_writes(folder: Path) -> None:
    """Without a home folder, in an empty one: there is nothing then but what the guest made."""
    Path("writes.tal").write_text("""
|0100 ;name #a8 DEO2 #0002 #aa DEO2 ;text #ae DEO2 #a2 DEI2 #18 DEO POP #800f DEO BRK
@text "no @name "~/.cache/jitvm/uxn.code 00
""")
    code = (
        "import pwd, sys; sys.argv[0] = 'jitvm'\n"
        "def unknown(_): raise KeyError\n"
        "pwd.getpwuid = unknown; from jitvm.cli.main import program; program()"
    )
    without_home = {"HOME": "", "JITVM_CACHE": "", "XDG_CACHE_HOME": ""}
    done = run(sys.executable, "-c", code, "run", "writes.tal", environment=without_home)
    assert (done.returncode, done.stdout) == (0, b"\x02")
    assert [path.name for path in folder.rglob("*.code")] == ["uxn.code"]
    assert (folder / "~/.cache/jitvm/uxn.code").read_bytes() == b"no"


# -- limits and signals --------------------------------------------------------------------------


def test_a_limit_leaves_the_jit_on() -> None:
    limit = 300_000_000
    Path("limit.tal").write_text("|0100 #0000 @l INC2 DUP2 ADD2k POP2 POP2 !l")
    done = run(
        *JITVM, "profile", "--json", "--exact", "-O", "background=0", "--max-instructions",
        str(limit), "limit.tal",
    )  # fmt: skip
    assert done.returncode == 0
    told = json.loads(done.stdout)
    by_tier = {row["tier"]: row["instructions"] for row in told["tiers"]}
    assert sum(by_tier.values()) == limit
    assert by_tier["native"] > limit // 2


@pytest.mark.parametrize(
    "body",
    [
        ",v STR [ LIT2 @v 00 18 ] DEO",
        ",v STR #18 ,p STR [ LIT2 @v 00 @p 00 ] DEO",
        ",v STR [ LIT2 60 @v 00 ] LDA ,w STR [ LIT @w 00 ] #18 DEO",
        "#01 AND #18 ADD #2e SWP DEO",
        ",v STR #19 ,p STR [ LIT2 @v 00 40 ] [ LIT @p 00 ] DEO2",
        "#07 AND #c0 ADD DEI #18 DEO",
        "#03 AND #c0 ADD DEI2 ADD #18 DEO",
    ],
)
def test_a_port_that_is_computed_stays_native(body: str) -> None:
    Path("half.tal").write_text(
        f"|0100 #00 @o #0000 @l DUP {body} INC2 ORAk ?l POP2 INC DUP #03 LTH ?o #800f DEO BRK"
    )
    done = run(*JITVM, "profile", "--json", "-O", "background=0", "half.tal")
    done.check_returncode()
    exits = json.loads(done.stdout)["exits"]
    assert sum(row["times"] for row in exits) < 1000


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (("profile", "--report", "a.html", "--output", "out"), {"a.html": b"</html>\n"}),
        (("run", "--headless", "--record-session", "a.jsonl"), {"a.jsonl": b"}\n"}),
    ],
)
def test_sigterm_leaves_files_complete(
    folder: Path, words: tuple[str, ...], files: dict[str, bytes]
) -> None:
    command = [*JITVM, *words, "endless.tal"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if "--output" in words:
            until(lambda: (folder / "out").exists() and (folder / "out").read_bytes())
        else:
            assert process.stdout.read(1) == b"~"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANGS)
    assert process.returncode == 128 + signal.SIGTERM
    for name, end in files.items():
        assert (folder / name).read_bytes().endswith(end)
    assert not list(folder.glob(".*"))


def test_long_times_are_limits_too() -> None:
    Path("echo.tal").write_text(
        "|0100 ;on #10 DEO2 BRK @on #17 DEI #04 EQU ?end #12 DEI #18 DEO BRK @end #800f DEO BRK"
    )
    done = run(*JITVM, "run", "--time-limit", "1e8", "echo.tal", stdin=b"hey")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hey", b"")


# -- files that somebody made --------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"bad\xff\n\x1b[7m", "fine\u2603".encode()])
@pytest.mark.parametrize("words", [("profile",), ("explain",), ("top", "-O", "hot=50")])
def test_names_of_any_bytes_are_shown_safely(name: bytes, words: tuple[str, ...]) -> None:
    assert run(*JITVM, "asm", "-o", "names.rom", "longer.tal").returncode == 0
    Path("names.rom.sym").write_bytes(b"\x01\x05" + name + b"\0")
    limit = ("--time-limit", f"{HANGS}") if "explain" in words else ()
    done = run(*JITVM, *words, *limit, "names.rom", environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    text = (done.stdout + done.stderr).decode("ascii")
    assert all(char.isprintable() or char in "\n\t" for char in text)


@pytest.mark.parametrize(
    "words",
    [
        ("--report", "out"), ("--format", "collapsed", "--out", "out"), ("--perf-map",),
        ("--jitdump", "."),
    ],
)  # fmt: skip
def test_exports_hold_names_of_any_bytes(words: tuple[str, ...]) -> None:
    assert run(*JITVM, "asm", "-o", "names.rom", "longer.tal").returncode == 0
    Path("names.rom.sym").write_bytes(b"\x01\x05bad\xff\n\x1b[7m\0")
    # Interpreted it runs for so long that samples see it, however busy the computer is.
    tier = ("--no-jit",) if "out" in words else ()
    done = run(*JITVM, "profile", *tier, *words, "names.rom")
    assert done.returncode == 0, done.stderr
    if "out" in words:
        assert b"\x1b" not in Path("out").read_bytes()
        assert rb"bad\xff\n\x1b[7m" in Path("out").read_bytes()


def test_a_session_nested_deep_is_none(folder: Path) -> None:
    for depth in (10_000, 1_000_000):
        (folder / "deep.jsonl").write_bytes(b'{"session":' + b"[" * depth + b"\n")
        done = run(*JITVM, "run", "--headless", "--replay", "deep.jsonl", "counts.tal")
        assert done.returncode == Exit.USAGE
        is_one_line(done.stderr, "deep.jsonl: is not a recorded session")


def test_a_byte_order_mark_is_no_input(folder: Path) -> None:
    (folder / "keys.txt").write_text("\ufeff1 key q\n+1 press A\n", "utf-8")
    words = ("run", "--headless", "--frames", "2", "--input", "keys.txt")
    done = run(*JITVM, *words, "counts.tal")
    assert (done.returncode, done.stderr) == (0, b"")
