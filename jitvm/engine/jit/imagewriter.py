"""Writing the image of a machine's regions: see `jitvm.engine.jit.image`, which reads it."""

from __future__ import annotations

from _struct import pack

from jitvm.engine.jit.image import FORM
from jitvm.engine.memory.layout import CELL, CODE
from jitvm.engine.tables.struct import Struct

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jitvm.engine.jit.compiled import Compiled


class Settings(Struct):
    """What an image says beside its regions.

    Attributes:
        charging: whether they charge.
        hot: jumps that make an address hot.
        patience: failures of an entry of which the host is told.
        milliseconds: processor time that may be spent on what is left to compile; 0: nothing is.
        armed: counters that do not begin with `hot`.
        inner: addresses inside of regions where they are entered, with their starts.
        aside: starts of regions that do not fit, which are left out.
    """

    charging: bool
    hot: int
    patience: int
    milliseconds: int
    armed: dict[int, int]
    inner: dict[int, int]
    aside: frozenset[int] = frozenset()


class _Together:
    """Regions that can be installed at the same time."""

    def __init__(self) -> None:
        self.code: dict[int, int] = {}
        self.cells: set[int] = set()
        self.entries: dict[int, int] = {}
        self._stores: set[int] = set()

    def add(self, compiled: Compiled, offset: int, inner: Mapping[int, int]) -> None:
        """Add a region whose code is at an offset of the file, unless it does not go together with
        those that are there: one of the two writes what the other was made from."""
        region, assumptions = compiled.region, compiled.region.assumptions
        code, stores = assumptions.code, assumptions.stores
        if any(self.code.get(at, byte) != byte for at, byte in code.items()):
            return
        if not (self._stores.isdisjoint(code) and stores.isdisjoint(self.code)):
            return
        self.code.update(code)
        self.cells |= assumptions.cells
        self._stores |= stores
        self.entries[region.start] = offset
        for at, within in compiled.entries.items():
            if inner.get(at) == region.start:
                self.entries.setdefault(at, offset + within)


def encode(
    regions: Iterable[tuple[Compiled, int]], ports: list[list[int]], settings: Settings
) -> bytes:
    """The image of regions that are in a file.

    Args:
        regions: each with where its code is in the file.
        ports: those they were made for.
        settings: what else is in it.
    """
    all_of = _Together()
    for compiled, offset in regions:
        if compiled.region.start in settings.aside:
            continue
        all_of.add(compiled, offset, settings.inner)
    code = all_of.code
    ranges = _ranges(dict.fromkeys(code, 0))
    marks = dict.fromkeys(all_of.cells, CELL)
    for at in code:
        marks[at] = marks.get(at, 0) | CODE
    marked = _ranges(marks)
    stream = [FORM, settings.charging, settings.hot, settings.patience, settings.milliseconds]
    lists: list[Iterable[int]] = [
        *ports, all_of.entries, all_of.entries.values(),
        [start for start, _, _ in ranges], [size for _, size, _ in ranges],
        [start for start, _, _ in marked], [size for _, size, _ in marked],
        [mark for _, _, mark in marked],
        settings.armed, settings.armed.values(),
    ]  # fmt: skip
    for each in lists:
        members = tuple(each)
        stream.append(len(members))
        stream.extend(members)
    content = as_words(stream) + bytes(code[at] & 0xFF for at in sorted(code))
    return content + bytes(-len(content) % 4)


def as_words(numbers: Sequence[int]) -> bytes:
    """Numbers as they are in files of regions: in 32 bits each, as this processor orders them.

    Python's own arrays are not used: importing them imports `collections`.
    """
    return pack(f"{len(numbers)}I", *numbers)


def _ranges(values: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Neighbouring addresses with one value: start, size and value of each range, in order."""
    found: list[tuple[int, int, int]] = []
    for at in sorted(values):
        start, size, value = found[-1] if found else (-1, 0, 0)
        if start + size == at and value == values[at] and size:
            found[-1] = (start, size + 1, value)
        else:
            found.append((at, 1, values[at]))
    return found
