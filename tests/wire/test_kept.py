"""Native code of readers is kept by what they read: later processes have it without compiling."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.wire.schemas import PROTOS

READING = """
import json, sys
from jitvm import wire
reader = wire.reader(sys.argv[1], fields=["name", "number"], where="number != 77")
data = b"".join(b"\\x06\\x08%c\\x12\\x02ab" % (number % 100) for number in range(50_000))
def statistics():
    (machine,) = reader._native().machines()
    return machine.jit and machine.jit.statistics
rows = {len(reader.read(data))}
while statistics() is None:  # the JIT is made on another thread
    rows.add(len(reader.read(data)))
kept = statistics().kept
while not statistics().installed:
    rows.add(len(reader.read(data)))
rows.add(len(reader.read(data)))
print(json.dumps({"rows": list(rows), "kept": kept, "text": wire.explain(reader).list_text()}))
"""


def read() -> dict[str, Any]:
    """What a new process tells that has read until native code was there."""
    done = subprocess.run(
        [sys.executable, "-c", READING, f"{PROTOS / 'kinds.proto'}:Leaf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_second_process_has_the_native_code_of_the_first() -> None:
    first, second = read(), read()
    assert first["rows"] == second["rows"] == [49_500]
    assert second["kept"], "with the JIT itself, before anything was recorded"
    assert "number, name" in second["text"]
