"""Where runs and those who watch them meet: a Unix-domain socket for each run, of this user alone.

    $XDG_RUNTIME_DIR/jitvm/PID.sock      mode 0600, in a folder of mode 0700
    /tmp/jitvm-UID/PID.sock              where there is no such folder

1. The folder has to be a folder, this user's, and closed to all others; else nothing in it is used.
2. Both ends ask the kernel who the other is: nobody but this user gets an answer, and nobody but
   the process that was named gives one.
3. Names are looked up in the folder that was checked, by its descriptor. That also makes them
   short: addresses of sockets have room for a hundred characters.
4. A socket of a process that has ended is removed by whoever comes across it.

Questions and answers are JSON, a line each; see `observed`.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Message = dict[str, Any]

LONGEST = 4096
"""Bytes of a question."""
_CREDENTIALS = struct.Struct("3i")  # process, user, group


class MeetingError(Exception):
    """There is no run to watch, or no place to meet; the message says why and what to do."""


# -- the folder ----------------------------------------------------------------------------------


def folders() -> list[str]:
    """Where sockets may be, the best place first."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [os.path.join(os.environ.get("TMPDIR") or "/tmp", f"jitvm-{os.getuid()}")]
    return [os.path.join(base, "jitvm"), *places] if os.path.isdir(base) else places


@contextmanager
def _folder(path: str) -> Iterator[int]:
    """A descriptor of a folder that nobody else can use.

    Raises:
        OSError: there is none.
        MeetingError: it is not this user's alone.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        about = os.fstat(descriptor)
        if about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o077:
            raise MeetingError(f"{path} can be used by others; remove it, or close it to them")
        yield descriptor
    finally:
        os.close(descriptor)


def _address(folder: int, process: int) -> str:
    return f"/proc/self/fd/{folder}/{_name(process)}"


def _name(process: int) -> str:
    return f"{process}.sock"


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _sweep(folder: int) -> None:
    """Remove sockets of processes that have ended."""
    for name in os.listdir(folder):
        number = name.removesuffix(".sock")
        is_ours = name != number and number.isascii() and number.isdecimal() and len(number) < 10
        if is_ours and not _is_running(int(number)):
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)


# -- a run's end ---------------------------------------------------------------------------------


def listen() -> socket.socket:
    """A socket at which this process can be met.

    Raises:
        MeetingError: there is no place for it.
    """
    troubles = []
    for path in folders():
        try:
            os.makedirs(path, 0o700, exist_ok=True)
            with _folder(path) as folder:
                _sweep(folder)
                return _bound(folder)
        except (OSError, MeetingError) as error:
            troubles.append(str(error))
    raise MeetingError("; ".join(troubles))


def _bound(folder: int) -> socket.socket:
    with suppress(FileNotFoundError):  # left by an earlier process of the same number
        os.unlink(_name(os.getpid()), dir_fd=folder)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(_address(folder, os.getpid()))
        os.chmod(_name(os.getpid()), 0o600, dir_fd=folder)
        made.listen()
    except OSError:
        made.close()
        raise
    return made


def leave() -> None:
    """Remove this process's socket."""
    for path in folders():
        with suppress(OSError, MeetingError), _folder(path) as folder:
            os.unlink(_name(os.getpid()), dir_fd=folder)


def is_ours(connection: socket.socket) -> bool:
    """Whether the other end is this user."""
    return _other_end(connection)[1] == os.getuid()


def _other_end(connection: socket.socket) -> tuple[int, int]:
    """The process and the user at the other end, as the kernel says."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _ = _CREDENTIALS.unpack(raw)
    return process, user


# -- a watcher's end -----------------------------------------------------------------------------


def connect(process: int) -> socket.socket:
    """A connection to a run.

    Raises:
        MeetingError: there is none, or it is none that can be watched.
    """
    try:
        owner = os.stat(f"/proc/{process}").st_uid
    except OSError:
        owner = None
    if owner is None or not _is_running(process):
        _forget(process)
        raise MeetingError(f"there is no process {process}: it has ended, or never was")
    if owner != os.getuid():
        raise MeetingError(f"process {process} is another user's; runs are watched by their own")
    troubles = []
    for path in folders():
        try:
            with _folder(path) as folder:
                return _connected(folder, process)
        except FileNotFoundError:
            continue
        except ConnectionRefusedError:
            _forget(process)
        except MeetingError as error:
            troubles.append(str(error))
        except OSError as error:
            troubles.append(f"{path}: {error.strerror}")
    if troubles:
        raise MeetingError("; ".join(troubles))
    raise MeetingError(
        f"process {process} cannot be watched: it is no `jitvm run --observable PROGRAM`"
    )


def _connected(folder: int, process: int) -> socket.socket:
    about = os.stat(_name(process), dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISSOCK(about.st_mode) or about.st_uid != os.getuid():
        raise MeetingError(f"{_name(process)} is no socket of yours; remove it")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.connect(_address(folder, process))
        if _other_end(made) != (process, os.getuid()):
            raise MeetingError(f"another process answers for {process}; it is not watched")
    except BaseException:
        made.close()
        raise
    return made


def _forget(process: int) -> None:
    """Remove the socket of a process that does not listen any more."""
    for path in folders():
        with suppress(OSError, MeetingError), _folder(path) as folder:
            os.unlink(_name(process), dir_fd=folder)


# -- questions and answers -----------------------------------------------------------------------


def encoded(message: Message) -> bytes:
    """A message as a line."""
    import json

    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decoded(line: bytes) -> Message | None:
    """A line as a message; None if it is none."""
    import json

    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
