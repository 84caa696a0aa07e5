"""Compiling a kernel, with numba's files in jitvm's cache folder.

Left alone, numba keeps compiled functions beside their source, in a folder that may be a package
manager's. So it is told of a private folder of ours while a function is declared. Where there is
no such folder nothing is kept, and damaged files are thrown away. A user's own ``NUMBA_CACHE_DIR``
is respected.
"""

from __future__ import annotations

import os
import shutil
import stat

from jitvm.engine.cache import default_folder

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Kernel = Callable[..., None]


def load(kernel: Kernel, *arguments: Any) -> Kernel:
    """A function of numbers and arrays, compiled: from the cache, or now and then kept there.

    Args:
        kernel: plain Python in the part of the language that numba knows. It must not raise.
        arguments: of the types it is compiled for. It is called with them, so let there be
            nothing to do for it.

    Returns:
        the function, which runs without Python's interpreter lock.

    Raises:
        ImportError: numba is missing or broken.
    """
    folder = _private_folder()
    if folder is not None:
        try:
            return _compile(kernel, arguments, folder)
        except ImportError:
            raise
        except Exception:  # whatever unpickling a damaged file may raise
            shutil.rmtree(folder, ignore_errors=True)
    return _compile(kernel, arguments, None)


def _compile(kernel: Kernel, arguments: tuple[Any, ...], folder: str | None) -> Kernel:
    from importlib import import_module

    numba: Any = import_module("numba")  # whose types, where it has any, leave these out
    dispatcher: Any = numba.njit(kernel, nogil=True, error_model="numpy")
    if folder is not None:
        usual = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = usual or folder
        try:
            dispatcher.enable_caching()
        finally:
            numba.config.CACHE_DIR = usual
    compiled: Kernel = dispatcher
    compiled(*arguments)
    return compiled


def _private_folder() -> str | None:
    """Where numba may keep files; None where others could put code or we cannot write."""
    folder = os.path.join(default_folder(), "numba")
    try:
        os.makedirs(default_folder(), mode=0o700, exist_ok=True)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.stat(folder)
    except OSError:
        return None
    trusted = status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWOTH | stat.S_IWGRP)
    return folder if trusted and os.access(folder, os.W_OK | os.X_OK) else None
