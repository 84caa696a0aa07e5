"""Protobuf messages in a Spark data frame.

    pip install 'jitvm[wire]' pyspark pandas          # and Java
    python examples/wire_on_spark.py

`mapInArrow` gives record batches, of which the column of messages is read in place. Spark has no
numbers without a sign: fields of such types are left out here, or cast in `decoded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from jitvm import wire

SCHEMA = Path(__file__).parent / "telemetry.proto"


def decoded(
    reader: wire.Reader, column: str = "message"
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What makes batches of fields of batches of messages."""

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from reader.read(batch.column(column)).to_arrow().to_batches()

    return decode


def main() -> None:
    reader = wire.reader(SCHEMA, "Span", fields=["name", "duration"], where="status == ERROR")
    writer = wire.writer(SCHEMA, "Span", fields=["name", "status", "duration"])
    rows = [
        {"name": f"request {each % 7}", "status": int(each % 10 == 9), "duration": each / 8}
        for each in range(20_000)
    ]
    messages = [(each,) for each in writer.write(rows)]
    spark = SparkSession.builder.master("local[2]").getOrCreate()
    try:
        frame = spark.createDataFrame(messages, "message binary")
        schema = from_arrow_schema(pa.schema(reader))
        events = frame.mapInArrow(decoded(reader), schema)
        events.groupBy("name").avg("duration").show()
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
