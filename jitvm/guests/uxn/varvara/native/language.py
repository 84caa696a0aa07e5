"""What kernels are written in: memory by address, and integers that are as wide as they get.

Every kernel is a function of 64-bit integers, addresses among them, that gives one back.

    kernels.py -- with this file -->    Python functions, for where no native code may run
               -- with `typed` -->      LLVM text, by numba: see `making`

Both have the same names. Rules that make kernels mean the same with both:
1. nothing exceeds 64 bits but what a store cuts off, and words of pixels are unsigned throughout;
2. nothing negative is divided.

`typed` has more, which keep machine code free of relocations.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_int64, c_ubyte, c_uint16, c_uint32, c_uint64
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

Signed: Any = int
Unsigned: Any = int


def inlined(function: Function) -> Function:
    """A function that kernels call."""
    return function


# -- memory ----------------------------------------------------------------------------------


def _loader(kind: Any) -> Any:
    """A function that loads an integer from an address, aligned or not."""
    at = kind.from_address

    def load(address: int) -> Any:
        return at(address).value

    return load


def _storer(kind: Any) -> Any:
    """A function that stores the low bits of an integer to an address, aligned or not."""
    at = kind.from_address

    def store(address: int, value: int) -> None:
        at(address).value = value

    return store


load_byte, store_byte = _loader(c_ubyte), _storer(c_ubyte)
load_half, store_half = _loader(c_uint16), _storer(c_uint16)
load_field, store_field = _loader(c_int64), _storer(c_int64)
load_word, store_word = _loader(c_uint64), _storer(c_uint64)
store_pixel = _storer(c_uint32)


def load_short(address: int) -> Any:
    """Sixteen bits of the guest's, the high byte first."""
    return load_byte(address) << 8 | load_byte(address + 1)


def store_short(address: int, value: int) -> None:
    """The low sixteen bits, the high byte first."""
    store_byte(address, value >> 8)
    store_byte(address + 1, value)


# -- what Python has no word for ---------------------------------------------------------------


def barrier() -> None:
    """Where a turn of a loop ends, which only compilers want to know."""


def divide(number: int, divisor: int) -> int:
    """The whole quotient of a number that is not negative and one above 0."""
    return number // divisor


def remainder(number: int, divisor: int) -> int:
    """What `divide` leaves."""
    return number % divisor
