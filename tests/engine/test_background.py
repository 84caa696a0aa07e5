"""What other threads do is finished or not begun when the process ends."""

from __future__ import annotations

import sys
import threading
from typing import cast

import pytest

from jitvm.engine.host.background import Background
from jitvm.engine.interpreter import making
from jitvm.engine.interpreter.installed import (
    handlers_are_ready,
    handlers_for,
    make_handlers,
)
from jitvm.guest import Guest, Opcode, Space, Stack
from tests.clock import HANGS, until


def test_what_is_under_way_is_known() -> None:
    background, entered, leave = Background(), threading.Event(), threading.Event()

    def work() -> None:
        entered.set()
        leave.wait()

    thread = threading.Thread(target=background.do, args=(work,))
    thread.start()
    entered.wait()
    assert background.close()
    leave.set()
    thread.join()
    assert not background.close()


def test_nothing_is_begun_any_more() -> None:
    background = Background()
    done: list[int] = []
    background.do(lambda: done.append(1))
    assert not background.close()
    background.do(lambda: done.append(2))
    assert done == [1]


def test_work_that_raises_is_over() -> None:
    background = Background()

    def work() -> None:
        raise ValueError

    try:
        background.do(work)
    except ValueError:
        assert not background.close()


def test_one_thread_has_it_alone_for_a_while() -> None:
    background = Background()
    done: list[str] = []
    thread = threading.Thread(target=background.do, args=(lambda: done.append("other"),))

    def work() -> None:
        thread.start()
        background.do(lambda: done.append("own"))
        assert done == ["own"]

    background.alone(work)
    thread.join()
    assert done == ["own", "other"]


def test_who_is_interrupted_while_he_waits_to_be_alone_keeps_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    background = Background()

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(background, "settle", interrupted)
    with pytest.raises(KeyboardInterrupt):
        background.alone(lambda: None)
    done = threading.Event()
    threading.Thread(target=background.do, args=(done.set,), daemon=True).start()
    assert done.wait(HANGS)


def test_the_end_waits_for_what_is_under_way() -> None:
    background, entered = Background(), threading.Event()
    over: list[bool] = []

    def work() -> None:
        entered.set()
        while not background._is_closed:
            pass
        over.append(True)

    thread = threading.Thread(target=background.do, args=(work,))
    thread.start()
    entered.wait()
    background.wait()
    assert over
    thread.join()


def test_a_child_does_not_wait_for_threads_it_does_not_have() -> None:
    background, entered, leave = Background(), threading.Event(), threading.Event()

    def work() -> None:
        entered.set()
        leave.wait()

    thread = threading.Thread(target=background.do, args=(work,))
    thread.start()
    entered.wait()
    background.forget_threads()
    assert not background.close()
    leave.set()
    thread.join()


def stopping() -> Guest:
    """A guest of its own, of opcodes that stop."""
    rows = [Opcode(code, f"stop-{code}", lambda core: core.halt()) for code in range(256)]
    code, stack = Space("code", 1 << 16, code=True), Stack("none", 256)
    return Guest("stopping", tuple(rows), (code,), (stack,), pc_bits=16)


def test_handlers_are_made_meanwhile() -> None:
    guest = stopping()
    assert not handlers_are_ready(guest, None)
    make_handlers(guest, None)
    guest.making[0].join()
    assert guest.handlers is not None
    assert handlers_are_ready(guest, None)


def test_who_needs_handlers_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("refused")

    monkeypatch.setattr(making, "make_unit", refused)
    guest = stopping()
    assert not handlers_are_ready(guest, None)
    make_handlers(guest, None)
    guest.making[0].join()
    assert handlers_are_ready(guest, None)
    with pytest.raises(RuntimeError, match="refused"):
        handlers_for(guest, None)


def test_work_that_is_abandoned_stops_between_two_steps() -> None:
    background, steps = Background(), 0

    def work() -> None:
        nonlocal steps
        while True:
            steps += 1
            background.step()

    thread = threading.Thread(target=background.do, args=(work,), daemon=True)
    thread.start()
    until(lambda: steps > 2)
    background.abandon()
    until(lambda: "never" in sys._current_frames()[cast(int, thread.ident)].f_locals)
    before = steps
    assert background.close(), "it counts as under way"
    background.forget_threads()
    background.step()  # as in a child, which goes on with the work
    assert steps == before
