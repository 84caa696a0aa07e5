"""Avro's object container files: their header, and their blocks, as they come.

    "Obj" 1 | metadata: schema, codec | 16 bytes of sync | count size data sync | count size ...
                                                           └ a block of records

Blocks of files that are not compressed are decoded where they are. What is compressed is put side
by side first, a few megabytes at a time.

See `Object Container Files` in Avro's specification.
"""

from __future__ import annotations

import zlib
from array import array

from jitvm.guests.wire.faults import StreamError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from jitvm.guests.wire.streams import Source

MAGIC = b"Obj\x01"
SYNC = 16
"""Bytes of the marker behind the header and behind each block."""
PIECE = 4 << 20
"""Bytes of a stream that are read at a time, and of blocks that are put side by side."""
MOST = (1 << 31) - 1
"""Bytes of a block at most, compressed or not."""
CODECS = ("null", "deflate", "snappy", "zstandard", "bzip2", "xz")
_LONGEST = 10


class BrokenContainer(Exception):
    """What is no block."""


class CutOff(Exception):
    """Bytes that end too early."""


class Blocks:
    """Blocks in memory, until the next ones are asked for.

    Attributes:
        data: what they are in.
        table: int64, three words a block: where it begins, where it ends, its records.
    """

    __slots__ = ("data", "table")

    def __init__(self, data: memoryview, table: array[int]) -> None:
        self.data = data
        self.table = memoryview(table)


# -- headers -------------------------------------------------------------------------------------


class Header:
    """The header of a file.

    Attributes:
        metadata: by name; among them ``avro.schema`` and ``avro.codec``.
        sync: the marker.
        size: bytes of the header.
    """

    __slots__ = ("metadata", "size", "sync")

    def __init__(self, metadata: dict[str, bytes], sync: bytes, size: int) -> None:
        self.metadata = metadata
        self.sync = sync
        self.size = size

    @property
    def schema(self) -> bytes:
        """The schema that records were written by, as JSON.

        Raises:
            StreamError: there is none.
        """
        found = self.metadata.get("avro.schema")
        if found is None:
            raise StreamError("the file has no schema (avro.schema) in its header")
        return found

    @property
    def codec(self) -> str:
        """What its blocks are compressed with.

        Raises:
            StreamError: nobody knows that.
        """
        name = self.metadata.get("avro.codec", b"null").decode("latin-1")
        if name not in CODECS:
            raise StreamError(f"the codec {name!r} is unknown; there are {', '.join(CODECS)}")
        return name


def header_of(data: memoryview) -> Header:
    """The header that some bytes begin with.

    Raises:
        StreamError: they begin with something else.
        CutOff: more of them are needed.
    """
    if bytes(data[:4]) != MAGIC:
        if len(data) < 4 and MAGIC.startswith(bytes(data)):
            raise CutOff
        raise StreamError(
            "this is no Avro container file: it does not begin with 'Obj' and a 1; to read bare "
            "records give a list of them, and their schema"
        )
    at, metadata = 4, {}
    try:
        while True:
            count, at = long(data, at)
            if not count:
                break
            if count < 0:
                count, (_, at) = -count, long(data, at)
            for _ in range(count):
                key, at = _bytes(data, at)
                metadata[key.decode("utf-8", "replace")], at = _bytes(data, at)
    except BrokenContainer:
        raise StreamError("the header of the Avro file is damaged") from None
    if at + SYNC > len(data):
        raise CutOff
    return Header(metadata, bytes(data[at : at + SYNC]), at + SYNC)


def long(data: memoryview, at: int) -> tuple[int, int]:
    """A zigzag varint, and where it ends.

    Raises:
        BrokenContainer: it is longer than it may be.
        CutOff: it is not all there.
    """
    size = shift = 0
    if at + 2 < len(data):  # of one byte or two, mostly
        first, second = data[at], data[at + 1]
        if first < 0x80:
            return (first >> 1) ^ -(first & 1), at + 1
        if second < 0x80:
            return ((first & 0x7F | second << 7) >> 1) ^ -(first & 1), at + 2
    for byte in data[at : at + _LONGEST]:
        size |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return (size >> 1) ^ -(size & 1), at
        shift += 7
    raise BrokenContainer if shift == 7 * _LONGEST else CutOff


def _bytes(data: memoryview, at: int) -> tuple[bytes, int]:
    size, at = long(data, at)
    if not 0 <= size <= MOST:
        raise BrokenContainer
    if at + size > len(data):
        raise CutOff
    return bytes(data[at : at + size]), at + size


# -- blocks --------------------------------------------------------------------------------------


class Container:
    """The blocks of a file.

    Args:
        header: its header.
        is_counted: whether records have bytes, so that a block has no more records than bytes.
    """

    def __init__(self, header: Header, is_counted: bool) -> None:
        self.sync = header.sync
        self.codec = header.codec
        self._decompress = None if self.codec == "null" else decompressor(self.codec)
        self._is_counted = is_counted

    def blocks(self, data: memoryview, at: int, most: int) -> tuple[Blocks, int]:
        """Whole blocks from a place on, of about so many bytes when they are decompressed; and
        where the next one begins. None of them where a block is not all there.

        Raises:
            BrokenContainer: there is no block.
        """
        table = array("q")
        parts: list[Any] = []
        sync, place, total = self.sync, 0, len(data)
        while place < most and at < total:
            try:
                count, begin = long(data, at)
                size, begin = long(data, begin)
            except CutOff:
                break
            end = begin + size
            if not (0 <= size <= MOST and count >= 0):
                raise BrokenContainer
            if end + SYNC > total:
                break
            if data[end : end + SYNC] != sync:
                raise BrokenContainer
            at = end + SYNC
            if self._decompress is None:
                place += size
                table.extend((begin, end, count))
            else:
                try:
                    part = self._decompress(data[begin:end])
                except Exception as error:  # each library has its own kinds
                    raise BrokenContainer from error
                table.extend((place, place + len(part), count))
                place += len(part)
                size = len(part)
                parts.append(part)
            if self._is_counted and count > size:
                raise BrokenContainer
        whole = data if self._decompress is None else memoryview(b"".join(parts))
        return Blocks(whole, table), at


def of_memory(container: Container, data: memoryview, at: int) -> Iterator[Blocks]:
    """The blocks of a file that is in memory.

    Raises:
        BrokenContainer: something else is behind those that were given.
        CutOff: the last one ends too early.
    """
    while at < len(data):
        found, behind = container.blocks(data, at, PIECE)
        if behind == at:
            raise CutOff
        at = behind
        yield found


class Streamed:
    """A file that is read little by little."""

    def __init__(self, source: Source, size: int = PIECE) -> None:
        self._source = source
        self._size = size
        self._data = memoryview(b"")
        self._at = 0

    def _more(self) -> bool:
        """Read more; whether there was any."""
        left = len(self._data) - self._at
        buffer = bytearray(left + max(self._size, left))
        buffer[:left] = self._data[self._at :]
        count = self._source.fill(memoryview(buffer)[left:])
        self._data, self._at = memoryview(buffer)[: left + count], 0
        return count > 0

    def header(self) -> Header:
        """The header, which comes first.

        Raises:
            StreamError: this is no such file, or ends too early.
        """
        while True:
            try:
                found = header_of(self._data)
            except CutOff:
                if self._more():
                    continue
                raise StreamError(
                    f"{self._source.name} ends in the middle of an Avro header"
                ) from None
            self._at = found.size
            return found

    def blocks(self, container: Container) -> Iterator[Blocks]:
        """What is behind it.

        Raises:
            BrokenContainer: something else is behind the blocks that were given.
            CutOff: the last one ends too early.
        """
        while True:
            found, behind = container.blocks(self._data, self._at, self._size)
            if behind > self._at:
                self._at = behind
                yield found
            elif not self._more():
                if self._at < len(self._data):
                    raise CutOff
                self._source.check_end()
                return


# -- codecs --------------------------------------------------------------------------------------


def decompressor(codec: str) -> Callable[[memoryview], Any]:
    """What decompresses a block.

    Raises:
        StreamError: what is needed is not installed.
    """
    if codec == "deflate":
        return _inflated
    if codec == "zstandard":
        return _zstd()
    if codec == "snappy":
        return _snappy()
    if codec == "bzip2":
        from bz2 import BZ2Decompressor

        return lambda data: _whole(BZ2Decompressor(), data)
    from lzma import LZMADecompressor

    return lambda data: _whole(LZMADecompressor(), data)


def _inflated(data: memoryview) -> bytes:
    return _whole(zlib.decompressobj(-15), data)


def _whole(stream: Any, data: memoryview) -> bytes:
    """All that a stream holds, if it is not more than a block may have."""
    found: bytes = stream.decompress(data, MOST)
    if not stream.eof:
        raise BrokenContainer
    return found


def _zstd() -> Callable[[memoryview], Any]:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        return lambda data: _whole(zstd.ZstdDecompressor(), data)
    except ModuleNotFoundError:
        pass
    try:
        import zstandard
    except ModuleNotFoundError:
        raise StreamError(
            "the codec zstandard needs the package zstandard; pip install 'jitvm[avro]'"
        ) from None
    stream = zstandard.ZstdDecompressor()

    def decompressed(data: memoryview) -> Any:
        size = zstandard.frame_content_size(data)
        if size > MOST:
            raise BrokenContainer
        if size >= 0:
            return stream.decompress(data)
        with stream.stream_reader(data) as frames:  # the size is not told
            found = frames.read(MOST + 1)
        if len(found) > MOST:
            raise BrokenContainer
        return found

    return decompressed


def _snappy() -> Callable[[memoryview], Any]:
    try:
        from cramjam import snappy
    except ModuleNotFoundError:
        raise StreamError(
            "the codec snappy needs the package cramjam; pip install 'jitvm[avro]'"
        ) from None

    def decompressed(data: memoryview) -> Any:
        if len(data) < 4 or snappy.decompress_raw_len(data[:-4]) > MOST:
            raise BrokenContainer
        found = memoryview(snappy.decompress_raw(data[:-4]))
        if zlib.crc32(found).to_bytes(4, "big") != data[-4:]:
            raise BrokenContainer
        return found

    return decompressed
