"""The file of a saved state.

    jitvm state 1\\n        what it is, and the version of its form
    {...}\\n                JSON: what it is a state of; see `_identity`
    ...                    the state, as `plain` writes it, compressed by zlib
    32 bytes               SHA-256 of all before

A file is written next to its place and then renamed, so there is never half of one.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from jitvm.engine.host.part import write_result
from jitvm.engine.tables.names import shown
from jitvm.platform.device import StateError
from jitvm.platform.states import plain, whole
from jitvm.version import __version__

if TYPE_CHECKING:
    from jitvm.guest import Guest
    from jitvm.platform.computer import Computer
    from jitvm.platform.device import Plain

VERSION = 1
_HEAD = b"jitvm state "
_DIGEST = sha256().digest_size
MAX_SIZE = 64 << 20
"""Most bytes taken of a file."""
MAX_STATE = 128 << 20
"""Most bytes of a state's text: several times the largest screen and all banks."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What is in a file.

    Attributes:
        state: for `whole.put`.
        input_at: how far standard input had been read, if that was a file.
    """

    state: Plain
    input_at: int | None


def packed(computer: Computer, input_at: int | None = None) -> bytes:
    """A computer's state as the bytes of a file.

    Raises:
        StateError: it has one that cannot be saved.
    """
    about = _identity(computer) | {"input_at": input_at, "jitvm": __version__}
    data = b"%s%d\n%s\n%s" % (
        _HEAD,
        VERSION,
        json.dumps(about).encode(),
        zlib.compress(plain.dumped(whole.take(computer))),
    )
    return data + sha256(data).digest()


def unpacked(data: bytes, computer: Computer) -> Saved:
    """What is in the bytes of a file.

    Raises:
        StateError: it is no state, is damaged, or is not one of this program.
    """
    head, _, rest = data.partition(b"\n")
    if not head.startswith(_HEAD):
        raise StateError("is no saved state")
    if head != b"%s%d" % (_HEAD, VERSION):
        version = _text(head[len(_HEAD) :].decode("latin-1"))
        raise StateError(
            f"is a saved state of version {version}, and this jitvm has {VERSION}; save it again"
        )
    about, _, body = rest.partition(b"\n")
    if len(data) < _DIGEST or sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise StateError("is damaged, or its end is missing")
    try:
        found = json.loads(about)
        _compare(found, _identity(computer))
        return Saved(plain.parsed(_inflated(body[:-_DIGEST])), found["input_at"])
    except StateError:
        raise
    except (ValueError, TypeError, LookupError, zlib.error, RecursionError) as error:
        raise StateError(f"is damaged: {error}") from error


def write(path: str, computer: Computer, input_at: int | None = None) -> None:
    """Save a state.

    Raises:
        StateError: it cannot be saved.
        OSError: the file cannot be written; what was there before still is.
    """
    write_result(path, packed(computer, input_at))


def read(path: str, computer: Computer) -> Saved:
    """Read a saved state of a computer's program.

    Raises:
        StateError: as for `unpacked`, with the file's name; or it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise StateError(f"{path}: cannot be read: {why}") from error
    try:
        if len(data) > MAX_SIZE:
            raise StateError(f"is longer than {MAX_SIZE >> 20} MiB, so it is no saved state")
        return unpacked(data, computer)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error


def load(path: str, computer: Computer) -> Saved:
    """Go on from a saved state.

    Raises:
        StateError: it cannot be read or put back; the computer is as it was.
    """
    saved = read(path, computer)
    try:
        whole.replace(computer, saved.state)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    return saved


# -- what it is a state of -----------------------------------------------------------------------


def _identity(computer: Computer) -> dict[str, Any]:
    """What has to be the same for a state to be one of a computer."""
    guest = computer.machine.guest
    return {
        "guest": guest.name,
        "declaration": _declaration(guest),
        "name": computer.name,
        "program": sha256(computer.image).hexdigest(),
        "settings": computer.settings,
    }


def _declaration(guest: Guest) -> dict[str, Any]:
    """The sizes that a guest declares."""
    return {
        "spaces": {space.name: space.size for space in guest.spaces},
        "stacks": {stack.name: stack.size for stack in guest.stacks},
        "ports": guest.ports,
        "pc_bits": guest.pc_bits,
    }


def _compare(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse the state of something else."""
    if found["guest"] != wanted["guest"]:
        raise StateError(
            f"is a state of {_text(found['guest'])}, and the program is one of {wanted['guest']}"
        )
    if found["declaration"] != wanted["declaration"]:
        raise StateError(
            f"is a state of another {wanted['guest']}, with memory of other sizes; it has changed"
        )
    if found["program"] != wanted["program"]:
        raise StateError(
            f"is a state of another program, {_text(found['name'])}, or it has changed"
        )
    if found["settings"] != wanted["settings"]:
        was, here = found["settings"], wanted["settings"]
        name = next(name for name in here if was.get(name) != here[name])
        raise StateError(
            f"is of a run with the option {name}={_text(was.get(name))}, and this one has "
            f"{name}={here[name]}; run it with the same"
        )


def _text(value: object) -> str:
    return shown(str(value)[:100])


def _inflated(body: bytes) -> bytes:
    """A state's text."""
    inflate = zlib.decompressobj()
    text = inflate.decompress(body, MAX_STATE)
    if not inflate.eof or inflate.unused_data:
        raise ValueError("its contents are not complete, or too long")
    return text
