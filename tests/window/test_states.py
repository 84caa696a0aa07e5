"""Keys that save and load a program's state, in a window."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.platform.states import file
from jitvm.playing.slot import Slot
from tests.varvara.graphical import CONTROLLER_LOG
from tests.window.conftest import Play, User, computer_of

TYPED = """
    ;on-key .Controller/vector DEO2 #01 .Screen/pixel DEO BRK
@on-key ( -> )
    .Controller/key DEI DUP ?{ POP BRK }
    ;typed LDA INC ;typed STA
    #00 ;typed LDA ;text ADD2 STA #02 .Screen/pixel DEO BRK
@typed 00 @text $20
"""
"""Remembers what is typed."""


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def remembers(user: User, word: bytes) -> bool:
    return word in bytes(user.computer.machine.memory[0x100:0x200])


def test_a_state_is_saved_and_gone_back_to(play: Play) -> None:
    told: list[str] = []

    def act(user: User) -> None:
        user.keys("a", "b")
        user.until(lambda: remembers(user, b"ab"))
        user.keys("Insert")
        user.until(lambda: told == ["saved rom.state"])
        user.keys("c", "d")
        user.until(lambda: remembers(user, b"abcd"))
        user.keys("End")
        user.until(lambda: told[1:] == ["loaded rom.state"])
        user.keys("e")
        user.until(lambda: remembers(user, b"abe"))

    play(computer_of(TYPED), act, notify=told.append)


def test_what_is_wrong_is_told_and_nothing_is_lost(play: Play, tmp_path: Path) -> None:
    told: list[str] = []
    mine = tmp_path / "rom.state"

    def act(user: User) -> None:
        user.keys("a")
        user.until(lambda: remembers(user, b"a"))
        user.keys("End")
        user.until(lambda: len(told) == 1)
        mine.write_bytes(b"mine")
        user.keys("Insert")
        user.until(lambda: len(told) == 2)
        user.keys("End", "b")
        user.until(lambda: remembers(user, b"ab"))

    play(computer_of(TYPED), act, notify=told.append)
    assert told == [
        "not loaded: rom.state: cannot be read: No such file or directory",
        "not saved: rom.state: is no saved state",
        "not loaded: rom.state: is no saved state",
    ]
    assert mine.read_bytes() == b"mine"


def test_a_file_that_somebody_named_and_another_to_begin_with(play: Play, tmp_path: Path) -> None:
    told: list[str] = []
    before = computer_of(TYPED)
    before.boot()
    file.write("begin", before)
    (tmp_path / "end").write_bytes(b"old")

    def act(user: User) -> None:
        user.keys("a")
        user.until(lambda: remembers(user, b"a"))
        user.keys("End", "Insert")
        user.until(lambda: len(told) == 2)

    computer = computer_of(TYPED)
    play(computer, act, notify=told.append, slot=Slot(computer, "end", "begin"))
    assert told == ["loaded begin", "saved end"]
    file.load("end", before)
    assert b"a\0" not in bytes(before.machine.memory[0x100:0x200])


def test_no_state_is_loaded_in_a_run_that_is_observed(play: Play) -> None:
    told: list[str] = []

    def act(user: User) -> None:
        user.keys("Insert", "End")
        user.until(lambda: len(told) == 2)

    play(computer_of(TYPED), act, notify=told.append, on_frame=lambda _frame: None)
    assert told[1] == "no state is loaded, since this run is recorded or replayed"


def test_buttons_are_those_that_are_down_now(play: Play) -> None:
    """A button that was down when the state was saved does not stay so."""
    told: list[str] = []
    computer = computer_of(f"{CONTROLLER_LOG} BRK")

    def buttons() -> int:
        return computer.machine.page[0x82]

    def act(user: User) -> None:
        user.hold("Left")
        user.until(lambda: buttons() == 0x40)
        user.keys("Insert")
        user.until(lambda: len(told) == 1)
        user.let_go("Left")
        user.until(lambda: buttons() == 0)
        user.hold("Up")
        user.until(lambda: buttons() == 0x10)
        user.keys("End")
        user.until(lambda: len(told) == 2 and buttons() == 0x10)
        user.let_go("Up")
        user.until(lambda: buttons() == 0)

    play(computer, act, notify=told.append)


# -- going back ----------------------------------------------------------------------------------

COUNTER = """
    ;on .Screen/vector DEO2 #01 .Screen/pixel DEO BRK
@on ( -- ) ;count LDA2 INC2 ;count STA2 .Screen/x DEI2 INC2 .Screen/x DEO2 #01 .Screen/pixel DEO BRK
@count $2
"""
"""Counts its frames, and draws in each."""


def test_a_held_key_goes_back(play: Play, titles: list[str]) -> None:
    computer = computer_of(COUNTER)
    seen: list[int] = []

    def act(user: User) -> None:
        user.frames(40)
        user.hold("Page_Up")
        user.until(lambda: computer.frames.number < 10)
        user.let_go("Page_Up")
        seen.append(computer.frames.number)
        user.until(lambda: computer.frames.number > 20)

    play(computer, act, rewind=1 << 20)
    assert seen[0] < 40
    assert any("rewinding" in title for title in titles)
    undisturbed = computer_of(COUNTER)
    undisturbed.run_frames(computer.frames.number)
    assert bytes(undisturbed.machine.memory) == bytes(computer.machine.memory)
    assert undisturbed.screen.pixels.tobytes() == computer.screen.pixels.tobytes()


def test_without_memory_nothing_is_gone_back_in(play: Play) -> None:
    computer = computer_of(COUNTER)

    def act(user: User) -> None:
        user.frames(10)
        user.hold("Page_Up")
        user.stand_still()
        user.let_go("Page_Up")
        user.frames(5)

    play(computer, act, rewind=0)
    assert computer.frames.number >= 15
