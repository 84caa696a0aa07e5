"""What the JIT of a machine knows about its regions: compiled, installed, and where they start."""

from __future__ import annotations

from jitvm.engine.memory.arena import Span
from jitvm.engine.region.region import Region
from jitvm.engine.region.world import Headroom
from jitvm.engine.tables.struct import Struct, fresh
from jitvm.guest.light import Counter

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping


class Compiled(Struct):
    """A region with its machine code, not yet installed.

    Attributes:
        exits: reason and target address (None: computed) of each exit, by its counter.
        edges: where control had been seen to go from each of its addresses when it was formed.
        seconds: time spent forming, in LLVM text, and in LLVM.
        epoch: `World.epoch` when it was formed.
        counter: number of its count of executed instructions.
        speed: how LLVM made the code, see `Compiler.compile`.
        llvm: the LLVM text if the parameter `keep_text` is on.
        entries: other addresses where it is entered, with their offsets in the machine code.
    """

    region: Region
    machine_code: bytes
    exits: list[tuple[str, int | None]]
    edges: Mapping[int, frozenset[int]]
    first_exit: int
    seconds: tuple[float, float, float]
    epoch: int
    counter: int = 0
    speed: int = 0
    llvm: str = ""
    entries: dict[int, int] = fresh(dict)

    @property
    def is_kept(self) -> bool:
        """Whether an earlier run made it, so that this one spent nothing."""
        return not any(self.seconds)


class Installed(Struct):
    """A region that can be entered. `number` rises with every installation."""

    number: int
    compiled: Compiled
    span: Span
    is_full: bool = False

    @property
    def start(self) -> int:
        return self.compiled.region.start


class Start(Struct):
    """What is remembered about an address where regions start."""

    formed: int = 0
    failures: int = 0
    invalidated: int = 0
    headroom: Headroom | None = None
    aliased: frozenset[int] = frozenset()
    """Bytes that are no cells in it, as far as can be told (`Forming.doubts`)."""


class Statistics(Struct):
    """Counts since the machine was made."""

    recordings: int = 0
    compiled: int = 0
    installed: int = 0
    kept: int = 0
    """Of the installed ones: made by an earlier run."""
    invalidated: int = 0
    rejected: int = 0
    compile_seconds: float = 0.0
    refused: Counter[str] = fresh(Counter)
    errors: list[str] = fresh(list)
    """What went wrong inside the compiler: bugs of jitvm, one line each."""

    def failed(self, error: Exception) -> None:
        """Note a failure of the compiler."""
        self.errors.append(f"{type(error).__name__}: {error}")
