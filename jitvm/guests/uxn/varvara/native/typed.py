"""What kernels are written in, as numba compiles it: the names of `language`, for `making`.

Rules that keep its machine code free of relocations (see `jitvm.engine.codegen.native`):
1. no arrays, no objects, no floats; no division but by `divide`: nothing can raise or needs the
   runtime;
2. a `barrier` ends each turn of a loop and parts stores of constants: otherwise LLVM makes calls
   to `memset` of them, and vector code that needs constants in memory;
3. words of pixels are unsigned throughout: numba takes signed overflow for impossible, and makes a
   float of signed and unsigned together.

This file is imported only to make the kernels' text anew: see `making`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

Signed: Any = types.int64
Unsigned: Any = types.uint64

OPTIONS: dict[str, Any] = {
    "error_model": "numpy", "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
}  # fmt: skip


def inlined(function: Function) -> Function:
    """A function that kernels call: it becomes a part of them."""
    compiled: Function = numba.njit(**OPTIONS)(function)
    return compiled


# -- memory ----------------------------------------------------------------------------------


def _loader(result: Any, bits: int) -> Any:
    """A function that loads an unsigned integer from an address, aligned or not."""

    def load(_context: Any, address: Any) -> Any:  # noqa: ARG001  numba looks at the name
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], ir.IntType(bits).as_pointer())
            value = builder.load(pointer, align=1)
            return builder.zext(value, ir.IntType(64)) if bits < 64 else value

        return result(types.int64), generate

    return intrinsic(load)


def _storer(given: Any, bits: int) -> Any:
    """A function that stores the low bits of an integer to an address, aligned or not."""

    def store(_context: Any, address: Any, value: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], ir.IntType(bits).as_pointer())
            stored = builder.trunc(args[1], ir.IntType(bits)) if bits < 64 else args[1]
            builder.store(stored, pointer, align=1)
            return context.get_dummy_value()

        return types.void(types.int64, given), generate

    return intrinsic(store)


load_byte, store_byte = _loader(types.int64, 8), _storer(types.int64, 8)
load_half, store_half = _loader(types.int64, 16), _storer(types.int64, 16)
load_field, store_field = _loader(types.int64, 64), _storer(types.int64, 64)
load_word, store_word = _loader(types.uint64, 64), _storer(types.uint64, 64)
store_pixel = _storer(types.uint64, 32)


@inlined
def load_short(address: int) -> Any:
    """Sixteen bits of the guest's, the high byte first.

    Guests have just stored them byte by byte; one wide load would wait for both stores.
    """
    high = load_byte(address) << 8
    barrier()
    return high | load_byte(address + 1)


@inlined
def store_short(address: int, value: int) -> None:
    """The low sixteen bits, the high byte first."""
    store_byte(address, value >> 8)
    store_byte(address + 1, value)


# -- what Python has no word for ---------------------------------------------------------------


def _barrier(_context: Any) -> Any:
    """Nothing, which LLVM has to take for something."""

    def generate(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        nothing = ir.FunctionType(ir.VoidType(), [])
        builder.asm(nothing, "", "~{memory}", [], True)
        return context.get_dummy_value()

    return types.void(), generate


barrier: Any = intrinsic(_barrier)


def _divider(instruction: str) -> Any:
    """A division of numbers that are not negative, by one above 0, with nothing around it."""

    def divide(_context: Any, _number: Any, _divisor: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return getattr(builder, instruction)(*args)

        return types.int64(types.int64, types.int64), generate

    return intrinsic(divide)


divide, remainder = _divider("udiv"), _divider("urem")
