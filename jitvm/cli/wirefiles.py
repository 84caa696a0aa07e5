"""Files of tables: what ``jitvm wire cat`` writes.

    jsonl      an object a row: bytes as base64, numbers as they are       no other package
    csv        plain values and strings; no lists, no messages             pyarrow
    parquet    everything                                                  pyarrow
    arrow      everything, Arrow's IPC file; as a stream on stdout         pyarrow

Files are written beside their place and put there when they are complete.
"""

from __future__ import annotations

import sys

from jitvm.cli.exits import Exit, Failure
from jitvm.cli.outfile import Pending

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Self

    from jitvm.wire import Reader, RecordReader, Table

FORMATS = ("jsonl", "csv", "parquet", "arrow")
SUFFIXES = {
    ".json": "jsonl", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet",
    ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
}  # fmt: skip
"""Formats by the end of a file's name."""


class TableFile:
    """A file of tables while it is written, for a ``with`` block.

    Args:
        path: where; ``-`` for standard output.
        format: one of `FORMATS`.
        reader: what the tables come from.

    Raises:
        Failure: it cannot be written, or pyarrow is needed and not there.
    """

    def __init__(self, path: str, format: str, reader: Reader | RecordReader) -> None:
        self._reader = reader
        self._format = format
        self._writer: Any = None
        self._pending: Pending | None = None
        if format != "jsonl":
            pyarrow_for(f"--to {format}")
        if format == "csv":
            _check_flat(reader)
        if path == "-":
            if sys.stdout is None:
                raise Failure("standard output is closed; name a file", Exit.FAILURE)
            self._file: BinaryIO = sys.stdout.buffer
        else:
            self._pending = Pending(path)
            self._file = open(self._pending.beside, "wb")  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def write(self, table: Table) -> None:
        """Write the rows of a table behind those before."""
        if self._format == "jsonl":
            self._write_lines(table)
        else:
            self._opened().write_table(table.to_arrow())

    def _write_lines(self, table: Table) -> None:
        from json import dumps

        lines = [dumps(_for_json(row), ensure_ascii=False) for row in table.to_pylist()]
        self._file.write("".join(f"{line}\n" for line in lines).encode())

    def _opened(self) -> Any:
        if self._writer is None:
            pyarrow = pyarrow_for(f"--to {self._format}")
            schema = pyarrow.schema(self._reader)
            if self._format == "parquet":
                from pyarrow import parquet

                self._writer = parquet.ParquetWriter(self._file, schema)
            elif self._format == "csv":
                from pyarrow import csv

                self._writer = csv.CSVWriter(self._file, schema)
            elif self._pending is None:
                self._writer = pyarrow.ipc.new_stream(self._file, schema)
            else:
                self._writer = pyarrow.ipc.new_file(self._file, schema)
        return self._writer

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                if self._format != "jsonl":
                    self._opened().close()
                self._file.flush()
                if self._pending is not None:
                    self._file.close()
                    self._pending.commit()
        finally:
            if self._pending is not None:
                self._file.close()
                self._pending.discard()


def format_of(path: str, asked: str | None) -> str:
    """The format of a file: what was asked for, else what its name says, else ``jsonl``.

    Raises:
        Failure: the name says nothing.
    """
    if asked is not None:
        return asked
    if path == "-":
        return "jsonl"
    for suffix, format in SUFFIXES.items():
        if path.endswith(suffix):
            return format
    raise Failure(f"{path}: what format? name it with --to {', '.join(FORMATS)}")


def pyarrow_for(what: str, instead: str = ", or take jsonl") -> Any:
    """pyarrow, which something needs.

    Raises:
        Failure: it is not there.
    """
    try:
        import pyarrow
        import pyarrow.ipc
    except ModuleNotFoundError:
        raise Failure(
            f"{what} needs the package pyarrow; pip install 'jitvm[wire]'{instead}",
            Exit.FAILURE,
        ) from None
    return pyarrow


def _check_flat(reader: Reader | RecordReader) -> None:
    for name, type in reader.schema.items():
        if "<" in type and not type.startswith("dictionary"):
            raise Failure(
                f"a CSV file cannot hold {name}, which is {type}; choose others with --fields, or "
                "take jsonl, parquet or arrow"
            )


def _for_json(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, bytes):
        from base64 import b64encode

        return b64encode(value).decode()
    if isinstance(value, float) and value - value != 0:  # JSON has no such numbers
        return str(value)
    if type(value).__module__ in ("numpy", "datetime", "decimal"):  # JSON has none
        return str(value)
    if isinstance(value, list):
        return [_for_json(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _for_json(each) for name, each in value.items()}
    return value
