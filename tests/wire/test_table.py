"""Tables as Arrow's arrays, NumPy's and Python's values: the same, and let go in the end."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any

import nanoarrow
import numpy as np
import polars
import pyarrow as pa
import pytest

from jitvm import wire
from jitvm.guests.wire import arrow, pool
from jitvm.guests.wire.pool import Pool
from jitvm.guests.wire.table import needed
from tests.wire.oracle import messages
from tests.wire.schemas import MESSAGES, PROTOS, generated, message

LEAF, MAPS, NESTED = (generated(f"kinds.{name}") for name in ("Leaf", "Maps", "Nested"))

BEGUN, GO = Event(), Event()
"""That a slow library is being imported, and that it may go on."""


def table_of(name: str, count: int = 60, **options: Any) -> wire.Table:
    data = messages(name, message(name), count, seed=5)
    return wire.reader(generated(name), **options).read(data)


def plain(value: Any) -> Any:
    """Values with maps as dicts and NaN as text, so that they can be compared."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return {key: plain(inner) for key, inner in value}
    if isinstance(value, list):
        return [plain(each) for each in value] or {}  # a map without entries is a list to pyarrow
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return "nan" if value != value else value


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("errors", ["raise", "null"])
@pytest.mark.parametrize("large", [False, True])
def test_pyarrow_has_the_same_values(name: str, errors: str, large: bool) -> None:
    table = table_of(name, errors=errors, large_offsets=large)
    taken = pa.table(table)
    taken.validate(full=True)
    assert plain(taken.to_pylist()) == plain(table.to_pylist())
    (batch,) = table.batches()
    record = pa.record_batch(batch)
    record.validate(full=True)
    assert record.schema == taken.schema == pa.schema(table)


@pytest.mark.parametrize("name", MESSAGES)
def test_polars_takes_it(name: str) -> None:
    table = table_of(name)
    assert polars.DataFrame(table).shape == (len(table), len(table.column_names))


def test_nanoarrow_and_pandas_take_it() -> None:
    table = table_of("kinds.Nested")
    array = nanoarrow.ArrayStream(table).read_all()
    assert len(array) == len(table)
    frame = table.to_pandas()
    assert list(frame["tail"]) == table["tail"].to_pylist()


def test_arrays_outlive_their_table_and_are_let_go() -> None:
    gc.collect()
    before = len(arrow._HELD)
    table = table_of("kinds.Nested")
    expected = table["many"].to_pylist()
    taken = table.to_arrow()
    column = taken["many"].chunk(0)
    del table, taken
    gc.collect()
    for _ in range(3):  # which would be written over it, were the memory free
        table_of("kinds.Nested", 90)
    assert column.to_pylist() == expected, "a child that is kept longer than its parent"
    assert len(arrow._HELD) > before
    del column
    gc.collect()
    assert len(arrow._HELD) == before
    assert not arrow._STREAMS
    assert not arrow._CAPSULES


def test_capsules_that_nobody_takes_are_let_go() -> None:
    gc.collect()
    before = len(arrow._HELD)
    (batch,) = table_of("kinds.Choice").batches()
    capsules = [batch.__arrow_c_stream__(), batch.__arrow_c_schema__(), batch.__arrow_c_array__()]
    assert len(arrow._HELD) > before
    del capsules, batch
    gc.collect()
    assert len(arrow._HELD) == before
    assert not arrow._STREAMS


def test_memory_is_used_again() -> None:
    wire.trim()
    reader = wire.reader(LEAF)
    data = [LEAF(number=number).SerializeToString() for number in range(100)]
    first = reader.read(data)
    address = first["number"].to_numpy().ctypes.data
    view = first["number"].to_numpy()
    second = reader.read(data)
    assert second["number"].to_numpy().ctypes.data != address, "which somebody still has"
    del first, second
    third = reader.read(data)
    assert third["number"].to_numpy().ctypes.data != address
    assert list(view) == list(range(100))
    del view
    fourth = reader.read(data)
    assert fourth["number"].to_numpy().ctypes.data == address


def test_maps_have_each_key_once() -> None:
    entry = MAPS(labels={"same": "first"}).SerializeToString()
    other = MAPS(labels={"same": "last"}, sums={5: 1.0}).SerializeToString()
    again = MAPS(sums={5: 2.0, 6: 3.0}).SerializeToString()
    leaf = MAPS(leaves={"k": LEAF(number=1, more=[1, 2, 3])}).SerializeToString()
    newer = MAPS(leaves={"k": LEAF(number=2, more=[4])}).SerializeToString()
    table = wire.reader(MAPS).read([entry, entry + other + again, leaf + leaf + newer, b""])
    assert table["labels"].to_pylist() == [{"same": "first"}, {"same": "last"}, {}, {}]
    assert table["sums"].to_pylist() == [{}, {5: 2.0, 6: 3.0}, {}, {}]
    taken = table.to_arrow()
    taken.validate(full=True)
    assert taken["leaves"].to_pylist()[2] == [("k", {"number": 2, "name": None, "more": [4]})]
    assert table["leaves.value.more"].to_pylist() == [[4]]


@pytest.mark.parametrize("length", [1, 7, 8, 9, 20])
def test_maps_of_many_entries_have_each_key_once(length: int) -> None:
    keys = [f"{number % 40:0{length}}"[-length:] for number in range(100)]
    parts = [MAPS(labels={key: str(at)}).SerializeToString() for at, key in enumerate(keys)]
    table = wire.reader(MAPS).read([b"".join(parts), b"".join(parts[:3])])
    expected = dict(zip(keys, map(str, range(100)), strict=True))
    first = table.to_arrow()["labels"].to_pylist()[0]
    assert len(first) == len(expected)
    assert dict(first) == expected


def test_columns_are_arrays_of_numpy() -> None:
    table = table_of("kinds.Scalars")
    for name, dtype in (
        ("f64", "f8"), ("f32", "f4"), ("i64", "i8"), ("u64", "u8"), ("i32", "i4"), ("x64", "u8"),
        ("x32", "u4"), ("flag", "?"), ("level", "i4"), ("z64", "i8"),
    ):  # fmt: skip
        array = table[name].to_numpy()
        assert array.dtype == np.dtype(dtype), name
        assert plain(array.tolist()) == plain(table[name].to_pylist())
        assert array.base is not None, "a view"
    assert table["text"].to_numpy().tolist() == table["text"].to_pylist()
    table = table_of("kinds.Optional")
    array = table["i64"].to_numpy()
    assert isinstance(array, np.ma.MaskedArray)
    assert array.mask.sum() == table["i64"].null_count > 0
    assert array.tolist() == table["i64"].to_pylist()


def test_lists_and_what_is_in_them() -> None:
    table = table_of("kinds.Nested")
    lists = table["many"].to_pylist()
    assert table["many"].lengths().tolist() == [len(each) for each in lists]
    inner = [leaf for each in lists for leaf in each]
    assert table["many.number"].to_numpy().tolist() == [leaf["number"] for leaf in inner]
    more = table["many.more"].to_numpy()
    assert [each.tolist() for each in more] == [leaf["more"] for leaf in inner]
    with pytest.raises(TypeError, match=r"many is list<struct.*take one of its fields as"):
        table["many"].to_numpy()
    with pytest.raises(TypeError, match=r"many\.number is int32, whose values have no lengths"):
        table["many.number"].lengths()


def test_members_of_oneofs_are_names() -> None:
    choice = generated("kinds.Choice")
    data = [choice(number=1), choice(), choice(leaf={}), choice(text="")]
    table = wire.reader(choice).read([each.SerializeToString() for each in data])
    assert table["choice"].to_pylist() == ["number", None, "leaf", "text"]
    assert table["choice"].to_numpy().tolist() == ["number", None, "leaf", "text"]
    assert table.to_arrow()["choice"].to_pylist() == ["number", None, "leaf", "text"]
    assert table["choice"].null_count == 1


def test_a_table_tells_what_it_is() -> None:
    table = table_of("kinds.Nested", 7)
    assert len(table) == 7
    assert list(table) == table.column_names == ["one", "many", "middle", "middles", "tail"]
    assert table.schema["tail"] == "string"
    assert table.schema["one"] == "struct<number: int32, name: string, more: list<int64>>"
    assert repr(table).startswith("<Table of kinds.Nested: 7 rows, 5 columns>\n  one: struct<")
    assert repr(table["tail"]) == "<Column tail: string, 7 values, 0 null>"
    bad = wire.reader(LEAF, errors="skip").read([b"\x08"])
    assert "1 messages in errors, first: message 0, byte 1, field number: " in repr(bad)


def test_the_first_rows_are_a_table_too() -> None:
    table = table_of("kinds.Nested", 20)
    head = table.head(5)
    assert head.to_pylist() == table.to_pylist()[:5]
    assert head.to_arrow().num_rows == 5
    assert table.head(99).to_pylist() == table.to_pylist()


def test_columns_are_taken_alone() -> None:
    table = table_of("kinds.Nested")
    column = pa.chunked_array(table["many"])
    column.validate(full=True)
    assert column.to_pylist() == table["many"].to_pylist() == table["many"].to_arrow().to_pylist()
    assert polars.Series(table["tail"]).to_list() == table["tail"].to_pylist()


def test_libraries_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ModuleNotFoundError, match="polars is not installed; pip install polars"):
        table_of("kinds.Nested").to_polars()


def test_libraries_are_whole_where_another_thread_imports_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_library.py").write_text(
        "from tests.wire.test_table import BEGUN, GO\nBEGUN.set()\nGO.wait(60)\nready = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found: list[bool] = []
    first = Thread(target=lambda: __import__("slow_library"))
    second = Thread(target=lambda: found.append(hasattr(needed("slow_library"), "ready")))
    first.start()
    BEGUN.wait()
    second.start()
    second.join(0.1)  # were it not to wait, it would be over
    GO.set()
    first.join()
    second.join()
    assert found == [True]


def test_processes_end_with_arrays_in_hands() -> None:
    code = (
        "from tests.wire.test_table import table_of; import polars, pyarrow;"
        "table = table_of('kinds.Nested'); a = pyarrow.table(table); b = polars.DataFrame(table);"
        "pyarrow.keep = a; polars.keep = [b, table]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_arrays_may_outlive_all_names() -> None:
    code = (
        "from tests.wire.test_table import table_of;"
        "from jitvm.engine.host.background import BACKGROUND\n"
        "def keep(): return table\n"
        "type(BACKGROUND).keep = keep\n"
        "table = table_of('kinds.Nested').to_arrow()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


# -- the pool ------------------------------------------------------------------------------------


def test_free_memory_has_a_limit_and_an_age() -> None:
    now = [0.0]
    some = Pool(max_free=100, max_idle=10.0, clock=lambda: now[0])
    spaces = [some.take(1 << 20) for _ in range(3)]
    for space in spaces:
        space.used(40)
    del space
    spaces.clear()
    assert some.free == 80, "three would be too much"
    now[0] = 8.0
    some.take(1 << 20).used(40)
    now[0] = 11.0
    some.take(1 << 20)
    assert some.free == 40, "that which nobody wanted is gone"
    some.trim()
    assert some.free == 0


def test_memory_that_is_refused_is_told() -> None:
    with pytest.raises(wire.PoolError, match=r"cannot reserve \d+ MiB of addresses for columns"):
        pool.POOL.take(1 << 62)


def test_spaces_are_written_inside_only() -> None:
    space = Pool().take(1 << 20)
    space.write(0, b"abc")
    assert bytes(space.buffer(1, 2)) == b"bc"
    for place, size in ((-1, 1), (space.size, 1), (space.size - 1, 2)):
        with pytest.raises(ValueError, match="bytes at"):
            space.buffer(place, size)
        with pytest.raises(ValueError, match="bytes at"):
            space.write(place, bytes(size))


# -- what values are shown as --------------------------------------------------------------------


def test_enums_are_shown_by_their_names() -> None:
    scalars, repeated = generated("kinds.Scalars"), generated("kinds.Repeated")
    data = [scalars(level=level).SerializeToString() for level in (5, 0, -3, 77, 5)]
    table = wire.reader(scalars, fields=["level"], names=True).read(data)
    names = ["HIGH", "LOW", "DEEP", "77", "HIGH"]
    assert table.schema == {"level": "dictionary<string>"}
    assert table["level"].to_pylist() == table["level"].to_numpy().tolist() == names
    taken = table.to_arrow()
    taken.validate(full=True)
    assert taken["level"].to_pylist() == names
    assert polars.DataFrame(table)["level"].to_list() == names
    table = wire.reader(repeated, fields=["level"], names=True).read(
        [repeated(level=[1, 5]).SerializeToString(), b""]
    )
    assert table.to_arrow().to_pylist() == [{"level": ["MIDDLE", "HIGH"]}, {"level": []}]
    assert table["level"].to_pylist() == [["MIDDLE", "HIGH"], []]


def test_names_of_members_and_enums_may_be_null() -> None:
    optional = generated("kinds.Optional")
    data = [optional(level=1).SerializeToString(), b""]
    table = wire.reader(optional, fields=["level"], names=True).read(data)
    assert table["level"].to_pylist() == table.to_arrow()["level"].to_pylist() == ["MIDDLE", None]


def test_times_are_shown_as_such() -> None:
    known = generated("kinds.Known")
    data = [
        known(at={"seconds": 1_700_000_000, "nanos": 5}).SerializeToString(), b"",
        known(at={"seconds": -1, "nanos": 999}).SerializeToString(),
    ]  # fmt: skip
    table = wire.reader(known, fields=["at"], times=True).read(data)
    assert table.schema == {"at": "timestamp[ns, UTC]"}
    expected = [1_700_000_000_000_000_005, None, -999_999_001]
    array = table["at"].to_numpy()
    assert array.dtype == np.dtype("M8[ns]")
    assert [None if each is None else int(each) for each in array.astype("i8").tolist()] == expected
    taken = table.to_arrow()
    taken.validate(full=True)
    assert taken.schema.field("at").type == pa.timestamp("ns", "UTC")
    assert taken["at"].cast(pa.int64()).to_pylist() == expected
    assert str(table["at"].to_pylist()[0]) == "2023-11-14T22:13:20.000000005"
    with pytest.raises(KeyError, match=r"no column 'at\.seconds'"):
        table["at.seconds"]
    far = known(at={"seconds": 1 << 40}).SerializeToString()
    with pytest.raises(OverflowError, match="at has 1099511627776 seconds, which is too far away"):
        wire.reader(known, fields=["at"], times=True).read([far]).to_arrow()
    parts = wire.reader(known, fields=["at.nanos"], times=True).read(data)
    assert parts["at.nanos"].to_pylist() == [5, 0, 999], "of which a part is asked for"


def test_trimming_gives_back_what_messages_were_put_in() -> None:
    """In a new process: what else one of many tests holds comes and goes at any time."""
    code = """
from jitvm import wire
def resident():
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss")) << 10
message = b"\\x12\\xa0\\x1f" + b"x" * 4000
assert len(wire.reader(SCHEMA).read([message] * 4000)) == 4000
before = resident()
wire.trim()
print(before - resident())
"""
    code = code.replace("SCHEMA", repr(f"{PROTOS / 'kinds.proto'}:Leaf"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 24 << 20, "16 MB in a feed, as many in a column"


def test_arrays_that_die_by_an_error_leave_it_as_it_is() -> None:
    """In a new process, in which nothing has been released yet: so Python has not optimised what
    releases them, and would look whether there is an error."""
    code = """
from jitvm import wire
from jitvm.guests.wire import arrow
arrow.KERNELS.wait()
def read():
    tables = [wire.reader(SCHEMA).read([b""] * 9).to_arrow() for _ in range(3)]
    columns = [table.column(0).chunk(0) for table in tables]
    raise KeyError(len(tables) + len(columns))
for _ in range(3):
    try:
        read()
    except KeyError as error:
        assert error.args == (6,)
assert not arrow._HELD, arrow._HELD
"""
    code = code.replace("SCHEMA", repr(f"{PROTOS / 'kinds.proto'}:Leaf"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
