"""Keeping a machine's regions between runs of its program: when to load, install and save them.

The format of what is kept is in `jitvm.engine.jit.kept`. Most programs end before the JIT goes
quiet, so regions are also saved when the process exits; with those that were made and not installed
any more, or processes that end sooner than LLVM is there would make them again and again.

What is being compiled when a command ends is finished by a child of its process
(`jitvm.engine.host.apart`), for the next run, and full compilations that were not due yet: one
child at a time does these, for all who share the code cache.

A program may put its code together before it runs it. So regions that do not fit when they are
loaded are put aside, and installed when control gets to where one of them starts and they fit then.
"""

from __future__ import annotations

from time import process_time

from jitvm.engine.host.apart import do_nothing_urgent
from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.process import ModuleLock
from jitvm.engine.jit.codetable import MOST
from jitvm.engine.jit.compiled import Start
from jitvm.engine.jit.imagewriter import Settings
from jitvm.engine.jit.kept import Kept
from jitvm.engine.jit.thread import compile_thread
from jitvm.guest.light import WeakSet

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from jitvm.engine.host.background import Unfinished
    from jitvm.engine.jit.compiled import Compiled
    from jitvm.engine.jit.maker import RegionMaker
    from jitvm.engine.jit.planner import Planner
    from jitvm.engine.jit.regions import Regions
    from jitvm.engine.jit.shelf import Shelf
    from jitvm.engine.tables.reasons import Reason

    class Rest(Protocol):
        """What is left to compile when a program ends."""

        @property
        def is_left(self) -> bool:
            """Whether there is anything."""

        def finish_quick(self) -> None:
            """Do what the program was waiting for; where nothing runs it any more."""

        def finish_full(self, may_go_on: Callable[[], bool]) -> None:
            """Do what comes afterwards."""


_living: WeakSet[Keeper] = WeakSet()
_living_lock = ModuleLock()


@BACKGROUND.before_end
def put_all_on_shelves() -> None:
    """When the process ends; machines may be made on other threads meanwhile."""
    with _living_lock:
        keepers = list(_living)
    for keeper in keepers:
        keeper.put()


@BACKGROUND.at_leisure
def unfinished() -> list[Unfinished]:
    """When a command has ended: what its machines have begun.

    The child that finishes it also puts away what is done. That takes as long as many a program
    runs, so it is done here only if there is no child.
    """
    with _living_lock:
        return [keeper for keeper in _living if keeper.is_unfinished]


class Keeper:
    """Brings one machine's regions to their shelf and back.

    Args:
        regions: what is installed.
        planner: what is known of the program.
        maker: what compiles.
        shelf: where they are kept; None keeps none.
        waiting: tells what is made and not yet installed.
        rest: what is left to compile.

    Attributes:
        aside: regions that an earlier run has kept and that have not fitted so far, by their
            starts; each with whether its full compilation is done.
        is_left: whether another process keeps what is to be kept.
    """

    def __init__(
        self,
        regions: Regions,
        planner: Planner,
        maker: RegionMaker,
        shelf: Shelf | None,
        waiting: Callable[[], list[Compiled]] = list,
        rest: Rest | None = None,
    ) -> None:
        self._regions = regions
        self._planner = planner
        self._maker = maker
        self._shelf = shelf if self._may_keep() else None
        self._waiting = waiting
        self._rest = rest
        self.aside: dict[int, tuple[Compiled, bool]] = {}
        self._made_for: list[list[int]] = []
        self._fetched: Kept | None = None
        self._put = self._put_failures = 0
        self._is_unknown = self.is_left = False
        if self._shelf is not None:
            with _living_lock:
                _living.add(self)

    def _may_keep(self) -> bool:
        """Whether regions of another run are as good as those made here."""
        params = self._maker.params
        return bool(params.keep and params.background and not self._maker.is_dumping) and not (
            params.keep_text or params.verify
        )

    def keep_no_more(self) -> None:
        """Have regions that are made from now on end with this run."""
        self._shelf = None

    def fetch(self, *, charging: bool) -> bool:
        """Look for what an earlier run of the program has kept; from any thread.

        Regions that charge are kept beside those that do not.
        """
        if self._shelf is not None:
            self._fetched = self._shelf.load(self._maker.params, charging=charging)
            self._is_unknown = self._fetched is None
        return self._fetched is not None

    def install(self, install: Callable[[Compiled], Reason | None]) -> None:
        """Install what `fetch` has found, if it fits; on the guest's thread."""
        kept, self._fetched = self._fetched, None
        if kept is None or kept.charging != self._regions.is_charging:
            return
        planner = self._planner
        planner.learned = kept.learned
        self._maker.next_exit, self._maker.next_counter = kept.next_exit, kept.next_counter
        for start in kept.no_headroom:
            planner.starts[start] = Start(headroom=planner.no_headroom)
        for at, failures in kept.failures.items():
            planner.about(at).failures = failures
        self._put_failures = self._failures()
        self._made_for = kept.ports
        self.aside = {each[0].region.start: each for each in kept.regions}
        self.install_fitting(install)

    def install_fitting(self, install: Callable[[Compiled], Reason | None]) -> None:
        """Install those put aside that fit by now; on the guest's thread."""
        regions = self._regions
        if not self.aside or self._made_for != self._ports():
            return
        had_new = self._has_new()
        for start, (compiled, is_full) in list(self.aside.items()):
            if regions.code_map.conflicts(compiled.region.assumptions, regions.memory):
                continue
            del self.aside[start]
            if start in regions:
                continue
            compiled.epoch = regions.epoch
            self._planner.about(start)
            if install(compiled) is None:
                regions[start].is_full = is_full
                regions.statistics.kept += 1
        if not had_new:
            self._put = regions.statistics.installed

    def put_soon(self) -> None:
        """Have the compile thread keep the regions, if there are new ones."""
        if self._has_new():
            compile_thread().submit(self.put)

    def _has_new(self) -> bool:
        if self._shelf is None:
            return False
        return self._put != self._regions.statistics.installed or self._has_failed()

    def _has_failed(self) -> bool:
        """Whether more was hot in vain than is known to the next run, which would try it again."""
        return len(self._regions) > 0 and self._failures() > self._put_failures

    def _failures(self) -> int:
        return sum(about.failures for about in list(self._planner.starts.values()))

    def put(self, *, is_last: bool = True) -> None:
        """Keep the regions for later runs, if there are new ones.

        Args:
            is_last: whether nothing is kept later. Then even none is: a program that has run for
                long enough to get a JIT gets it with its first instruction the next time.
        """
        regions = {
            each.start: (each.compiled, each.is_full) for each in list(self._regions.values())
        }
        waiting = [each for each in self._waiting() if each.epoch == self._regions.epoch]
        is_worth_it = waiting or (regions and self._has_new()) or (is_last and self._is_unknown)
        if self._shelf is None or self.is_left or not is_worth_it:
            return
        self._is_unknown = False
        regions.update({each.region.start: (each, False) for each in waiting})
        aside = dict(list(self.aside.items())[: len(regions)])  # or they would only grow
        aside = {start: each for start, each in aside.items() if start not in regions}
        regions.update(aside)
        self._put = self._regions.statistics.installed
        self._put_failures = self._failures()
        planner = self._planner
        kept = Kept(
            regions=list(regions.values()),
            learned=planner.learned,
            ports=self._ports(),
            charging=self._regions.is_charging,
            next_exit=self._maker.next_exit,
            next_counter=self._maker.next_counter,
            no_headroom=[
                at
                for at, about in list(planner.starts.items())
                if about.headroom == planner.no_headroom
            ],
            failures={
                at: about.failures for at, about in list(planner.starts.items()) if about.failures
            },
        )
        self._shelf.store(self._maker.params, kept, self._settings(kept, aside))

    def _settings(self, kept: Kept, aside: Iterable[int]) -> Settings:
        """What the image of regions says beside them."""
        params, maker = self._maker.params, self._maker
        is_done = not maker.compiles_twice or all(is_full for _, is_full in kept.regions)
        armed = {
            at: min(MOST, params.hot * params.cooldown ** min(failures, params.cooldowns))
            for at, failures in kept.failures.items()
        }
        return Settings(
            charging=kept.charging,
            hot=params.hot,
            patience=params.exit_hot,
            milliseconds=0 if is_done else params.finish,
            armed=armed,
            inner=dict(self._regions.inner),
            aside=frozenset(aside),
        )

    # -- behind the run ----------------------------------------------------------------------

    @property
    def seconds_to_finish(self) -> float:
        """Processor time that may be spent on what is left when the program has ended."""
        return self._maker.params.finish / 1000

    @property
    def is_unfinished(self) -> bool:
        """Whether something is left that may be finished, or should at least be known."""
        if self._rest is None or self._shelf is None or not self.seconds_to_finish:
            return False
        return self._rest.is_left or self._is_unknown

    def begin_work(self) -> int | None:
        """Say that what is left is being finished: a descriptor, or None if another process is
        finishing what an earlier run has left."""
        if self._shelf is None:
            return None
        return self._shelf.begin_work(self._maker.params, charging=self._regions.is_charging)

    def finish(self) -> None:
        """Finish what is left, in a process of its own."""
        if self._rest is None or self._shelf is None or not self._shelf.cache.pin():
            return
        end = process_time() + self.seconds_to_finish
        self._rest.finish_quick()
        self.put()
        do_nothing_urgent()
        if self._shelf.cache.is_only_one():
            self._rest.finish_full(lambda: process_time() < end)
            self.put()

    def finish_here(self) -> None:
        """Finish all that is left, however long it takes; no other thread compiles meanwhile."""
        if self._rest is not None:
            self._rest.finish_quick()
            self._rest.finish_full(lambda: True)
            self.put()

    def _ports(self) -> list[list[int]]:
        return self._regions.state.ports.connected()
