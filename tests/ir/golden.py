"""Golden files: input IR, then what is expected of it in comments.

; run: fold, dead            passes in order
; a sentence about what the file shows
graph "..." words 32
...
; check: graph "..." words 32
; check: ...                 the whole result, line by line
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jitvm.engine.ir.graph import Graph
from jitvm.engine.ir.passes import PASSES
from jitvm.engine.ir.text import parse, show

RUN, CHECK, ERROR = "; run: ", "; check: ", "; error: "
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Golden:
    """One file: passes to run, the input, and the lines expected."""

    path: Path
    passes: tuple[str, ...]
    source: str
    expected: tuple[str, ...]
    error: str

    def graph(self) -> Graph:
        """A new graph of the input."""
        return parse(self.source)

    def result(self) -> Graph:
        """The input after the passes."""
        graph = self.graph()
        for name in self.passes:
            PASSES[name](graph)
        return graph

    def bless(self) -> bool:
        """Write what the passes give now as what is expected; whether that changed anything."""
        lines = show(self.result()).splitlines()
        if tuple(lines) == self.expected:
            return False
        head = self.source.rstrip("\n")
        self.path.write_text("\n".join([head, "", *(CHECK + line for line in lines), ""]))
        return True


def read(path: Path) -> Golden:
    """Read a golden file."""
    lines = path.read_text().splitlines()
    found = {
        mark: tuple(line.removeprefix(mark) for line in lines if line.startswith(mark))
        for mark in (RUN, CHECK, ERROR)
    }
    passes = tuple(name for line in found[RUN] for name in line.split(", "))
    source = "\n".join(line for line in lines if not line.startswith(CHECK)) + "\n"
    return Golden(path, passes, source, found[CHECK], " ".join(found[ERROR]))


def files(folder: str) -> list[Path]:
    """The golden files of a folder."""
    return sorted((HERE / folder).glob("*.ir"))
