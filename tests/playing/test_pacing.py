"""Frames at an even pace, whatever they cost."""

from __future__ import annotations

from itertools import pairwise

import pytest

from jitvm.playing.pacing import BACKLOG, Pacer


class Clock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def frames(pacer: Pacer, clock: Clock, costs: list[float]) -> list[float]:
    """When frames of these costs begin, in periods."""
    begin, times = clock.now, []
    for cost in costs:
        clock.now += pacer.remaining()
        times.append((clock.now - begin) * 60)
        pacer.begin()
        clock.now += cost / 60
    return times


def test_no_drift() -> None:
    clock = Clock()
    times = frames(Pacer(60, clock), clock, [0.3] * 600)
    assert times[-1] == pytest.approx(599, abs=1e-6)


def test_a_hiccup_is_made_up_for() -> None:
    clock = Clock()
    pacer = Pacer(60, clock)
    times = frames(pacer, clock, [0.1, 2.5, 0.1, 0.1, 0.1, 0.1])
    assert times == pytest.approx([0, 1, 3.5, 3.6, 4, 5])
    assert pacer.dropped == 0


def test_a_long_frame_is_not() -> None:
    clock = Clock()
    pacer = Pacer(60, clock)
    times = frames(pacer, clock, [100, 0.1, 0.1, 0.1])
    assert times[1] == pytest.approx(100)
    assert pacer.dropped > 90
    assert sum(time < 101 for time in times[1:]) <= BACKLOG


def test_a_slow_guest_runs_as_fast_as_it_can() -> None:
    clock = Clock()
    pacer = Pacer(60, clock)
    times = frames(pacer, clock, [1.5] * 200)
    gaps = {round(after - before, 6) for before, after in pairwise(times)}
    assert gaps == {1.5}
    fast = frames(pacer, clock, [0.1] * 10)
    assert fast[-1] >= 10 - 1 - BACKLOG - 1  # it does not make up for all it was late


def test_after_a_rest_the_next_frame_is_at_once_and_the_one_after_is_not() -> None:
    clock = Clock()
    pacer = Pacer(60, clock)
    frames(pacer, clock, [0.1])
    clock.now += 50
    pacer.resume()
    assert frames(pacer, clock, [0.1, 0.1, 0.1]) == pytest.approx([0, 1, 2])
    pacer.resume()
    assert pacer.remaining() == pytest.approx(0.9 / 60)


def test_speeds() -> None:
    clock = Clock()
    pacer = Pacer(60, clock)
    for _ in range(9):
        pacer.change_speed(+1)
    assert (pacer.speed, pacer.frames) == (8, 8)
    for _ in range(9):
        pacer.change_speed(-1)
    assert (pacer.speed, pacer.frames) == (0.125, 1)
    frames(pacer, clock, [0.1])
    times = frames(pacer, clock, [0.1, 0.1])
    assert times[1] - times[0] == pytest.approx(8)
