"""Files of tables, batch by batch: what ``jitvm wire encode`` reads."""

from __future__ import annotations

from jitvm.cli.exits import Exit, Failure
from jitvm.cli.wirefiles import SUFFIXES, pyarrow_for

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def batches(path: str) -> Iterator[Any]:
    """The record batches of a file, which has the format that its name says.

    Raises:
        Failure: it has none that is read here, cannot be read, or pyarrow is not there.
    """
    format = next((each for end, each in SUFFIXES.items() if path.endswith(end)), "")
    if format not in ("parquet", "arrow", "csv"):
        raise Failure(f"{path}: no table; name a file that ends in .parquet, .arrow or .csv")
    pyarrow = pyarrow_for(path, "")
    try:
        yield from _batches(pyarrow, path, format)
    except OSError as error:
        if isinstance(error, pyarrow.ArrowException):
            raise Failure(f"{path}: {error}") from None
        raise Failure(f"cannot read {path}: {error.strerror or error}", Exit.FAILURE) from None
    except pyarrow.ArrowException as error:
        raise Failure(f"{path}: {error}") from None


def _batches(pyarrow: Any, path: str, format: str) -> Iterator[Any]:
    with open(path, "rb") as file:
        if format == "parquet":
            from pyarrow import parquet

            yield from parquet.ParquetFile(file).iter_batches()
        elif format == "csv":
            from pyarrow import csv

            yield from csv.open_csv(file)
        else:
            is_file = file.read(6) == b"ARROW1"
            file.seek(0)
            if not is_file:
                yield from pyarrow.ipc.open_stream(file)
                return
            reader = pyarrow.ipc.open_file(file)
            for at in range(reader.num_record_batches):
                yield reader.get_batch(at)
