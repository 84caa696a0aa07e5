"""Regions kept between runs: a program that was hot once is native within milliseconds of its next
start.

What one run compiled is one file of the code cache (`jitvm.engine.memory.cache`), under a key that
names the guest, jitvm's own sources, LLVM, the processor, the parameters, whether regions charge,
and the program's bytes before its first instruction. The file holds the machine code of all
regions, one after another, an image of them (`jitvm.engine.jit.image`), and 32-bit numbers with
what the engine has to know about them:

    code of region | code of region | ... | image | numbers

    numbers    a number, or a list: its length, then its members
    pairs      a list of keys and a list of values
    table      a list of keys, a list with the length of each row, and all rows as one list

A region is installed only if the bytes it was made from are in memory, just like one that was
compiled a moment ago: the program may have changed itself since.

What was learned is kept with them (edges, rewritten opcodes, variables), so that a region that has
to be formed again is no worse than before. Most runs form none, so tables become dicts when they
are first looked at: a program with long straight code has thousands of rows, and reading them one
by one took as long as its run.
"""

from __future__ import annotations

from _collections_abc import Mapping
from itertools import accumulate, chain, pairwise

from jitvm.engine.host.process import ModuleLock
from jitvm.engine.jit.compiled import Compiled
from jitvm.engine.jit.imagewriter import as_words
from jitvm.engine.jit.imagewriter import encode as encode_image
from jitvm.engine.memory.arena import ALIGNMENT
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.memory.layout import EXITS, MOST_EXITS, REGIONS
from jitvm.engine.region.region import Region
from jitvm.engine.region.world import Assumptions
from jitvm.engine.tables.reasons import Reason
from jitvm.engine.tables.struct import Struct
from jitvm.guest.light import Counter

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jitvm.engine.jit.imagewriter import Settings

    Counts = dict[int, Counter[int]]
    Table = tuple[list[int], list[int], list[int]]

FORMAT = 6
MOST = 1 << 32
"""Above every number that a file holds; larger counts are kept as the largest."""

_REASONS = tuple(Reason)
_made = ModuleLock()


class Learned:
    """What recordings and invalidations have shown of a program.

    Args:
        counts: makes `edges` and `opcodes`, when either is first asked for.

    Attributes:
        written: addresses the guest writes, whose bytes are not baked in.
        aliased: addresses that stores through computed addresses hit.
    """

    __slots__ = ("_counts", "_make", "aliased", "written")

    def __init__(
        self,
        counts: Callable[[], tuple[Counts, Counts]] = lambda: ({}, {}),
        written: Iterable[int] = (),
        aliased: Iterable[int] = (),
    ) -> None:
        self._make = counts
        self._counts: tuple[Counts, Counts] | None = None
        self.written = set(written)
        self.aliased = set(aliased)

    def _both(self) -> tuple[Counts, Counts]:
        if self._counts is None:
            with _made:  # from any thread, and they are changed afterwards: never made twice
                if self._counts is None:
                    self._counts = self._make()
        return self._counts

    @property
    def edges(self) -> Counts:
        """How often control went from one address to another."""
        return self._both()[0]

    @property
    def opcodes(self) -> Counts:
        """How often an address was executed as which opcode."""
        return self._both()[1]

    def travel(self, pc: int) -> int:
        """How often an instruction was seen while recording; readable from any thread."""
        return sum(list(self.edges.get(pc, {}).values()))


class Kept(Struct):
    """All that is kept of a run.

    Attributes:
        regions: each with whether its full compilation is done.
        ports: what regions were made for, as `Ports.connected` has it.
        charging: whether regions count instructions.
        next_exit, next_counter: the first exit counter and counter of instructions that none uses.
        no_headroom: starts whose entry must not ask for stack.
        failures: how often in a row an address was hot and nothing came of it.
    """

    regions: list[tuple[Compiled, bool]]
    learned: Learned
    ports: list[list[int]]
    charging: bool
    next_exit: int
    next_counter: int
    no_headroom: list[int]
    failures: dict[int, int]


# -- written -------------------------------------------------------------------------------------


def encode(kept: Kept, settings: Settings) -> CachedCode:
    """As a file of the code cache holds it.

    Args:
        kept: all of it.
        settings: what its image says beside its regions.
    """
    learned, write = kept.learned, _Writer()
    write.numbers(FORMAT, kept.charging, kept.next_exit, kept.next_counter)
    write.numbers(len(kept.ports), len(kept.regions))
    for each in (*kept.ports, kept.no_headroom, sorted(learned.written), sorted(learned.aliased)):
        write.sequence(each)
    write.pairs(kept.failures)
    for counts in (learned.edges, learned.opcodes):
        # Copies, each made at once: the compile thread may be learning.
        rows = {pc: list(seen.items()) for pc, seen in list(counts.items())}
        write.table({pc: [each for each, _ in row] for pc, row in rows.items()})
        write.sequence([min(count, MOST - 1) for row in rows.values() for _, count in row])
    for compiled, is_full in kept.regions:
        _encode_region(write, compiled, is_full)
    code = bytearray()
    placed = []
    for compiled, _ in kept.regions:
        placed.append((compiled, len(code)))
        code += compiled.machine_code
        code += bytes(-len(code) % ALIGNMENT)
    image = encode_image(placed, kept.ports, settings)
    symbols = {"image": len(code), "numbers": len(code) + len(image)}
    return CachedCode(bytes(code) + image + as_words(write.stream), symbols)


def _encode_region(write: _Writer, compiled: Compiled, is_full: bool) -> None:
    region, assumptions = compiled.region, compiled.region.assumptions
    write.numbers(region.start, len(compiled.machine_code), is_full)
    write.numbers(compiled.first_exit, compiled.counter)
    write.sequence([_REASONS.index(Reason[name]) for name, _ in compiled.exits])
    write.sequence([0 if pc is None else pc + 1 for _, pc in compiled.exits])
    limits = {_REASONS.index(reason): travel for reason, travel in region.limits.items()}
    for pairs in (compiled.entries, region.nodes, limits, region.cuts, assumptions.code):
        write.pairs(pairs)
    write.sequence(sorted(region.returns))
    write.sequence(sorted(assumptions.cells))
    write.sequence(sorted(assumptions.stores))
    write.table({pc: sorted(seen) for pc, seen in compiled.edges.items()})


class _Writer:
    """Appends to a stream of numbers."""

    def __init__(self) -> None:
        self.stream: list[int] = []

    def numbers(self, *numbers: int) -> None:
        self.stream += numbers

    def sequence(self, members: Iterable[int]) -> None:
        members = tuple(members)
        self.stream.append(len(members))
        self.stream += members

    def pairs(self, pairs: Mapping[int, int]) -> None:
        self.sequence(pairs)
        self.sequence(min(value, MOST - 1) for value in pairs.values())

    def table(self, rows: Mapping[int, list[int]]) -> None:
        self.sequence(rows)
        self.sequence(map(len, rows.values()))
        self.sequence(chain.from_iterable(rows.values()))


# -- read ----------------------------------------------------------------------------------------


def decode(code: CachedCode, space: int) -> Kept | None:
    """What a file holds; None if it is not what `encode` writes.

    A right checksum says nothing about the numbers: each is compared with the range it must be in,
    those of a list all at once.

    Args:
        code: the file.
        space: bytes of the guest's code space.
    """
    try:
        return _decode(code, space)
    except (LookupError, ValueError, TypeError):
        return None


def _decode(code: CachedCode, space: int) -> Kept:
    end = code.symbols["numbers"]
    read = _Reader(code.machine_code[end:])
    if read.number(MOST) != FORMAT:
        raise ValueError("of another format")
    charging = bool(read.number(2))
    next_exit, next_counter = read.number(EXITS - MOST_EXITS), read.number(REGIONS)
    port_lists, count = read.number(MOST), read.number(REGIONS)
    ports = [read.sequence(MOST) for _ in range(port_lists)]
    no_headroom, written, aliased = (read.sequence(space) for _ in range(3))
    failures = read.pairs(space, MOST)
    edges = read.table(space, space), read.sequence(MOST)
    opcodes = read.table(space, 256), read.sequence(MOST)
    for (_, _, members), counts in (edges, opcodes):
        if len(members) != len(counts):
            raise ValueError("what was counted and its counts differ in number")
    learned = Learned(lambda: (_counted(*edges), _counted(*opcodes)), written, aliased)
    end = code.symbols["image"]
    machine_code, regions, at = code.machine_code[:end], [], 0
    for _ in range(count):
        compiled, is_full = _decode_region(read, machine_code, at, space)
        regions.append((compiled, is_full))
        at += -(-len(compiled.machine_code) // ALIGNMENT) * ALIGNMENT
    if at != end or not read.is_at_end:
        raise ValueError("there is something of no region in the file")
    if len({compiled.region.start for compiled, _ in regions}) < len(regions):
        raise ValueError("two regions have one start")
    return Kept(regions, learned, ports, charging, next_exit, next_counter, no_headroom, failures)


def _decode_region(
    read: _Reader, machine_code: bytes, at: int, space: int
) -> tuple[Compiled, bool]:
    """The next region, whose code begins at `at`; and whether its full compilation is done."""
    start, size, is_full = read.number(space), read.number(MOST), bool(read.number(2))
    machine_code = machine_code[at : at + size]
    if not size or len(machine_code) < size:
        raise ValueError("a region has no code")
    first_exit, counter = read.number(EXITS), read.number(REGIONS)
    exits = [
        (_REASONS[reason].name, pc - 1 if pc else None)
        for reason, pc in zip(read.sequence(len(_REASONS)), read.sequence(space + 1), strict=True)
    ]
    if first_exit + len(exits) > EXITS:
        raise ValueError("exits beyond the last")
    entries, nodes = read.pairs(space, size), read.pairs(space, MOST)
    limits, cuts = read.pairs(len(_REASONS), MOST), read.pairs(space, MOST)
    code, returns = read.pairs(space, 256), set(read.sequence(space))
    assumptions = Assumptions(code, set(read.sequence(space)), set(read.sequence(space)))
    region = Region(
        start,
        None,
        assumptions,
        nodes=nodes,
        limits={_REASONS[reason]: travel for reason, travel in limits.items()},
        cuts=cuts,
        returns=returns,
    )
    compiled = Compiled(
        region,
        machine_code,
        exits=exits,
        edges=_Seen(read.table(space, space)),
        first_exit=first_exit,
        seconds=(0.0, 0.0, 0.0),
        epoch=0,
        counter=counter,
        entries=entries,
    )
    return compiled, is_full


class _Reader:
    """Takes from a stream of numbers; what is not as expected is a `ValueError`, or a `TypeError`
    if it is no stream."""

    def __init__(self, stream: bytes) -> None:
        self._stream = memoryview(stream).cast("I")
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._stream)

    def number(self, below: int) -> int:
        number = self._stream[self._at]
        self._at += 1
        if number >= below:
            raise ValueError(f"{number} is not below {below}")
        return number

    def sequence(self, below: int) -> list[int]:
        size = self.number(MOST)
        start, self._at = self._at, self._at + size
        members = self._stream[start : self._at].tolist()
        if len(members) != size or max(members, default=0) >= below:
            raise ValueError(f"not {size} numbers below {below}")
        return members

    def pairs(self, below: int, values_below: int) -> dict[int, int]:
        return dict(zip(self.sequence(below), self.sequence(values_below), strict=True))

    def table(self, below: int, members_below: int) -> Table:
        keys, sizes, members = (
            self.sequence(below),
            self.sequence(MOST),
            self.sequence(members_below),
        )
        if len(keys) != len(sizes) or sum(sizes) != len(members):
            raise ValueError("rows of a table are missing")
        return keys, sizes, members


def _rows(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """From where to where the rows of a table are."""
    return pairwise(accumulate(sizes, initial=0))


def _counted(table: Table, counts: list[int]) -> Counts:
    keys, sizes, members = table
    return {
        key: Counter(dict(zip(members[start:end], counts[start:end], strict=True)))
        for key, (start, end) in zip(keys, _rows(sizes), strict=True)
    }


class _Seen(Mapping[int, "frozenset[int]"]):
    """`Compiled.edges` of a table."""

    __slots__ = ("_rows", "_table")

    def __init__(self, table: Table) -> None:
        self._table = table
        self._rows: dict[int, frozenset[int]] | None = None

    def _made(self) -> dict[int, frozenset[int]]:
        rows = self._rows
        if rows is None:  # two threads may make it at once: it is never changed
            keys, sizes, members = self._table
            spans = zip(keys, _rows(sizes), strict=True)
            rows = {key: frozenset(members[start:end]) for key, (start, end) in spans}
            self._rows = rows
        return rows

    def __getitem__(self, key: int) -> frozenset[int]:
        return self._made()[key]

    def __iter__(self) -> Iterator[int]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._table[0])
