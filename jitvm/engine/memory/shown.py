"""Where the memory is that an object of Python's shows (PEP 3118)."""

from __future__ import annotations

import ctypes

from jitvm.engine.memory.layout import fence_of


class _Buffer(ctypes.Structure):
    """Memory of an object of Python's, as PEP 3118 has it."""

    _fields_ = (
        ("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p),
    )  # fmt: skip


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.c_void_p, ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [ctypes.c_void_p]
_release_buffer.restype = None


def address_of(view: memoryview) -> int:
    """Where the bytes of a contiguous view lie; it has to be kept as long as they are used."""
    buffer = _Buffer()
    shown = ctypes.byref(buffer)
    _get_buffer(view, shown, 0)
    address = buffer.buf or 0
    _release_buffer(shown)
    return address


def show(view: memoryview, words: memoryview) -> None:
    """Have native code find a window or a large space (by the words of `Block.attached`) where the
    bytes of a contiguous view lie."""
    size = len(view)
    words[0] = address_of(view) if size else 0
    if len(words) > 1:
        words[1], words[2] = size, fence_of(size)
