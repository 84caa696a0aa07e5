"""Values of ASN.1 in DER: each kind, tags, what may be absent, and what is refused."""

from __future__ import annotations

import pickle
import runpy
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.engine.machine.machine import Tier
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.der import face as der
from jitvm.guests.wire.der.ber import as_der
from jitvm.guests.wire.der.columns import tree
from jitvm.guests.wire.der.identifiers import dotted, encoded
from jitvm.guests.wire.der.program import make
from jitvm.guests.wire.der.types import Type
from jitvm.guests.wire.faults import Fault, MessagesError, SchemaError, StreamError
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.reading import DecodeError
from jitvm.guests.wire.records.decoder import Place, RecordDecoder
from jitvm.guests.wire.table import Chunk, Table
from tests.wire.ders import shown, tlv, whole, written

NOON = datetime(2024, 2, 29, 12, 34, 56)


def rows(type: Type, values: list[bytes], **options: Any) -> Any:
    return der.reader(type, **options).read(values).to_arrow().to_pylist()


def one(type: Type, data: bytes) -> Any:
    """What a value of a type with one column becomes."""
    return rows(type, [data])[0]["value"]


# -- each kind -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [0, 1, -1, 127, 128, -128, -129, 255, 256, 0x7FFF_FFFF, (1 << 63) - 1, -(1 << 63)]
)
def test_whole_numbers(number: int) -> None:
    assert one(der.integer(), tlv(2, whole(number))) == number
    assert one(der.number(), tlv(2, whole(number))) == whole(number)
    if number >= 0:
        assert one(der.integer(unsigned=True), tlv(2, whole(number))) == number


def test_whole_numbers_without_a_sign() -> None:
    for number in (1 << 63, (1 << 64) - 1):
        assert one(der.integer(unsigned=True), tlv(2, whole(number))) == number


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        (der.boolean(), tlv(1, b"\xff"), True),
        (der.boolean(), tlv(1, b"\0"), False),
        (der.null(), tlv(5), None),
        (der.octets(), tlv(4, b"abc"), b"abc"),
        (der.octets(), tlv(4), b""),
        (der.octets(), tlv(4, bytes(200)), bytes(200)),
        (der.octets(), tlv(4, bytes(70000)), bytes(70000)),
        (der.bits(), tlv(3, b"\0\xa5"), b"\xa5"),
        (der.bits(), tlv(3, b"\5\xa0"), b"\xa0"),
        (der.bits(), tlv(3, b"\0"), b""),
        (der.oid(), tlv(6, encoded("1.2.840.113549.1.1.11")), "1.2.840.113549.1.1.11"),
        (der.oid(), tlv(6, b"\x88\x37"), "2.999"),
        (der.text(), tlv(12, "grün".encode()), "grün"),
        (der.text(), tlv(19, b"print"), "print"),
        (der.text("ia5"), tlv(22, b"a@b"), "a@b"),
        (der.time(), tlv(23, b"240229123456Z"), NOON.replace(tzinfo=UTC)),
        (der.time(), tlv(24, b"20240229123456Z"), NOON.replace(tzinfo=UTC)),
        (der.enumerated({"off": 0, "on": 1}), tlv(10, b"\1"), "on"),
        (der.enumerated({"off": 0, "on": 1}), tlv(10, b"\7"), "7"),
        (der.any(), tlv(0x30, tlv(2, b"\5")), tlv(0x30, tlv(2, b"\5"))),
        (der.any(), tlv(b"\x7f\x81\x01", b"x" * 300), tlv(b"\x7f\x81\x01", b"x" * 300)),
        (der.sequence_of(der.integer()), tlv(0x30), []),
        (der.set_of(der.integer()), tlv(0x31, tlv(2, b"\2"), tlv(2, b"\1")), [2, 1]),
        (
            der.sequence_of(der.sequence_of(der.boolean())),
            tlv(0x30, tlv(0x30, tlv(1, b"\0")), tlv(0x30), tlv(0x30, tlv(1, b"\xff") * 2)),
            [[False], [], [True, True]],
        ),
    ],
)
def test_values(type: Type, data: bytes, expected: object) -> None:
    assert one(type, data) == expected


def test_every_day() -> None:
    """Of the years that two digits stand for, and of some others, at some time of the day."""
    first, last = datetime(1950, 1, 1), datetime(2049, 12, 31)
    days = [first + timedelta(days=n, seconds=n * 7919 % 86400) for n in range((last - first).days)]
    days.append(last.replace(hour=23, minute=59, second=59))
    short = [tlv(23, day.strftime("%y%m%d%H%M%SZ").encode()) for day in days]
    assert [row["value"] for row in rows(der.time(), short)] == [
        day.replace(tzinfo=UTC) for day in days
    ]
    far = [datetime(year, *rest) for year in (1, 4, 100, 400, 1600, 1899, 1900, 2000, 2100, 9999)
           for rest in ((1, 1), (2, 28), (3, 1), (12, 31))]  # fmt: skip
    far += [datetime(year, 2, 29) for year in (4, 400, 1600, 2000)]
    long = [tlv(24, f"{day:%Y%m%d%H%M%S}Z".rjust(15, "0").encode()) for day in far]
    seconds = der.reader(der.time()).read(long)["value"].to_numpy().astype("int64").tolist()
    assert seconds == [(day - datetime(1970, 1, 1)) // timedelta(seconds=1) for day in far]


@pytest.mark.parametrize(
    "text",
    ["230229000000Z", "241301000000Z", "240001000000Z", "240100000000Z", "240431000000Z",
     "240101240000Z", "240101006000Z", "240101000060Z", "240101000000+", "2401010000Z",
     "24010100000aZ", "21000229000000Z", "20240101000000.5Z", "20240101000000"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    tag = 24 if text.startswith("2") and len(text) >= 14 and text[:2] in ("20", "21") else 23
    with pytest.raises(DecodeError) as error:
        one(der.time(), tlv(tag, text.encode()))
    assert error.value.error.fault is Fault.CONTENT


# -- tags ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ["context", "application", "private"])
@pytest.mark.parametrize("number", [0, 30, 31, 127, 128, 16383, 16384, (1 << 21) - 1])
def test_tags_of_any_class_and_size(cls: str, number: int) -> None:
    for type in (der.integer().implicit(number, cls), der.integer().explicit(number, cls)):
        assert one(type, written(type, 300)) == 300
        other = der.integer().implicit(number + 1 if number < 1 << 20 else 5, cls)
        with pytest.raises(DecodeError) as error:
            one(type, written(other, 300))
        assert error.value.error.fault is Fault.TAG


def test_an_implicit_tag_takes_the_place_of_the_outermost() -> None:
    type = der.text("utf8").explicit(1).implicit(2)
    assert written(type, "x") == tlv(0xA2, tlv(12, b"x"))
    assert one(type, written(type, "x")) == "x"
    assert one(der.text().implicit(0), tlv(0x80, b"x")) == "x"
    assert one(der.time().implicit(0), tlv(0x80, b"240229123456Z")).year == 2024
    assert one(der.sequence_of(der.null()).implicit(0), tlv(0xA0, tlv(5))) == [None]


@pytest.mark.parametrize(
    "declare",
    [
        lambda: der.any().implicit(0),
        lambda: der.choice(a=der.integer()).implicit(0),
        lambda: der.integer().implicit(-1),
        lambda: der.integer().implicit(1 << 28),
        lambda: der.integer().implicit(1 << 21),
        lambda: der.integer().implicit(0, "local"),
        lambda: der.choice(a=der.integer(), b=der.integer(unsigned=True)),
        lambda: der.choice(a=der.text(), b=der.text("ia5")),
        lambda: der.choice(a=der.any(), b=der.integer()),
        lambda: der.choice(a=der.integer().optional()),
        lambda: der.sequence(),
        lambda: der.sequence({"a.b": der.integer()}),
        lambda: der.sequence(a=7),  # type: ignore[arg-type]
        lambda: der.sequence_of(int),  # type: ignore[arg-type]
        lambda: der.set(a=der.any()),
        lambda: der.integer().default("x"),
        lambda: der.boolean().default(1),
        lambda: der.any().default(b"x"),
        lambda: der.enumerated({}),
        lambda: der.enumerated({"a": 1 << 40}),
        lambda: der.enumerated({"a": 1}).default("b"),
        lambda: der.text("latin"),
        lambda: der.time("local"),
        lambda: der.oid().default("3.1") and der.reader(der.sequence(a=der.oid().default("3.1"))),
        lambda: der.reader(int),  # type: ignore[arg-type]
    ],
)
def test_declarations_that_are_refused(declare: Any) -> None:
    with pytest.raises(SchemaError):
        declare()


# -- what may be absent --------------------------------------------------------------------------

OPEN = der.sequence(
    a=der.integer().optional(),
    b=der.integer().implicit(1).default(9),
    c=der.text().optional(),
    d=der.boolean().default(True),
    e=der.oid().default("1.2.840.113549.1.1.11"),
    f=der.octets().explicit(2).default(b"sixteen bytes at"),
    g=der.choice(x=der.integer().implicit(5), y=der.text("ia5")).optional(),
    h=der.sequence(i=der.integer(), j=der.sequence_of(der.null())).implicit(6).optional(),
    k=der.sequence_of(der.integer()).implicit(7).optional(),
    l=der.null().optional(),
)


def test_all_absent() -> None:
    assert rows(OPEN, [tlv(0x30)]) == [
        {
            "a": None, "b": 9, "c": None, "d": True, "e": "1.2.840.113549.1.1.11",
            "f": b"sixteen bytes at", "g": None, "h": None, "k": None, "l": None,
        }
    ]  # fmt: skip


def test_all_there() -> None:
    value = {
        "a": 1, "b": 2, "c": "c", "d": False, "e": "2.5.4.3", "f": b"f", "g": ("y", "ia5"),
        "h": {"i": 3, "j": [None, None]}, "k": [4, 5], "l": True,
    }  # fmt: skip
    assert rows(OPEN, [written(OPEN, value)]) == [shown(OPEN, value)]


def test_a_set_is_in_the_order_of_its_tags() -> None:
    type = der.set(b=der.octets(), a=der.integer(), c=der.boolean())
    data = tlv(0x31, tlv(1, b"\xff"), tlv(2, b"\1"), tlv(4, b"x"))
    assert rows(type, [data]) == [{"c": True, "a": 1, "b": b"x"}]


def test_what_comes_behind_an_open_sequence_is_passed_over() -> None:
    data = tlv(0x30, tlv(2, b"\1"), tlv(0x9F, b""), tlv(2, b"\2"))
    assert rows(der.sequence(a=der.integer(), open=True), [data]) == [{"a": 1}]
    with pytest.raises(DecodeError) as error:
        rows(der.sequence(a=der.integer()), [data])
    assert error.value.error.fault is Fault.REST


def test_any_comes_last_of_a_choice() -> None:
    type = der.choice(number=der.integer(), other=der.any())
    got = rows(type, [tlv(2, b"\1"), tlv(4, b"x")])
    assert got == [
        {"type": "number", "number": 1, "other": None},
        {"type": "other", "number": None, "other": tlv(4, b"x")},
    ]


# -- what is refused -----------------------------------------------------------------------------

PAIR = der.sequence(a=der.integer(), b=der.sequence(c=der.octets(), d=der.text().optional()))
GOOD = written(PAIR, {"a": 5, "b": {"c": b"xyz", "d": "text"}})


@pytest.mark.parametrize(
    ("type", "data", "fault", "offset", "path"),
    [
        (PAIR, GOOD[:-1], Fault.TRUNCATED, 0, ""),
        (PAIR, GOOD + b"\0", Fault.REST, len(GOOD), ""),
        (PAIR, b"", Fault.TRUNCATED, 0, ""),
        (PAIR, tlv(0x31, GOOD[2:]), Fault.TAG, 0, ""),
        (PAIR, tlv(0x30, tlv(2, b"\5")), Fault.TRUNCATED, 5, "b"),
        (PAIR, tlv(0x30, tlv(2, b"\5"), tlv(0x30)), Fault.TRUNCATED, 7, "b.c"),
        (PAIR, tlv(0x30, tlv(2, b"\5"), tlv(0x30, tlv(5))), Fault.TAG, 7, "b.c"),
        (PAIR, tlv(0x30, tlv(2, b"\5"), tlv(0x30, tlv(4), tlv(5))), Fault.REST, 9, "b"),
        (PAIR, tlv(0x30, tlv(2, b"\5"), b"\x30\x03\x04\x02x", tlv(5)), Fault.LENGTH, 7, "b.c"),
        (PAIR, tlv(0x30, tlv(2, b"\5"), b"\x30\x80\0\0"), Fault.FORM, 5, "b"),
        (PAIR, tlv(0x30, tlv(2, b"\5"), b"\x30\x81\x02\x04\0"), Fault.FORM, 5, "b"),
        (PAIR, tlv(0x30, tlv(2, b"\5"), b"\x30\x82\0\x02\x04\0"), Fault.FORM, 5, "b"),
        (PAIR, tlv(0x30, tlv(2, b"\5"), b"\x30\x85\1\0\0\0\0"), Fault.FORM, 5, "b"),
        (PAIR, b"\x30\x84\xff\xff\xff\xff", Fault.TRUNCATED, 0, ""),
        (der.integer(), tlv(2), Fault.CONTENT, 2, "value"),
        (der.integer(), tlv(2, b"\0\5"), Fault.CONTENT, 2, "value"),
        (der.integer(), tlv(2, b"\xff\x80"), Fault.CONTENT, 2, "value"),
        (der.integer(), tlv(2, b"\1" * 9), Fault.CONTENT, 2, "value"),
        (der.integer(unsigned=True), tlv(2, b"\xff"), Fault.CONTENT, 2, "value"),
        (der.integer(unsigned=True), tlv(2, b"\1" * 9), Fault.CONTENT, 2, "value"),
        (der.number(), tlv(2, b"\0\1"), Fault.CONTENT, 2, "value"),
        (der.number(), tlv(2), Fault.CONTENT, 2, "value"),
        (der.enumerated({"a": 0}), tlv(10, b"\1" * 5), Fault.CONTENT, 2, "value"),
        (der.boolean(), tlv(1, b"\1"), Fault.CONTENT, 2, "value"),
        (der.boolean(), tlv(1, b"\0\0"), Fault.CONTENT, 2, "value"),
        (der.null(), tlv(5, b"\0"), Fault.CONTENT, 2, "value"),
        (der.bits(), tlv(3), Fault.CONTENT, 2, "value"),
        (der.bits(), tlv(3, b"\1"), Fault.CONTENT, 2, "value"),
        (der.bits(), tlv(3, b"\x08\0"), Fault.CONTENT, 2, "value"),
        (der.bits(), tlv(3, b"\3\xa4"), Fault.CONTENT, 2, "value"),
        (der.oid(), tlv(6), Fault.CONTENT, 2, "value"),
        (der.oid(), tlv(6, b"\x81"), Fault.CONTENT, 2, "value"),
        (der.octets(), tlv(0x24, tlv(4, b"x")), Fault.TAG, 0, "value"),  # constructed: BER
        (der.text(), tlv(12, b"\xff"), Fault.UTF8, 0, "value"),
        (der.text(), tlv(30, b"\0x"), Fault.TAG, 0, "value"),
        (der.text("utf8"), tlv(22, b"x"), Fault.TAG, 0, "value"),
        (der.any(), b"\x1f\x80\x01\0", Fault.TAG, 0, "value"),
        (der.any(), b"\x1f\x81\x82\x83\x04\0", Fault.TAG, 0, "value"),
        (der.any(), b"\x1f\x81", Fault.TRUNCATED, 0, "value"),
        (der.choice(a=der.integer(), b=der.octets()), tlv(5), Fault.BRANCH, 0, ""),
    ],
)
def test_what_is_refused(type: Type, data: bytes, fault: Fault, offset: int, path: str) -> None:
    reader = der.reader(type, errors="skip")
    table = reader.read([data])
    (error,) = table.errors
    assert (error.fault, error.offset, error.path) == (fault, offset, path)
    assert len(table) == 0
    with pytest.raises(DecodeError, match=r"^message 0, byte"):
        der.reader(type).read([data])
    (row,) = rows(type, [data], errors="null")
    assert row is None or set(row.values()) == {None}


def test_others_go_on_behind_what_is_refused() -> None:
    values = [GOOD, GOOD[:-1], GOOD, GOOD + b"\0", GOOD]
    assert len(rows(PAIR, values, errors="skip")) == 3
    got = rows(PAIR, values, errors="null")
    assert [row["a"] for row in got] == [5, None, 5, None, 5]


def test_types_in_each_other_have_a_limit() -> None:
    type = der.integer()
    for number in range(101):
        type = der.sequence({f"f{number}": type})
    with pytest.raises(SchemaError, match="100 types in each other"):
        der.reader(type)
    assert der.reader(type.fields["f100"])


# -- BER -----------------------------------------------------------------------------------------

INDEFINITE = b"\x30\x80"
END = b"\0\0"


def test_values_in_ber() -> None:
    expected = {"a": 5, "b": {"c": b"xyz", "d": "text"}}
    parts = b"\x24\x80" + tlv(4, b"x") + tlv(0x24, tlv(4, b"y"), tlv(4, b"z")) + END
    values = [
        INDEFINITE + tlv(2, b"\5") + INDEFINITE + tlv(4, b"xyz") + tlv(12, b"text") + END + END,
        INDEFINITE + tlv(2, b"\5")
        + tlv(0x30, parts, tlv(0x2C, tlv(12, b"te"), tlv(12, b"xt"))) + END,
        b"\x30\x84\0\0\0\x14" + tlv(2, b"\5") + b"\x30\x82\0\x0d" + b"\x04\x81\x03xyz"
        + b"\x0c\x81\x04text",
        GOOD,
    ]  # fmt: skip
    reader = der.reader(PAIR, ber=True)
    assert reader.read(values).to_arrow().to_pylist() == [expected] * 4
    assert reader.read(b"".join(values)).to_arrow().to_pylist() == [expected] * 4
    with pytest.raises(DecodeError):
        der.reader(PAIR).read(values[:1])
    assert rows(der.boolean(), [b"\1\1\7"], ber=True) == [{"value": True}]
    bits = tlv(0x23, tlv(3, b"\0\xff"), tlv(3, b"\4\xf0"))
    assert rows(der.bits(), [bits], ber=True) == [{"value": b"\xff\xf0"}]


@pytest.mark.parametrize(
    "data",
    [
        INDEFINITE + tlv(2, b"\5"),  # no end
        b"\x04\x80x" + END,  # without a length, and not made of parts
        tlv(0x24, tlv(2, b"\5")),
        tlv(0x23, tlv(3, b"\1\x80"), tlv(3, b"\0x")),
        INDEFINITE * 200 + END * 200,
        b"\x30\xff" + bytes(127),
        GOOD + b"x",
        b"",
    ],
)
def test_what_is_no_ber(data: bytes) -> None:
    assert len(der.reader(PAIR, ber=True, errors="skip").read([data]).errors) == 1


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_anything_as_ber(data: bytes) -> None:
    """It stays what it is, or becomes DER that stays as it is."""
    value, behind = as_der(data)
    assert 0 <= behind <= len(data)
    if behind < len(data) or value != data:
        assert as_der(value) == (value, len(value))


# -- sources -------------------------------------------------------------------------------------


def test_values_one_behind_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [written(PAIR, {"a": n, "b": {"c": b"x" * n, "d": None}}) for n in range(300)]
    path = tmp_path / "values.der"
    path.write_bytes(b"".join(values))
    reader = der.reader(PAIR)
    expected = list(range(300))
    assert reader.read(path.read_bytes())["a"].to_numpy().tolist() == expected
    assert reader.read(path)["a"].to_numpy().tolist() == expected
    monkeypatch.setattr("jitvm.guests.wire.records.splitting.PIECE", 64)  # less than a value
    streamed = [each["a"].to_numpy().tolist() for each in reader.stream(path, rows=7)]
    assert list(chain.from_iterable(streamed)) == expected
    assert max(map(len, streamed)) <= 7
    streamed = [each["a"].to_numpy().tolist() for each in reader.stream(iter(values), rows=100)]
    assert list(chain.from_iterable(streamed)) == expected


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    path = tmp_path / "values.der"
    path.write_bytes(GOOD * 3 + GOOD[:-1])
    with pytest.raises(StreamError, match="in the middle of a value, behind value 3"):
        der.reader(PAIR).read(path)
    with pytest.raises(StreamError, match="in the middle of a value, behind value 3"):
        der.reader(PAIR).read(path.read_bytes())
    path.write_bytes(GOOD * 2 + b"\x30\x80\0\0")
    with pytest.raises(DecodeError, match="message 2"):
        der.reader(PAIR).read(path)


def test_readers_are_pickled_and_select() -> None:
    reader = pickle.loads(pickle.dumps(der.reader(PAIR, fields=["b.d"], where="a == 5")))
    assert reader.schema == {"b": "struct<d: string>"}
    other = written(PAIR, {"a": 6, "b": {"c": b"", "d": "no"}})
    assert reader.read([GOOD, other]).to_arrow().to_pylist() == [{"b": {"d": "text"}}]


def test_pem() -> None:
    import base64

    block = base64.encodebytes(GOOD).decode()
    text = f"# a bundle\n-----BEGIN X-----\n{block}-----END X-----\n" * 2
    assert der.from_pem(text, "X") == der.from_pem(text.encode(), "X") == [GOOD, GOOD]
    assert der.from_pem(text) == []
    with pytest.raises(MessagesError, match="X 1 does not end"):
        der.from_pem(text[:-20], "X")
    with pytest.raises(MessagesError, match="X 0 is not in base 64"):
        der.from_pem("-----BEGIN X-----\n?!\n-----END X-----", "X")


def test_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[2] / "examples"
    runpy.run_path(str(folder / "snmp.py"), run_name="__main__")
    assert "10000 responses; the last one is to request 9999" in capsys.readouterr().out
    made = runpy.run_path(str(folder / "certificates.py"))
    made["main"]([])
    assert capsys.readouterr().out.splitlines()[-1].endswith("certificates")


# -- any types, at all tiers ---------------------------------------------------------------------

NAMES = ("a", "b", "c", "d")
LEAVES = st.sampled_from([
    der.integer(), der.integer(unsigned=True), der.number(), der.boolean(), der.octets(),
    der.bits(), der.oid(), der.text(), der.time(), der.any(),
    der.enumerated({"zero": 0, "one": 1, "least": -(1 << 31)}),
])  # fmt: skip


def _with_tag(type: Type, number: int, kind: int) -> Type:
    """So that fields of one sequence are told from each other."""
    if kind and type.kind not in ("any", "choice"):
        return type.implicit(number)
    return type.explicit(number)


@st.composite
def types(draw: st.DrawFn, depth: int = 3) -> Type:
    kind = draw(
        st.sampled_from(["leaf", "leaf", "sequence", "of", "choice"] if depth else ["leaf"])
    )
    if kind == "leaf":
        return draw(LEAVES)
    if kind == "of":
        return der.sequence_of(draw(types(depth=depth - 1)))
    names = NAMES[: draw(st.integers(1, 4))]
    fields = {
        name: _with_tag(draw(types(depth=depth - 1)), number, draw(st.integers(0, 1)))
        for number, name in enumerate(names)
    }
    if kind == "choice":
        return der.choice(fields)
    return der.sequence({
        name: type.optional() if draw(st.booleans()) else type for name, type in fields.items()
    })  # fmt: skip


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-200, 200),
    "number": st.integers(-(1 << 100), 1 << 100).map(whole),
    "boolean": st.booleans(),
    "octets": st.binary(max_size=200),
    "bits": st.binary(max_size=20),
    "oid": st.lists(st.integers(0, 1 << 40), max_size=4).map(
        lambda parts: ".".join(map(str, (2, 5, *parts)))
    ),
    "text": st.text(max_size=60),
    "time": st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(
        lambda at: at.replace(microsecond=0)
    ),
    "any": st.binary(max_size=9).map(lambda data: tlv(4, data)),
    "enumerated": st.sampled_from([0, 1, -(1 << 31), 7]),
}


def values(type: Type) -> st.SearchStrategy[Any]:
    """Values of a type."""
    if type.kind == "choice":
        found = [st.tuples(st.just(name), values(inner)) for name, inner in type.fields.items()]
        return st.one_of(found)
    if type.fields:
        return st.fixed_dictionaries({
            name: st.none() | values(inner) if inner.is_optional else values(inner)
            for name, inner in type.fields.items()
        })  # fmt: skip
    if type.item is not None:
        return st.lists(values(type.item), max_size=4)
    if type.is_unsigned:
        return st.integers(0, (1 << 64) - 1)
    return _VALUES[type.kind]


def decoded(type: Type, data: list[bytes], tier: Tier) -> Any:
    """What a tier makes of some values."""
    import numpy as np

    made = tree(type)
    placed = layout(made, 1 << 10, 1 << 20)
    decoder = RecordDecoder(made, placed, make(made, type), tier=tier)
    ends = np.cumsum([0, *map(len, data)])
    blocks = np.ones((len(data), 3), np.int64)
    blocks[:, 0], blocks[:, 1] = ends[:-1], ends[1:]
    out = POOL.take(placed.size)
    flat: Any = blocks.reshape(-1)
    found = decoder.decode(
        memoryview(b"".join(data)), memoryview(flat), Place(0, 0, 0), len(data), out, 1 << 10
    )
    errors = [(each.row, each.fault, each.offset, each.path) for each in found.mistakes]
    return Table(made, [Chunk(made, found.rows, out)], []).to_arrow().to_pylist(), errors


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_types(data: st.DataObject) -> None:
    type = data.draw(types())
    some = data.draw(st.lists(values(type), min_size=1, max_size=5))
    table = der.reader(type).read([written(type, each) for each in some])
    got = table.to_arrow().to_pylist()
    if not type.fields:
        got = [row["value"] for row in got]
    elif type.kind == "choice":
        got = [{name: row[name] for name in ("type", *type.fields)} for row in got]
    assert got == [shown(type, each) for each in some]


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_tiers_agree(data: st.DataObject) -> None:
    """Also on what is refused, and at which byte."""
    type = data.draw(types())
    good = [written(type, data.draw(values(type))) for _ in range(2)]
    spoiled = bytearray(good[1])
    spoiled[data.draw(st.integers(0, len(spoiled) - 1))] ^= data.draw(st.integers(1, 255))
    some = [good[0], bytes(spoiled)]
    expected = decoded(type, some, Tier.REFERENCE)
    for tier in (Tier.INTERPRETER, Tier.IR, Tier.JIT):
        assert decoded(type, some, tier) == expected


@given(st.lists(st.integers(0, 1 << 70), max_size=6), st.integers(0, 2))
def test_identifiers(parts: list[int], first: int) -> None:
    text = ".".join(map(str, (first, 39, *parts)))
    assert dotted(encoded(text)) == text
