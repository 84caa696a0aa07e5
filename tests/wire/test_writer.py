"""Writers as people use them: what they take, what they give, and what they refuse."""

from __future__ import annotations

import gzip
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped,unused-ignore]
import polars as pl
import pyarrow as pa
import pytest
import zstandard
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from jitvm import wire
from jitvm.guests.wire import buffers
from jitvm.guests.wire.encode import writing
from jitvm.guests.wire.faults import Misfit
from tests.wire.oracle import messages
from tests.wire.schemas import MESSAGES, generated, message

Leaf, Scalars, Optional, Choice = (
    generated(f"kinds.{name}") for name in ("Leaf", "Scalars", "Optional", "Choice")
)
Nested, Maps, Known, Old = (
    generated(name) for name in ("kinds.Nested", "kinds.Maps", "kinds.Known", "old.Old")
)


def read(data: bytes, cls: Any = Leaf) -> Any:
    return cls.FromString(data)


def one(cls: Any, table: Any, **options: Any) -> Any:
    """The only message of a table."""
    (found,) = wire.writer(cls, **options).write(table)
    return cls.FromString(found)


def refused(cls: Any, table: Any, **options: Any) -> wire.Refusal:
    with pytest.raises(wire.EncodeError) as error:
        wire.writer(cls, **options).write(table)
    assert str(error.value) == str(error.value.error)
    assert pickle.loads(pickle.dumps(error.value)).error.path == error.value.error.path
    return error.value.error


LEAVES = [Leaf(number=n, more=range(n % 3)) for n in range(100)]
for each in LEAVES[::2]:
    each.name = f"leaf {each.number}"
DATA = [each.SerializeToString() for each in LEAVES]
LISTS = {
    "number": [each.number for each in LEAVES],
    "name": [each.name if each.HasField("name") else None for each in LEAVES],
    "more": [list(each.more) for each in LEAVES],
}
SCHEMA = pa.schema([("number", pa.int32()), ("name", pa.string()), ("more", pa.list_(pa.int64()))])
TABLE = pa.table(LISTS, schema=SCHEMA)

# -- what is taken -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        TABLE.to_batches()[0],
        pa.Table.from_batches(TABLE.to_batches(max_chunksize=7)),
        pa.concat_tables([TABLE.slice(0, 13), TABLE.slice(13)]),
        pa.StructArray.from_arrays(
            [TABLE[name].combine_chunks() for name in TABLE.column_names], TABLE.column_names
        ),
        pl.DataFrame(TABLE),
        pl.DataFrame(TABLE).rechunk().slice(0),
        TABLE.to_pandas(types_mapper=pd.ArrowDtype),
        TABLE.select(["more", "number", "name"]),
        wire.reader(Leaf).read(DATA),
        wire.reader(Leaf, large_offsets=True).read(DATA),
        LISTS,
        [{name: LISTS[name][at] for name in LISTS} for at in range(100)],
        {
            "number": np.arange(100, dtype=np.int16), "name": np.array(LISTS["name"], object),
            "more": LISTS["more"],
        },
        {
            "number": np.arange(100, dtype=">i8"), "name": TABLE["name"].combine_chunks(),
            "more": TABLE["more"].combine_chunks(),
        },
        {"number": pl.Series(range(100)), "name": LISTS["name"], "more": TABLE["more"]},
        {
            "number": range(100), "name": pa.array(LISTS["name"]).dictionary_encode(),
            "more": [tuple(each) for each in LISTS["more"]],
        },
        pa.table({
            "number": pa.array(range(100), pa.uint64()),
            "name": pa.array(LISTS["name"], pa.large_string()),
            "more": pa.array(LISTS["more"], pa.large_list(pa.int8())),
        }),
        pa.table({
            "number": pa.array(range(100), pa.int64()).dictionary_encode(),
            "name": pa.array(LISTS["name"], pa.string_view()),
            "more": TABLE["more"],
        }),
    ],
)  # fmt: skip
def test_tables_of_all_kinds(table: Any) -> None:
    found = wire.writer(Leaf).write(table)
    assert found.to_list() == DATA


def test_parts_of_tables() -> None:
    writer = wire.writer(Leaf)
    for first, count in ((0, 0), (3, 1), (50, 50), (7, 33)):
        assert writer.write(TABLE.slice(first, count)).to_list() == DATA[first : first + count]
        batch = TABLE.to_batches()[0].slice(first, count)
        assert writer.write(batch).to_list() == DATA[first : first + count]
        frame = pl.DataFrame(TABLE)[first : first + count]
        assert writer.write(frame).to_list() == DATA[first : first + count]


@pytest.mark.parametrize("name", MESSAGES)
def test_polars_and_pandas_hand_back_what_they_got(name: str) -> None:
    if name in ("kinds.Maps", "kinds.Recursive", "old.Old", "kinds.Known", "edition.Edition"):
        pytest.skip("maps become lists there, and empty structs columns of nulls")
    data = messages(name, message(name), 50, seed=9)
    cls = generated(name)
    table = wire.reader(cls).read(data)
    writer = wire.writer(cls)
    assert writer.write(table.to_polars()).to_list() == data
    assert writer.write(table.to_pandas(types_mapper=pd.ArrowDtype)).to_list() == data


def test_maps_may_be_lists_of_structs() -> None:
    data = messages("kinds.Maps", message("kinds.Maps"), 50, seed=9)
    table = wire.reader(Maps).read(data).to_polars()
    found = wire.writer(Maps).write(table)
    assert [Maps.FromString(each) for each in found] == [Maps.FromString(each) for each in data]


def test_what_is_empty() -> None:
    writer = wire.writer(Leaf)
    empty: tuple[Any, ...] = (TABLE.slice(0, 0), {}, [], pa.Table.from_batches([], SCHEMA))
    for table in empty:
        if table != {}:
            found = writer.write(table)
            assert (len(found), found.nbytes, found.to_list(), bytes(found.data)) == (0, 0, [], b"")
            assert found.lengths.tolist() == []
            assert found.to_arrow().to_pylist() == []
    assert writer.write([{}, {}]).to_list() == [b"", b""]
    with pytest.raises(wire.TableError, match="no column 'number'"):
        writer.write({})


def test_python_rows() -> None:
    rows: list[dict[str, Any]] = [
        {"one": {"number": 5, "more": [1, -1]}, "many": [{}, {"name": "x"}], "tail": "t"},
        {"one": None, "middle": {"leaf": {}, "leaves": [{"number": 1}], "last": True}},
    ]
    found = wire.writer(Nested).write(rows)
    expected = [
        Nested(
            one=Leaf(number=5, more=[1, -1]), many=[Leaf(), Leaf(name="x")], tail="t"
        ).SerializeToString(),
        Nested(
            middle=Nested.Middle(leaf=Leaf(), leaves=[Leaf(number=1)], last=True)
        ).SerializeToString(),
    ]
    assert found.to_list() == expected
    (maps,) = wire.writer(Maps).write([{"labels": {"a": "b"}, "leaves": {"k": {"number": 3}}}])
    assert Maps.FromString(maps) == Maps(labels={"a": "b"}, leaves={"k": Leaf(number=3)})


def test_columns_of_structs_and_arrays_of_two_dimensions() -> None:
    table = {
        "one": {"number": np.arange(3), "name": ["a", None, "c"], "more": np.ones((3, 2), int)},
        "many": [[], [{"number": 1}], []],
    }
    found = wire.writer(
        Nested, fields=["one", "many.number"]
    ).write(table)  # fmt: skip
    assert [Nested.FromString(each).one.number for each in found] == [0, 1, 2]
    assert Nested.FromString(found[1]).many[0].number == 1
    assert list(Nested.FromString(found[-1]).one.more) == [1, 1]


def test_masks_and_missing_values() -> None:
    masked = np.ma.MaskedArray([1, 2, 3], [False, True, False])
    found = wire.writer(Optional, fields=["i32", "f64"]).write(
        {"i32": masked, "f64": [None, float("nan"), -0.0]}
    )
    made = [Optional.FromString(each) for each in found]
    assert [each.HasField("i32") for each in made] == [True, False, True]
    assert [each.HasField("f64") for each in made] == [False, True, True]
    plain = wire.writer(Scalars, fields=["i32", "text", "data"]).write(
        {"i32": masked, "text": ["a", None, ""], "data": [b"x", None, b""]}
    )
    assert plain.to_list()[1] == b""
    assert Scalars.FromString(plain[0]) == Scalars(i32=1, text="a", data=b"x")


def test_names_of_enums() -> None:
    names = ["HIGH", "LOW", "DEEP", "MIDDLE"]
    expected = [Scalars(level=each).SerializeToString() for each in names]
    writer = wire.writer(Scalars, fields=["level"])
    for column in (
        names, np.array(names), pa.array(names), pa.array(names).dictionary_encode(),
        pa.array(names, pa.string_view()), [5, 0, -3, 1], pl.Series(names, dtype=pl.Categorical),
    ):  # fmt: skip
        assert writer.write({"level": column}).to_list() == expected
    read = wire.reader(Scalars, fields=["level"], names=True).read([*expected, b"\x70\x63"])
    assert writer.write(read).to_list() == [*expected, b"\x70\x63"]


def test_times() -> None:
    at = [datetime(2020, 1, 2, tzinfo=UTC), datetime(1960, 1, 1, 0, 0, 0, 5, UTC)]
    expected = []
    for each in at:
        made = Known()
        made.at.FromDatetime(each)
        expected.append(made.SerializeToString())
    writer = wire.writer(Known, fields=["at"])
    naive = [each.replace(tzinfo=None) for each in at]
    for column in (
        pa.array(at, pa.timestamp("us", "UTC")), pa.array(at, pa.timestamp("ns")),
        np.array(naive, "M8[us]"), pd.Series(at), pl.Series(at),
    ):  # fmt: skip
        assert writer.write({"at": column}).to_list() == expected
    read = wire.reader(Known, times=True, fields=["at"]).read([*expected, b""])
    assert writer.write(read).to_list() == [*expected, b""]
    days = writer.write({"at": np.array(["2020-01-02", "NaT"], "M8[D]")})
    assert days.to_list() == [expected[0], b""]


def test_durations_are_of_one_sign(tmp_path: Path) -> None:
    path = tmp_path / "d.proto"
    path.write_text(
        'syntax = "proto3"; import "google/protobuf/duration.proto";'
        "message D { google.protobuf.Duration took = 1; }"
    )
    from google.protobuf.duration_pb2 import Duration

    times = [timedelta(seconds=-1.5), timedelta(0), timedelta(days=3, microseconds=1)]
    found = wire.writer(str(path)).write({"took": pa.array(times, pa.duration("us"))})
    for each, data in zip(times, found, strict=True):
        expected = Duration()
        expected.FromTimedelta(each)
        assert data == bytes([10, expected.ByteSize()]) + expected.SerializeToString()


def test_nulls_may_hide_anything() -> None:
    """What is null has whatever offsets and values: nobody sees it."""
    lists = pa.ListArray.from_arrays(
        pa.array([0, 2, 5, 6], pa.int32()), pa.array([1, 2, 3, None, 5, 6], pa.int64()),
        mask=pa.array([False, True, False]),
    )  # fmt: skip
    texts = pa.StringArray.from_buffers(
        3, pa.py_buffer(np.array([0, 1, 3, 4], "<i4")), pa.py_buffer(b"a\xff\xfez"),
        pa.py_buffer(b"\x05"),
    )  # fmt: skip
    found = wire.writer(Leaf).write({"number": range(3), "name": texts, "more": lists})
    made = [Leaf.FromString(each) for each in found]
    assert [list(each.more) for each in made] == [[1, 2], [], [6]]
    assert [each.name for each in made] == ["a", "", "z"]
    structs = pa.StructArray.from_arrays(
        [pa.array([None, None]), pa.array([1 << 40, 7])], ["name", "number"],
        mask=pa.array([True, False]),
    )  # fmt: skip
    table = pa.table({"one": structs})
    found = wire.writer(Nested, fields=["one.name", "one.number"]).write(table)
    assert found.to_list() == [b"", Nested(one=Leaf(number=7)).SerializeToString()]
    plain = pa.StringArray.from_buffers(
        2, pa.py_buffer(np.array([0, 2, 3], "<i4")), pa.py_buffer(b"abc"), pa.py_buffer(b"\x02")
    )
    found = wire.writer(Scalars, fields=["text"]).write({"text": plain})
    assert found.to_list() == [b"", Scalars(text="c").SerializeToString()]


@pytest.mark.parametrize("present", [[True, False, True], [True] * 3, [False] * 3])
def test_messages_without_fields_are_there_or_not(present: list[bool]) -> None:
    """They have no columns below them, and are written all the same."""
    file = descriptor_pb2.FileDescriptorProto(name="bare.proto", package="bare", syntax="proto3")
    file.message_type.add(name="Nothing")
    around = file.message_type.add(name="Around")
    for number, label in ((1, 1), (2, 3)):
        around.field.add(
            name=f"f{number}", number=number, label=label, type=11, type_name=".bare.Nothing"
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    cls = message_factory.GetMessageClass(pool.FindMessageTypeByName("bare.Around"))
    made = [cls(f1={} if each else None, f2=[{}] * (2 * each)) for each in present]
    data = [each.SerializeToString() for each in made]
    table = wire.reader(cls).read(data)
    rows: list[dict[str, Any]] = [
        {"f1": {} if each else None, "f2": [{}] * (2 * each)} for each in present
    ]
    for given in (table, table.to_arrow(), rows):
        assert wire.writer(cls).write(given).to_list() == data


@pytest.mark.parametrize("mask", [[True, True], None])
def test_columns_without_values_have_types_that_fit_all_the_same(mask: Any) -> None:
    """Also below structs that are never there, and lists without elements; every time."""
    count = 0 if mask is None else 2
    for number, fits in ((pa.int64(), True), (pa.string(), False), (pa.int8(), True)):
        leaf = pa.StructArray.from_arrays(
            [pa.nulls(count, number), pa.nulls(count, pa.string())], ["number", "name"],
            mask=None if mask is None else pa.array(mask),
        )  # fmt: skip
        many = pa.ListArray.from_arrays(pa.array([0] * (count + 1), pa.int32()), leaf[:0])
        writer = wire.writer(Nested, fields=["one.name", "one.number", "many.name", "many.number"])
        for _ in range(2):
            if fits:
                assert writer.write({"one": leaf, "many": many}).to_list() == [b""] * count
                continue
            with pytest.raises(wire.TableError, match=r"'(one|many)\.number' is string, which"):
                writer.write({"one": leaf, "many": many})
    known = wire.writer(Nested, fields=["one.name", "one.number"])
    for names in (["name"], ["name", "number", "numbr"]):
        leaf = pa.StructArray.from_arrays(
            [pa.nulls(count, pa.int32())] * len(names), names,
            mask=None if mask is None else pa.array(mask),
        )  # fmt: skip
        with pytest.raises(wire.TableError, match=r"no column 'number'|'numbr' in one is no field"):
            known.write({"one": leaf})


# -- what is given -------------------------------------------------------------------------------


def test_messages_come_as_people_want_them() -> None:
    found = wire.writer(Leaf).write(TABLE)
    assert len(found) == 100
    assert list(found) == found.to_list() == DATA
    assert bytes(found.data) == b"".join(DATA)
    assert found.lengths.tolist() == list(map(len, DATA))
    assert found.nbytes == len(found.data)
    assert (found[0], found[99], found[-1], found[-100]) == (DATA[0], DATA[99], DATA[99], DATA[0])
    for index in (100, -101):
        with pytest.raises(IndexError, match="there are 100 messages"):
            found[index]
    array = found.to_arrow()
    assert array.type == pa.binary()
    assert array.to_pylist() == DATA
    assert pl.Series(found).to_list() == DATA
    assert pa.chunked_array(found).to_pylist() == DATA
    assert repr(found) == f"<Encoded: 100 messages, {found.nbytes} bytes>"
    assert len(wire.reader(Leaf).read(array)) == 100
    del found
    wire.writer(Leaf).write(TABLE.slice(50))
    assert array.to_pylist() == DATA


def test_lengths_in_front() -> None:
    large = "x" * 300
    rows = [{"name": large}, {}, *[{"number": n} for n in range(5)]]
    found = wire.writer(Leaf).write(rows, framing="varint")
    table = wire.reader(Leaf).read(found.data)
    assert table["name"].to_pylist()[0] == large
    assert len(table) == 7
    assert found[1] == b"\0"
    assert found[0][:2] == bytes([len(found[0]) - 2 & 0x7F | 0x80, len(found[0]) - 2 >> 7])


def test_headers_of_confluent() -> None:
    found = wire.writer(Scalars).write([{}, {"i32": 5}], framing="confluent", schema_id=0x1234567)
    assert found.to_list() == [
        b"\0\x01\x23\x45\x67\0", b"\0\x01\x23\x45\x67\0" + Scalars(i32=5).SerializeToString()
    ]  # fmt: skip
    middle = wire.writer(Nested.Middle).write([{"last": True}], framing="confluent", schema_id=7)
    place = list(Nested.DESCRIPTOR.file.message_types_by_name).index("Nested")
    head = b"\0\0\0\0\x07" + bytes([4, 2 * place, 0])
    assert middle.to_list() == [head + b"\x18\x01"]
    table = wire.reader(Nested.Middle).read(middle.to_list(), framing="confluent")
    assert table["last"].to_pylist() == [True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"framing": "json"}, "framing 'json': choose from none, varint, confluent"),
        ({"framing": "confluent"}, "needs schema_id"),
        ({"framing": "confluent", "schema_id": -1}, "needs schema_id"),
        ({"framing": "confluent", "schema_id": 1 << 32}, "needs schema_id"),
        ({"schema_id": 5}, "schema_id is for the framing"),
    ],
)
def test_framings_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(wire.MessagesError, match=message):
        wire.writer(Leaf).write(TABLE, **options)


@pytest.mark.parametrize("name", ["e.pb", "e.pb.gz", "e.pb.zst"])
def test_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    writer = wire.writer(Leaf)
    assert writer.save(TABLE, path) == 100
    framed = writer.write(TABLE, framing="varint")
    raw = path.read_bytes()
    if name.endswith(".gz"):
        raw = gzip.decompress(raw)
    elif name.endswith(".zst"):
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    assert raw == framed.data
    tables = (TABLE.slice(first, 9) for first in range(0, 100, 9))
    assert writer.save(tables, str(path)) == 100
    (back,) = wire.reader(Leaf).stream(path)
    assert back["number"].to_pylist() == LISTS["number"]
    assert writer.save([TABLE, LISTS], path) == 200
    assert writer.save([{"number": 5}], path, framing=None) == 1


def test_a_file_that_cannot_be_completed_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "e.pb"
    path.write_bytes(b"before")
    bad = {**LISTS, "number": [*range(99), 1 << 40]}
    with pytest.raises(wire.EncodeError) as error:
        wire.writer(Leaf).save(iter([TABLE, bad]), path)
    assert (error.value.error.row, error.value.error.path) == (199, "number")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="No such file"):
        wire.writer(Leaf).save(TABLE, tmp_path / "none" / "e.pb")
    for wrong in (5, None):
        with pytest.raises(TypeError, match="neither a table nor an iterable"):
            wire.writer(Leaf).save(wrong, path)


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "table", "row", "path", "misfit"),
    [
        (Scalars, {"i32": [1, 1 << 31]}, 1, "i32", Misfit.RANGE),
        (Scalars, {"i32": np.array([1, -1 << 40])}, 1, "i32", Misfit.RANGE),
        (Scalars, {"u32": pa.array([1, -1])}, 1, "u32", Misfit.RANGE),
        (Scalars, {"u64": pa.array([-1, 1])}, 0, "u64", Misfit.RANGE),
        (Scalars, {"i64": [0, 1 << 63]}, 1, "i64", Misfit.RANGE),
        (Scalars, {"i64": np.array([0, 1 << 63], np.uint64)}, 1, "i64", Misfit.RANGE),
        (Scalars, {"z32": [1, 2, -(1 << 31) - 1]}, 2, "z32", Misfit.RANGE),
        (Scalars, {"f32": [1.5, 1e39]}, 1, "f32", Misfit.RANGE),
        (Scalars, {"f32": np.array([1.5, -1e39])}, 1, "f32", Misfit.RANGE),
        (Scalars, {"f64": np.array([1, (1 << 53) + 1])}, 1, "f64", Misfit.RANGE),
        (Scalars, {"level": np.array([1 << 31])}, 0, "level", Misfit.RANGE),
        (Scalars, {"level": ["LOW", "WIDE"]}, 1, "level", Misfit.NAME),
        (Scalars, {"level": pa.array(["LOW", "WIDE", None])}, 1, "level", Misfit.NAME),
        (Scalars, {"level": pa.array(["A", "LOW"]).dictionary_encode()}, 0, "level", Misfit.NAME),
        (Scalars, {"text": ["a", "\ud800"]}, 1, "text", Misfit.UTF8),
        (Scalars, {"text": [b"a", b"\xff"]}, 1, "text", Misfit.UTF8),
        (Scalars, {"text": pa.array([b"\xc3", b"\xa4"])}, 0, "text", Misfit.UTF8),
        (Scalars, {"text": pa.array([b"a", b"\xff"]).dictionary_encode()}, 1, "text", Misfit.UTF8),
        (Scalars, {"text": [1, "a"]}, 0, "text", Misfit.TYPE),
        (Scalars, {"i32": ["1"]}, 0, "i32", Misfit.TYPE),
        (Scalars, {"i32": [1.0]}, 0, "i32", Misfit.TYPE),
        (Scalars, {"i32": [True]}, 0, "i32", Misfit.TYPE),
        (Scalars, {"flag": [1]}, 0, "flag", Misfit.TYPE),
        (Scalars, {"f64": ["x"]}, 0, "f64", Misfit.TYPE),
        (Scalars, {"f64": [10**400]}, 0, "f64", Misfit.RANGE),
        (Leaf, {"more": [[1], [2, None]]}, 1, "more", Misfit.ELEMENT),
        (Leaf, {"more": pa.array([[1], [], [None]])}, 2, "more", Misfit.ELEMENT),
        (Nested, {"many": [[{}], [None]]}, 1, "many", Misfit.ELEMENT),
        (Maps, {"labels": [{}, {"a": None}]}, 1, "labels.value", Misfit.ELEMENT),
        (Maps, {"labels": [{None: "a"}]}, 0, "labels.key", Misfit.ELEMENT),
        (Maps, {"labels": [{}, {}, {"a": "b\ud800"}]}, 2, "labels.value", Misfit.UTF8),
        (Old, {"id": [1, None]}, 1, "id", Misfit.REQUIRED),
        (Old, {"id": [1, 2], "closed": [1, 5]}, 1, "closed", Misfit.NUMBER),
        (Old, {"id": [1], "many": [[1, 2, 3]]}, 0, "many", Misfit.NUMBER),
        (Old, {"id": [1, 1], "one": [1, 1], "other": [None, "x"]}, 1, "choice", Misfit.ONEOF),
    ],
)  # fmt: skip
def test_values_that_are_refused(
    cls: Any, table: dict[str, Any], row: int, path: str, misfit: Misfit
) -> None:
    fields = list(table)
    error = refused(cls, table, fields=fields)
    assert (error.row, error.path, error.misfit) == (row, path, misfit)
    assert str(error) == f"row {row}, field {path}: {error.reason}"


def test_the_first_row_that_is_wrong_is_told_by_its_number() -> None:
    parts = [pa.table({"number": [1] * 10}), pa.table({"number": [*[2] * 5, 1 << 40, *[3] * 4]})]
    error = refused(Leaf, pa.concat_tables(parts), fields=["number"])
    assert (error.row, error.path) == (15, "number")
    table = {"number": [1, 2, 1 << 40], "name": ["a", b"\xff", "c"]}
    error = refused(Leaf, table, fields=["number", "name"])
    assert (error.row, error.path) == (1, "name")
    leaves = pa.array([[], [{"number": 1}, {"number": 1 << 40}], []])
    error = refused(Nested, {"many": leaves}, fields=["many.number"])
    assert (error.row, error.path) == (1, "many.number")


def test_members_of_oneofs() -> None:
    writer = wire.writer(Choice, fields=["choice", "number", "text"])
    good = {"number": [1, None, None], "text": [None, "a", None]}
    expected = [
        Choice(number=1).SerializeToString(), Choice(text="a").SerializeToString(), b""
    ]  # fmt: skip
    assert writer.write(good).to_list() == expected
    assert writer.write({**good, "choice": ["number", "text", None]}).to_list() == expected
    assert writer.write({**good, "choice": ["number", "text", "leaf"]}).to_list() == expected
    for names in (["text", "text", None], ["number", None, None], ["number", "text", "text"]):
        with pytest.raises(wire.EncodeError, match=r"row [01 2], field choice: of a oneof"):
            writer.write({**good, "choice": names})
    with pytest.raises(wire.EncodeError, match="row 1, field choice: the enum, or oneof"):
        writer.write({**good, "choice": ["number", "nothing", None]})
    both = {"number": [1], "text": ["a"]}
    for fields in (["number", "text"], ["choice", "number", "text"]):
        assert refused(Choice, both, fields=fields).misfit is Misfit.ONEOF


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({"number": [1]}, wire.TableError, "no column 'name'; name those"),
        ({**LISTS, "nam": [1] * 100}, wire.TableError, "'nam' is no field of kinds.Leaf; did you"),
        ({**LISTS, "name": range(100)}, wire.EncodeError, "row 0, field name: the value is of an"),
        ({**LISTS, "name": np.arange(100)}, wire.TableError, "'name' is int64, which does not fit"),
        ({**LISTS, "number": np.zeros(100)}, wire.TableError, "'number' is double, .* cast it"),
        ({**LISTS, "more": np.zeros(100, int)}, wire.TableError, "'more' is int64, which does not"),
        ({**LISTS, "more": np.zeros((1, 2, 3))}, wire.TableError, "more: an array of 3 dimensions"),
        ({**LISTS, "more": range(100)}, wire.TableError, "more: value 0 is int, not a list"),
        ({**LISTS, "name": ["a"]}, wire.TableError, "different lengths: number 100, name 1,"),
        ({**LISTS, "name": 5}, wire.TableError, "name: int is no column"),
        ({**LISTS, "name": {"a": [1]}}, wire.TableError, "name: a dict of columns is for a"),
        ([5], wire.TableError, "row: value 0 is int, not a dict"),
        (5, TypeError, "int is no table"),
        ("abc", TypeError, "str is no table"),
        (pa.array([1]), wire.TableError, "the Arrow data is int64, not a table"),
        (
            pa.table({**LISTS, "number": pa.array([None] * 100, pa.decimal128(5))}),
            wire.TableError, "'number' is decimal, which does not fit int32",
        ),
        (
            pa.StructArray.from_arrays(
                [pa.array([1])], ["number"], mask=pa.array([True])
            ),
            wire.TableError, "some rows of the table are null",
        ),
    ],
)  # fmt: skip
def test_tables_that_are_refused(table: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        wire.writer(Leaf).write(table)


def test_fields_that_are_left_out() -> None:
    writer = wire.writer(Leaf, fields=["number", "more"])
    assert writer.schema == {"number": "int32", "more": "list<int64>"}
    expected = [Leaf(number=each.number, more=each.more).SerializeToString() for each in LEAVES]
    assert writer.write(TABLE).to_list() == expected
    assert repr(writer) == "<Writer of kinds.Leaf, fields=['number', 'more']>"
    with pytest.raises(wire.ColumnError, match="no field 'numbr'"):
        wire.writer(Leaf, fields=["numbr"])
    with pytest.raises(wire.ColumnError, match="id is required; name it"):
        wire.writer(Old, fields=["name"])
    with pytest.raises(TypeError, match="fields is a list"):
        wire.writer(Leaf, fields="number")
    with pytest.raises(ValueError, match="depth=0"):
        wire.writer(Leaf, depth=0)


def test_offsets_that_fall_are_refused() -> None:
    ends = [np.array([0, 1, 5], "<i4") for _ in range(2)]
    wrong, far = (
        pa.Array.from_buffers(
            pa.list_(pa.int64()), 2, [None, pa.py_buffer(each)], children=[pa.array(range(5))]
        )
        for each in ends
    )
    ends[0][1], ends[1][2] = 7, 9  # pyarrow would refuse them
    writer = wire.writer(Leaf, fields=["more"])
    with pytest.raises(wire.TableError, match="more: the offsets of the Arrow data are wrong"):
        writer.write({"more": wrong})
    with pytest.raises(wire.TableError, match="more: a list has elements up to 9, of 5"):
        writer.write({"more": far})
    places = pa.DictionaryArray.from_arrays(
        pa.array([0, 7], pa.int8()), pa.array(["a"]), safe=False
    )
    with pytest.raises(wire.TableError, match="name: a dictionary has fewer values"):
        wire.writer(Leaf, fields=["name"]).write({"name": places})


# -- batches, threads ----------------------------------------------------------------------------


def test_many_batches_and_pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = messages("kinds.Nested", message("kinds.Nested"), 300, seed=2)
    table = wire.reader(Nested).read(data)
    monkeypatch.setattr(writing, "COLUMNS_BYTES", 2000)
    monkeypatch.setattr(writing, "LEAST_ROWS", 3)
    writer = wire.writer(Nested)
    assert writer.write(table).to_list() == data
    monkeypatch.setattr(writing, "MAX_NARROW", 40_000)
    found = writer.write(table)
    assert len(found.pieces) > 1
    assert found.to_list() == data
    assert bytes(found.data) == b"".join(data)
    assert [found[at] for at in (0, 150, 299, -1)] == [data[at] for at in (0, 150, 299, -1)]
    assert found.to_arrow().num_chunks == len(found.pieces)
    assert writer.save(table, tmp_path / "e") == 300


def test_rows_that_are_larger_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    large = {"number": [1, 2, 3], "name": ["a", "b" * 3_000_000, "c"], "more": [[], [7] * 9999, []]}
    expected = [
        Leaf(number=n, name=name, more=more).SerializeToString()
        for n, name, more in zip(*large.values(), strict=True)
    ]
    monkeypatch.setattr(writing, "batch_bytes", lambda *_: buffers.PAGE)
    writer = wire.writer(Leaf)
    assert writer.write(large).to_list() == expected
    monkeypatch.setattr(writing, "ROOM", 100)
    with pytest.raises(wire.EncodeError, match="row 2: the message would be larger"):
        writer.write({**large, "name": ["a", "b", "c" * 200]})


def test_threads_and_pickles() -> None:
    writer = pickle.loads(pickle.dumps(wire.writer(Leaf, fields=["number"])))
    expected = wire.writer(Leaf, fields=["number"]).write(TABLE).to_list()
    big = pa.concat_tables([TABLE] * 200)
    with ThreadPoolExecutor(3) as executor:
        for found in executor.map(writer.write, [big] * 9):
            assert found.to_list() == expected * 200
