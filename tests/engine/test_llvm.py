"""LLVM's functions, declared without llvmlite's binding, against that binding."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from typing import Any

import llvmlite
import llvmlite.binding as binding
import pytest

from jitvm.engine.codegen import llvm, native
from jitvm.engine.host.process import LLVM

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


def compilers(count: int) -> list[native.Compiler]:
    return [native.Compiler.for_host(os.uname().machine) for _ in range(count)]


def many(start: int, count: int = 200) -> str:
    """A module that takes a moment."""
    return "".join(
        f"define i32 @f{n}(i32 %x) {{\n %y = mul i32 %x, {start + n}\n ret i32 %y\n}}\n"
        for n in range(count)
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_modules_that_are_compiled_together_are_as_if_they_were_not(count: int) -> None:
    texts = [many(1000 * n, 20) for n in range(count)]
    one_by_one = [native.host_compiler().compile(text, speed=1) for text in texts]
    for _ in range(5):
        assert native.compile_together(compilers(count), texts, speed=1) == one_by_one


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_one_that_is_refused_is_told_when_all_are_done(wrong: int) -> None:
    texts = [many(1), many(2), many(3)]
    texts[wrong] = "define foo"
    with pytest.raises(native.NativeError, match="expected type"):
        native.compile_together(compilers(3), texts, speed=1)
    assert LLVM.acquire(blocking=False)
    LLVM.release()


def test_without_threads_they_are_compiled_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "started", lambda _: False)
    texts = [many(1, 5), many(2, 5)]
    expected = [native.host_compiler().compile(text, speed=1) for text in texts]
    assert native.compile_together(compilers(2), texts, speed=1) == expected


def test_an_interrupt_comes_when_no_thread_is_in_llvm_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[int] = []
    emit = native.Compiler._emitted_inside

    def slowly(self: native.Compiler, text: str, speed: int, *, is_object: bool) -> bytes:
        if text is texts[0]:
            signal.raise_signal(signal.SIGINT)  # on the main thread, before it waits
        time.sleep(0.2)
        data = emit(self, text, speed, is_object=is_object)
        ended.append(len(data))
        return data

    monkeypatch.setattr(native.Compiler, "_emitted_inside", slowly)
    texts = [many(1, 5), many(2, 5)]
    with pytest.raises(KeyboardInterrupt):
        native.compile_together(compilers(2), texts, speed=1)
    assert len(ended) == 1


def test_a_jit_needs_no_binding() -> None:
    script = (
        "from jitvm.engine.codegen.native import host_compiler\n"
        f"host_compiler().compile({ANSWER!r}, speed=1)\n"
        "import sys\n"
        "print('llvmlite' in sys.modules, 'llvmlite.binding' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ran.stdout.split() == [b"True", b"False"]
