"""Watching a machine: deadlines, ticks, and signals while native code runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from jitvm.engine.machine import watch
from jitvm.engine.machine.watch import Watch
from tests.clock import HANGS, until


class Sleeper:
    """Stands for a machine: runs until it is interrupted."""

    def __init__(self) -> None:
        self.interrupts = 0
        self._event = threading.Event()

    def interrupt(self) -> None:
        self.interrupts += 1
        self._event.set()

    def run(self, seconds: float = HANGS) -> bool:
        """Whether an interrupt came."""
        interrupted = self._event.wait(seconds)
        self._event.clear()
        return interrupted


def test_a_deadline_interrupts_and_is_told() -> None:
    machine = Sleeper()
    with Watch(machine, seconds=0.05) as watch:
        assert machine.run()
        assert watch.remaining() == 0
        assert watch.stopped()


def test_before_its_deadline_a_watch_has_not_stopped() -> None:
    with Watch(Sleeper(), seconds=HANGS) as watch:
        assert not watch.stopped()


def test_a_deadline_interrupts_again_until_the_block_ends() -> None:
    machine = Sleeper()
    with Watch(machine, seconds=0.01, interval=0.01):
        assert machine.run()
        assert machine.run()
    until(lambda: not machine.run(0.2))  # one may have been on its way


def test_a_watch_without_a_deadline_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is called for each frame would wait for the watcher's thread each time."""
    woken: list[int] = []
    monkeypatch.setattr(watch._watcher(), "_nudge", lambda: woken.append(1))
    with Watch(Sleeper()):
        assert not woken
    with Watch(Sleeper(), seconds=HANGS):
        assert woken


def test_ticks_come_at_a_steady_pace_and_end_with_the_block() -> None:
    ticks: list[float] = []
    begin = time.monotonic()
    with Watch(Sleeper(), tick=lambda: ticks.append(time.monotonic()), interval=0.01):
        until(lambda: len(ticks) >= 10)
    count = len(ticks)
    assert all(tick - begin >= 0.01 * number for number, tick in enumerate(ticks, 1))
    time.sleep(0.05)
    assert len(ticks) <= count + 1


def test_what_a_tick_raises_stops_the_machine_and_comes_out() -> None:
    def tick() -> None:
        raise BrokenPipeError

    machine = Sleeper()
    with Watch(machine, tick=tick, interval=0.01) as watch:
        assert machine.run()
        with pytest.raises(BrokenPipeError):
            watch.stopped()


def test_watches_of_several_threads_are_apart() -> None:
    def watched(seconds: float, patience: float, done: list[bool]) -> None:
        machine = Sleeper()
        with Watch(machine, seconds=seconds) as watch:
            done.append(machine.run(patience) and watch.stopped())

    short: list[bool] = []
    long: list[bool] = []
    threads = [
        threading.Thread(target=watched, args=(0.05, HANGS, short)),
        threading.Thread(target=watched, args=(HANGS, 0.3, long)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (short, long) == ([True], [False])


def test_remaining_time() -> None:
    with Watch(Sleeper(), seconds=1000) as watch:
        remaining = watch.remaining()
        assert remaining is not None
        assert 1000 - HANGS < remaining <= 1000
    with Watch(Sleeper()) as watch:
        assert watch.remaining() is None


def test_a_signal_interrupts_and_a_quiet_handler_is_run() -> None:
    seen: list[int] = []
    machine = Sleeper()
    previous = signal.signal(signal.SIGUSR1, lambda number, _frame: seen.append(number))
    try:
        with Watch(machine):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert machine.run()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert seen == [signal.SIGUSR1]


def test_signals_leave_machines_of_other_threads_alone() -> None:
    results: list[bool] = []
    watched = threading.Event()

    def other() -> None:
        machine = Sleeper()
        with Watch(machine):
            watched.set()
            results.append(machine.run(0.2))

    thread = threading.Thread(target=other)
    previous = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with Watch(Sleeper()):
            thread.start()
            assert watched.wait(HANGS)
            os.kill(os.getpid(), signal.SIGUSR1)
            thread.join()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert results == [False]


def test_the_wakeup_descriptor_is_given_back_and_never_stolen() -> None:
    with Watch(Sleeper()), Watch(Sleeper()):
        assert signal.set_wakeup_fd(-1) != -1
    assert signal.set_wakeup_fd(-1) == -1
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    try:
        with Watch(Sleeper()):
            pass
        assert signal.set_wakeup_fd(-1) == writer
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reader)
        os.close(writer)


def test_a_forked_child_has_a_watcher_of_its_own() -> None:
    code = """
import os, time
from jitvm.engine.machine import watch
from jitvm.engine.machine.watch import Watch
class M:
    stopped = False
    def interrupt(self): self.stopped = True
with Watch(M()): pass
child = os.fork()
m = M()
with Watch(m, seconds=0.05):
    end = time.monotonic() + 30
    while not m.stopped and time.monotonic() < end:
        time.sleep(0.005)
if not child:
    os._exit(0 if m.stopped else 1)
assert m.stopped
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", code], timeout=HANGS, check=True)


def test_ctrl_c_in_native_code_raises_in_the_main_thread() -> None:
    code = """
import os, signal, threading, time
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.machine import watch
from jitvm.engine.machine.watch import Watch
from jitvm.guests.uxn import UXN
from jitvm.guest import Stop
machine = Machine(UXN, tier=Tier.INTERPRETER)
machine.memory[0x100:0x103] = bytes.fromhex("40fffd")
def interrupt():
    while not machine.native.is_native:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    with Watch(machine) as watch:
        while machine.run(0x100) is Stop.INTERRUPT and not watch.stopped():
            pass
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=HANGS, check=True
    )
    assert done.stdout == b"interrupted\n"


def test_ctrl_c_waits_for_native_code_to_come_back() -> None:
    machine = Sleeper()

    def be_interrupted() -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(HANGS)

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Watch(machine) as watch:
            watch.enter_native()
            os.kill(os.getpid(), signal.SIGINT)
            assert machine.run()
            with pytest.raises(KeyboardInterrupt):
                watch.leave_native()
            watch.stopped()  # told once
            with pytest.raises(KeyboardInterrupt):  # outside, at once
                be_interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, previous)
