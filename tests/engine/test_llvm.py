"""LLVM's functions, declared without llvmlite's binding, against that binding."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from typing import Any

import llvmlite
import llvmlite.binding as binding
import pytest

from jitvm.engine.codegen import llvm, native

ANSWER = "define i32 @answer(i32 %x) {\n %y = mul i32 %x, 2\n ret i32 %y\n}"


def shape(type_: Any) -> Any:
    """What a declaration means to a call: objects of all kinds are addresses."""
    if type_ in (None, ctypes.c_bool, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int):
        return type_
    return ctypes.POINTER(ctypes.c_char_p) if type_ is llvm._OUT else ctypes.c_void_p


@pytest.mark.parametrize("name", sorted(llvm.PROTOTYPES))
def test_functions_are_declared_as_llvmlite_does(name: str) -> None:
    theirs = getattr(binding.ffi.lib, f"LLVMPY_{name}")
    result, arguments = llvm.PROTOTYPES[name]
    if theirs.argtypes is not None:
        assert [shape(each) for each in theirs.argtypes] == [shape(each) for each in arguments]
    if theirs.restype is not ctypes.c_int:  # what ctypes takes where nothing is declared
        assert shape(theirs.restype) == shape(result)


def test_the_version_of_llvmlite_is_the_one_declared_for() -> None:
    assert llvm._library_of(llvmlite) is not None


def test_another_llvmlite_is_asked_by_its_own_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = native.Compiler.for_host(os.uname().machine).compile(ANSWER)
    monkeypatch.setattr(llvmlite, "__version__", "0.99.0")
    llvm.functions.cache_clear()
    try:
        assert not isinstance(llvm.functions()._library, ctypes.CDLL)
        assert native.Compiler.for_host(os.uname().machine).compile(ANSWER) == usual
        assert "answer" in native.Compiler("aarch64").assembly(ANSWER, speed=1)
    finally:
        llvm.functions.cache_clear()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("define foo", "expected type"),
        ("define i32 @f() {\n ret i32 %x\n}", "undefined value"),
        ("define i32 @f() {\nentry:\n br label %entry\n}", "must not have predecessors"),
    ],
)
def test_llvm_says_what_it_refuses(text: str, message: str) -> None:
    with pytest.raises(native.NativeError, match=message):
        native.host_compiler().compile(text)


def test_a_jit_needs_no_binding() -> None:
    script = (
        "from jitvm.engine.codegen.native import host_compiler\n"
        f"host_compiler().compile({ANSWER!r}, speed=1)\n"
        "import sys\n"
        "print('llvmlite' in sys.modules, 'llvmlite.binding' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ran.stdout.split() == [b"True", b"False"]
