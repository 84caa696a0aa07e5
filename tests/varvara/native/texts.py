"""Which kernels there are, and what the text of each is made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jitvm.guests.uxn import varvara

FOLDER = Path(varvara.__file__).parent
MAKER = """
import json, sys
from pathlib import Path
from jitvm.guests.uxn.varvara.native.making import kernels, text_of

texts = []
for module, name, sources in json.load(sys.stdin):
    kernel = getattr(kernels(module), name)
    texts.append(text_of(kernel, [Path(source) for source in sources]))
json.dump(texts, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A kernel: the device it belongs to, its name, and the device's files it is made of."""

    device: str
    name: str
    files: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Of its text."""
        return FOLDER / self.device / f"{self.name}.ll"

    @property
    def sources(self) -> list[Path]:
        """The files it is made of."""
        return [FOLDER / self.device / name for name in self.files]


_SCREEN = ("kernels.py", "state.py")
SOURCES = (
    Source("screen", "pixel", _SCREEN),
    Source("screen", "sprite", _SCREEN),
    Source("screen", "compose", _SCREEN),
    Source("audio", "mix", ("kernels.py", "state.py", "note.py")),
)
HOST = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_OPT": "1"}
"""So that numba's own passes know no processor and do not unroll."""


def makers() -> str:
    """The first line of a text: all whose versions it depends on. Names of its blocks come from
    Python's bytecode."""
    python = "{}.{}".format(*sys.version_info)
    return f"; numba {version('numba')}, llvmlite {version('llvmlite')}, Python {python}"


def made_anew() -> list[str]:
    """The text of each kernel, as numba gives it for any processor."""
    asked = [
        (f"jitvm.guests.uxn.varvara.{source.device}.kernels", source.name,
         [str(path) for path in source.sources])
        for source in SOURCES
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", MAKER], input=json.dumps(asked), env={**os.environ, **HOST},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [f"{makers()}\n{text}" for text in json.loads(done.stdout)]
