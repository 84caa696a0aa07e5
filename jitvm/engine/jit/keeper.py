"""Keeping a machine's regions between runs of its program: when to load, install and save them.

The format of what is kept is in `jitvm.engine.jit.kept`. Most programs end before the JIT goes
quiet, so regions are also saved when the process exits; with those that were made and not installed
any more, or processes that end sooner than LLVM is there would make them again and again.
"""

from __future__ import annotations

from weakref import WeakSet

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.process import ModuleLock
from jitvm.engine.jit.compiled import Start
from jitvm.engine.jit.kept import Kept, ports_of
from jitvm.engine.jit.thread import compile_thread

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.jit.compiled import Compiled
    from jitvm.engine.jit.maker import RegionMaker
    from jitvm.engine.jit.planner import Planner
    from jitvm.engine.jit.regions import Regions
    from jitvm.engine.jit.shelf import Shelf
    from jitvm.engine.tables.reasons import Reason

_living: WeakSet[Keeper] = WeakSet()
_living_lock = ModuleLock()


@BACKGROUND.before_end
def put_all_on_shelves() -> None:
    """When the process ends; machines may be made on other threads meanwhile."""
    with _living_lock:
        keepers = list(_living)
    for keeper in keepers:
        keeper.put()


class Keeper:
    """Brings one machine's regions to their shelf and back.

    Args:
        regions: what is installed.
        planner: what is known of the program.
        maker: what compiles.
        shelf: where they are kept; None keeps none.
        waiting: tells what is made and not yet installed.
    """

    def __init__(
        self,
        regions: Regions,
        planner: Planner,
        maker: RegionMaker,
        shelf: Shelf | None,
        waiting: Callable[[], list[Compiled]] = list,
    ) -> None:
        self._regions = regions
        self._planner = planner
        self._maker = maker
        self._shelf = shelf if self._may_keep() else None
        self._waiting = waiting
        self._fetched: Kept | None = None
        self._put = 0
        if self._shelf is not None:
            with _living_lock:
                _living.add(self)

    def _may_keep(self) -> bool:
        """Whether regions of another run are as good as those made here."""
        params = self._maker.params
        return bool(params.keep and params.background and not self._maker.is_dumping) and not (
            params.keep_text or params.verify
        )

    def fetch(self, *, charging: bool) -> bool:
        """Look for what an earlier run of the program has kept; from any thread.

        Regions that charge are kept beside those that do not.
        """
        if self._shelf is not None:
            self._fetched = self._shelf.load(self._maker.params, charging=charging)
        return self._fetched is not None

    def install(self, install: Callable[[Compiled], Reason | None]) -> None:
        """Install what `fetch` has found, if it still fits; on the guest's thread."""
        regions, kept = self._regions, self._fetched
        self._fetched = None
        if kept is None or kept.charging != regions.is_charging or kept.ports != self._ports():
            return
        planner = self._planner
        planner.learned = kept.learned
        self._maker.next_exit, self._maker.next_counter = kept.next_exit, kept.next_counter
        for start in kept.no_headroom:
            planner.starts[start] = Start(headroom=planner.no_headroom)
        for compiled, is_full in kept.regions:
            compiled.epoch = regions.epoch
            planner.about(compiled.region.start)
            if install(compiled) is None:
                regions[compiled.region.start].is_full = is_full
                regions.statistics.kept += 1
        self._put = regions.statistics.installed

    def put_soon(self) -> None:
        """Have the compile thread keep the regions, if there are new ones."""
        if self._has_new():
            compile_thread().submit(self.put)

    def _has_new(self) -> bool:
        return self._shelf is not None and self._put != self._regions.statistics.installed

    def put(self) -> None:
        """Keep the regions for later runs, if there are new ones."""
        regions = {
            each.start: (each.compiled, each.is_full) for each in list(self._regions.values())
        }
        waiting = [each for each in self._waiting() if each.epoch == self._regions.epoch]
        if self._shelf is None or not (waiting or (regions and self._has_new())):
            return
        regions.update({each.region.start: (each, False) for each in waiting})
        self._put = self._regions.statistics.installed
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
        )
        self._shelf.store(self._maker.params, kept)

    def _ports(self) -> list[list[int]]:
        ports = self._regions.state.ports
        return ports_of(ports.readers, ports.writers, ports.collected, ports.quiet)
