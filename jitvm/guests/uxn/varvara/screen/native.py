"""The kernels as machine code: made by numba once, then kept between runs.

numba types and lowers `kernels` to LLVM text; that text, with a plain C function around each
kernel, goes the way of jitvm's own code: through `jitvm.engine.native`, the code cache and the
arena. Where the cache has it, neither numba nor LLVM is imported, and nobody's numba cache or
settings matter.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from jitvm.engine.arena import shared_arena
from jitvm.engine.cache import CachedCode
from jitvm.engine.tailcall import stamp
from jitvm.guests.uxn import UXN

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jitvm.engine.cache import CodeCache

_KIND = "varvara-screen"
_ALIGNMENT = 64
_lock = allocate_lock()
_installed: list[Kernels] = []


class Kernels:
    """Installed kernels: the address of each, for compiled guest code and for ctypes."""

    __slots__ = ("_span", "compose", "pixel", "sprite")

    def __init__(self, code: CachedCode) -> None:
        self._span = shared_arena().install(code.text)
        start, symbols = self._span.address, code.symbols
        self.pixel = start + symbols["pixel"]
        self.sprite = start + symbols["sprite"]
        self.compose = start + symbols["compose"]


def kernels(cache: CodeCache | None, on_compile: Callable[[], object] | None = None) -> Kernels:
    """The kernels, installed at first use, once a process.

    Args:
        cache: where they are kept between runs; None keeps none.
        on_compile: called before they are compiled, which takes seconds.

    Raises:
        NativeError: LLVM refused what numba made.
        ImportError: they are not cached and numba is not installed.
    """
    with _lock:
        if not _installed:
            _installed.append(Kernels(_load_or_build(cache, on_compile)))
        return _installed[0]


def _load_or_build(cache: CodeCache | None, on_compile: Callable[[], object] | None) -> CachedCode:
    key = _stamp() if cache is not None else None
    code = cache.load(_KIND, key) if cache is not None and key is not None else None
    if code is not None:
        return code
    if on_compile is not None:
        on_compile()
    code = build()
    if cache is not None and key is not None:
        cache.store(_KIND, key, code)
    return code


def _stamp() -> str | None:
    """A text that changes whenever the machine code may; None where nobody can tell."""
    from importlib.machinery import PathFinder

    found, machine = PathFinder.find_spec("numba"), stamp(UXN)
    if found is None or found.origin is None or machine is None:
        return None
    folder = os.path.dirname(__file__)
    files = [os.path.join(folder, name) for name in ("kernels.py", "state.py", "blending.py")]
    files.append(os.path.join(os.path.dirname(found.origin), "_version.py"))
    try:
        stats = [(name, os.stat(name)) for name in files]
    except OSError:
        return None
    lines = [f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in stats]
    return "\n".join([machine, *lines])


def build() -> CachedCode:
    """Compile all kernels.

    Raises:
        NativeError: LLVM refused what numba made.
        ImportError: numba is not installed.
    """
    from jitvm.engine.native import Compiler
    from jitvm.guests.uxn.varvara.screen.kernels import KERNELS

    compiler = Compiler.for_host(os.uname().machine)
    text, symbols = b"", {}
    for kernel in KERNELS:
        code = compiler.compile(_llvm_text(kernel))
        text += bytes(-len(text) % _ALIGNMENT)
        symbols[kernel.__name__] = len(text) + code.symbols[kernel.__name__]
        text += code.text
    return CachedCode(text, symbols)


def _llvm_text(kernel: Any) -> str:
    """A module with one function of a kernel's name and of three words.

    What numba makes of a kernel takes two pointers more, for its result and for exceptions. All of
    that becomes internal to the module, so LLVM may inline it and no call needs a relocation.
    """
    import re

    import numba

    from jitvm.guests.uxn.varvara.screen.kernels import OPTIONS

    signature = numba.int64(numba.int64, numba.int64, numba.int64)
    compiled: Any = numba.njit(signature, **OPTIONS)(kernel)
    name = compiled.overloads[signature.args].fndesc.llvm_func_name
    (text,) = compiled.inspect_llvm().values()
    text = re.sub("^define (linkonce_odr )?", "define internal ", text, flags=re.MULTILINE)
    return f"""{text}
define i64 @{kernel.__name__}(i64 %a, i64 %b, i64 %c) {{
  %result = alloca i64
  %status = call i32 @{name}(ptr %result, ptr null, i64 %a, i64 %b, i64 %c)
  %value = load i64, ptr %result
  ret i64 %value
}}
"""
