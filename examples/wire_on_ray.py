"""Protobuf messages in a Ray data set.

    pip install 'jitvm[wire]' 'ray[data]'
    python examples/wire_on_ray.py

`map_batches` gives each batch as an Arrow table, of which the column of messages is read in place.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyarrow as pa
import ray

from jitvm import wire

SCHEMA = Path(__file__).parent / "telemetry.proto"


def decoded(batch: pa.Table, reader: wire.Reader, column: str = "message") -> pa.Table:
    """A batch of messages as one of their fields."""
    return reader.read(batch[column]).to_arrow()


def main() -> None:
    reader = wire.reader(SCHEMA, "Span", fields=["name", "duration"], where="status == ERROR")
    writer = wire.writer(SCHEMA, "Span", fields=["name", "status", "duration"])
    rows = [
        {"name": f"request {each % 7}", "status": int(each % 10 == 9), "duration": each / 8}
        for each in range(20_000)
    ]
    messages = pa.table({"message": writer.write(rows).to_arrow()})
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        data = ray.data.from_arrow([messages.slice(at, 5_000) for at in range(0, 20_000, 5_000)])
        events = data.map_batches(partial(decoded, reader=reader), batch_format="pyarrow")
        print(events.groupby("name").mean("duration").to_pandas())
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
