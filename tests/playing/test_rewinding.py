"""Going back in a run that is played: what is put back, what that costs, what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.guests.chip8.platform import PLATFORM as CHIP8
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer
from jitvm.platform.device import StateError
from jitvm.playing import rewinding
from jitvm.playing.rewinding import EVERY, Rewinder
from tests.states.test_whole import SCREEN, SCRIPT


def computer(folder: Path) -> Computer:
    (folder / "in.txt").write_bytes(bytes(range(65, 91)))
    rom = assemble(SCREEN, name="screen.tal").rom
    return Computer(rom, tier=Tier.INTERPRETER, sandbox=folder)


def play(rewinder: Rewinder, played: Computer, frames: int) -> None:
    for _ in range(frames):
        played.frame(SCRIPT.at(played.frames.number + 1))
        rewinder.frame(played.frames.number)


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewinding, "thread_time", lambda: 0.0)


def test_it_goes_back_frame_by_frame_and_on_as_before(tmp_path: Path) -> None:
    played = computer(tmp_path)
    rewinder = Rewinder(played, 1 << 20)
    play(rewinder, played, 24)
    numbers = []
    while rewinder.back():
        numbers.append(played.frames.number)
    assert numbers == [21, 17, 13, 9, 5, 1]
    assert EVERY == 4
    play(rewinder, played, 23)
    undisturbed = computer(tmp_path)
    undisturbed.run_frames(24, SCRIPT)
    assert undisturbed.machine.snapshot() == played.machine.snapshot()
    assert undisturbed.devices.snapshot() == played.devices.snapshot()
    assert rewinder.back()
    rewinder.forget()
    assert not rewinder.back()


def test_states_are_rarer_where_they_take_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(range(1000))
    monkeypatch.setattr(rewinding, "thread_time", lambda: next(times) * 0.0014)
    played = computer(tmp_path)
    rewinder = Rewinder(played, 1 << 20)
    play(rewinder, played, 21)
    numbers = []
    while rewinder.back():
        numbers.append(played.frames.number)
    assert numbers == [19, 10, 1], "1.4 ms are a hundredth of 8.4 frames"


def test_a_file_that_is_gone_ends_it(tmp_path: Path) -> None:
    played = computer(tmp_path)
    rewinder = Rewinder(played, 1 << 20)
    play(rewinder, played, 8)
    (tmp_path / "in.txt").unlink()
    before = played.machine.snapshot()
    with pytest.raises(StateError, match=r"in\.txt was open"):
        rewinder.back()
    assert played.machine.snapshot() == before
    assert played.frames.number == 8


def test_other_guests_and_no_memory() -> None:
    program = CHIP8.program(bytes.fromhex("7001 1200"), "a.ch8")
    played = CHIP8.computer(program, tier=Tier.INTERPRETER)
    for memory, numbers in ((1 << 20, [9, 5, 1]), (0, [])):
        rewinder, seen = Rewinder(played, memory), []
        played.reset()
        played.frames.number = 0
        for _ in range(10):
            played.frame()
            rewinder.frame(played.frames.number)
        while rewinder.back():
            seen.append(played.frames.number)
        assert seen == numbers
