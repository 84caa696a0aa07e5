"""Writes sound to a WAV file: 16 bit, stereo, 44100 Hz.

     0  "RIFF" size*  "WAVE"                           size: all that follows it
    12  "fmt " 16* 1' 2' rate* bytes a second* 4' 16'  PCM, channels, bytes a frame, bits
    36  "data" size*                                   size: of the samples
    44  samples: left', right', left', ...             * 32 bits, ' 16 bits, low byte first

Samples are written before the header that counts them, and nothing is buffered, so the file is
valid at any time, however the run ends.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress

from jitvm.platform.sound import RATE

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from jitvm.platform.sound import Samples

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1
_CHANNELS = 2
_FRAME = _CHANNELS * 2

LIMIT = ((1 << 32) - _HEADER.size) // _FRAME
"""Samples that fit, as sizes have 32 bits: more than six hours."""


class WavError(OSError):
    """A WAV file cannot be written; the message says which, why and what to do."""


class WavWriter:
    """Writes a WAV file as sound comes; a context manager, which closes it.

    What was there before is replaced.

    Args:
        path: of a file; a pipe will not do, as the header is written again and again.
        name: what messages call it; None: its path.

    Raises:
        WavError: it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        self.name = name or os.fspath(path)
        self.frames = 0
        try:
            self._file = open(path, "wb", buffering=0)  # noqa: SIM115  closed by `close`
        except OSError as error:
            raise self._failure(error) from error
        if not self._file.seekable():
            self._file.close()
            raise WavError(f"{self.name}: a WAV file cannot be written to a pipe; name a file")
        self._append(b"", 0)

    def write(self, samples: Samples) -> None:
        """Append sound.

        Args:
            samples: signed 16 bit, shape (frames, 2), left before right.

        Raises:
            WavError: the file cannot be written, has grown to `LIMIT` or is closed.
            ValueError: the samples have another shape or type.
        """
        if samples.dtype != "int16" or samples.shape[1:] != (_CHANNELS,):
            raise ValueError(
                f"samples of {samples.dtype} in shape {samples.shape}: "
                f"take int16 in shape (frames, {_CHANNELS})"
            )
        if self._file.closed:
            raise WavError(f"{self.name}: the WAV file is closed already")
        if self.frames + len(samples) > LIMIT:
            raise WavError(
                f"{self.name}: a WAV file holds 4 GiB, {LIMIT // RATE // 60} minutes; "
                "record in parts"
            )
        self._append(samples.astype("<i2", copy=False).tobytes(), len(samples))

    def close(self) -> None:
        """Close the file, which is complete already; more than once does no harm.

        Raises:
            WavError: the operating system reports a failed write only now.
        """
        try:
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, data: bytes, frames: int) -> None:
        try:
            self._write_at(_HEADER.size + self.frames * _FRAME, data)
            self._write_at(0, _header(self.frames + frames))
        except OSError as error:
            with suppress(OSError):
                self._file.close()
            raise self._failure(error) from error
        self.frames += frames

    def _write_at(self, at: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            done = os.pwrite(self._file.fileno(), rest, at)
            rest, at = rest[done:], at + done

    def _failure(self, error: OSError) -> WavError:
        return WavError(f"{self.name}: cannot be written: {error.strerror}; name another place")


def _header(frames: int) -> bytes:
    size = frames * _FRAME
    return _HEADER.pack(
        b"RIFF", size + _HEADER.size - 8, b"WAVE",
        b"fmt ", 16, _PCM, _CHANNELS, RATE, RATE * _FRAME, _FRAME, 8 * _FRAME // _CHANNELS,
        b"data", size,
    )  # fmt: skip
