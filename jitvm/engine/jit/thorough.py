"""The second, thorough compilation: region after region, when nothing else is to be done.

The guest waits for a region's first compilation, so that is fast. Once no new region has come for
a while, the one that is left most often is compiled again with more passes and a larger limit,
then the next. When all are done, the regions are kept for the program's next run.
"""

from __future__ import annotations

import threading
import time
from functools import partial

from jitvm.engine.host.threads import started
from jitvm.engine.jit.compiler import compile_thread
from jitvm.engine.jit.maker import Refused

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.jit.jit import Jit
    from jitvm.engine.jit.regions import Compiled, Installed
    from jitvm.engine.region.core import World

QUIET = 0.25
"""Seconds without a new region before regions are made again."""


class Polisher:
    """Compiles one machine's regions again.

    Attributes:
        last_change: when the last new region came, by `time.monotonic`.
    """

    def __init__(self, jit: Jit) -> None:
        self.last_change = 0.0
        self._jit = jit
        self._busy = False
        self._done: list[tuple[Installed, Compiled | None]] = []
        self._lock = threading.Lock()

    def forget_threads(self) -> None:
        """In a child made by `fork`: nothing is being made, and nobody waits to come back."""
        self._lock = threading.Lock()
        self._busy = bool(self._done)

    def next(self) -> None:
        """When things are quiet, begin with what needs it most; on the guest's thread."""
        jit = self._jit
        if not jit.maker.is_hurried or self._busy:
            return
        todo = [each for each in jit.regions.values() if not each.polished]
        rough = max(todo, key=self._need, default=None)
        if rough is None:
            jit.keeper.put_soon()
            return
        self._busy = True
        if time.monotonic() - self.last_change < QUIET:
            if not started(self._wait):
                self._busy = False  # it is looked at again with the next region
        else:
            # Where it was cut off another region goes on. Cut elsewhere, it would leave for the
            # middle of that one, which cannot be entered there.
            cuts = rough.compiled.region.cuts
            links = frozenset(cut for cut in cuts if cut in jit.regions)
            compile_thread().submit(partial(self._compile, rough, jit.world(), links))

    def _need(self, installed: Installed) -> int:
        """How often a region was left; of those never left the oldest counts most."""
        return sum(self._jit.times_left(installed)) or -installed.number

    def _wait(self) -> None:
        """On a thread of its own: come back later."""
        time.sleep(QUIET)
        self._busy = False
        self._jit.wake()

    def _compile(self, rough: Installed, world: World, links: frozenset[int]) -> None:
        """On the compile thread."""
        compiled = None
        try:
            compiled = self._jit.maker.compile(rough.start, world, links=links)
        except Refused:
            pass  # what there is stays
        except Exception as error:
            self._jit.statistics.failed(error)
        with self._lock:
            self._done.append((rough, compiled))
        self._jit.wake()

    def install_done(self) -> None:
        """Put what was made in the place of what it was made from; on the guest's thread."""
        with self._lock:
            done, self._done = self._done, []
        regions = self._jit.regions
        for rough, compiled in done:
            self._busy = False
            rough.polished = True
            if compiled is None or regions.get(rough.start) is not rough:
                continue
            if self._jit.install(compiled) is None:
                regions[rough.start].polished = True
