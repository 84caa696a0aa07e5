"""Ports: starting, position, output, vectors, ends and silence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from jitvm.guests.uxn.varvara import Computer
from jitvm.guests.uxn.varvara.audio import Audio
from tests.varvara.audio.conftest import Synth

Make = Callable[..., Computer]

LONG = 0x1000


# -- reads ---------------------------------------------------------------------------------------


def test_position_is_sampled_by_its_high_byte(synth: Synth) -> None:
    synth.play(60, length=LONG)
    assert synth.position() == 0
    synth.audio.render(0x1FE)
    assert synth.read(2) == 0x01
    synth.audio.render(4)
    assert synth.read(3) == 0xFE
    assert synth.position() == 0x202


def test_a_new_note_begins_at_position_0(synth: Synth) -> None:
    synth.play(60, length=LONG)
    synth.audio.render(300)
    synth.play(60, length=LONG)
    assert synth.position() == 0


@pytest.mark.parametrize(
    ("volume", "shown"),
    [(0xFF, 0xFF), (0xF0, 0xF0), (0x0F, 0x0F), (0x11, 0x22), (0x78, 0x89), (0x00, 0x00)],
)
def test_output_of_a_full_note_is_its_volume_and_one(synth: Synth, volume: int, shown: int) -> None:
    synth.play(60, volume=volume)
    assert synth.read(4) == shown
    synth.audio.render(1000)
    assert synth.read(4) == shown


def test_output_follows_the_envelope(synth: Synth) -> None:
    synth.play(60, adsr=0x2222, volume=0xF4)
    shown = []
    for _ in range(9):
        shown.append(synth.read(4))
        synth.audio.render(2940)
    # 1 + level * volume / 0x800, level 0, 1/2, 1, 3/4, 1/2, 1/2, 1/2, 1/4 of 0x888, and the end
    assert [f"{byte:02x}" for byte in shown] == [
        "11", "83", "f5", "c4", "83", "83", "83", "42", "00"
    ]  # fmt: skip


def test_reading_output_at_the_end_of_a_note_keeps_its_vector(synth: Synth) -> None:
    synth.play(60, adsr=0x0001, vector=0x100)
    synth.audio.render(2940)
    synth.read(4)
    synth.audio.render(1)
    assert synth.drain() == [0]


def test_a_silent_voice_reads_as_silent(synth: Synth) -> None:
    assert (synth.read(4), synth.position()) == (0, 0)
    synth.play(60, length=LONG)
    synth.audio.render(10)
    synth.play(127)
    for _ in range(2):
        assert (synth.read(4), synth.position()) == (0, 10)
        assert not synth.audio.active
        assert not synth.audio.render(100).any()


@pytest.mark.parametrize("pitch", [108, 109, 127, 108 | 0x80, 0xFF])
def test_pitches_there_are_no_notes_for_silence(synth: Synth, pitch: int) -> None:
    synth.store(b"\xff" * 0x100)
    synth.play(60, vector=0x100)
    assert synth.audio.render(10).all()
    synth.play(pitch, vector=0x100)
    assert not synth.audio.render(10).any()
    assert synth.drain() == []


def test_no_sample_silences(synth: Synth) -> None:
    synth.play(60)
    synth.play(60, length=0)
    assert not synth.audio.active


# -- ends ----------------------------------------------------------------------------------------


def test_ends_are_told_once_and_only_with_a_vector(synth: Synth) -> None:
    for voice in range(4):
        vector = 0x100 * (voice % 2)
        synth.play(60 | 0x80, voice=voice, length=LONG, vector=vector)
    synth.audio.render(LONG - 1)
    assert synth.drain() == []
    assert synth.audio.active
    synth.audio.render(1)
    assert synth.drain() == [1, 3]
    assert synth.drain() == []
    assert not synth.audio.active


def test_the_vector_counts_at_the_time_it_is_asked_for(synth: Synth) -> None:
    synth.play(60, adsr=0x0001)
    synth.audio.render(2940)
    synth.machine.page[0x30:0x32] = b"\x12\x34"
    assert synth.audio.vector(0) == 0x1234
    assert synth.drain() == [0]


def test_a_note_that_ended_before_the_next_began_is_told(synth: Synth) -> None:
    for _ in range(2):
        synth.play(60, adsr=0x0001, vector=0x100)
        synth.audio.render(2940)
    synth.play(60, vector=0x100)
    assert synth.drain() == [0, 0]
    assert synth.audio.active


def test_replaced_notes_do_not_end(synth: Synth) -> None:
    synth.play(60 | 0x80, length=LONG, vector=0x100)
    synth.audio.render(LONG // 2)
    synth.play(60 | 0x80, length=LONG, vector=0x100)
    synth.audio.render(LONG // 2 + 10)
    assert synth.drain() == []


def test_one_shots_end_with_a_sample_as_long_as_memory(synth: Synth) -> None:
    synth.store(bytes(range(1, 256)) * 257, 0)
    synth.play(107 | 0x80, length=0xFFFF, address=0, vector=0x100)
    out = synth.audio.render(0x2000)
    assert synth.drain() == [0]
    assert not out[0xFFFF * 65536 // (0xF1A1C) + 1 :].any()


def test_a_looping_note_ends_with_its_envelope_alone(synth: Synth) -> None:
    synth.play(95, length=0x110, adsr=0x000F, vector=0x100)
    synth.audio.render(15 * 2940 - 1)
    assert synth.drain() == []
    synth.audio.render(1)
    assert synth.drain() == [0]


def test_reset_forgets_notes_and_ends(synth: Synth) -> None:
    synth.play(62, adsr=0x0001, vector=0x100)
    synth.audio.render(2940)
    synth.play(60, voice=1, vector=0x100)
    synth.audio.reset()
    assert not synth.audio.active
    assert synth.drain() == []
    assert not synth.audio.render(10).any()


def test_after_a_reset_all_is_as_at_the_start(synth: Synth) -> None:
    synth.store(bytes(range(256)))
    heard = []
    for _ in range(2):
        synth.play(61, adsr=0x0003, vector=0x100)
        heard.append(synth.audio.render(3 * 2940 + 1))
        assert synth.drain() == [0]
        synth.audio.reset()
    assert np.array_equal(heard[0], heard[1])


def test_duration_is_plain_storage(synth: Synth) -> None:
    synth.write(0, bytes(16))
    synth.machine.state.ports.write(0x35, 0x12)
    assert synth.read(5) == 0x12


# -- programs ------------------------------------------------------------------------------------

PROGRAM = """
|30 @Audio0 &vector $2 &position $2 &output $1 &duration $3 &adsr $2 &length $2 &addr $2
    &volume $1 &pitch $1
|60 @Audio3 &vector $2 &position $2 &output $1 &duration $3 &adsr $2 &length $2 &addr $2
    &volume $1 &pitch $1
|0100
    ;on-end .Audio3/vector DEO2
    #0002 .Audio3/adsr DEO2
    #0400 .Audio3/length DEO2
    ;sample .Audio3/addr DEO2
    #1f .Audio3/volume DEO
    ( fill the sample with a wave )
    #0400 #0000 &l DUP2 STH2k ;sample ADD2 STA POP STH2r INC2 GTH2k ?&l POP2 POP2
    #3c .Audio3/pitch DEO
    BRK
@on-end ( -> )
    .Audio3/position DEI2 SWP #1a DEO #1a DEO
    .Audio3/output DEI #1a DEO
    #43 .Audio3/pitch DEO
    BRK
@sample $400
"""


def test_programs_play_the_same_at_every_tier(make: Make, synth: Synth) -> None:
    computer = make(PROGRAM)
    audio = Audio(computer.machine)
    computer.start()
    heard, ends = [], []
    for frame in range(30):
        heard.append(audio.render(735))
        for voice in audio.ended():
            ends.append((frame, voice))
            computer.machine.run(audio.vector(voice))
    assert ends == [(7, 3), (15, 3), (23, 3)]
    # Where in the sample of 1024 bytes the notes were after 5880 frames each, and silence.
    assert computer.stderr == b"02f800" + 2 * b"026a00"

    synth.store(bytes(range(256)) * 4)
    by_hand = []
    for pitch in (60, 67, 67, 67):
        synth.play(pitch, voice=3, adsr=0x0002, length=0x400, volume=0x1F)
        by_hand.append(synth.audio.render(8 * 735))
    assert np.array_equal(np.concatenate(heard), np.concatenate(by_hand)[: 30 * 735])
