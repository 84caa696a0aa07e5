"""The available platforms, and which of them a program belongs to.

    built in     rows of `BUILT_IN`: found by a suffix without importing any other
    installed    entry points of the group ``jitvm.guests``, which other packages declare
    named        ``module:NAME``: a `Platform`, or a bare `Guest`

        [project.entry-points."jitvm.guests"]
        toy = "toyvm.platform:PLATFORM"

Looking up entry points takes longer than starting, so it is done only for a program that none of
jitvm's own guests recognizes for certain, and for a guest that is asked for by name.
"""

from __future__ import annotations

import os

from jitvm.guest.light import import_module
from jitvm.platform import Platform, ProgramError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    from jitvm.guest import Guest

GROUP = "jitvm.guests"
"""Entry points that are guests."""
HEAD = 4096
"""First bytes of a file that are looked at."""


class GuestError(ValueError):
    """A guest that is not there or is none; the message says which, why and what to do."""


class Row:
    """A platform that is known without being imported: its name, ``module:NAME``, suffixes."""

    package = "jitvm"

    __slots__ = ("name", "suffixes", "target")

    def __init__(self, name: str, target: str, suffixes: tuple[str, ...]) -> None:
        self.name = name
        self.target = target
        self.suffixes = suffixes

    def load(self) -> Platform:
        """Import it."""
        return _resolved(self.target, self.name)


BUILT_IN = (
    Row("uxn", "jitvm.guests.uxn.platform:PLATFORM", (".rom", ".tal")),
    Row("chip8", "jitvm.guests.chip8.platform:PLATFORM", (".ch8", ".sc8", ".xo8", ".hex8")),
)
"""Guests that ship with jitvm. The first takes what may be anybody's."""


class Installed:
    """A guest that another package brings.

    Attributes:
        name: of its entry point.
        target: ``module:NAME``.
        package: that declares it, with its version.
    """

    __slots__ = ("name", "package", "target")

    def __init__(self, point: EntryPoint) -> None:
        self.name = point.name
        self.target = point.value
        self.package = "" if point.dist is None else f"{point.dist.name} {point.dist.version}"

    def load(self) -> Platform:
        """Import it.

        Raises:
            GuestError: it cannot be imported or is no guest.
        """
        return _resolved(self.target, f"guest {self.name} (of {self.package or self.target})")


def installed() -> tuple[Installed, ...]:
    """Guests of other packages, by name; of several with a name the first that Python finds."""
    from importlib.metadata import entry_points

    found: dict[str, Installed] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, Installed(point))
    return tuple(found[name] for name in sorted(found))


# -- by name -------------------------------------------------------------------------------------


def rows() -> tuple[Row | Installed, ...]:
    """All guests that have a name: jitvm's own first."""
    return (*BUILT_IN, *installed())


def named(text: str) -> Platform:
    """The platform of a guest's name, or of ``module:NAME``.

    Modules are looked for in the current folder as well, after all other places.

    Raises:
        GuestError: there is no such guest, or it cannot be imported, or is not a guest.
    """
    if ":" in text:
        _see_current_folder()
        return _resolved(text, f"guest {text}")
    for row in rows():
        if row.name == text:
            return row.load()
    raise GuestError(f"there is no guest {text}; {_choices()}")


def _choices() -> str:
    names = [row.name for row in rows()]
    return f"installed: {', '.join(names)}; others are named as module:NAME"


def _see_current_folder() -> None:
    import sys

    try:
        here = os.getcwd()
    except OSError:  # it is gone
        return
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)


def _resolved(target: str, what: str) -> Platform:
    """What ``module:NAME`` names, as a platform; `what` begins messages."""
    module, _, name = target.partition(":")
    if not module or not name:
        raise GuestError(f"{what}: take module:NAME, such as toyvm:TOY")
    try:
        found: object = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise GuestError(
                f"{what}: there is no module {error.name}; install its package, or change to the "
                "folder it is in"
            ) from error
        raise GuestError(
            f"{what}: {module} needs a module that is missing: {error.name}"
        ) from error
    except (Exception, SystemExit) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise GuestError(f"{what}: {module} cannot be imported: {why}") from error
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise GuestError(f"{what}: {module} has no {name}") from None
        except Exception as error:  # of the module's own `__getattr__`, or of a property
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise GuestError(f"{what}: {module} does not give {name}: {why}") from error
    return as_platform(found, what)


def of_guest(guest: Guest) -> Platform:
    """The platform of a guest at hand: one of jitvm's own, or a bare one."""
    for row in BUILT_IN:
        if row.name == guest.name and (platform := row.load()).guest is guest:
            return platform
    return as_platform(guest)


def as_platform(found: object, what: str = "guest") -> Platform:
    """A platform, from one or from a bare `Guest`.

    Raises:
        GuestError: it is neither; `what` begins the message.
    """
    if isinstance(found, Platform):
        return found
    from jitvm.guest import Guest

    if isinstance(found, Guest):
        from jitvm.platform.bare import BarePlatform

        return BarePlatform(found)
    kind = f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"
    raise GuestError(f"{what}: is {kind}; name a Guest or a Platform")


# -- by the program ------------------------------------------------------------------------------


def of_file(path: str) -> Platform:
    """The platform whose program a file is, by its suffix, else by its first bytes.

    A file that cannot be read is given to the first one, whose `load` says why.

    Raises:
        ProgramError: no guest knows it.
    """
    lower = path.lower()
    for row in BUILT_IN:
        if lower.endswith(row.suffixes):
            return row.load()
    head = _head(path)
    if head is None:
        return BUILT_IN[0].load()
    for platform in _all():
        if platform.recognises(path, head):
            return platform
    for row in BUILT_IN:
        platform = row.load()
        if platform.accepts(path, head):
            return platform
    raise ProgramError(
        f"{path}: is no program of any guest that is installed ({_known()}); name its guest "
        "with --guest"
    )


def of_tool(path: str) -> Platform:
    """The platform whose assembler or disassembler takes a file: by its suffix, else the first."""
    lower = path.lower()
    for row in BUILT_IN:
        if lower.endswith(row.suffixes):
            return row.load()
    for found in _all():
        if found.recognises(path, b""):
            return found
    return BUILT_IN[0].load()


def of_stream() -> Platform:
    """The platform of a program that has no name: the first one."""
    return BUILT_IN[0].load()


def _head(path: str) -> bytes | None:
    """The first bytes of a file, empty if it is not a regular file; None if there is none."""
    try:
        if not os.path.isfile(path):
            return b"" if os.path.exists(path) and not os.path.isdir(path) else None
        with open(path, "rb") as file:
            return file.read(HEAD)
    except (OSError, ValueError):
        return None


def _all() -> Iterator[Platform]:
    """All platforms that can be imported; `jitvm guests` reports the others."""
    for row in BUILT_IN:
        yield row.load()
    for found in installed():
        try:
            yield found.load()
        except GuestError:
            continue


def _known() -> str:
    return "; ".join(" ".join((platform.name, *platform.suffixes)) for platform in _all())
