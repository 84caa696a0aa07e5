"""Full compilation: each region a second time, when there is nothing else to do.

The guest waits for a region's first compilation, so that one is quick. Once no new region has come
for a while, the region that is left most often is compiled again, with more passes and a larger
limit, then the next. When all are done, the regions are kept for the program's next run.
"""

from __future__ import annotations

import time

from jitvm.engine.host.threads import started
from jitvm.engine.host.unpatched import allocate_lock, sleep
from jitvm.engine.jit.maker import Refused
from jitvm.engine.jit.thread import compile_thread, of_living

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.jit.compiled import Compiled, Installed
    from jitvm.engine.jit.maker import RegionMaker
    from jitvm.engine.jit.regions import Regions
    from jitvm.engine.jit.thread import Job
    from jitvm.engine.region.world import World
    from jitvm.engine.tables.reasons import Reason


class Full:
    """The full compilations of one machine.

    Args:
        regions: what is installed.
        maker: what compiles.
        wake: called from other threads to have the guest come back.

    Attributes:
        last_change: when the last new region came, by `time.monotonic`.
    """

    def __init__(self, regions: Regions, maker: RegionMaker, wake: Callable[[], None]) -> None:
        self.last_change = 0.0
        self._regions = regions
        self._maker = maker
        self._wake = wake
        self._busy = False
        self._done: list[tuple[Installed, Compiled | None]] = []
        self._lock = allocate_lock()

    def forget_threads(self) -> None:
        """In a child made by `fork`: nothing is being made, and nobody waits to come back."""
        self._lock = allocate_lock()
        self._busy = bool(self._done)

    def next(self) -> bool:
        """When things are quiet, begin with what needs it most; on the guest's thread.

        Returns whether all that there is has been made so.
        """
        if not self._maker.compiles_twice or self._busy:
            return False
        quick = self._first()
        if quick is None:
            return True
        self._busy = True
        if time.monotonic() - self.last_change < self._quiet:
            if not started(self._wait):
                self._busy = False  # it is looked at again with the next region
        else:
            compile_thread().submit(self._job(quick))
        return False

    def finish(
        self, install: Callable[[Compiled], Reason | None], may_go_on: Callable[[], bool]
    ) -> None:
        """Make all so that there are, one after the other, where no guest runs any more.

        Args:
            install: what installs one.
            may_go_on: asked before each.
        """
        self.install_done(install)
        while may_go_on() and (quick := self._first()) is not None:
            self._job(quick)()
            self.install_done(install)

    @property
    def is_unfinished(self) -> bool:
        """Whether there are regions that have not been made so."""
        return self._maker.compiles_twice and self._first() is not None

    def _first(self) -> Installed | None:
        """What needs it most."""
        todo = [each for each in self._regions.values() if not each.is_full]
        return max(todo, key=self._need, default=None)

    def _job(self, quick: Installed) -> Job:
        # Where it was cut off another region goes on. Cut elsewhere, it would leave for the
        # middle of that one, which cannot be entered there.
        cuts = quick.compiled.region.cuts
        links = frozenset(cut for cut in cuts if cut in self._regions)
        return of_living(self._compile, quick, self._regions.world(), links)

    def _need(self, installed: Installed) -> int:
        """How often a region was left; of those never left the oldest counts most."""
        return sum(self._regions.times_left(installed)) or -installed.number

    @property
    def _quiet(self) -> float:
        """Seconds without a new region before regions are made again."""
        return self._maker.params.quiet / 1000

    def _wait(self) -> None:
        """On a thread of its own: come back later."""
        sleep(self._quiet)
        self._busy = False
        self._wake()

    def _compile(self, quick: Installed, world: World, links: frozenset[int]) -> None:
        """On the compile thread."""
        compiled = None
        try:
            compiled = self._maker.compile(quick.start, world, links=links)
        except Refused:
            pass  # what there is stays
        except Exception as error:
            self._regions.statistics.failed(error)
        with self._lock:
            self._done.append((quick, compiled))
        self._wake()

    def install_done(self, install: Callable[[Compiled], Reason | None]) -> None:
        """Put what was made in the place of what it was made from; on the guest's thread."""
        with self._lock:
            done, self._done = self._done, []
        for quick, compiled in done:
            self._busy = False
            quick.is_full = True
            if compiled is None or self._regions.get(quick.start) is not quick:
                continue
            if install(compiled) is None:
                self._regions[quick.start].is_full = True
