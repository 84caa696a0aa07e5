"""Tables of jumps, which lie behind the code and know distances only."""

from __future__ import annotations

import ctypes
import os
from itertools import product
from typing import Any

import pytest
import unicorn

from jitvm.engine.codegen.native import Code, Compiler, NativeError
from jitvm.engine.memory.arena import shared_arena

_UC: Any = unicorn
CASES = (9, 16, 26, 33, 41, 53, 56, 64, 72, 80, 90, 101)
NATIVE = os.uname().machine


def text(attributes: str = "", count: int = 1) -> str:
    """Functions of one number, each with twelve ways that cannot be told by arithmetic."""
    cases = " ".join(f"i64 {case}, label %b{case}" for case in CASES)
    ways = "\n".join(
        f"b{case}:\n %x{case} = xor i64 %x, {case * case * 77}\n"
        f" store volatile i64 %x{case}, ptr %p\n br label %out"
        for case in CASES
    )
    functions = "\n".join(
        f"define internal i64 @f{i}(i64 %x) nounwind {attributes} {{\n %p = alloca i64\n"
        f" store volatile i64 {i}, ptr %p\n"
        f" switch i64 %x, label %out [{cases}]\n{ways}\nout:\n %r = load volatile i64, ptr %p\n"
        " ret i64 %r\n}"
        for i in range(count)
    )
    used = ", ".join(f"ptr @f{i}" for i in range(count))
    return (
        f"{functions}\n@llvm.compiler.used = appending global [{count} x ptr] [{used}], "
        'section "llvm.metadata"'
    )


def called(code: Code, architecture: str, symbol: str, number: int) -> int:
    """What a function makes of a number."""
    if architecture == NATIVE:
        span = shared_arena().install(code.machine_code)
        function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64)
        try:
            found: int = function(span.address + code.symbols[symbol])(number)
        finally:
            span.free()
        return found
    machine = _UC.Uc(_UC.UC_ARCH_ARM64, _UC.UC_MODE_ARM)
    machine.mem_map(0x1000_0000, 1 << 20)
    machine.mem_map(0x2000_0000, 1 << 16)
    begin = 0x1000_0000 + 16 * 37  # anywhere
    machine.mem_write(begin, code.machine_code)
    machine.reg_write(_UC.arm64_const.UC_ARM64_REG_SP, 0x2000_8000)
    machine.reg_write(_UC.arm64_const.UC_ARM64_REG_X0, number)
    machine.reg_write(_UC.arm64_const.UC_ARM64_REG_LR, 0x3000_0000)
    machine.emu_start(begin + code.symbols[symbol], 0x3000_0000)
    return int(machine.reg_read(_UC.arm64_const.UC_ARM64_REG_X0))


@pytest.mark.parametrize("architecture", sorted({"aarch64", NATIVE}))
@pytest.mark.parametrize("speed", [0, 1, 2])
def test_every_way_is_found(architecture: str, speed: int) -> None:
    compiler = Compiler(architecture)
    code = compiler.compile(text(count=2), speed=speed)
    without = compiler.compile(text('"no-jump-tables"="true"', count=2), speed=speed)
    if speed:
        assert "LJTI" in compiler.assembly(text(), speed=speed)
    assert "LJTI" not in compiler.assembly(text('"no-jump-tables"="true"'), speed=speed)
    for which, number in product(range(2), range(110)):
        expected = number ^ number * number * 77 if number in CASES else which
        for made in (code, without):
            assert called(made, architecture, f"f{which}", number) == expected


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_nothing_else_may_need_a_relocation(architecture: str) -> None:
    elsewhere = "declare i64 @other(i64)\n" + text().replace(
        "%r = load volatile i64, ptr %p", "%r = call i64 @other(i64 %x)"
    )
    with pytest.raises(NativeError, match="another section"):
        Compiler(architecture).compile(elsewhere)
    variable = "@v = internal global i64 7\n" + text().replace(
        "%r = load volatile i64, ptr %p", "%r = load volatile i64, ptr @v"
    )
    with pytest.raises(NativeError, match="relocation"):
        Compiler(architecture).compile(variable)
