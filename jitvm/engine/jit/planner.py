"""What to compile: what is known about a program, and where regions start.

    recording --learn--> edges, opcodes, variables --choose--> the start of a region
                                                  --followers--> the starts that belong to it

Used by the compile thread; the guest's thread reads and writes single entries only, so whatever is
iterated over here is copied first.
"""

from __future__ import annotations

from jitvm.engine.host.notes import note
from jitvm.engine.host.process import IMPORTS
from jitvm.engine.jit.compiled import Start
from jitvm.engine.jit.kept import Learned
from jitvm.engine.region.region import Region
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import DescriptionError
from jitvm.guest.light import Counter

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.jit.regions import Regions
    from jitvm.engine.region.window import Window
    from jitvm.engine.region.world import Headroom
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest


class Planner:
    """Knowledge of one machine's program.

    Args:
        guest: the bytecode.
        params: limits.
        regions: what is installed.

    Attributes:
        no_headroom_from: number of the last region that was installed before an entry failed;
            None: none has. The stack pointers move about, so quick compilations ask for no
            headroom from then on.
    """

    def __init__(self, guest: Guest, params: Parameters, regions: Regions) -> None:
        self.guest = guest
        self.params = params
        self.regions = regions
        self.learned = Learned()
        self.starts: dict[int, Start] = {}
        self.no_headroom_from: int | None = None

    def about(self, start: int) -> Start:
        """What is remembered about an address where regions start."""
        return self.starts.setdefault(start, Start())

    def headroom(self, start: int, *, is_quick: bool) -> Headroom | None:
        """What the entry of a region asks for; None: all it can use."""
        asks_nothing = is_quick and self.no_headroom_from is not None
        return self.no_headroom if asks_nothing else self.about(start).headroom

    @property
    def no_headroom(self) -> Headroom:
        """The headroom of an entry that asks for nothing."""
        return tuple((0, 0) for _ in self.guest.stacks)

    def large(self) -> frozenset[int]:
        """Where regions begin that are not copied into others until these prove to matter."""
        installed = list(self.regions.values())
        return frozenset(each.start for each in installed if self.is_large(each.compiled.region))

    def is_large(self, region: Region) -> bool:
        """Whether calling a region costs little beside what it does; a recursion, which calls
        itself, has to be larger for that."""
        params = self.params
        least = params.link
        if Reason.RECURSION in region.limits:
            least = max(least, params.quick // params.link_part)
        return region.size >= least

    def followers(self, region: Region) -> list[int]:
        """Where control often goes after a region: places it was cut at, and its callers."""
        travel = Counter(region.cuts)
        for pc in region.returns:
            travel.update(self.learned.edges.get(pc, {}))
        visits = sum(followers.get(region.start, 0) for followers in self.learned.edges.values())
        enough = visits // self.params.share
        return [to for to, count in travel.most_common() if count > enough]

    def expect_pointers(self, start: int, window: Window) -> None:
        """Let the entry of a region ask for what the stack pointers were seen to leave there.

        What it needs beyond that is looked at when it is needed, so it can be entered with
        these pointers for sure. Pointers that were seen to move may move further.
        """
        about = self.about(start)
        seen = window.pointers(start)
        if about.headroom is None and seen and len(self.guest.stacks) <= len(seen):
            about.headroom = tuple(
                (max(low - slack, 0), max(stack.size - 1 - high - slack, 0))
                for (low, high), stack in zip(seen, self.guest.stacks, strict=False)
                for slack in (self.params.slack if low < high else 0,)
            )

    def learn(self, window: Window) -> None:
        """Take in what a recording tells."""
        lengths, mask = self.guest.lengths, self.guest.code_space.size - 1
        for (pc, to), count in window.edges(lengths, mask).items():
            self.learned.edges.setdefault(pc, Counter())[to] += count
        for (pc, opcode), count in window.decoded.items():
            self.learned.opcodes.setdefault(pc, Counter())[opcode] += count
        executed = {
            (pc + i) & mask for pc, opcode in window.decoded for i in range(lengths[opcode])
        }
        self.learned.written |= window.changed.among(executed)
        if self.guest.stored is not None:
            operands = executed.difference([pc for pc, _ in window.decoded])
            self.learned.written |= operands & self._stored(window.memory)

    def _stored(self, memory: bytes) -> frozenset[int]:
        """What the guest's hint says; nothing where it fails, as it is only a hint."""
        try:
            with IMPORTS:  # a guest's function may import what it needs, as ours do
                return self.guest.stored_in(memory)
        except DescriptionError as error:
            note(str(error), "it is left out")
            return frozenset()

    def is_passing(self, window: Window) -> bool:
        """Whether a recording shows a program that comes back to next to nothing."""
        mask = self.guest.code_space.size - 1
        return window.is_passing(self.guest.lengths, mask, self.params)

    def choose(self, window: Window) -> int | None:
        """The best start that would give something new.

        A loop inside an installed region of a better one is native already; if all are, what
        is hot is a place that regions are left for, so that is where the next one starts.
        """
        with IMPORTS:
            from jitvm.engine.region.window import starts

        inside: set[int] = set()
        for start in starts(window, self.guest, self.params):
            if start not in inside and self.is_promising(start):
                return start
            installed = self.regions.at(start)
            if installed is not None:
                inside.update(installed.compiled.region.nodes)
        return window.hot if self.is_promising(window.hot) else None

    def is_promising(self, start: int) -> bool:
        """Whether a region that starts here would have something the installed one has not."""
        installed = self.regions.at(start)
        if installed is None:
            return True
        about = self.starts.get(start)
        if about is not None and about.formed > self.params.growth:
            return False
        edges, formed_from = self.learned.edges, installed.compiled.edges
        return any(not seen.issuperset(edges.get(pc, ())) for pc, seen in formed_from.items())
