"""What an earlier run has kept, installed at once and as it is: without the JIT.

A second run would spend most of its start importing a JIT that has nothing to do: all that is hot
is native. So the file with a program's regions (`jitvm.engine.jit.kept`) has an *image* as well:
the entries of the machine's tables as they were with all these regions installed. It takes a
comparison, a copy and a few slices of memory; then the guest runs with its regions. The JIT is made
when it is needed (something else is hot, code is overwritten, a port is connected): it installs the
same regions again, one by one, and goes on from there.

    machine code of all regions | image | numbers of `kept`

    image    FORM, charging, hot, patience, milliseconds to finish: one number each
             readers, writers, collected, quiet: lists of ports, for which regions were made
             entries, offsets: where the guest enters code, and where that is in the machine code
             starts, sizes: ranges of the bytes that regions were made from
             starts, sizes, marks: ranges of the code map
             addresses, counts: counters that do not begin with the usual count
             the bytes that regions were made from

It is written by `jitvm.engine.jit.imagewriter`, which no start imports.

Invariants
 1. An image is installed only if all bytes that its regions were made from are in memory, and the
    machine has the ports they were made for. If bytes are others at first, as the program has yet
    to unpack itself, that is looked at again when control first gets to each entry.
 2. Its code stays as long as the machine: the guest may be in it while the JIT takes over.
"""

from __future__ import annotations

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.jit.codetable import MOST, CodeTable
from jitvm.engine.memory.arena import ArenaFull, Span, shared_arena
from jitvm.engine.memory.layout import CELL, CODE

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.host.background import Unfinished
    from jitvm.engine.memory.block import Block
    from jitvm.engine.memory.cache import CachedCode
    from jitvm.guest import State

    Ranges = tuple[list[int], list[int]]
    """Where ranges of memory begin, and how long they are."""

FORM = 1
"""The first number: it changes with the form of what follows."""


_left: list[Image] = []
"""Those of which something is to be compiled when the command has ended."""


@BACKGROUND.at_leisure
def unfinished() -> list[Unfinished]:
    """When a command has ended: what is left of programs without a JIT."""
    return list(_left)


class Image:
    """What a file says about installing all of its regions.

    Attributes:
        charging: whether its regions charge what they execute.
        milliseconds: processor time that may be spent on what is left to compile; 0: nothing is.
        code: where its code is, once it is installed.
        is_left: whether that is done in a process of its own.
        finish: does that; from `leave_to` on.
        begin_work: tells other processes of it; from then on, too.
    """

    finish: Callable[[], None]
    begin_work: Callable[[], int | None]

    def __init__(self, cached: CachedCode, space: int) -> None:
        """Read it.

        Raises:
            LookupError, ValueError, TypeError: it is not what `encode` writes.
        """
        self.code: Span | None = None  # first, as what cannot be read goes as well
        self._expected: set[int] = set()
        self.is_left = False
        at, end = cached.symbols["image"], cached.symbols["numbers"]
        self._machine_code = cached.machine_code[:at]
        self._stream = memoryview(cached.machine_code[at:end]).cast("I")
        self._at = 0
        if self._number() != FORM:
            raise ValueError("of another form")
        self.charging = bool(self._number())
        self._hot, self._patience, self.milliseconds = (self._number() for _ in range(3))
        self._ports = [self._list(MOST) for _ in range(4)]
        self._entries = self._pairs(space, at)
        self._ranges = self._pairs(space, space + 1)
        self._marked, self._marks = self._pairs(space, space + 1), self._list(CODE + CELL + 1)
        self._armed = self._pairs(space, MOST + 1)
        size = sum(self._ranges[1])
        self._bytes = self._stream[self._at :].cast("B")[:size]
        if len(self._bytes) < size or len(self._marks) != len(self._marked[0]):
            raise ValueError("something is missing")
        for starts, sizes in (self._ranges, self._marked):
            if any(start + size > space for start, size in zip(starts, sizes, strict=True)):
                raise ValueError("a range beyond the end of memory")

    def _number(self) -> int:
        self._at += 1
        return self._stream[self._at - 1]

    def _list(self, below: int) -> list[int]:
        size = self._number()
        start, self._at = self._at, self._at + size
        members = self._stream[start : self._at].tolist()
        if len(members) != size or max(members, default=-1) >= below:
            raise ValueError(f"not {size} numbers below {below}")
        return members

    def _pairs(self, below: int, others_below: int) -> Ranges:
        first, second = self._list(below), self._list(others_below)
        if len(first) != len(second):
            raise ValueError("lists that belong together differ in length")
        return first, second

    def knows(self, state: State) -> bool:
        """Whether a machine has the ports that the regions were made for."""
        return state.ports.connected() == self._ports

    def fits(self, memory: memoryview) -> bool:
        """Whether the bytes that the regions were made from are in memory."""
        at = 0
        for start, size in zip(*self._ranges, strict=True):
            if memory[start : start + size].tobytes() != self._bytes[at : at + size].tobytes():
                return False
            at += size
        return True

    def install(self, block: Block, counted: int) -> bool:
        """Have all regions entered from now on; whether there was room for their code.

        It may come in the middle of a run, between two entries to native code.

        Args:
            block: the machine's memory.
            counted: address of the stub for where there are none.
        """
        try:
            self.code = shared_arena().install(self._machine_code)
        except ArenaFull:
            return False
        layout, address = block.layout, self.code.address
        table = CodeTable(block, counted, self._hot)
        for at, offset in zip(*self._entries, strict=True):
            table.enter(at, address + offset)
        for at, count in zip(*self._armed, strict=True):
            table.set(at, count)
        view, highest = block.view(layout.code_map, layout.size), 0
        for start, size, mark in zip(*self._marked, self._marks, strict=True):
            view[start : start + size] = bytes((mark,)) * size
            highest = start + size - 1
        block.words(layout.fields["watermark"], 1)[0] = highest
        block.words(layout.fields["patience"], 1)[0] = self._patience
        return True

    def expect(self, block: Block, counted: int) -> None:
        """Have the host told as soon as control gets to where the regions are entered: the program
        may have put its code together by then. The arguments are those of `install`."""
        table = CodeTable(block, counted, self._hot)
        self._expected = set(self._entries[0])
        for at in self._expected:
            table.set(at, 1)
        block.words(block.layout.fields["patience"], 1)[0] = self._patience

    def is_expected_at(self, pc: int) -> bool:
        """Whether it is not installed, and control gets to an entry for the first time."""
        is_expected = self.code is None and pc in self._expected
        self._expected.discard(pc)
        return is_expected

    def leave_to(self, finish: Callable[[], None], begin_work: Callable[[], int | None]) -> None:
        """Have what is left to compile done at the end of the command, in a process of its own.

        Args:
            finish: does it.
            begin_work: tells other processes of it; see `CodeCache.begin_work`.
        """
        self.finish, self.begin_work = finish, begin_work
        _left.append(self)

    @property
    def seconds_to_finish(self) -> float:
        """Processor time that may be spent on it."""
        return self.milliseconds / 1000

    def give_up(self) -> None:
        """The JIT has taken over, which finishes it."""
        if self in _left:
            _left.remove(self)

    def was_made_from(self, start: int, size: int) -> bool:
        """Whether some of its regions have a byte of a range baked in."""
        return self.code is not None and any(
            at < start + size and start < at + length and mark & CODE
            for at, length, mark in zip(*self._marked, self._marks, strict=True)
        )

    def __del__(self) -> None:
        """With its machine, which nothing runs any more, its code goes."""
        if self.code is not None:
            self.code.free()


def decode(cached: CachedCode, space: int) -> Image | None:
    """The image in a file, if it has one.

    Args:
        cached: the file.
        space: bytes of the guest's code space.
    """
    try:
        return Image(cached, space)
    except (LookupError, ValueError, TypeError):
        return None
