"""LLVM's C functions from llvmlite's library, without llvmlite's Python binding.

`llvmlite.binding` takes 30 ms to import and holds the interpreter lock while it does: resources,
zip files and temporary folders to find one path, the whole IR builder, a class for each kind of
object. A JIT whose guest is being interpreted meanwhile needs the library, two dozen functions and
nothing else. So the library is opened here, and each function is declared as `llvmlite.binding`
declares it, which `tests/engine/test_llvm.py` compares.

    address = functions().ParseAssembly(context, text, message)        LLVMPY_ParseAssembly

LLVM's objects are the addresses that the functions return, to be passed on as they are. If llvmlite
has another version, or its library is elsewhere, the functions of `llvmlite.binding` are used,
which are called the same way.

Loading takes 7 ms, and LLVM's first run about as long again, page after page of a large library.
Neither needs the interpreter lock: `ctypes` releases it around calls, but not when it opens a
library itself, so the loader is called as a function too.
"""

from __future__ import annotations

import ctypes
import errno
import os
from ctypes import c_bool, c_char_p, c_int, c_size_t, c_void_p
from functools import cache

from jitvm.engine.host.addresses import addresses_left

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

VERSION = "0.50."
"""Versions of llvmlite that have the functions as they are declared here."""

ROOM = 224 << 20
"""Bytes of addresses that loading and running LLVM takes, if they are limited: its size, no
limit of the JIT."""

_OUT = ctypes.POINTER(c_char_p)
_OBJECT = c_void_p

PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ContextCreate": (_OBJECT, ()),
    "ContextDispose": (None, (_OBJECT,)),
    "ParseAssembly": (_OBJECT, (_OBJECT, c_char_p, _OUT)),
    "VerifyModule": (c_bool, (_OBJECT, _OUT)),
    "SetTarget": (None, (_OBJECT, c_char_p)),
    "SetDataLayout": (None, (_OBJECT, c_char_p)),
    "DisposeModule": (None, (_OBJECT,)),
    "DisposeString": (None, (c_char_p,)),
    "InitializeNativeTarget": (None, ()),
    "InitializeNativeAsmPrinter": (None, ()),
    "InitializeNativeAsmParser": (None, ()),
    "InitializeAllTargetInfos": (None, ()),
    "InitializeAllTargets": (None, ()),
    "InitializeAllTargetMCs": (None, ()),
    "InitializeAllAsmPrinters": (None, ()),
    "GetHostCPUFeatures": (c_int, (_OUT,)),
    "GetHostCPUName": (None, (_OUT,)),
    "GetTargetFromTriple": (_OBJECT, (c_char_p, _OUT)),
    "CreateTargetMachine": (
        _OBJECT,
        (_OBJECT, c_char_p, c_char_p, c_char_p, c_int, c_char_p, c_char_p, c_int, c_int, c_char_p),
    ),
    "CreateTargetMachineData": (_OBJECT, (_OBJECT,)),
    "CopyStringRepOfTargetData": (None, (_OBJECT, _OUT)),
    "DisposeTargetData": (None, (_OBJECT,)),
    "TargetMachineEmitToMemory": (_OBJECT, (_OBJECT, _OBJECT, c_int, _OUT)),
    "GetBufferStart": (c_void_p, (_OBJECT,)),
    "GetBufferSize": (c_size_t, (_OBJECT,)),
    "DisposeMemoryBuffer": (None, (_OBJECT,)),
    "CreatePipelineTuningOptions": (_OBJECT, ()),
    "PTOSetLoopVectorization": (None, (_OBJECT, c_bool)),
    "PTOSetSLPVectorization": (None, (_OBJECT, c_bool)),
    "DisposePipelineTuningOptions": (None, (_OBJECT,)),
    "CreatePassBuilder": (_OBJECT, (_OBJECT, _OBJECT)),
    "DisposePassBuilder": (None, (_OBJECT,)),
    "CreateNewModulePassManager": (_OBJECT, ()),
    "module_AddInstCombinePass": (None, (_OBJECT,)),
    "module_AddSimplifyCFGPass": (None, (_OBJECT,)),
    "buildPerModuleDefaultPipeline": (_OBJECT, (_OBJECT, c_int)),
    "RunNewModulePassManager": (None, (_OBJECT, _OBJECT, _OBJECT)),
    "DisposeNewModulePassManger": (None, (_OBJECT,)),
}
"""Result and arguments of each function, by its name without ``LLVMPY_``."""


class Functions:
    """Functions of LLVM as attributes, by their names without ``LLVMPY_``."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, f"LLVMPY_{name}")
        if isinstance(self._library, ctypes.CDLL):
            function.restype, function.argtypes = PROTOTYPES[name]
        setattr(self, name, function)
        return function

    def call_with_text(self, function: Any, *arguments: Any) -> tuple[Any, str]:
        """Call a function; its result, and the text it writes through an added last argument."""
        out = c_char_p()
        result = function(*arguments, ctypes.byref(out))
        text = (out.value or b"").decode()
        if out:
            self.DisposeString(out)
        return result, text


@cache
def functions() -> Functions:
    """The functions, from a library that is loaded with the first call.

    Raises:
        ImportError: llvmlite is not installed.
        OSError: its library cannot be loaded.
    """
    left = addresses_left()
    if left is not None and left < ROOM:
        raise OSError(errno.ENOMEM, "too little address space for LLVM")
    import llvmlite

    path = _library_of(llvmlite)
    if path is None:
        from llvmlite.binding import ffi

        return Functions(ffi.lib)
    ctypes.CDLL(None).dlopen(path.encode(), os.RTLD_NOW)
    return Functions(ctypes.CDLL(path))


def _library_of(llvmlite: Any) -> str | None:
    """Where the library of a llvmlite is, if its functions are those declared here."""
    if not llvmlite.__version__.startswith(VERSION):
        return None
    path = os.path.join(os.path.dirname(llvmlite.__file__), "binding", "libllvmlite.so")
    return path if os.path.exists(path) else None
