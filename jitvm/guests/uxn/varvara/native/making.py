"""From a kernel to its text: what numba lowers it to, cleaned of all that is numba's or a host's.

    ; SHA-256 of the sources
    define internal i32 @NAME(ptr %result, ptr %exception, i64 ...)     the kernel, by numba
    define internal i64 @kernel(i64 ...)                                the way in

A function of numba's takes two pointers more, for its result and for exceptions. All is internal
to the module, so that LLVM inlines it and no call needs a relocation; `library` adds the function
that is called from outside.

Kernels are Python functions where they are imported otherwise. So whoever makes texts imports
them here, in a process that does nothing else: `kernels`.

numba runs passes for the processor at hand, so text is made with ``NUMBA_CPU_NAME=generic`` and no
``NUMBA_CPU_FEATURES``, in a process of its own.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numba

from jitvm.guests.uxn.varvara.native import language, typed

_FOREIGN = re.compile(
    r"^(; ModuleID|source_filename|target |@_ZN08NumbaEnv|!|\s*$).*\n", re.MULTILINE
)
"""Lines that say where text comes from, whom it is for, or what LLVM found out on the way."""
_METADATA = re.compile(r",? ![\w.]+ !\d+")
_MANGLED = re.compile(r"@_ZN[\w.]+")
_WORD = re.compile(r"\d+")


def kernels(module: str) -> ModuleType:
    """Import a module of kernels with numba's words in the place of Python's."""
    sys.modules[language.__name__] = typed
    return importlib.import_module(module)


def text_of(kernel: Callable[..., int], sources: Sequence[Path]) -> str:
    """The LLVM text of a kernel, which is made of these files and of `typed`."""
    count = len(inspect.signature(kernel).parameters)
    signature = numba.int64(*[numba.int64] * count)
    compiled: Any = numba.njit(signature, **typed.OPTIONS)(kernel)
    name = compiled.overloads[signature.args].fndesc.llvm_func_name
    (text,) = compiled.inspect_llvm().values()
    text = _METADATA.sub("", _FOREIGN.sub("", text))
    text = re.sub(r"^; .*\n", "", text, flags=re.MULTILINE)
    text = re.sub("^define (linkonce_odr )?", "define internal ", text, flags=re.MULTILINE)
    names = {name: kernel.__name__}
    text = _MANGLED.sub(lambda found: "@" + _plain(found[0][1:], names), text)
    arguments = [f"i64 %{letter}" for letter in "abcdefgh"[:count]]
    return f"""; {digest(sources)}
{text}
define internal i64 @kernel({", ".join(arguments)}) {{
  %result = alloca i64
  %status = call i32 @{names[name]}(ptr %result, ptr null, {", ".join(arguments)})
  %value = load i64, ptr %result
  ret i64 %value
}}
"""


def digest(sources: Sequence[Path]) -> str:
    """What the first line of a text says of the files it was made of."""
    own = Path(__file__)
    content = b"".join(path.read_bytes() for path in (own, own.with_name("typed.py"), *sources))
    return hashlib.sha256(content).hexdigest()


def _plain(mangled: str, names: dict[str, str]) -> str:
    """The last part of a mangled name, with a number where two functions share it."""
    if mangled not in names:
        at, parts = len("_ZN"), []
        while length := _WORD.match(mangled, at):
            start = length.end()
            at = start + int(length[0])
            parts.append(mangled[start:at])
        same = sum(name.partition(".")[0] == parts[-1] for name in names.values())
        names[mangled] = f"{parts[-1]}.{same}" if same else parts[-1]
    return names[mangled]
