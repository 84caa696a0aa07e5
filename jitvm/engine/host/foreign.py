"""C's functions and memory at addresses, without the package that `ctypes` is.

Importing `ctypes` creates forty classes, a fifth of what it takes to start Python. What every run
needs is made here from the module in C that it stands upon:

    function("mmap", Word, Word, ...)     a function of C's library, as a callable
    called(address, Word, Bytes)          one at an address, also of our own native code
    callback(python)                      the other way round: see `PortFunction`
    memory(address, owner)                all memory from an address on: to take a slice of

Everything is a `Word`, an unsigned number of 64 bits: pointers and sizes are, and of smaller
numbers C looks at the low bits only. A file that is imported by every run takes these, all others
`ctypes` itself; nothing of the one is given to the other but numbers.
"""

from __future__ import annotations

from _ctypes import (
    FUNCFLAG_CDECL,
    FUNCFLAG_USE_ERRNO,
    CFuncPtr,
    _SimpleCData,
    addressof,
    dlopen,
    dlsym,
    get_errno,
)

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

BYTES_OF_WORD = 8


class Word(_SimpleCData):  # type: ignore[type-arg]
    """64 bits, unsigned."""

    _type_ = "L"


class Bytes:
    """A parameter that takes bytes, of which C gets the address."""

    from_param = staticmethod(bytes)


class PortFunction(CFuncPtr):
    """A function of three words whose result is one, as native code calls it (see `Machine`)."""

    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
    _argtypes_ = (Word, Word, Word)
    _restype_ = Word


_MEMORY = Word * (1 << 44)
"""All that a process can have addresses of."""
_LIBRARY = dlopen(None, 0)  # type: ignore[arg-type]  # None: what is loaded already


def called(address: int, *parameters: type, returns: type | None = Word) -> Callable[..., Any]:
    """The function at an address; errors that it sets are in `get_errno`."""
    found = PortFunction(address)
    found.argtypes, found.restype = parameters, returns
    return found


def function(name: str, *parameters: type, returns: type | None = Word) -> Callable[..., Any]:
    """A function of C's library.

    Raises:
        OSError: it has none of this name.
    """
    return called(dlsym(_LIBRARY, name), *parameters, returns=returns)


def address_of_function(name: str) -> int:
    """Where a function of C's library is.

    Raises:
        OSError: it has none of this name.
    """
    return dlsym(_LIBRARY, name)


def address_of_callback(callback: PortFunction) -> int:
    """Where native code calls what was made of a function of Python's; keep that meanwhile."""
    found: int = Word.from_buffer(callback).value
    return found


def address_of_bytes(content: bytearray) -> tuple[int, object]:
    """Where the bytes of an array are, which has 8 at least, and what has to be kept meanwhile."""
    first = Word.from_buffer(content)
    return addressof(first), first


def memory(address: int, owner: object) -> memoryview:
    """All bytes from an address on, writable; `owner` is kept as long as there are views of them.

    Nobody looks whether they are mapped: take a slice.
    """
    found = _MEMORY.from_address(address)
    found.owner = owner  # type: ignore[attr-defined]
    return memoryview(found).cast("B")


__all__ = [
    "BYTES_OF_WORD", "Bytes", "PortFunction", "Word", "address_of_bytes", "address_of_callback",
    "address_of_function", "called", "function", "get_errno", "memory",
]  # fmt: skip
