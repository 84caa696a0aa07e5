"""What native code was made from, as text: the key of all code kept between runs.

    jitvm's own part     path, size and times of every source file of the engine and of `guest`
    LLVM, processor      the same of its library; architecture and features
    the declaration      every attribute of the guest, its stacks, spaces and rows
    the meaning          what its semantic functions do, step by step   (`check_semantics`)

The meaning is taken from the functions as they execute, not from their source: so whatever they
reach counts (helpers in other modules, closures, defaults and globals) and nothing else does. It is
a by-product of checking the description, so a guest whose code is found has been checked as well.
That takes a few milliseconds at each start; a guest that declares `sources`, as the ones shipped
with jitvm do, is identified by these files instead, and checked by its tests.

Functions may change while their guest is in use: a module is reloaded, a global is set. So the
meaning is computed again each time, and code is kept only if it was the same before the code was
made.
"""

from __future__ import annotations

import os
import sys

from jitvm.guest.light import PathFinder

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jitvm.guest import Guest

_PACKAGE = os.path.abspath(os.path.join(__file__, "..", "..", ".."))
_OWN = ("engine", "guest")
"""Folders of jitvm that native code depends on, with all below them."""


def stamp(guest: Guest) -> str | None:
    """A text that changes whenever the guest's native code may; None if nobody can tell.

    Raises:
        DescriptionError: a semantic function breaks a rule of `jitvm.guest.core`.
    """
    llvm = _llvm()
    if llvm is None:
        return None
    try:
        lines = [
            *_files(os.path.join(_PACKAGE, folder) for folder in _OWN),
            *map(_file, (os.path.join(llvm, "_version.py"), os.path.join(llvm, "binding"))),
            *_files(guest.sources),
        ]
        meaning = "as its sources say" if guest.sources else guest.check_semantics(again=True)
        return "\n".join([*lines, _processor(), *_declared(guest), meaning])
    except OSError:  # sources in an archive, say
        return None


def _llvm() -> str | None:
    """The folder of llvmlite: the first there is, as Python finds it."""
    for folder in sys.path:  # Python would list each, of which one may hold hundreds of packages
        llvm = os.path.join(folder or os.curdir, "llvmlite")
        if os.path.exists(os.path.join(llvm, "__init__.py")):
            return llvm
    found = PathFinder.find_spec("llvmlite")
    return None if found is None or found.origin is None else os.path.dirname(found.origin)


def _files(places: Iterable[str]) -> Iterator[str]:
    """Each file of code in some places, which are files, or folders with all below them."""
    for place in places:
        if not os.path.isdir(place):
            yield _file(place)
            continue
        with os.scandir(place) as items:
            inside = sorted(items, key=lambda item: item.name)
        for item in inside:
            if item.name.endswith((".py", ".pyc")):
                yield _file(item.path)
            elif item.name != "__pycache__" and item.is_dir():
                yield from _files([item.path])


def _file(path: str) -> str:
    """A file as it is now: also one that was put back with its old size and time is another."""
    found = os.stat(path)
    return f"{path!r} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def _processor() -> str:
    """The machine's architecture and features, as the operating system lists them."""
    machine = os.uname().machine
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(("flags", "Features")):
                    return f"{machine} {line.split(':', 1)[1].strip()}"
    return machine


def _declared(guest: Guest) -> Iterator[str]:
    """The guest's declaration, without its functions."""
    yield repr((guest.name, guest.version, guest.byte_order))
    yield repr((guest.word_bits, guest.pc_bits, guest.ports, guest.code_index))
    yield repr([(s.name, s.size, s.code, s.window, s.large) for s in guest.spaces])
    yield repr([(s.name, s.size, s.return_addresses, [*s.cached]) for s in guest.stacks])
    if not (guest.sources and guest.has_late_opcodes):  # else they are as the sources say
        yield repr([(row.name, row.operand_size) for row in guest.opcodes])
