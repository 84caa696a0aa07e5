"""``jitvm wire``: files of messages to rows, and what is said where that cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from jitvm.cli.main import main
from tests.wire.schemas import PROTOS, described, generated
from tests.wire.test_avro_reader import EVENT, EVENTS, expected, written
from tests.wire.test_reader import BAD, NUMBERS, framed

CHOICE = generated("kinds.Choice")


@pytest.fixture
def schema(tmp_path: Path) -> str:
    path = tmp_path / "kinds.desc"
    path.write_bytes(described("kinds"))
    return str(path)


@pytest.fixture
def events(tmp_path: Path) -> str:
    path = tmp_path / "events.pb"
    path.write_bytes(framed(NUMBERS))
    return str(path)


def test_rows_are_printed_as_json(
    schema: str, events: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["wire", "cat", events, "--schema", f"{schema}:Leaf", "--where", "number < 2"]) == 0
    assert [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()] == [
        {"number": 0, "name": "0", "more": []}, {"number": 1, "name": "1", "more": []},
    ]  # fmt: skip
    assert main(["wire", "cat", events, "--schema", f"{schema}:Leaf", "--limit", "150"]) == 0
    assert len(capfdbinary.readouterr().out.splitlines()) == 150


def test_values_that_json_lacks_are_text(
    schema: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    made = [CHOICE(data=b"\xff"), CHOICE(real=float("inf")), CHOICE(leaf={"number": 3})]
    path = tmp_path / "choices.pb"
    path.write_bytes(framed([each.SerializeToString() for each in made]))
    assert main(["wire", "cat", str(path), "--schema", f"{schema}:Choice"]) == 0
    rows = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [row["choice"] for row in rows] == ["data", "real", "leaf"]
    assert (rows[0]["data"], rows[1]["real"], rows[2]["leaf"]["number"]) == ("/w==", "inf", 3)


def test_files_have_the_format_of_their_name(schema: str, events: str, tmp_path: Path) -> None:
    for name in ("out.parquet", "out.arrow", "out.csv", "out.jsonl"):
        out = tmp_path / name
        done = main([
            "wire", "cat", events, str(out), "--schema", f"{schema}:Leaf",
            "--fields", "number,name",
        ])  # fmt: skip
        assert done == 0
        read = {
            "parquet": parquet.read_table,
            "arrow": lambda path: pa.ipc.open_file(path).read_all(),
            "csv": csv.read_csv,
            "jsonl": lambda path: pa.Table.from_pylist(
                [json.loads(line) for line in path.read_text().splitlines()]
            ),
        }[name.partition(".")[2]]
        table = read(out)
        assert table["number"].to_pylist() == list(range(200)), name
        assert table.column_names == ["number", "name"]


def test_an_arrow_stream_goes_to_stdout(schema: str, events: str) -> None:
    command = [sys.executable, "-m", "jitvm", "wire", "cat", "-", "--schema", f"{schema}:Leaf"]
    with open(events, "rb") as stdin:
        done = subprocess.run(
            [*command, "--to", "arrow"], stdin=stdin, capture_output=True, check=True
        )
    assert pa.ipc.open_stream(done.stdout).read_all().num_rows == 200
    assert done.stderr == b""


def test_messages_and_columns_are_listed(schema: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wire", "schema", schema]) == 0
    assert "kinds.Nested.Middle\n" in capsys.readouterr().out
    assert main(["wire", "schema", f"{schema}:Leaf"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["kinds.Leaf"], ["number", "int32"], ["name", "string,", "may", "be", "null"],
        ["more", "list<int64>"],
    ]  # fmt: skip
    assert main(["wire", "schema", f"{schema}:Leaf", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["more"] == "list<int64>"


def test_fields_are_counted(
    schema: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaf = generated("kinds.Leaf")
    made = [leaf(number=1), leaf(number=0, name="ab"), leaf(more=[1, 2, 3])]
    path = tmp_path / "leaves.pb"
    path.write_bytes(framed([each.SerializeToString() for each in made]))
    assert main(["wire", "stats", str(path), "--schema", f"{schema}:Leaf", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "rows": 3,
        "fields": {
            "number": {"values": 3, "present": 1, "bytes": 12},
            "name": {"values": 3, "present": 1, "bytes": 18},
            "more": {"values": 3, "present": 1, "bytes": 40},
        },
    }
    assert main(["wire", "stats", str(path), "--schema", f"{schema}:Leaf"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "3 rows of kinds.Leaf"
    assert "33.3 %" in out


def test_batches_are_timed(schema: str, events: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wire", "profile", events, "--schema", f"{schema}:Leaf"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("schema ")
    assert any(line.startswith("200 rows in ") for line in lines)
    options = ["--schema", f"{schema}:Leaf", "--listing", "--explain"]
    assert main(["wire", "profile", events, *options]) == 0
    assert "\n; kinds.Leaf\n" in capsys.readouterr().out


def test_bad_messages_are_told_or_passed_over(
    schema: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.pb"
    path.write_bytes(framed([NUMBERS[0], BAD, NUMBERS[2]]))
    command = ["wire", "cat", str(path), "--schema", f"{schema}:Leaf"]
    assert main(command) == 2
    assert "message 1, byte 1, field number: " in capsys.readouterr().err
    assert main([*command, "--errors", "skip"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err.endswith("jitvm: note: 1 messages are left out\n")
    assert main([*command, "--errors", "null"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[1]) == {"number": None, "name": None, "more": None}
    assert err.endswith("jitvm: note: 1 messages are null\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["EVENTS", "--schema", "SCHEMA"], "the schema has more than one message: .*; say which"),
        (["EVENTS", "--schema", "SCHEMA:Lef"], "no message 'Lef'; did you mean kinds.Leaf"),
        (["EVENTS", "--schema", "absent.proto"], "cannot read the schema absent.proto"),
        (["absent.pb", "--schema", "SCHEMA:Leaf"], "cannot read absent.pb: No such file"),
        (["EVENTS", "--schema", "SCHEMA:Leaf", "--fields", "nam"], "no field 'nam'; did you mean"),
        (["EVENTS", "--schema", "SCHEMA:Leaf", "--where", "name == 1"], "name: is a string"),
        (["EVENTS", "--schema", "SCHEMA:Leaf", "--limit", "0"], "'0' is no number of rows"),
        (["EVENTS", "OUT.csv", "--schema", "SCHEMA:Leaf"], "a CSV file cannot hold more, which"),
        (["EVENTS", "OUT.x", "--schema", "SCHEMA:Leaf"], "OUT.x: what format"),
        (["SCHEMA", "--schema", "SCHEMA:Scalars"], "message 0"),
        (["EVENTS"], "name the schema of its messages with --schema"),
    ],
)
def test_what_is_wrong_is_one_line(
    schema: str,
    events: str,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [each.replace("EVENTS", events).replace("SCHEMA", schema) for each in arguments]
    assert main(["wire", "cat", *given]) in (1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("jitvm: error: ")
    assert err.count("\n") == 1
    import re

    assert re.search(said, err), err
    assert not list(tmp_path.glob("OUT*")), "nothing half written"


def test_a_file_that_cannot_be_written_is_told(
    schema: str, events: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["wire", "cat", events, "absent/out.jsonl", "--schema", f"{schema}:Leaf"]) == 1
    assert "absent/out.jsonl: cannot be written: No such file" in capsys.readouterr().err


def test_what_was_there_stays_where_reading_fails(
    schema: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "bad.pb", tmp_path / "out.jsonl"
    path.write_bytes(framed([NUMBERS[0], BAD]))
    out.write_text("before")
    assert main(["wire", "cat", str(path), str(out), "--schema", f"{schema}:Leaf"]) == 2
    assert out.read_text() == "before"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad.pb", "kinds.desc", "out.jsonl"]
    assert capsys.readouterr().out == ""


def test_a_proto_file_is_compiled(events: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = PROTOS / "kinds.proto"
    assert main(["wire", "cat", events, "--schema", f"{path}:Leaf", "--limit", "1"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["number"] == 0


def test_tables_become_messages(schema: str, events: str, tmp_path: Path) -> None:
    for name in ("rows.parquet", "rows.arrow"):
        table, out = tmp_path / name, tmp_path / "out.pb"
        assert main(["wire", "cat", events, str(table), "--schema", f"{schema}:Leaf"]) == 0
        command = ["wire", "encode", str(table), str(out), "--schema", f"{schema}:Leaf"]
        assert main(command) == 0
        assert out.read_bytes() == framed(NUMBERS)
    streamed = tmp_path / "stream.arrow"
    with pa.ipc.new_stream(streamed, pa.schema([("number", pa.int64())])) as stream:
        stream.write(pa.record_batch({"number": range(3)}))
    command = [sys.executable, "-m", "jitvm", "wire", "encode", str(streamed), "-"]
    command += ["--schema", f"{schema}:Leaf", "--fields", "number"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"\0\x02\x08\x01\x02\x08\x02"
    rows = tmp_path / "rows.csv"
    rows.write_text("number,name\n1,a\n2,b\n")
    command = ["wire", "encode", str(rows), str(out), "--schema", f"{schema}:Leaf"]
    assert main([*command, "--fields", "number,name"]) == 0
    assert out.read_bytes() == b"\x05\x08\x01\x12\x01a\x05\x08\x02\x12\x01b"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("rows.txt", b"", "no table; name a file that ends in .parquet, .arrow or .csv"),
        ("rows.parquet", b"nothing", "rows.parquet: "),
        ("rows.arrow", b"nothing at all", "rows.arrow: "),
        ("none.csv", None, "cannot read "),
        ("rows.csv", b"number\n1\n5000000000\n", "row 1, field number: the number does not fit"),
        ("rows.csv", b"numbr\n1\n", "no column 'number'"),
    ],
)
def test_tables_that_cannot_be_written(
    name: str, data: bytes | None, said: str, schema: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    table, out = tmp_path / name, tmp_path / "out.pb"
    if data is not None:
        table.write_bytes(data)
    command = ["wire", "encode", str(table), str(out), "--schema", f"{schema}:Leaf"]
    assert main([*command, "--fields", "number"]) in (1, 2)
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture
def container(tmp_path: Path) -> str:
    path = tmp_path / "events.avro"
    path.write_bytes(written("deflate"))
    return str(path)


def test_files_of_avro(
    container: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["wire", "cat", container, "--where", "id < 2", "--fields", "id,ts,tags"]) == 0
    assert [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()] == [
        {"ts": "2023-11-14 22:13:20+00:00", "id": 0, "tags": []},
        {"ts": "2023-11-14 22:13:20.001000+00:00", "id": 1, "tags": ["t0"]},
    ]
    out = tmp_path / "events.parquet"
    assert main(["wire", "cat", container, str(out)]) == 0
    assert parquet.read_table(out).to_pylist() == expected(written())
    read = tmp_path / "read.avsc"
    fields = [*EVENT["fields"][1:3], {"name": "more", "type": "int", "default": 7}]
    read.write_text(json.dumps({**EVENT, "fields": fields}))
    flat = tmp_path / "events.csv"
    assert main(["wire", "cat", container, str(flat), "--schema", str(read)]) == 0
    assert csv.read_csv(flat).to_pylist() == [
        {"id": each["id"], "name": each["name"], "more": 7} for each in EVENTS
    ]


def test_files_of_avro_are_written(container: str, tmp_path: Path) -> None:
    flat, again = tmp_path / "events.parquet", tmp_path / "again.avro"
    schema = tmp_path / "event.avsc"
    schema.write_text(json.dumps(EVENT))
    assert main(["wire", "cat", container, str(flat)]) == 0
    assert main(["wire", "encode", str(flat), str(again), "--schema", str(schema)]) == 0
    assert expected(again.read_bytes()) == expected(written())


def test_what_is_told_of_files_of_avro(
    container: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["wire", "schema", container]) == 0
    assert "price                          double, may be null" in capfd.readouterr().out
    assert main(["wire", "schema", container, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["kind"] == "dictionary<string>"
    assert main(["wire", "stats", container, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["fields"]["price"]["present"] == 334
    assert main(["wire", "profile", container, "--listing"]) == 0
    assert "@tags" in capfd.readouterr().out
    broken = tmp_path / "broken.avro"
    broken.write_bytes(written()[:-1])
    assert main(["wire", "cat", str(broken), str(tmp_path / "out.jsonl")]) == 2
    assert "ends in the middle of a block" in capfd.readouterr().err
    assert main(["wire", "cat", "events.pb"]) == 2
    assert "name the schema of its messages with --schema" in capfd.readouterr().err


def test_messages_are_projected(schema: str, events: str, tmp_path: Path) -> None:
    out = tmp_path / "out.pb"
    command = ["wire", "project", events, str(out), "--schema", f"{schema}:Leaf"]
    assert main([*command, "--keep", "name", "--where", "number > 1"]) == 0
    Leaf, numbers = generated("kinds.Leaf"), range(len(NUMBERS))
    names = [Leaf(name=Leaf.FromString(each).name).SerializeToString() for each in NUMBERS]
    assert out.read_bytes() == framed(names[2:])
    assert main([*command, "--drop", "name,more"]) == 0
    assert out.read_bytes() == framed([Leaf(number=n).SerializeToString() for n in numbers])
    done = subprocess.run(
        [sys.executable, "-m", "jitvm", "wire", "project", "-", "-", "--schema", f"{schema}:Leaf",
         "--drop", "number", "--errors", "skip", "--unknown", "drop"],
        input=b"\x02\x08\x05\x01\x08\x05\x12\x01a\x08\x05", capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == b"\x00\x03\x12\x01a"
    assert b"note: message 1, byte 1, field number: the message ends" in done.stderr
    assert b"1 messages are left out" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--drop", "nam"], "did you mean 'name'?"),
        (["--where", "name == 1"], "is a string"),
        (["--drop", "name"], "--errors skip goes on"),
    ],
)
def test_what_cannot_be_projected_is_told(
    arguments: list[str], said: str, schema: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, out = tmp_path / "bad.pb", tmp_path / "out.pb"
    events.write_bytes(b"\x01\x08")
    command = ["wire", "project", str(events), str(out), "--schema", f"{schema}:Leaf"]
    assert main([*command, *arguments]) in (1, 2)
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_files_of_messagepack(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import gzip

    import msgpack

    path, schema = tmp_path / "events.msgpack", tmp_path / "event.json"
    data = b"".join(msgpack.packb({"id": n, "at": {"x": n / 2}}) for n in range(9))
    path.write_bytes(data)
    schema.write_text('{"id": "int64", "at": {"x": "float64"}}')
    compressed = tmp_path / "events.mpk.gz"
    compressed.write_bytes(gzip.compress(data))
    for each in (path, compressed):
        arguments = ["wire", "cat", str(each), "--schema", str(schema), "--where", "at.x > 3.5"]
        assert main(arguments) == 0
        assert capfd.readouterr().out == '{"id": 8, "at": {"x": 4.0}}\n'
    assert main(["wire", "schema", str(schema)]) == 0
    assert "at.x" not in capfd.readouterr().out.splitlines()[0]
    for wrong, said in (
        (["cat", str(path)], "say what its values are with --schema"),
        (["schema", str(path)], "values do not tell their schema"),
        (["cat", str(path), "--schema", str(path)], "is no type"),
    ):
        assert main(["wire", *wrong]) == 2
        assert said in capfd.readouterr().err
