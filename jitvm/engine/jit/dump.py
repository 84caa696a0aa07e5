"""The dump switch: ``JITVM_DUMP=folder`` writes every stage of each region's compilation.

    0007-014f.formed.ir      the graph as it was formed       (0007: the seventh compilation)
    0007-014f.ir             the graph after the passes
    0007-014f.ll             LLVM text
    0007-014f.s              assembly

The .ir files can serve as inputs for golden tests and for `jitvm.engine.ir.text.parse`.
"""

from __future__ import annotations

import os
from itertools import count

TYPE_CHECKING = False  # known to type checkers; `pathlib` costs 4 ms even if nothing is dumped
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jitvm.engine.codegen.native import Compiler
    from jitvm.engine.region.region import Region

_numbers = count(1)


class Dump:
    """Writes the files of one machine's regions.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = ""
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Dump | None:
        """A dump if the switch is on."""
        folder = environment.get("JITVM_DUMP")
        if not folder:
            return None
        from pathlib import Path

        return cls(Path(folder))

    def formed(self, region: Region) -> None:
        """A region was formed: its files begin here."""
        self._prefix = f"{next(_numbers):04d}-{region.start:04x}"
        self._graph(region, "formed.ir")

    def optimised(self, region: Region) -> None:
        """The passes have run."""
        self._graph(region, "ir")

    def compiled(self, text: str, compiler: Compiler | None, speed: int) -> None:
        """A region was lowered to LLVM text; it is compiled once more for its assembly."""
        self._write("ll", text)
        if compiler is not None:
            self._write("s", compiler.assembly(text, speed=speed))

    def _graph(self, region: Region, stage: str) -> None:
        from jitvm.engine.ir.text import show

        self._write(stage, show(region.graph))

    def _write(self, stage: str, text: str) -> None:
        (self._folder / f"{self._prefix}.{stage}").write_text(text)
