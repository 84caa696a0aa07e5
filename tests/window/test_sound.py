"""Sound between renderer and sound card."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from jitvm.platform.sound import RATE, AudioError
from jitvm.window.sound import LEAST, PIECE, CardDevice, FrameSounds, SilentDevice, Speaker
from tests.clock import until
from tests.varvara.graphical import WALKER
from tests.window.conftest import Play, User, computer_of


class Tone:
    """A source with so many frames to come."""

    def __init__(self, frames: int) -> None:
        self.left = frames

    @property
    def active(self) -> bool:
        return self.left > 0

    def render(self, frames: int) -> Any:
        frames = min(frames, self.left)
        self.left -= frames
        return np.full((frames, 2), 1000, np.int16)


class Card:
    """A device whose owner says what it plays."""

    number = 7

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.waiting = 0
        self.is_paused = True
        self.is_closed = False

    def queued(self) -> int:
        return self.waiting

    def queue(self, sound: Any) -> None:
        self.waiting += len(sound)
        self.heard.append(sound)

    def pause(self, paused: bool) -> None:
        self.is_paused = paused

    def close(self) -> None:
        self.is_closed = True


def no_card() -> CardDevice:
    raise OSError("nothing plugged in")


def test_the_queue_is_kept_filled_and_then_played_to_its_end() -> None:
    card, source, notes = Card(), Tone(10 * PIECE), list[str]()
    speaker = Speaker(notes.append, lambda: card)  # type: ignore[arg-type,return-value]
    speaker.play(source)  # type: ignore[arg-type]
    until(lambda: not card.is_paused)
    assert LEAST <= card.waiting <= LEAST + PIECE
    card.waiting = PIECE
    until(lambda: sum(map(len, card.heard)) == 10 * PIECE)
    assert not card.is_paused
    card.waiting = 0
    until(lambda: card.is_paused)
    speaker.close()
    assert sum(map(len, card.heard)) == 10 * PIECE
    assert (speaker.underruns, notes, card.is_closed) == (0, [], True)


def test_it_is_as_loud_as_one_wants_and_time_goes_on_in_silence() -> None:
    for muted, steps, level, setting in (
        (False, 0, 1000, ""), (False, -4, 600, "volume 60%"), (False, -20, 100, "volume 10%"),
        (False, 3, 1000, ""), (True, 0, 0, "muted"),
    ):  # fmt: skip
        card, tone = Card(), Tone(PIECE)
        speaker = Speaker(lambda _text: None, lambda card=card: card)  # type: ignore[misc]
        if steps:
            speaker.change_volume(steps)
        speaker.is_muted = muted
        speaker.play(tone)  # type: ignore[arg-type]
        until(lambda card=card: card.heard)  # type: ignore[misc]
        speaker.close()
        assert {*np.concatenate(card.heard).ravel().tolist()} == {level}
        assert (speaker.setting, tone.left) == (setting, 0)


def test_an_empty_queue_is_counted_and_answered_with_a_longer_one() -> None:
    card, source = Card(), Tone(10**9)
    speaker = Speaker(print, lambda: card)  # type: ignore[arg-type,return-value]
    speaker.play(source)  # type: ignore[arg-type]
    until(lambda: not card.is_paused)
    card.waiting = 0
    until(lambda: card.waiting > LEAST + PIECE)
    assert speaker.underruns == 1
    speaker.close()


def test_without_a_device_time_passes_all_the_same_and_it_is_told_once() -> None:
    notes: list[str] = []
    source = Tone(0)
    speaker = Speaker(notes.append, no_card)

    def is_over() -> bool:
        speaker.play(source)  # type: ignore[arg-type]
        return not source.active

    for _ in range(2):
        begin, source.left = time.monotonic(), 4410
        until(is_over)
        assert time.monotonic() - begin > 0.03
    speaker.close()
    assert notes == ["no sound: nothing plugged in"]


def test_a_device_that_is_unplugged_and_one_that_comes() -> None:
    cards: list[Card] = []
    is_there = [True]

    def open_device() -> CardDevice:
        if not is_there[0]:
            return no_card()
        cards.append(Card())
        return cards[-1]  # type: ignore[return-value]

    notes: list[str] = []
    speaker = Speaker(notes.append, open_device)
    source = Tone(10**9)
    speaker.play(source)  # type: ignore[arg-type]
    until(lambda: cards and cards[0].waiting)
    speaker.device_changed(added=False, number=3)  # another one
    is_there[0] = False
    speaker.device_changed(added=False, number=7)
    until(lambda: notes)
    left = source.left
    until(lambda: source.left < left - 4 * PIECE)
    is_there[0] = True
    speaker.device_changed(added=True, number=0)
    until(lambda: len(cards) == 2 and cards[1].waiting)
    speaker.close()
    assert cards[0].is_closed
    assert len(notes) == 1


def test_a_source_that_cannot_render_is_told_of() -> None:
    class Broken(Tone):
        def render(self, frames: int) -> Any:
            assert frames >= PIECE
            raise AudioError("numba is gone")

    notes: list[str] = []
    speaker = Speaker(notes.append, SilentDevice)  # type: ignore[arg-type]
    speaker.play(Broken(1))  # type: ignore[arg-type]
    until(lambda: notes)
    speaker.close()
    assert notes == ["numba is gone"]


def test_sounds_of_frames_come_out_whole_after_a_little_silence() -> None:
    sounds = FrameSounds()
    frames = [np.full((735, 2), n, np.int16) for n in (1, 2)]
    for frame in frames:
        sounds.add(frame)
    pieces = []
    while sounds.active:
        pieces.append(sounds.render(100))
    heard = np.concatenate(pieces)
    assert (heard[: FrameSounds.DELAY] == 0).all()
    assert np.array_equal(heard[FrameSounds.DELAY :], np.concatenate(frames))
    assert len(sounds.render(100)) == 0


# -- in a window ---------------------------------------------------------------------------------


def test_notes_end_by_the_clock_of_the_card(play: Play) -> None:
    def press(user: User) -> None:
        user.keys("b")
        user.until(lambda: b"n" in user.computer.stdout)

    computer = computer_of(WALKER)
    play(computer, press)
    assert computer.has_sound


@pytest.mark.parametrize("exact", [False, True])
def test_a_missing_device_ends_nothing(
    play: Play, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "nonsense")
    notes: list[str] = []
    sounds = 0

    def press(user: User) -> None:
        user.keys("b")
        user.until(lambda: b"n" in user.computer.stdout and notes)
        user.keys("c")
        user.until(lambda: user.computer.stdout.count(b"n") == 2)

    def count(frame: Any) -> None:
        nonlocal sounds
        sounds += frame.sound is not None

    options = {"on_frame": count} if exact else {}
    play(computer_of(WALKER), press, notify=notes.append, **options)
    assert len(notes) == 1
    assert notes[0].startswith("no sound: ")
    assert bool(sounds) is exact


def test_a_busy_guest_does_not_starve_the_speaker(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    speakers: list[Speaker] = []
    begin = Speaker.__init__

    def keep(self: Speaker, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        speakers.append(self)

    monkeypatch.setattr(Speaker, "__init__", keep)
    source = """;wave .Audio/addr DEO2 #0004 .Audio/length DEO2 #ff .Audio/volume DEO
        #3c .Audio/pitch DEO ;on .Screen/vector DEO2 BRK
        @on &l .Screen/x DEI2 INC2 .Screen/x DEO2 .DateTime/second DEI POP !&l
        @wave 00 80 ff 80"""
    computer = computer_of(source)
    computer.audio.prepare()
    computer.frames.number = 1
    play(computer, lambda user: user.until(lambda: speakers and speakers[0].played > RATE / 2))
    assert len(speakers) == 1
    assert computer.frames.is_unfinished
    until(lambda: not [each for each in threading.enumerate() if each.name == "jitvm-sound"])
