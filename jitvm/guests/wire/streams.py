"""Where streams of messages come from: anything bytes can be read from, little by little.

    "events.pb"              a file; .gz and .zst are decompressed
    "s3://bucket/events.pb"  whatever fsspec knows
    open("events.pb", "rb")  objects with `readinto` or `read`
    a socket, a pipe         what is there is taken when nothing more comes for a moment

Files are read, not mapped: one that shrinks meanwhile is an error, it does not end the process.
"""

from __future__ import annotations

import os
from time import monotonic

from jitvm.guests.wire.faults import StreamError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SUFFIXES = {".gz": "gzip", ".zst": "zstd"}
"""Compression, by the end of a name."""

PIECE = 1 << 17
"""Bytes of compressed data that are read at once."""
LINGER = 0.01
"""Seconds for which more is waited for where some of a live stream is there: whoever writes to a
pipe as fast as it can has a few milliseconds' work in it at most."""


class Source:
    """Bytes of a stream.

    Attributes:
        name: for people; `file`: the same of what was opened by its name, else "".
        size: bytes there are, as they lie on the disk; None where that is not known.
    """

    def __init__(self, stream: Any, name: str, size: int | None, raw: Any, owned: bool) -> None:
        self._stream = stream
        self._raw = raw
        self._owned = owned
        self._takes = next(
            (each for each in ("recv_into", "readinto1", "readinto") if hasattr(stream, each)), None
        )
        self._is_live = _is_live(stream)
        self.name = name
        self.file = name if owned else ""
        self.size = size
        self.is_at_end = False
        self._given = 0

    @property
    def place(self) -> int:
        """Bytes that were read so far, as they lie on the disk where that is known."""
        try:
            return int(self._raw.tell())
        except (AttributeError, OSError, ValueError):
            return self._given

    def fill(self, buffer: memoryview) -> int:
        """Read into a buffer until it is full, or no more comes for a moment; how much was read.

        Raises:
            StreamError: what is read is damaged.
            OSError: it cannot be read.
        """
        filled, until = 0, 0.0
        while filled < len(buffer) and not self.is_at_end:
            if self._is_live and filled:
                until = until or monotonic() + LINGER
                if not _is_ready(self._stream, max(0.0, until - monotonic())):
                    break
            count = self._read(buffer[filled:])
            self.is_at_end = not count
            filled += count
        self._given += filled
        return filled

    def check_end(self) -> None:
        """Make sure that a file that ends is as long as it was.

        Raises:
            StreamError: it has become shorter.
        """
        if self._owned and self.size is not None and self.place < self.size:
            raise StreamError(
                f"{self.name} has shrunk while it was read: it ends after {self.place} of "
                f"{self.size} bytes"
            )

    def _read(self, buffer: memoryview) -> int:
        try:
            if self._takes is not None:
                return getattr(self._stream, self._takes)(buffer) or 0
            data = self._stream.read(len(buffer))
        except (EOFError, OSError) as error:
            if isinstance(error, EOFError) or type(error).__name__ == "BadGzipFile":
                raise StreamError(f"{self.name}: the compressed data is damaged: {error}") from None
            raise
        except Exception as error:
            if type(error).__name__ in ("ZstdError", "error"):
                raise StreamError(f"{self.name}: the compressed data is damaged: {error}") from None
            raise
        if not isinstance(data, bytes | bytearray):
            raise StreamError(
                f"{self.name} gives {type(data).__name__}, not bytes; open it in binary mode"
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close what was opened here."""
        if self._stream is not self._raw:
            self._stream.close()
        if self._owned:
            self._raw.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def opened(source: Any, compression: str | None = None) -> Source:
    """Open what somebody names or has opened.

    Args:
        source: see the head of this file.
        compression: ``"gzip"``, ``"zstd"``, ``"none"``; None: as the end of its name says.

    Raises:
        StreamError: it cannot be opened, or what it takes is not installed.
        TypeError: it is nothing that bytes can be read from.
    """
    if compression not in (None, "none", *SUFFIXES.values()):
        raise StreamError(f"compression {compression!r}: choose from gzip, zstd, none")
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        raw, size = _from_name(name)
        owned = True
    elif any(hasattr(source, each) for each in ("readinto", "read", "recv_into")):
        name = str(getattr(source, "name", type(source).__name__))
        raw, size, owned = source, _size_of(source), False
    else:
        raise TypeError(
            f"{type(source).__name__} is no stream; give a path, a file opened in binary mode, a "
            "socket, or a list of messages"
        )
    if compression is None:
        compression = SUFFIXES.get(os.path.splitext(name)[1], "none") if owned else "none"
    try:
        stream = _decompressed(raw, compression)
    except BaseException:
        if owned:
            raw.close()
        raise
    return Source(stream, name, size, raw, owned)


class _Zstd:
    """What is in a stream of zstd's frames; unlike zstandard's own reader it asks for its end."""

    def __init__(self, raw: Any, started: Callable[[], Any]) -> None:
        self._raw = raw
        self._started = started
        self._frame: Any = None
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Some bytes, at most so many; none at the end."""
        while not self._rest:
            data = self._raw.read(PIECE)
            if not data:
                if self._frame is not None:
                    raise EOFError("it ends in the middle of a frame")
                return b""
            self._rest = self._decompressed(data)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _decompressed(self, data: bytes) -> bytes:
        found = []
        while data:
            if self._frame is None:
                self._frame = self._started()
            found.append(self._frame.decompress(data))
            if not self._frame.eof:
                break
            data, self._frame = self._frame.unused_data, None
        return b"".join(found)

    def close(self) -> None:
        """Nothing of its own is open."""


def _from_name(name: str) -> tuple[Any, int | None]:
    if "://" in name and not os.path.exists(name):
        try:
            import fsspec
        except ModuleNotFoundError:
            raise StreamError(f"{name}: URLs need fsspec; pip install fsspec") from None
        try:
            opened = fsspec.open(name, "rb").open()
        except Exception as error:  # each file system has its own kinds
            raise StreamError(f"cannot open {name}: {error}") from None
        return opened, getattr(opened, "size", None)
    try:
        file = open(name, "rb", buffering=0)  # noqa: SIM115
    except OSError as error:
        raise StreamError(f"cannot read {name}: {error.strerror}") from None
    return file, _size_of(file)


def _decompressed(raw: Any, compression: str) -> Any:
    if compression == "none":
        return raw
    if compression == "gzip":
        import gzip

        return gzip.GzipFile(fileobj=raw, mode="rb")
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        return zstd.ZstdFile(raw, "rb")
    except ModuleNotFoundError:
        pass
    try:
        import zstandard
    except ModuleNotFoundError:
        raise StreamError("zstd needs the package zstandard; pip install 'jitvm[wire]'") from None
    return _Zstd(raw, zstandard.ZstdDecompressor().decompressobj)


def _size_of(file: Any) -> int | None:
    from stat import S_ISREG

    try:
        status = os.fstat(file.fileno())
    except (AttributeError, OSError, ValueError):
        return None
    return status.st_size if S_ISREG(status.st_mode) else None


def _is_live(stream: Any) -> bool:
    """Whether more may come later: a pipe, a socket, a terminal."""
    from stat import S_ISCHR, S_ISFIFO, S_ISSOCK

    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return False
    return S_ISFIFO(mode) or S_ISSOCK(mode) or S_ISCHR(mode)


def _is_ready(stream: Any, seconds: float) -> bool:
    """Whether bytes come soon. A buffered reader has given all it had to `readinto1`."""
    from select import select

    return bool(select([stream], [], [], seconds)[0])
