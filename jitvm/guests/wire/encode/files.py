"""Files that messages are written to: beside their place, and put there when they are complete."""

from __future__ import annotations

import os

from jitvm.engine.host.part import Pending
from jitvm.guests.wire.faults import StreamError
from jitvm.guests.wire.streams import SUFFIXES

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any, Self


class Target:
    """A file while it is written, for a ``with`` block; what is no file is written to directly.

    Args:
        path: where; compressed as the end of its name says. Or an object with `write`, which is
            left open.

    Raises:
        StreamError: what compresses it is not installed.
        OSError: it cannot be written.
    """

    def __init__(self, path: Any) -> None:
        self._pending: Pending | None = None
        self._file: Any = None
        self._stream: Any = path
        if hasattr(path, "write"):
            return
        name = os.fspath(path)
        compressed = _compressor(SUFFIXES.get(os.path.splitext(name)[1], "none"))
        self._pending = Pending(name)
        self._file = open(self._pending.beside, "wb")  # noqa: SIM115
        self._stream = compressed(self._file)

    def __enter__(self) -> Self:
        return self

    def write(self, data: Any) -> None:
        """Write bytes behind those before."""
        rest = memoryview(data)
        while len(rest):  # files without a buffer may take a part
            count = self._stream.write(rest)
            rest = rest[len(rest) if count is None else count :]

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pending is None:
            return
        try:
            if self._stream is not self._file:
                self._stream.close()
            self._file.close()
            if kind is None:
                self._pending.commit()
        finally:
            self._file.close()
            self._pending.discard()


def _compressor(compression: str) -> Any:
    """What makes a stream that compresses of a file."""
    if compression == "none":
        return lambda file: file
    if compression == "gzip":
        import gzip

        return lambda file: gzip.GzipFile(fileobj=file, mode="wb")
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        return lambda file: zstd.ZstdFile(file, "wb")
    except ModuleNotFoundError:
        pass
    try:
        import zstandard
    except ModuleNotFoundError:
        raise StreamError("zstd needs the package zstandard; pip install 'jitvm[wire]'") from None
    return lambda file: zstandard.ZstdCompressor().stream_writer(file, closefd=False)
