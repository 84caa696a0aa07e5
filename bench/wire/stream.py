"""A stream that is made while it is read: how fast it is, and how much memory that takes.

    python -m bench.wire.stream sensor 10         ten gigabytes of sensor messages

A child process writes to a pipe, the same messages again and again; this one reads them to Arrow
tables. It prints, as JSON, gigabytes, rows, seconds, processor seconds, and the most memory that
was resident, in megabytes, of this process with all it has imported.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from time import perf_counter, process_time

from bench.wire.kinds import message_class, messages
from bench.wire.runners import framed
from jitvm import wire

PERIOD = 4_000_000
"""Bytes of messages before they come again."""


def measure(kind: str, gigabytes: float) -> dict[str, float]:
    """Read a stream of so many bytes."""
    data = framed(messages(kind, PERIOD))
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        _write(theirs, data, round(gigabytes * 1e9))
        os._exit(0)
    os.close(theirs)
    reader = wire.reader(message_class(kind))
    begin, processor = perf_counter(), process_time()
    with os.fdopen(ours, "rb", buffering=0) as stream:
        rows = sum(table.to_arrow().num_rows for table in reader.stream(stream))
    os.waitpid(child, 0)
    return {
        "gigabytes": gigabytes, "rows": rows, "seconds": round(perf_counter() - begin, 1),
        "processor": round(process_time() - processor, 1),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }  # fmt: skip


def _write(descriptor: int, data: bytes, size: int) -> None:
    view = memoryview(data)
    while size > 0:
        written = 0
        while written < len(view):
            written += os.write(descriptor, view[written:])
        size -= written


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], float(sys.argv[2]))))
