"""Kernels at run time: from their text to machine code that is installed, once a process.

    text, entry --cache--> machine code --arena--> address

The entry is one more function of the module, in LLVM text: the one that is called from outside, and
passes on to `@kernel` what it wants. That of a port function knows where a machine's page and
devices lie; the kernels' own text knows nothing of it.

Where there is no native code to be had, whoever wants a kernel takes its source, see `UNAVAILABLE`.

Code is made for any processor of the architecture, and kept: see `jitvm.engine.codegen.kernels`.
"""

from __future__ import annotations

import os

from jitvm.engine.codegen.kernels import build, find
from jitvm.engine.host.foreign import Word, called
from jitvm.engine.host.notes import note, reason
from jitvm.engine.host.process import ModuleLock
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.memory.block import BlockError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.memory.arena import Span
    from jitvm.engine.memory.cache import CachedCode

_lock = ModuleLock()

UNAVAILABLE = (ImportError, OSError, MemoryError)
"""What asking for a kernel's address raises where the system or the installation has no native code
for it."""


class Kernel:
    """A kernel, which is compiled when its address is first asked for.

    Args:
        path: of its text.
        entry: gives the text of the function `entry`, which calls it.
        source: gives the function that the text was made of.
    """

    def __init__(
        self, path: str, entry: Callable[[], str], source: Callable[[], Callable[..., int]]
    ) -> None:
        self._path = path
        self._entry = entry
        self._source = source
        self._called: Callable[..., int] | None = None
        self._span: Span | None = None
        self._offset = 0

    @property
    def address(self) -> int:
        """Where it is called.

        Raises:
            ImportError: it is not in the code cache, and LLVM is not installed.
            OSError: there is no executable memory, or LLVM cannot be loaded.
            ArenaFull: there is no room for it.
            NativeError: LLVM refused the text.
        """
        with _lock:
            if self._span is None:
                code = self._load()
                self._offset = code.symbols["entry"]
                self._span = shared_arena().install(code.machine_code)
            return self._span.address + self._offset

    def function(self, arguments: int) -> Callable[..., int]:
        """The kernel as Python calls it with so many words, natively wherever that is possible."""
        if self._called is None:
            try:
                self._called = called(self.address, *(Word,) * arguments)
            except UNAVAILABLE as error:
                self._called = self.in_python(error)
        return self._called

    def in_python(self, error: BaseException) -> Callable[..., int]:
        """The kernel's source, as its address cannot be had; somebody is told."""
        why = reason(error)
        if not isinstance(error, BlockError):
            why = f"no native code ({why})"
        note(why, "screens and sound are computed in Python, slowly")
        return self._source()

    def _load(self) -> CachedCode:
        with open(self._path, "rb") as file:  # an encoding would be a module to import
            text = file.read().decode() + self._entry()
        kind = f"varvara-{os.path.splitext(os.path.basename(self._path))[0]}"
        return find(kind, text) or build(kind, text)


# -- ways in ---------------------------------------------------------------------------------


def beside(module: str, name: str) -> str:
    """The path of a kernel's text in the folder of a module, given by its `__file__`."""
    return os.path.join(os.path.dirname(module), f"{name}.ll")


def function_entry(arguments: int) -> str:
    """A function of so many words, for Python."""
    words = ", ".join(f"i64 %w{number}" for number in range(arguments))
    return f"""
define i64 @entry({words}) {{
  %result = call i64 @kernel({words})
  ret i64 %result
}}
"""


def port_entry() -> str:
    """A port function, as `Machine.on_write_native` has it, for compiled guest code.

    Its kernel is given the addresses of memory, of the port page and of the devices' words (see
    `varvara.words`), and the byte that was written.
    """
    from jitvm.engine.memory.layout import Layout
    from jitvm.guests.uxn import UXN

    layout = Layout(UXN)
    return f"""
define i64 @entry(i64 %base, i64 %port, i64 %byte) {{
  %memory = add i64 %base, {layout.spaces[0]}
  %page = add i64 %base, {layout.ports}
  %words.at = add i64 %base, {layout.fields["data"]}
  %words.pointer = inttoptr i64 %words.at to ptr
  %words = load i64, ptr %words.pointer, align 8
  %result = call i64 @kernel(i64 %memory, i64 %page, i64 %words, i64 %byte)
  ret i64 %result
}}
"""
