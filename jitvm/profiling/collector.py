"""Collects data on one machine: events, counters, time, and samples of where it is.

    events       what the JIT does                          all of them
    counters     instructions (exact mode), exits           exact
    spots        what the processor runs: see `spotter`     every 4 ms of processor time
    stops        the guest's program counter and who has    every 20 ms in which the guest's
                 called it: native code comes back          thread used its processor
                 briefly, at its next loop or region
    host time    calls of Python devices: see `hosttime`    every call, or in turns; some timed
    entries      when the guest ran: see `entries`          all of them

The spotter gives time by state. A stop costs some microseconds and gives the guest's address, which
native code does not keep where a signal handler could find it, and its call stack. Interpreted
addresses are counted only at stops before which the spotter saw the interpreter at work. If there
is no spotter (another operating system, another profile at the same time), stops provide both.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from jitvm.engine.machine.inspect import Inspector, Machine, Tier
from jitvm.engine.tables import events
from jitvm.profiling.entries import Entries
from jitvm.profiling.hosttime import HostTime
from jitvm.profiling.listening import listening
from jitvm.profiling.regions import Regions, Watched
from jitvm.profiling.spotter import Spotter
from jitvm.profiling.stacks import Spot, Stacks

SPOT_INTERVAL = 0.002
"""Seconds of processor time between spots; most kernels make it 4 ms."""
STOP_INTERVAL = 0.02
"""Seconds between stops."""
MOST_EVENTS = 100_000
"""Events that are kept; counts go on."""


class Mode(StrEnum):
    """How much a profile asks of the machine."""

    SAMPLED = "sampled"
    """Nothing costly is counted; instructions are, if there was no time for a sample."""
    EXACT = "exact"
    """Every instruction is counted, interpreted or native; slower by a part."""
    OPCODES = "opcodes"
    """Every instruction is counted by opcode; nothing is native."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The machine's counters and memory at one moment; counts are since the profile began.

    `executed` and `native` are None where nobody counts. `code_map` is as `Inspector.code_map` has
    it; `modified` are addresses of instructions that the guest was seen to overwrite.
    """

    executed: int | None
    native: int | None
    histogram: list[int]
    memory: bytes
    code_map: bytes
    modified: frozenset[int]


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, the second of the profile it came in, and whether the guest waited for it."""

    at: float
    event: events.Event
    on_guest_thread: bool


class Collector:
    """Watches a machine between `start` and `stop`.

    Args:
        machine: not running yet, or stopped.
        mode: what is counted.
        sampling: whether to spot and stop at all.
    """

    def __init__(self, machine: Machine, mode: Mode, *, sampling: bool = True) -> None:
        self.machine = machine
        self.look = Inspector(machine)
        self.mode = mode
        self.regions = Regions()
        is_exact = mode is not Mode.SAMPLED
        self.host = HostTime(machine, exact=is_exact or not sampling, timed=is_exact)
        self.entries = Entries(machine)
        self.happened: deque[Happened] = deque(maxlen=MOST_EVENTS)
        self.aborts: Counter[tuple[str, int]] = Counter()
        self.kinds: Counter[str] = Counter()
        self.recorded = 0
        self.compiled_on_guest_thread = 0.0
        self.interpreted_at: Counter[int] = Counter()
        self.spots: Counter[Spot] = Counter()
        self.elsewhere: Counter[int] = Counter()
        self.stops: Counter[Spot] = Counter()
        self.stacks = Stacks(machine)
        self.memory_before = b""
        self.histogram_before: list[int] = []
        self.executed_before = self.native_before = 0
        self.seconds = self.cpu_seconds = 0.0
        self._sampling = sampling
        self._began = 0.0
        self._cpu_began: float | None = None
        self._thread = threading.current_thread()
        self._spotter: Spotter | None = None
        self._ended = threading.Event()
        self._pacer: threading.Thread | None = None
        self._asked = self._asked_where = False
        self._attached = ExitStack()
        self._counted_before = self._counted_interpreted_before = False
        self._lock = threading.Lock()
        self._last: Reading | None = None

    # -- from and to -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; on the thread that will run the machine, if that is known."""
        machine = self.machine
        self._counted_before = machine.counting
        self._counted_interpreted_before = machine.counting_interpreted
        if self.mode is Mode.EXACT:
            machine.counting = True
        elif self.mode is Mode.OPCODES:
            machine.profiling = True
        elif self._sampling:
            machine.counting_interpreted = True  # for runs that end before the first sample
        self.executed_before = machine.executed
        self.native_before = self.look.native_executed
        self.histogram_before = machine.histogram()
        self.memory_before = bytes(machine.memory)
        self.regions.begin(self.look)
        self.host.attach()
        self.entries.attach()
        self._attached.enter_context(listening(machine, self._on_event))
        self._thread = threading.current_thread()
        if self._sampling and self.look.has_native_code:
            self._start_sampling()
        self._cpu_began = self._cpu()
        self._began = time.perf_counter()

    def _start_sampling(self) -> None:
        machine = self.machine
        if machine.tier is not Tier.IR:
            self._spotter = Spotter(self.look.mode_word, SPOT_INTERVAL)
            if not self._spotter.start(self._thread):
                self._spotter = None
        self.stacks.begin()
        machine.on_stop(self._on_stop)
        self._pacer = threading.Thread(target=self._pace, name="jitvm-profile", daemon=True)
        self._pacer.start()

    def stop(self) -> None:
        """End; counts stay as they are."""
        machine = self.machine
        self.seconds = self.now
        self._settle_cpu()
        self._ended.set()
        if self._pacer is not None:
            self._pacer.join()
            machine.on_stop(None)
        if self._spotter is not None:
            self._spotter.stop()
            self._take_spots()
        self.regions.update(self.look)
        self._last = self._read()
        self._attached.close()
        self.entries.detach()
        self.host.detach()

    def restore_mode(self) -> None:
        """Have the machine count no more than before; when all counts have been read."""
        if self.mode is Mode.OPCODES:
            self.machine.profiling = False
        if self.machine.counting is not self._counted_before:
            self.machine.counting = self._counted_before
        self.machine.counting_interpreted = self._counted_interpreted_before

    # -- clocks and counters -----------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended."""
        return bool(self._began) and not self._ended.is_set()

    @property
    def has_spotter(self) -> bool:
        """Whether time by state is known."""
        return self._spotter is not None

    @property
    def now(self) -> float:
        """Seconds since it began, or all of them once it has ended."""
        return self.seconds if self._ended.is_set() else time.perf_counter() - self._began

    @property
    def began(self) -> float:
        """When it began, as `perf_counter` has it."""
        return self._began

    @property
    def cpu_now(self) -> float:
        """Seconds of processor time that the guest's thread has used."""
        if self._ended.is_set() or self._cpu_began is None:
            return self.cpu_seconds
        return self.cpu_seconds + (self._cpu() or self._cpu_began) - self._cpu_began

    @property
    def executed(self) -> int | None:
        """Instructions since the beginning; None where nobody counts."""
        return self._executed() if self._last is None else self._last.executed

    @property
    def native(self) -> int | None:
        """Those that regions have executed."""
        return self._native() if self._last is None else self._last.native

    @property
    def interpreted(self) -> int:
        """Instructions that were counted: all, or while sampling those outside of regions, until
        the first sample of guest code."""
        return self.machine.executed_now - self.executed_before

    def reading(self) -> Reading:
        """Counters and memory as they are now, or as they were at the end."""
        return self._last or self._read()

    def _read(self) -> Reading:
        machine = self.machine
        return Reading(
            self._executed(),
            self._native(),
            [
                now - before
                for now, before in zip(machine.histogram(), self.histogram_before, strict=True)
            ],
            bytes(machine.memory),
            self.look.code_map,
            self.look.variables,
        )

    def _executed(self) -> int | None:
        return self.interpreted if self._counts_all() or self.was_short else None

    def _native(self) -> int | None:
        if not self._counts_all():
            return 0 if self.was_short else None
        return self.look.native_executed - self.native_before if self.look.has_jit else 0

    def _counts_all(self) -> bool:
        return self.mode is not Mode.SAMPLED or self._counted_before

    @property
    def was_short(self) -> bool:
        """Whether it ended before the first sample of guest code and had no region: then all that
        was executed was interpreted, and that is counted."""
        if self._counts_all() or not self._sampling or not self._ended.is_set():
            return False
        return not self._has_guest_samples() and not self.watched()

    def _has_guest_samples(self) -> bool:
        samples = self.spots if self.has_spotter else self.stops
        return samples.total() > samples[Spot.ELSEWHERE]

    def _cpu(self) -> float | None:
        ident = self._thread.ident
        if ident is None or not self._thread.is_alive():
            return None
        return time.clock_gettime(time.pthread_getcpuclockid(ident))

    def _settle_cpu(self) -> None:
        cpu = self._cpu()
        if cpu is not None and self._cpu_began is not None:
            self.cpu_seconds += cpu - self._cpu_began
        self._cpu_began = cpu

    # -- events ------------------------------------------------------------------------------

    def _on_event(self, event: events.Event) -> None:
        here = threading.get_ident() == self._thread.ident
        self.happened.append(Happened(self.now, event, here))
        self.kinds[event.kind] += 1
        if isinstance(event, events.Installed):
            self._take_spots()
            self.regions.installed(self.look, event.address)
        elif isinstance(event, events.Removed):
            self._take_spots()
            self.regions.removed(self.look, event.number)
        elif isinstance(event, events.Compiled) and here:
            self.compiled_on_guest_thread += event.took
        elif isinstance(event, events.Recorded):
            self.recorded += event.instructions
        elif isinstance(event, events.Refused):
            self.aborts[event.reason, event.address] += 1
        elif isinstance(event, events.Overwritten):
            self.aborts["OVERWRITTEN", event.address] += 1

    # -- spots -------------------------------------------------------------------------------

    def _take_spots(self) -> dict[Spot, int]:
        """Sort what the spotter has; how many of it were where."""
        seen: dict[Spot, int] = {}
        if self._spotter is None:
            return seen
        interpreter, record = self.look.interpreter, self.look.recording
        with self._lock:
            for pointer, table in self._spotter.take():
                region = self.regions.at(pointer)
                if region is not None:
                    region.samples += 1
                    spot = Spot.NATIVE
                elif any(pointer in piece for piece in interpreter):
                    spot = Spot.RECORDING if table == record else Spot.INTERPRETING
                else:
                    spot = Spot.ELSEWHERE
                    self.elsewhere[pointer] += 1
                seen[spot] = seen.get(spot, 0) + 1
            for spot, count in seen.items():
                self.spots[spot] += count
            if seen:
                self.stacks.worked(self.now, STOP_INTERVAL, seen)
        return seen

    # -- stops -------------------------------------------------------------------------------

    def _pace(self) -> None:
        """On a thread of its own: have the guest tell where it is."""
        quiet = 0
        while not self._ended.wait(STOP_INTERVAL):
            seen = self._take_spots()
            if self._spotter is None:
                self.stacks.worked(self.now, STOP_INTERVAL, {})
            is_idle = self._spotter is not None and not seen
            quiet = quiet + 1 if is_idle else 0
            is_interpreting = Spot.INTERPRETING in seen or Spot.RECORDING in seen
            if is_interpreting or self._spotter is None or quiet % 10 == 1:
                self._asked_where = True
            if not is_idle or self._asked_where:
                self._asked = True
                self.machine.wake()

    def _on_stop(self, pc: int) -> None:
        """On the guest's thread: native code has come back at an address."""
        if not self._asked:
            return
        where, self._asked, self._asked_where = self._asked_where, False, False
        self.host.turn()
        thread = threading.current_thread()
        if thread is not self._thread:
            self._follow(thread)
        region = self.regions.polled(self.look, pc)
        self.stacks.sample(self.now, pc, region)
        if region is None and not where:
            pass  # native code on its way from one region to the next
        elif region is None:
            self.interpreted_at[pc] += 1
            self.stops[Spot.INTERPRETING] += 1
        else:
            self.stops[Spot.NATIVE] += 1
            if self._spotter is None:
                region.samples += 1
        if self._has_guest_samples():
            self.machine.counting_interpreted = self._counted_interpreted_before

    def _follow(self, thread: threading.Thread) -> None:
        """The guest runs on another thread now."""
        self._settle_cpu()
        self._thread = thread
        self._cpu_began = self._cpu()
        if self._spotter is not None:
            self._spotter.stop()
            self._spotter.start(thread)

    def watched(self) -> list[Watched]:
        """All regions with their counts as they are now."""
        return self.regions.update(None if self._ended.is_set() else self.look)
