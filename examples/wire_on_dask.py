"""Files of Protobuf messages as a Dask data frame, and messages in a bag.

    pip install 'jitvm[wire]' pandas 'dask[dataframe,distributed]'
    python examples/wire_on_dask.py

A reader is sent to the workers as its schema and its options, some kilobytes. Each worker finds the
native code for it in the code cache: only the first one on a computer has to make any.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter

import dask.bag
import dask.dataframe
import pandas as pd
import pyarrow as pa
from distributed import Client, LocalCluster

from jitvm import wire

SCHEMA = Path(__file__).parent / "telemetry.proto"


def frame(reader: wire.Reader, path: str) -> pd.DataFrame:
    """A partition: all messages of a file. What is wrong with one names the file and the row."""
    tables = [table.to_arrow() for table in reader.stream(path)]
    return pa.concat_tables(tables or [reader.read([]).to_arrow()]).to_pandas()


def frames(reader: wire.Reader, paths: list[str]) -> dask.dataframe.DataFrame:
    """A data frame with a partition for each file."""
    meta = reader.read([]).to_arrow().to_pandas()
    return dask.dataframe.from_map(partial(frame, reader), paths, meta=meta)


def rows(reader: wire.Reader, messages: list[bytes]) -> list[dict[str, object]]:
    """A partition of a bag."""
    return reader.read(messages).to_pylist()


def write_events(folder: Path, files: int, count: int) -> list[str]:
    """Files of messages to play with."""
    writer = wire.writer(SCHEMA, "Span", fields=["ts", "name", "status", "duration"])
    paths = []
    for number in range(files):
        numbers = range(number * count, (number + 1) * count)
        columns = {
            "ts": [1_700_000_000 + each for each in numbers],
            "name": [f"request {each % 7}" for each in numbers],
            "status": [int(each % 10 == 9) for each in numbers],
            "duration": [each % 100 / 8 for each in numbers],
        }
        paths.append(str(folder / f"events-{number}.pb"))
        writer.save(columns, paths[-1])
    return paths


def main() -> None:
    reader = wire.reader(SCHEMA, "Span", fields=["name", "duration"], where="status == ERROR")
    with tempfile.TemporaryDirectory() as folder:
        paths = write_events(Path(folder), files=4, count=50_000)
        with LocalCluster(n_workers=2, threads_per_worker=1) as cluster, Client(cluster):
            begin = perf_counter()
            events = frames(reader, paths)
            print(events.groupby("name")["duration"].mean().compute())
            print(f"{perf_counter() - begin:.2f} seconds")
            messages = wire.writer(SCHEMA, "Span", fields=["name", "status"]).write(
                [{"name": "request", "status": "ERROR"}] * 1000
            )
            bag = dask.bag.from_sequence(messages.to_list(), npartitions=4)
            print(bag.map_partitions(partial(rows, reader)).count().compute(), "rows of a bag")


if __name__ == "__main__":
    main()
