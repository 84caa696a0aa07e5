"""Recorded sessions: the same program again, without clock, files or user; and what goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitvm
from jitvm.engine.machine.machine import Tier
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer, Ending
from jitvm.guests.uxn.varvara.recorder import Recorder
from jitvm.guests.uxn.varvara.replayer import Replayer
from jitvm.guests.uxn.varvara.session import Session
from jitvm.platform.recording.hashes import FrameHashes
from jitvm.platform.script import parse_script
from jitvm.platform.sessions import DivergedError, SessionError
from tests.varvara.conftest import DEVICES as CONSOLE_DEVICES
from tests.varvara.graphical import WALKER

Make = Callable[..., Computer]

FRAMES = 40
SCRIPT = parse_script(
    """
    2 press right
    3 key 0x3c
    5 release right
    8 move 30 20
    9 click 1
    12 text "<7"
    20 down 1
    22 stdin "ab"
    25 key 0x40
    """
)
ROM = assemble(CONSOLE_DEVICES + WALKER).rom


class Ticking:
    """A clock that is a second later at every read."""

    def __init__(self) -> None:
        self._now = datetime(2024, 2, 29, 23, 59, 50)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def record(path: Path, folder: Path, tier: Tier = Tier.INTERPRETER) -> tuple[list[str], bytes]:
    """Record the program that uses everything; its hash lines, and what it printed."""
    folder.mkdir()
    (folder / "in.txt").write_bytes(b"\x05\x02\x03")
    computer = Computer(ROM, tier=tier, sandbox=folder, clock=Ticking(), args=("é", b"\xff"))
    hashes, lines = FrameHashes(computer.screen), list[str]()
    with Recorder(path, computer):
        computer.run_frames(FRAMES, SCRIPT, on_frame=lambda frame: lines.append(hashes.line(frame)))
    computer.close()
    return lines, computer.stdout


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], bytes]:
    folder = tmp_path_factory.mktemp("session")
    return (folder / "s.jsonl", *record(folder / "s.jsonl", folder / "files"))


def again(tier: Tier = Tier.INTERPRETER, rom: bytes = ROM) -> Computer:
    """A computer to replay on, without files and with a clock that must not be read."""

    def stopped() -> datetime:
        raise AssertionError("the host's clock was read")

    return Computer(rom, tier=tier, sandbox=None, clock=stopped, args=("é", b"\xff"))


def test_a_replay_is_the_same_at_every_tier(
    tier: Tier, recorded: tuple[Path, list[str], bytes]
) -> None:
    path, lines, stdout = recorded
    computer = again(tier)
    hashes = FrameHashes(computer.screen)
    replay = Replayer(Session.load(path), computer)
    assert [hashes.line(frame) for frame in replay.frames()] == lines
    assert computer.stdout == stdout
    assert stdout == b"n00n00n"  # ends of notes, and digits of the size of the file it wrote


def test_every_tier_records_the_same(
    tier: Tier, tmp_path: Path, recorded: tuple[Path, list[str], bytes]
) -> None:
    record(tmp_path / "s.jsonl", tmp_path / "files", tier)
    assert (tmp_path / "s.jsonl").read_bytes() == recorded[0].read_bytes()


def test_a_replay_touches_no_file(tmp_path: Path, recorded: tuple[Path, list[str], bytes]) -> None:
    computer = Computer(ROM, tier=Tier.INTERPRETER, sandbox=tmp_path, args=("é", b"\xff"))
    Replayer(Session.load(recorded[0]), computer).run()
    assert not list(tmp_path.iterdir())


def test_what_a_session_holds(recorded: tuple[Path, list[str], bytes]) -> None:
    session = Session.load(recorded[0])
    assert (session.length, session.state, session.jitvm) == (FRAMES, 0, jitvm.__version__)
    assert session.args == ("é", "\udcff")
    assert session.has_files
    assert session.has_sound
    assert {n: f.events for n, f in session.frames.items() if f.events} == SCRIPT.frames
    assert [len(session.frames[n].inputs.clock) for n in (1, 2)] == [2, 2]
    requests = [call.request for call in session.frames[9].inputs.files]
    assert [text.split()[0] for text in requests] == ["read", "append", "stat"]


def test_recording_leaves_the_computer_as_it_was(tmp_path: Path) -> None:
    computer = Computer(ROM, tier=Tier.INTERPRETER, sandbox=tmp_path, clock=Ticking())
    before = (computer.clock.now, [device.files for device in computer.files])
    with Recorder(tmp_path / "s.jsonl", computer):
        computer.run_frames(2)
    assert (computer.clock.now, [device.files for device in computer.files]) == before
    size = (tmp_path / "s.jsonl").stat().st_size
    computer.run_frames(2)
    assert (tmp_path / "s.jsonl").stat().st_size == size


def test_quiet_frames_take_no_line(tmp_path: Path, make: Make) -> None:
    computer = make(";on .Screen/vector DEO2 BRK @on BRK |20 @Screen &vector $2")
    with Recorder(tmp_path / "s.jsonl", computer):
        computer.run_frames(1000)
    assert len((tmp_path / "s.jsonl").read_bytes().splitlines()) <= 5
    assert Session.load(tmp_path / "s.jsonl").length == 1000


def test_a_run_that_ends_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    computer = Computer(ROM, tier=Tier.INTERPRETER, sandbox=None, clock=Ticking())
    with Recorder(path, computer):
        assert computer.run_frames(None, parse_script("7 key q")) is Ending.EXIT
    session = Session.load(path)
    assert (session.length, session.state, session.has_files) == (7, 0x83, False)
    replayed = Computer(ROM, tier=Tier.INTERPRETER, sandbox=tmp_path)
    Replayer(session, replayed).run()
    assert replayed.exit_code == 3


def test_a_frame_that_a_limit_stopped_is_not_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    computer = Computer(ROM, tier=Tier.INTERPRETER, sandbox=None, clock=Ticking())
    with Recorder(path, computer):
        assert computer.run_frames(None, max_instructions=2000) is Ending.INSTRUCTIONS
    complete = computer.frames.number
    session = Session.load(path)
    assert session.length == complete > 2
    Replayer(session, Computer(ROM, tier=Tier.JIT, sandbox=None)).run()


def test_resets_are_recorded(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    computer = Computer(ROM, tier=Tier.INTERPRETER, sandbox=None, clock=Ticking())
    with Recorder(path, computer):
        computer.run_frames(9, parse_script("3 key 0x30\n4 reset\n6 reset soft\n7 press A"))
    Replayer(Session.load(path), Computer(ROM, tier=Tier.JIT, sandbox=None)).run()


# -- what goes wrong -----------------------------------------------------------------------------


def edited(recorded: tuple[Path, list[str], bytes], to: Path, change: Callable[[str], str]) -> Path:
    """A copy with other lines and a checksum that is right."""
    import zlib

    lines = recorded[0].read_text().splitlines(keepends=True)[:-1]
    text = "".join(map(change, lines))
    check = json.dumps({"check": zlib.crc32(text.encode())})
    to.write_text(f"{text}{check}\n")
    return to


@pytest.mark.parametrize(
    ("pattern", "replacement", "told"),
    [
        (r'("frame":9.*?)"clock"', r'\1"block"', "frame 9: the clock is read more often"),
        (r'"clock":\[(\[[^]]*\]),1,', r'"clock":[\1,5,', "times less than then"),
        (r'"append 1 \w*"', '"append 1 00000000"', "frame 9: another file operation: 0 append 1"),
        (r',\[0,"stat[^]]*\]', "", "frame 9: a file operation that was not then: 0 stat 4"),
        (r'(\[0,"stat[^]]*\])', r"\1,\1", "frame 9: 1 file operations less than then"),
        (r'"picture":"\w', '"picture":"x', "frame 1: another picture: hash "),
        (r'"sound":"\w', '"sound":"x', "frame 3: another sound: hash "),
        (r'"press right"', '"press left"', "frame 2: another picture"),
        (r'"state":0', '"state":7', "frame 40: it ends with state 0, not 7"),
    ],
)
def test_a_divergence_is_told_with_its_frame(
    recorded: tuple[Path, list[str], bytes],
    tmp_path: Path,
    pattern: str,
    replacement: str,
    told: str,
) -> None:
    path = edited(recorded, tmp_path / "s", lambda line: re.sub(pattern, replacement, line))
    replay = Replayer(Session.load(path), again())
    with pytest.raises(DivergedError, match=told) as caught:
        replay.run()
    assert str(path) in str(caught.value)


def test_a_divergence_names_the_versions(
    recorded: tuple[Path, list[str], bytes], tmp_path: Path
) -> None:
    path = edited(
        recorded,
        tmp_path / "s",
        lambda line: line.replace(jitvm.__version__, "0.0.7").replace("press right", "press left"),
    )
    with pytest.raises(DivergedError, match=r"recorded with jitvm 0\.0\.7, this is"):
        Replayer(Session.load(path), again()).run()


def test_another_program_or_other_arguments(
    recorded: tuple[Path, list[str], bytes],
) -> None:
    session = Session.load(recorded[0])
    with pytest.raises(SessionError, match="was recorded with another program"):
        Replayer(session, again(rom=ROM + b"\1"))
    with pytest.raises(SessionError, match="was recorded with other arguments"):
        Replayer(session, Computer(ROM, tier=Tier.REFERENCE, args=("x",)))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is not a recorded session"),
        (b"\x89PNG\r\n", "is not a recorded session"),
        (b"[]\n", "is not a recorded session"),
        (b'{"session":2,"jitvm":"9.0"}\n', "version 2, recorded with jitvm 9.0"),
        (b'{"session":1,"jitvm":"0.1.0"}\n', ":1: its first line is damaged"),
    ],
)
def test_files_that_are_no_session(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "s").write_bytes(data)
    with pytest.raises(SessionError, match=told):
        Session.load(tmp_path / "s")


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="cannot be read: No such file"):
        Session.load(tmp_path / "none")
    with pytest.raises(SessionError, match="cannot be written: No such file"):
        Recorder(tmp_path / "none" / "s", Computer(ROM, tier=Tier.REFERENCE))


def test_lines_that_make_no_sense(recorded: tuple[Path, list[str], bytes], tmp_path: Path) -> None:
    path = edited(recorded, tmp_path / "s", lambda line: line.replace("move 30 20", "move 30"))
    with pytest.raises(SessionError, match=r"s:\d+: makes no sense: .*move is written"):
        Session.load(path)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off(
    recorded: tuple[Path, list[str], bytes], tmp_path: Path, keep: float
) -> None:
    data = recorded[0].read_bytes()
    (tmp_path / "s").write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(SessionError, match=r"cut off in line|first line|not a recorded"):
        Session.load(tmp_path / "s")


@settings(max_examples=50)
@given(st.data())
def test_any_damage_is_noticed(
    recorded: tuple[Path, list[str], bytes],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    whole = recorded[0].read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]))
    path = tmp_path_factory.mktemp("damaged") / "s"
    path.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
    try:
        session = Session.load(path)
    except SessionError:
        return
    assert session == Session.load(recorded[0]), "damage that changes something was not noticed"
