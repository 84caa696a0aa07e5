"""States in memory: what is the same in neighbours is there once."""

from __future__ import annotations

import random

from jitvm.platform.states.ring import OVERHEAD, PAGE, Ring

PAGES = 20


def states(count: int) -> list[tuple[object, ...]]:
    """States of noise, each with one page that is another than in the one before."""
    choose = random.Random(3)
    made: list[tuple[object, ...]] = []
    long = bytearray(choose.randbytes(PAGES * PAGE - 5))
    for number in range(count):
        at = choose.randrange(PAGES) * PAGE
        long[at] ^= number + 1 & 0xFF or 1
        made.append((number, None, b"short", (bytes(long), "text", (0.5,))))
    return made


def test_they_come_back_last_first_and_share_what_is_the_same() -> None:
    ring, given = Ring(1 << 30), states(12)
    for state in given:
        ring.add(state)
    assert ring.size < (PAGES + len(given)) * (PAGE + 100) + len(given) * OVERHEAD
    assert [ring.pop() for _ in range(len(given))] == given[::-1]
    assert (len(ring), ring.size) == (0, 0)


def test_the_oldest_go_when_memory_is_short() -> None:
    given = states(200)
    ring = Ring((PAGES + 30) * PAGE)
    for state in given:
        ring.add(state)
        assert ring.size <= ring.most
    count = len(ring)
    assert 15 < count < 40
    assert [ring.pop() for _ in range(count)] == given[-count:][::-1]
    assert ring.size == 0
    ring.add(given[0])
    ring.clear()
    assert (len(ring), ring.size) == (0, 0)


def test_states_of_other_shapes_follow_each_other() -> None:
    long = bytes(3 * PAGE)
    given: list[object] = [
        (long, 1), (long[:-1], 1), None, (long, (long, long)), (long, long), long, (long,), b"",
    ]  # fmt: skip
    ring = Ring(1 << 20)
    for state in (*given, *given[::-1]):
        ring.add(state)
    assert [ring.pop() for _ in range(2 * len(given))] == [*given, *given[::-1]]
    assert ring.size == 0


def test_one_that_is_larger_than_all_may_be_is_kept() -> None:
    ring = Ring(1)
    for state in states(3):
        ring.add(state)
    assert len(ring) == 1
    assert ring.pop() == states(3)[-1]
