"""Runs that are watched from elsewhere: what is told, who is let in; the run is left alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from jitvm.cli import main
from jitvm.dashboard import meeting, observed
from jitvm.dashboard.attached import Attached
from jitvm.dashboard.feed import HEAT
from jitvm.dashboard.meeting import MeetingError
from jitvm.dashboard.observed import Observed
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.server import Server
from jitvm.dashboard.source import CommandError
from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn.platform import PLATFORM
from jitvm.profiling import difference
from tests.clock import HANGS, until
from tests.dashboard.runs import CALLS, program
from tests.dashboard.test_server import _answers, bearer, get

UNTIL_TOLD = """
|e1 @told
|0100
@main work .told DEI ?&end !main
    &end LIT "e #18 DEO #80 #0f DEO BRK
@work #0000 &wait INC2 DUP2 #0400 LTH2 ?&wait POP2 JMP2r
"""
"""Works until a device says that it is enough."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of sockets, for this test alone; its name is longer than an address may be."""
    base = tmp_path / ("x" * 120)
    base.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    return base / "jitvm"


class Run:
    """A run on a thread of its own, which ends when it is told to."""

    def __init__(self) -> None:
        self.told = Event()
        self.output = bytearray()
        self.over = Event()
        self.exit_code: int | None = None
        self._program = program(UNTIL_TOLD)
        self._program.name = "folder/test.tal"
        self._thread = Thread(target=self._live, daemon=True)
        self._began = Event()

    def _live(self) -> None:
        class Sink:
            write = self.output.extend

            def flush(self) -> None:
                """Nothing is kept."""

        params = Parameters(hot=50)
        computer = PLATFORM.computer(
            self._program, tier=Tier.JIT, params=params, stdout=Sink(), stderr=Sink(), sandbox=None
        )
        self.machine = computer.machine
        self.machine.on_read(0xE1, self._read)
        self.reader = self.machine.state.ports.readers[0xE1]
        with Observed(self.machine, PLATFORM, self._program, params):
            self._began.set()
            computer.run_console(b"")
            self.exit_code = computer.exit_code
        self.over.set()

    def _read(self) -> int:
        return int(self.told.is_set())

    def begin(self) -> None:
        self._thread.start()
        until(self._began.is_set)

    def end(self) -> None:
        self.told.set()
        until(self.over.is_set)
        self._thread.join()


@pytest.fixture
def run() -> Iterator[Run]:
    made = Run()
    made.begin()
    yield made
    made.end()


@contextmanager
def watcher() -> Iterator[Attached]:
    with Attached(os.getpid()) as made:
        yield made


def test_a_run_is_watched_and_left_alone(run: Run, folder: Path) -> None:
    assert [path.name for path in folder.iterdir()] == [f"{os.getpid()}.sock"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert next(folder.iterdir()).stat().st_mode & 0o777 == 0o600
    machine = run.machine
    assert not machine.counting_interpreted
    with watcher() as link:
        hello = link.hello()
        assert (hello["name"], hello["live"], hello["input"]) == ("test.tal", False, False)
        until(lambda: (view := link.view(5)) and view.regions)
        until(lambda: (view := link.view(5)) and view.figures["devices"])
        until(lambda: (link.stacks() or {})["stack_samples"])
        names = {name for row in (link.stacks() or {})["stacks"] for name in row["frames"]}
        assert "main" in names
        assert machine.counting_interpreted
        assert machine.state.ports.readers[0xE1] is not None
        assert "jitvm_activity" in link.metrics()
        with pytest.raises(CommandError, match="only be watched"):
            link.command({"do": "pause"})
        with closing(link.viewer()) as viewer:
            news: dict[str, Any] = {}
            until(lambda: news.update(viewer.news() or {}) or news.get("calls", {}).get("trace"))
            assert any(frame[0] == HEAT for frame in viewer.frames())
        until(lambda: (link.region(_shown_first(link)) or {}).get("guest"))
        assert link.region(10**6) is None
    until(lambda: not machine.counting_interpreted)
    until(lambda: machine.listener is None)
    until(lambda: machine.state.ports.readers[0xE1] is run.reader)
    with watcher() as link:  # and again
        until(lambda: link.view(5))


def _shown_first(link: Attached) -> int:
    """The number of the region that `jitvm top` would show first; 0 if there is none."""
    view = link.view(1)
    return int(view.regions[0][0].rpartition("#")[2]) if view and view.regions else 0


def test_the_end_of_a_run_is_told(run: Run, folder: Path) -> None:
    with watcher() as link:
        until(lambda: link.view(5))
        run.told.set()
        until(lambda: link.ask("activity") is None or link.is_over)
        assert link.activity is Activity.ENDED
        view = link.view(5)
        assert view is not None
        assert view.is_over
        assert not link.is_gone
    until(run.over.is_set)
    assert run.output == b"e"
    assert run.exit_code == 0
    assert list(folder.iterdir()) == []
    with pytest.raises(MeetingError, match="--observable"):
        Attached(os.getpid())


def test_watchers_of_one_run_share_what_looks_at_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observed, "MOST", 2)
    with watcher() as first, watcher() as second:
        until(lambda: (view := first.view(1)) and view.figures["viewers"] == 2)
        until(lambda: second.view(1))
        with pytest.raises(MeetingError, match="2 watch it already"):
            Attached(os.getpid())
    assert run.exit_code is None


@pytest.mark.parametrize(
    "question",
    [b"", b"nonsense", b"[]", b"{}", b'{"ask":"stop"}', b'{"ask":"region"}', b"[" * 4000,
     b'{"ask":"region","number":"7"}', b'{"ask":"view","top":-1}', b"\xff\xfe", b'{"do":"pause"}'],
)  # fmt: skip
def test_what_is_no_question_gets_an_error(run: Run, question: bytes) -> None:
    with meeting.connect(os.getpid()) as link, link.makefile("rb") as answers:
        link.settimeout(HANGS)
        link.sendall(question + b"\n")
        assert json.loads(answers.readline())["error"]
        link.sendall(b'{"ask":"activity"}\n')
        assert json.loads(answers.readline())["activity"] in list(Activity)
    assert run.exit_code is None


def test_who_says_too_much_is_hung_up_on(run: Run) -> None:
    with meeting.connect(os.getpid()) as link, link.makefile("rb") as answers:
        link.settimeout(HANGS)
        link.sendall(b"x" * (meeting.LONGEST + 1))
        with _either():
            assert answers.readline() == b""
    assert run.exit_code is None


@contextmanager
def _either() -> Iterator[None]:
    """The connection is closed, or reset as not all was read."""
    try:
        yield
    except ConnectionResetError:
        return


def test_a_page_shows_it(run: Run) -> None:
    with watcher() as link, Server(link) as server:
        until(lambda: _answers(server))
        until(lambda: link.view(1))
        assert b"jitvm_regions" in get(server, "/metrics", bearer(server))[1]
        assert get(server, "/region/1/assembly", bearer(server))[1] == b"[]"
    assert run.exit_code is None


# -- who is let in -------------------------------------------------------------------------------


def test_folders_that_others_can_use_are_not_used(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o755)
    other = tmp_path / "other"
    other.mkdir(mode=0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(other))
        (other / f"jitvm-{os.getuid()}").symlink_to(tmp_path)
        with pytest.raises(MeetingError, match="can be used by others"):
            meeting.listen()
        with pytest.raises(MeetingError, match="can be used by others"):
            meeting.connect(os.getpid())


def test_without_a_runtime_folder_there_is_one_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with meeting.listen():
        made = tmp_path / f"jitvm-{os.getuid()}"
        assert made.stat().st_mode & 0o777 == 0o700
        meeting.connect(os.getpid()).close()
    meeting.leave()
    assert list(made.iterdir()) == []


def _ended() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_sockets_of_the_dead_are_removed(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    dead = _ended()
    for number in (dead, os.getpid()):
        with socket.socket(socket.AF_UNIX) as left, meeting._folder(str(folder)) as at:
            left.bind(meeting._address(at, number))
    with pytest.raises(MeetingError, match=f"no process {dead}"):
        meeting.connect(dead)
    with pytest.raises(MeetingError, match="cannot be watched"):
        meeting.connect(os.getpid())  # it is there, and does not listen
    assert list(folder.iterdir()) == []
    with socket.socket(socket.AF_UNIX) as left, meeting._folder(str(folder)) as at:
        left.bind(meeting._address(at, dead))
    (folder / "notes.txt").touch()
    meeting.listen().close()
    meeting.leave()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_runs_of_other_users_are_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(MeetingError, match="another user's"):
        meeting.connect(os.getpid())


def test_who_is_another_user_gets_no_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting, "is_ours", lambda _: False)
    with pytest.raises(MeetingError):
        Attached(os.getpid())
    assert run.exit_code is None


def test_what_is_no_socket_is_not_used(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / f"{os.getpid()}.sock").touch()
    with pytest.raises(MeetingError, match="no socket of yours"):
        meeting.connect(os.getpid())


# -- commands ------------------------------------------------------------------------------------


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run of `jitvm run --observable` that goes on for ever."""
    path = tmp_path / "calls.tal"
    path.write_text(CALLS)
    command = [sys.executable, "-m", "jitvm", "run", "--observable", str(path)]
    made = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: _is_met(made.pid))
    yield made
    made.kill()
    made.communicate()


def _is_met(number: int) -> bool:
    try:
        Attached(number).close()
    except MeetingError:
        return False
    return True


def test_commands_watch_another_process(
    process: subprocess.Popen[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Attached(process.pid) as link:
        until(lambda: (link.stacks() or {})["stack_samples"] > 2)
        number = str(process.pid)
        assert main(["profile", "--attach", number, "--json", "--time-limit", "0.1"]) == 0
        file = tmp_path / "profile.json"
        file.write_text(capsys.readouterr().out)
        assert {"main", "inner"} <= {n for r in difference.load(file).stacks for n in r.frames}
        page = tmp_path / "calls.html"
        flame = ["--flame", str(page)]
        assert main(["profile", "--attach", number, "--time-limit", "0.1", *flame]) == 0
        assert "by routine" in capsys.readouterr().out
        assert "inner" in page.read_text("utf-8")
        top = ["top", "--attach", number, "--json", "--interval", "0.05", "--time-limit", "0.2"]
        assert main(top) == 0
        lines = capsys.readouterr().out.splitlines()
        assert json.loads(lines[-1])["name"] == "calls.tal"


def test_a_run_that_ends_ends_its_watcher(process: subprocess.Popen[bytes]) -> None:
    command = [sys.executable, "-m", "jitvm", "top", "--attach", str(process.pid)]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert watching.stdout is not None
    assert b"calls.tal" in watching.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, err = watching.communicate(timeout=HANGS)
    assert watching.returncode == 0
    assert b"calls.tal: ended" in err
    assert b"ended" in out
    assert process.wait(HANGS) == 143


def test_a_run_that_is_killed_ends_its_watcher(process: subprocess.Popen[bytes]) -> None:
    command = [sys.executable, "-m", "jitvm", "dashboard", "--attach", str(process.pid)]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert watching.stdout is not None
    first = watching.stdout.readline()
    assert first.startswith(b"http://127.0.0.1:"), watching.communicate()
    process.kill()
    out, err = watching.communicate(timeout=HANGS)
    assert (watching.returncode, err) == (0, b"")
    assert b"it was ended" in out or b"nothing was executed" in out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["top", "--attach", "0"], "number of a process"),
        (["top", "--attach", "x"], "number of a process"),
        (["top", "--attach", "9" * 18], "no process 9"),
        (["top"], "--attach PID"),
        (["top", "--attach", "1", "a.tal"], "leave PROGRAM out"),
        (["profile", "--attach", "1", "--format", "speedscope"], "leave --format out"),
        (["profile", "--attach", "1", "--exact"], "leave --exact out"),
        (["dashboard", "--attach", "1", "--save", "x"], "leave --save out"),
        (["dashboard", "--attach", "1", "a.tal"], "only one of these"),
        (["run", "--observable", "--tier", "reference", "examples/hello.tal"], "native code"),
    ],
)
def test_what_commands_say_is_wrong(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) != 0
    assert why in capsys.readouterr().err


def test_a_process_that_is_no_run_cannot_be_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--attach", str(os.getpid())]) == 1
    assert "jitvm run --observable PROGRAM" in capsys.readouterr().err
