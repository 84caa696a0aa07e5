"""``python -m bench.wire``: its messages are the same everywhere, and all runners read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.wire import first, runners
from bench.wire.__main__ import main
from bench.wire.kinds import KINDS, message_class, messages
from jitvm import wire
from tests.wire.oracle import row

SIZE = 6000
"""Bytes of each kind that are read here."""


@pytest.mark.parametrize("kind", KINDS)
def test_messages_are_read_as_protobuf_reads_them(kind: str) -> None:
    data = messages(kind, SIZE)
    assert data == messages(kind, SIZE)
    assert SIZE / 2 < sum(map(len, data)) < 2 * SIZE
    cls = message_class(kind)
    table = wire.reader(cls).read(data)
    expected = [row(cls.FromString(each), table._tree.root) for each in data]
    assert len(table) == len(expected)
    for name in table.column_names:
        if not table.schema[name].startswith(("list", "map", "struct")):
            found = [
                each.encode() if isinstance(each, str) else each for each in table[name].to_pylist()
            ]
            assert found == [each[name] for each in expected], name
    table.to_arrow().validate(full=True)


def test_wide_ones_differ_in_what_is_there() -> None:
    wide, sparse = (
        wire.reader(message_class(kind)).read(messages(kind, SIZE)) for kind in ("wide", "sparse")
    )
    assert wide["a01"].null_count == 0
    assert sparse["a01"].null_count > len(sparse) / 2


def test_fields_of_shuffled_rows_are_those_of_sensors() -> None:
    sensor, shuffled = messages("sensor", SIZE), messages("shuffled", SIZE)
    cls = message_class("sensor")
    assert sensor[0] != shuffled[0]
    assert len(cls.FromString(shuffled[0]).ListFields()) >= 8


@pytest.mark.parametrize("kind", KINDS)
def test_messages_are_written_as_protobuf_writes_them(kind: str) -> None:
    cls, data = message_class(kind), messages(kind, SIZE)
    found = wire.writer(cls).write(wire.reader(cls).read(data)).to_list()
    if kind in ("shuffled", "scattered"):
        data = [cls.FromString(each).SerializeToString() for each in data]
    assert found == data


@pytest.mark.parametrize("name", runners.ALL)
def test_each_runner_reads_or_writes(name: str, tmp_path: Path) -> None:
    data = messages("span", SIZE)
    make = runners.ALL[name]
    try:
        run = make(message_class("span"), data, tmp_path)
    except runners.Unsuitable:
        pytest.skip("not installed")
    run()
    run()


def test_a_table_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "figures.json"
    assert main([
        "--only", "sensor", "--runners", "upb,upb-read,array", "--megabytes", "0.05",
        "--rounds", "1", "--warm", "0", "--json", str(target),
    ]) == 0  # fmt: skip
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "| kind | upb | upb-read | array |"
    assert out[2].startswith("| sensor | ")
    assert " times upb-read; least " in out[3]
    assert set(json.loads(target.read_text())["sensor"]) == {"upb", "upb-read", "array"}


def test_kinds_that_are_not_there_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "nothing"])
    assert "there is no 'nothing'; there are sensor, " in capsys.readouterr().err


def test_new_processes_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first, "WARM", 0.0)
    target = tmp_path / "first.json"
    assert main(["--first", "--only", "sensor", "--rounds", "1", "--json", str(target)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[2].startswith("| sensor | ours | ")
    figures = json.loads(target.read_text())
    assert set(figures["sensor"]) >= {"ours", "one"}
    assert set(figures["hundred"]["reader"]) == {"import", "reader", "call", "all", "busy"}
