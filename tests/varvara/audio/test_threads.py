"""A mixing thread beside the guest's."""

from __future__ import annotations

import time
from threading import Event, Thread

import numpy as np
import pytest

from jitvm.guests.uxn.varvara.audio import mixer
from jitvm.guests.uxn.varvara.audio.note import Note
from tests.clock import HANGS, until
from tests.varvara.audio.conftest import Synth

HIGH, LOW = 0x2000, 0x4000
LONG = 20 * 44100
"""Frames that take a while to mix."""


def test_notes_are_never_torn(synth: Synth) -> None:
    # Two notes that differ in everything: a mixture of them would make samples of its own.
    synth.store(b"\xff" * 0x200, HIGH)
    synth.store(b"\x00" * 0x200, LOW)
    loud = (127 * 0x888 * 15 // 0x180, 127 * 0x888 // 0x180)
    soft = (-(128 * 0x444 * 2 // 0x180), -(128 * 0x444 * 9 // 0x180))
    stop, parts, firsts = Event(), [], set()

    def play() -> None:
        while not stop.is_set():
            parts.append(synth.audio.render(64))
            firsts.add(tuple(parts[-1][0].tolist()))

    synth.play(60, address=HIGH, length=0x100, volume=0xF1)
    synth.audio.prepare()
    mixing = Thread(target=play)
    mixing.start()
    started = 0
    deadline = time.monotonic() + HANGS
    try:
        while started < 5000 or not firsts >= {loud, soft}:
            assert time.monotonic() < deadline, firsts
            synth.play(70, address=LOW, length=0x200, volume=0x29, adsr=0x00F0)
            assert synth.read(4) in (0x25, 0x11, 0x00)  # it may be at its end, or over
            synth.play(60, address=HIGH, length=0x100, volume=0xF1)
            assert synth.read(4) == 0xF2
            started += 2
    finally:
        stop.set()
        mixing.join()
    heard = np.concatenate(parts).reshape(-1).view(np.int32)  # a word for each frame
    kinds = {tuple(np.array([word], np.int32).view(np.int16).tolist()) for word in np.unique(heard)}
    assert kinds - {(0, 0)} == {loud, soft}
    assert synth.audio.render(1).tolist() == [list(loud)]


def test_a_note_shows_as_new_until_it_is_taken_over(
    synth: Synth, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the guest would see if it read the ports in the middle of `render`.
    take_over = mixer.Mixer._take_over
    seen = []

    def slowly(mixer: mixer.Mixer, voice: int, note: Note | None) -> None:
        seen.append((synth.position(), synth.read(4)))
        take_over(mixer, voice, note)
        seen.append((synth.position(), synth.read(4)))

    synth.play(60, length=0x1000)
    synth.audio.render(1000)
    monkeypatch.setattr(mixer.Mixer, "_take_over", slowly)
    synth.play(60, length=0x1000, volume=0x11)
    synth.audio.render(10)
    assert seen == [(0, 0x22)] * 2
    assert synth.position() == 10


def test_no_end_is_lost_between_threads(synth: Synth) -> None:
    stop = Event()

    def play() -> None:
        while not stop.is_set():
            synth.audio.render(735)

    synth.play(60)
    synth.audio.prepare()
    mixing = Thread(target=play)
    mixing.start()
    ends = 0
    deadline = time.monotonic() + HANGS
    try:
        synth.play(107 | 0x80, voice=2, length=0x200, vector=0x100)
        while ends < 200 and time.monotonic() < deadline:
            for voice in synth.audio.ended():
                assert voice == 2
                ends += 1
                synth.play(107 | 0x80, voice=2, length=0x200, vector=0x100)
            time.sleep(0)
    finally:
        stop.set()
        mixing.join()
    assert ends == 200


def test_reset_while_mixing(synth: Synth) -> None:
    stop = Event()
    failures = []

    def play() -> None:
        try:
            while not stop.is_set():
                synth.audio.render(100)
        except Exception as error:
            failures.append(error)

    synth.audio.prepare()
    mixing = Thread(target=play)
    mixing.start()
    try:
        for _ in range(300):
            synth.play(60, vector=0x100, adsr=0x0001)
            synth.audio.ended()
            synth.audio.reset()
            assert not synth.audio.active
    finally:
        stop.set()
        mixing.join()
    assert not failures
    assert not synth.audio.render(100).any()


def test_others_run_while_it_mixes(synth: Synth, monkeypatch: pytest.MonkeyPatch) -> None:
    for voice in range(4):
        synth.play(60 + voice, voice=voice)
    mix, stop, calls, inside = synth.audio._mixer.prepare(), Event(), 0, 0

    def watched(*arguments: int) -> int:
        nonlocal calls, inside
        calls += 1
        inside = calls
        try:
            return mix(*arguments)
        finally:
            inside = 0

    def play() -> None:
        while not stop.is_set():
            synth.audio.render(LONG)

    def runs_beside_it() -> bool:
        """Whether this thread has got on while the other was inside of one call."""
        before = inside
        sum(range(1000))
        return 0 < before == inside

    monkeypatch.setattr(synth.audio._mixer, "_mix", watched)
    mixing = Thread(target=play)
    mixing.start()
    try:
        until(runs_beside_it)
    finally:
        stop.set()
        mixing.join()
