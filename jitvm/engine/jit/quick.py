"""Quick compilation: a region's first, while the guest waits for it.

    begin --job--> the compile thread: window -> start -> region, then its followers
    take  <------- finished regions, to the guest's thread, which installs them

What is not done when the program ends can be done afterwards, in a child of its process: `finish`.

A region's followers are the places it often leaves for. They are compiled with it, so nobody has to
find them hot first.
"""

from __future__ import annotations

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.process import IMPORTS
from jitvm.engine.host.unpatched import allocate_lock
from jitvm.engine.jit.compiled import Compiled
from jitvm.engine.jit.maker import Refused
from jitvm.engine.jit.thread import compile_thread, of_living
from jitvm.engine.tables.reasons import Reason
from jitvm.engine.tables.struct import Struct
from jitvm.guest.light import partial

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.jit.maker import RegionMaker
    from jitvm.engine.jit.planner import Planner
    from jitvm.engine.jit.thread import Job
    from jitvm.engine.region.window import Window
    from jitvm.engine.region.world import World

    Done = tuple[int, Compiled | None, Reason | None]
    """An address, and what came of it or why nothing did."""


class Recording(Struct, frozen=True):
    """What the guest's thread hands over of a recording; it takes nothing apart.

    Attributes:
        hot: the address whose counter started it.
        raw: what the recording table wrote, eight bytes an instruction.
        before: the code space when it began; when it ended it was that of the `World` with it.
        events: addresses where the host begins to run the guest.
    """

    hot: int
    raw: bytes
    before: bytearray
    events: frozenset[int]


class Quick:
    """The quick compilations of one machine.

    Args:
        planner: what is known of the program.
        maker: what compiles.
        wake: called from the compile thread to have the guest come back.
    """

    def __init__(self, planner: Planner, maker: RegionMaker, wake: Callable[[], None]) -> None:
        self._planner = planner
        self._maker = maker
        self._wake = wake
        self._done: list[Done] = []
        self._lock = allocate_lock()
        self._pending = 0
        self._jobs: list[Job] = []
        self._last: tuple[Recording, World] | None = None
        self.is_alone = False
        """Whether the program has ended, and what it left is finished: no other thread compiles."""

    @property
    def _waits(self) -> bool:
        """Whether jobs are done at once, by whoever has them."""
        return self.is_alone or not self._maker.params.background

    @property
    def is_unfinished(self) -> bool:
        """Whether something was begun and is not done."""
        return bool(self._jobs)

    @property
    def is_busy(self) -> bool:
        """Whether something is being made, or waits to be installed."""
        return self._pending > 0

    def forget_threads(self) -> None:
        """In a child made by `fork`: what was being compiled will not come, what was ready will."""
        self._lock = allocate_lock()
        self._pending = len(self._done)

    def take(self) -> list[Done]:
        """What is done since the last time."""
        with self._lock:
            done, self._done = self._done, []
            self._pending -= len(done)
        return done

    def waiting(self) -> list[Compiled]:
        """What is done and nobody has taken yet; from any thread."""
        with self._lock:
            return [compiled for _, compiled, _ in self._done if compiled is not None]

    # -- begun on the guest's thread ---------------------------------------------------------

    def begin(self, recording: Recording, world: World) -> None:
        """Compile what is best of a recording, and what belongs to it."""
        self._last = recording, world
        self._submit(partial(self._learn_and_compile, recording, world))

    def begin_again(self, start: int, world: World) -> None:
        """Compile a region again, by what is known now."""
        self._submit(partial(self._recompile, start, world))

    def _submit(self, job: Job) -> None:
        with self._lock:
            self._pending += 1
            self._jobs.append(job)
        if self._waits:
            self._work(job)
        else:
            compile_thread().submit(of_living(self._work_next))

    def finish(self, install: Callable[[], None]) -> None:
        """Do what was begun and is not done, then whatever else the last recording shows; alone,
        when the program has ended, so that its memory tells what it has written since.

        Args:
            install: installs what is done.
        """
        with self._lock:  # in a child of the process `forget_threads` took jobs for lost
            self._pending = len(self._done) + len(self._jobs)
        for job in list(self._jobs):
            self._work(job)
        install()
        statistics, made = self._planner.regions.statistics, -1
        while self._last is not None and made < statistics.installed:
            made = statistics.installed
            self._submit(partial(self._compile_again, *self._last))
            install()

    # -- done on the compile thread ----------------------------------------------------------

    def _work_next(self) -> None:
        """Do what was begun first; each job that was begun has this done once."""
        if self._jobs:  # else it was done elsewhere
            self._work(self._jobs[0])

    def _work(self, job: Job) -> None:
        try:
            job()
        finally:
            with self._lock:
                self._jobs.remove(job)

    def _learn_and_compile(self, recording: Recording, world: World) -> None:
        window, world = self._window(recording, world)
        self._compile_window(window, world, learns=True)

    def _compile_again(self, recording: Recording, world: World) -> None:
        """Compile what is best by now of a recording that was learned from before."""
        self._compile_window(*self._window(recording, world), learns=False)

    def _window(self, recording: Recording, world: World) -> tuple[Window, World]:
        with IMPORTS:
            from jitvm.engine.region.window import Window
            from jitvm.engine.region.world import Written

        changed = Written(copies=((recording.before, world.memory),))
        sizes = tuple(stack.size for stack in self._planner.guest.stacks)
        window = Window(
            recording.hot, recording.raw, world.memory, changed, sizes, recording.events
        )
        if self.is_alone:  # by what has become of memory, unless it has other code now
            now = self._planner.regions.memory
            if Written(copies=((world.memory, now),)).isdisjoint([pc for pc, _ in window.decoded]):
                window.changed = changed.and_since(world.memory, now)
        return window, world.but(written=window.changed)

    def _compile_window(self, window: Window, world: World, *, learns: bool) -> None:
        planner, params = self._planner, self._maker.params

        def work() -> Compiled:
            BACKGROUND.step()
            if planner.is_passing(window):
                raise Refused(Reason.PASSING)
            if learns:
                BACKGROUND.step()
                planner.learn(window)
            BACKGROUND.step()
            start = planner.choose(window)
            if start is None:
                raise Refused(Reason.NO_LOOP)
            planner.expect_pointers(start, window)
            return self._compile(start, world)

        first = self._do(window.hot, work)
        if first is None:
            return
        made = {first.region.start}
        new = [first]
        todo = planner.followers(first.region)
        while todo and len(made) <= params.followers:
            start = todo.pop(0)
            if start in made or planner.regions.at(start) is not None:
                continue
            made.add(start)
            links = planner.large() | {
                each.region.start for each in new if planner.is_large(each.region)
            }
            with self._lock:
                self._pending += 1
            planner.expect_pointers(start, window)
            cut = any(start in each.region.cuts for each in new)
            nodes = params.quick if cut else params.follower_nodes
            work = partial(self._maker.compile, start, world, links=links, nodes=nodes)
            compiled = self._do(start, work)
            if compiled is not None:
                new.append(compiled)
                todo += planner.followers(compiled.region)

    def _recompile(self, start: int, world: World) -> None:
        self._do(start, partial(self._compile, start, world))

    def _compile(self, start: int, world: World) -> Compiled:
        """A region as it is first made, if nothing led to it except that it is hot."""
        links, nodes = self._planner.large(), self._maker.params.quick
        return self._maker.compile(start, world, links=links, nodes=nodes)

    def _do(self, pc: int, work: Callable[[], Compiled]) -> Compiled | None:
        """Do the work for an address; whatever goes wrong, the guest goes on interpreting."""
        compiled = None
        try:
            compiled = work()
            self._finish(pc, compiled, None)
        except Refused as refused:
            self._finish(pc, None, refused.reason)
        except Exception as error:
            self._planner.regions.statistics.failed(error)
            self._finish(pc, None, Reason.COMPILER)
        return compiled

    def _finish(self, pc: int, compiled: Compiled | None, reason: Reason | None) -> None:
        """Hand a result over to the guest's thread."""
        with self._lock:
            self._done.append((pc, compiled, reason))
        if not self._waits:
            self._wake()
