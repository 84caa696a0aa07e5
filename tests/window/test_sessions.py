"""Sessions recorded in a window, and replayed in one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jitvm.guests.uxn.varvara import Ending
from jitvm.guests.uxn.varvara.recorder import Recorder
from jitvm.guests.uxn.varvara.replayer import Replayer
from jitvm.guests.uxn.varvara.session import Session
from jitvm.platform.frames import Frame
from tests.varvara.graphical import WALKER
from tests.window.conftest import Play, User, computer_of


def noon() -> datetime:
    return datetime(2024, 2, 29, 12, 0, 30)


def test_what_was_recorded_in_a_window_replays_exactly(play: Play, tmp_path: Path) -> None:
    def use(user: User) -> None:
        user.keys("b")
        user.hold("Right")
        user.frames(5)
        user.let_go("Right")
        user.keys("F4")  # starts over, in the middle of a note
        user.keys("c")
        user.frames(10)
        user.keys("q")
        user.until(lambda: user.computer.is_ended)

    computer = computer_of(WALKER, clock=noon)
    with Recorder(tmp_path / "session", computer):
        play(computer, use)
    session = Session.load(tmp_path / "session")
    assert session.has_sound
    assert any(frame.sound for frame in session.frames.values())

    replayed = computer_of(WALKER)
    shown: list[Frame] = []
    ending = play(
        replayed,
        lambda user: user.until(lambda: user.computer.is_ended),
        replay=Replayer(session, replayed).frames(),
        on_frame=shown.append,
    )
    assert ending is Ending.EXIT
    assert [frame.number for frame in shown] == list(range(1, session.length + 1))
    assert replayed.exit_code == computer.exit_code == 3
