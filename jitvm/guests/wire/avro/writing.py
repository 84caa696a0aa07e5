"""Writers of Avro: from tables to records, and to container files.

AvroWriter (schema)
   write(table)        ──> Encoded           bare records, side by side
   save(tables, path)  ──> a container file  batch by batch
"""

from __future__ import annotations

import json
import os
import zlib

import numpy as np

from jitvm.guests.wire.avro.columns import tree
from jitvm.guests.wire.avro.container import CODECS, MAGIC, SYNC
from jitvm.guests.wire.avro.encoding import Rows, encoded
from jitvm.guests.wire.avro.ragged import Ragged, constant, joined, varints
from jitvm.guests.wire.avro.schema import fingerprint, loaded, parsed
from jitvm.guests.wire.encode.encoded import Encoded, Piece
from jitvm.guests.wire.encode.errors import EncodeError, Refusal
from jitvm.guests.wire.encode.files import Target
from jitvm.guests.wire.encode.tables import nodes_of
from jitvm.guests.wire.faults import MessagesError, StreamError, TableError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.encode.node import Node

BLOCK = 1 << 16
"""Bytes of a block of a file, before it is compressed, or a little less."""
DEPTH = 8
"""How often a record may be nested in itself where rows are Python's objects; deeper ones are
bytes."""
CONFLUENT = (1 << 32) - 1
"""The largest number of a schema in Confluent's header."""


class _Records(Piece):
    """Records that lie side by side."""

    __slots__ = ()

    def __init__(self, data: Array, offsets: Array) -> None:
        self.data = data
        self.offsets = offsets


class AvroWriter:
    """Writes records of one schema.

    Args:
        schema: see `jitvm.wire.avro.writer`.
    """

    def __init__(self, schema: Any) -> None:
        self._json = loaded(schema)
        self._type = parsed(self._json)
        self._root = tree(self._type, depth=DEPTH).root
        self._root.children = [each for each in self._root.children if not each.is_hidden]

    def __getstate__(self) -> dict[str, Any]:
        return {"schema": self._json}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<AvroWriter of {self._type.name or self._type.kind}>"

    def write(self, table: Any, *, framing: str = "none", schema_id: int = 0) -> Encoded:
        """Write a record of each row.

        Args:
            table: whatever has Arrow's data, a dict of columns, or a list of dicts; with a column
                for each field, of its name. Fields that may be null need none.
            framing: what stands in front of each record: ``"none"``, ``"single"`` for the header of
                single objects, ``"confluent"`` for Confluent's with a `schema_id`.

        Raises:
            EncodeError: a value does not fit its field.
            TableError: a column is missing, unknown, or of another type.
            MessagesError: there is no such framing.
        """
        if framing == "single":
            head = b"\xc3\x01" + fingerprint(self._type).to_bytes(8, "little")
        elif framing == "confluent":
            if not 0 <= schema_id <= CONFLUENT:
                raise MessagesError(f"schema_id={schema_id}: choose from 0 to {CONFLUENT}")
            head = b"\0" + schema_id.to_bytes(4, "big")
        elif framing == "none":
            head = b""
        else:
            raise MessagesError(f"framing {framing!r}: choose from none, single, confluent")
        pieces: list[Piece] = []
        for part in self._parts(table):
            rows = len(part.lengths)
            whole = joined([constant(head, rows), part], rows)
            if len(whole.data) >= 1 << 31:
                raise MessagesError("records of more than 2 GiB; write fewer rows at once")
            pieces.append(_Records(whole.data, whole.offsets.astype("<i4")))
        return Encoded(pieces)

    def save(
        self,
        tables: Any,
        path: Any,
        *,
        codec: str = "null",
        metadata: dict[str, bytes] | None = None,
    ) -> int:
        """Write a container file.

        Args:
            tables: as for `write`; or an iterable of such, as the batches of a stream.
            path: of the file, which is put in its place when it is complete; or an object with
                `write`.
            codec: what blocks are compressed with: ``"null"``, ``"deflate"``, ``"zstandard"``,
                ``"snappy"``, ``"bzip2"`` or ``"xz"``.
            metadata: more of it for the header.

        Returns:
            How many records it has.

        Raises:
            as `write` does.
            StreamError: nobody knows the codec, or what it needs is not installed.
            OSError: the file cannot be written.
        """
        compress = compressor(codec)
        sync = os.urandom(SYNC)
        known = {"avro.schema": json.dumps(self._json).encode(), "avro.codec": codec.encode()}
        count = 0
        with Target(path) as file:
            file.write(_header({**(metadata or {}), **known}, sync))
            for table in _each(tables):
                for part in self._parts(table, count):
                    for block in _blocks(part, compress, sync):
                        file.write(block)
                    count += len(part.lengths)
        return count

    def _parts(self, table: Any, before: int = 0) -> Iterator[Ragged]:
        """Records of a table, as many as are written at a time; rows are counted in errors with
        those before."""
        seen = before
        for node in self._nodes(table):
            try:
                yield encoded(node, self._type, "", Rows())
            except EncodeError as error:
                found = error.error
                raise EncodeError(Refusal(seen + found.row, found.path, found.misfit)) from None
            seen += node.length

    def _nodes(self, table: Any) -> Iterator[Node]:
        """The columns of a table, batch by batch."""
        is_record = self._type.kind == "record"
        for node in nodes_of(table, self._root):
            if is_record:
                yield node
            elif set(node.children) == {"value"}:
                yield node.children["value"]
            else:
                raise TableError("what is no record has one column, 'value'")


def _each(tables: Any) -> Iterator[Any]:
    """Tables, one after the other."""
    is_arrow = hasattr(tables, "__arrow_c_stream__") or hasattr(tables, "__arrow_c_array__")
    is_rows = isinstance(tables, list | tuple) and isinstance(next(iter(tables), {}), dict)
    if is_arrow or is_rows or isinstance(tables, dict):
        yield tables
    else:
        yield from tables


# -- files ---------------------------------------------------------------------------------------


def _long(*numbers: int) -> bytes:
    return varints(np.array(numbers, np.int64)).data.tobytes()


def _header(metadata: dict[str, bytes], sync: bytes) -> bytes:
    parts = [MAGIC, _long(len(metadata))]
    for name, value in metadata.items():
        for each in (name.encode(), value):
            parts += (_long(len(each)), each)
    return b"".join([*parts, _long(0), sync])


def _blocks(records: Ragged, compress: Callable[[bytes], bytes], sync: bytes) -> Iterator[bytes]:
    """Blocks of some records."""
    offsets = records.offsets
    at, last = 0, len(records.lengths)
    while at < last:
        end = int(np.searchsorted(offsets, offsets[at] + BLOCK, "right")) - 1
        end = min(max(end, at + 1), last)
        data = compress(records.data[offsets[at] : offsets[end]].tobytes())
        yield _long(end - at, len(data)) + data + sync
        at = end


def compressor(codec: str) -> Callable[[bytes], bytes]:
    """What compresses a block.

    Raises:
        StreamError: nobody knows the codec, or what it needs is not installed.
    """
    if codec not in CODECS:
        raise StreamError(f"the codec {codec!r} is unknown; there are {', '.join(CODECS)}")
    if codec == "null":
        return lambda block: block
    if codec == "deflate":
        return _deflated
    if codec == "bzip2":
        import bz2

        return bz2.compress
    if codec == "xz":
        import lzma

        return lzma.compress
    try:
        if codec == "snappy":
            from cramjam import snappy

            def snapped(block: bytes) -> bytes:
                packed = bytes(snappy.compress_raw(block))
                return packed + zlib.crc32(block).to_bytes(4, "big")

            return snapped
        import zstandard

        made: Callable[[bytes], bytes] = zstandard.ZstdCompressor().compress
    except ModuleNotFoundError as error:
        raise StreamError(
            f"the codec {codec} needs the package {error.name}; pip install 'jitvm[avro]'"
        ) from None
    return made


def _deflated(block: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(block) + stream.flush()
