"""Readers on engines: Dask on a real local cluster, Ray and Spark where they are."""

from __future__ import annotations

import pickle
import runpy
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jitvm import wire
from jitvm.engine.machine.machine import Machine

EXAMPLES = Path(__file__).parents[2] / "examples"
SCHEMA = EXAMPLES / "telemetry.proto"
SMALL = 4096
"""Bytes of a reader that is sent."""


def reader(**options: Any) -> wire.Reader:
    return wire.reader(SCHEMA, "Span", fields=["ts", "name", "duration"], **options)


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / f"wire_on_{name}.py"))


def test_readers_are_sent_as_some_kilobytes() -> None:
    sent = pickle.dumps(reader(where="status == ERROR"))
    assert len(sent) < SMALL
    used = reader()
    used.read([b""] * 1000)
    assert len(pickle.dumps(used)) < SMALL


def test_errors_of_files_name_them(tmp_path: Path) -> None:
    path = tmp_path / "events.pb"
    path.write_bytes(b"\x00\x01\x09")
    with pytest.raises(wire.DecodeError) as info:
        list(reader().stream(path))
    assert info.value.error.file == str(path)
    assert str(info.value).startswith(f"{path}: message 1, byte 1, field ts: ")
    again = pickle.loads(pickle.dumps(info.value))
    assert (again.error, str(again)) == (info.value.error, str(info.value))
    (table,) = reader(errors="skip").stream(path)
    assert [error.file for error in table.errors] == [str(path)]
    path.write_bytes(b"\xff\xff\xff\xff\xff\xff")
    with pytest.raises(wire.DecodeError, match="frames the message") as info:
        list(reader().stream(path))
    assert info.value.error.file == str(path)
    _, errors = wire.projector(SCHEMA, "Span", drop=["ts"], errors="skip").save(
        _written(path, b"\x01\x09\x00"), tmp_path / "less.pb"
    )
    assert [(error.file, error.row) for error in errors] == [(str(path), 0)]


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _machine(used: wire.Reader) -> Machine:
    """The machine that has read."""
    decoder = used._native()
    assert decoder is not None
    (machine,) = decoder.machines()
    return machine


def make_native(path: str) -> None:
    """Read a file until there is native code for it, and keep that."""
    used = reader()
    while True:
        sum(map(len, used.stream(path)))
        machine = _machine(used)
        machine.have_jit()
        if machine.jit is not None and machine.jit.statistics.installed:
            machine.compile_rest()
            return


def kept(sent: wire.Reader, path: str) -> int:
    """How many regions a worker has at once that somebody else has made."""
    sum(map(len, sent.stream(path)))
    machine = _machine(sent)
    machine.have_jit()
    return 0 if machine.jit is None else machine.jit.statistics.kept


def test_on_a_dask_cluster(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("dask.dataframe")
    dask_example = example("dask")
    paths = dask_example["write_events"](tmp_path, files=4, count=3000)
    make_native(paths[0])
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",  # None is the usual port, which another cluster may have
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        frame = dask_example["frames"](reader(), paths)
        assert frame.npartitions == 4
        assert len(frame) == 12_000
        expected = dask_example["frame"](reader(), paths[3])
        got = frame.partitions[3].compute()
        assert [got[name].tolist() for name in got] == [expected[name].tolist() for name in got]
        assert frame["ts"].sum().compute() == sum(range(1_700_000_000, 1_700_012_000))
        workers = list(client.scheduler_info()["workers"])
        assert len(workers) == 2
        for worker in workers:
            made = client.submit(partial(kept, reader()), paths[0], workers=[worker], pure=False)
            assert made.result() > 0
        Path(paths[2]).write_bytes(b"\x00\x01\x09")
        with pytest.raises(wire.DecodeError, match=r"events-2\.pb: message 1, byte 1, field ts"):
            frame["duration"].sum().compute()


def test_on_ray() -> None:
    pytest.importorskip("ray")
    example("ray")["main"]()


def test_on_spark() -> None:
    pytest.importorskip("pyspark")
    example("spark")["main"]()
