"""Symbol files: reading, writing, looking up, and what happens to damaged ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.guests.uxn.symbols import Symbol, SymbolFileError, SymbolTable, load_symbols

TABLE = SymbolTable.of(
    [(0x10, "Console"), (0x18, "Console/write"), (0x0200, "draw"), (0x0100, "main"),
     (0x0200, "draw/loop"), (0x0208, "draw/end"), (0x0300, "main")]
)  # fmt: skip

NAMES = st.binary(min_size=1, max_size=12).filter(lambda raw: 0 not in raw)


def test_a_file_is_addresses_and_terminated_names() -> None:
    data = b"\x01\x00on-reset\x00\x00\x18Console/write\x00\xab\xcd\xce\xbb00\x00"
    table = SymbolTable.from_bytes(data)
    assert [(each.address, each.name) for each in table] == [
        (0x0100, "on-reset"),
        (0x0018, "Console/write"),
        (0xABCD, "λ00"),
    ]
    assert table.to_bytes() == data


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), NAMES)))
def test_files_come_back_unchanged(records: list[tuple[int, bytes]]) -> None:
    data = b"".join(address.to_bytes(2, "big") + name + b"\0" for address, name in records)
    table = SymbolTable.from_bytes(data)
    assert len(table) == len(records)
    assert table.to_bytes() == data


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        table = SymbolTable.from_bytes(data)
    except SymbolFileError:
        return
    assert table.to_bytes() == data


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b"\x01", "symbol 1 at byte 0"),
        (b"\x01\x00", "symbol 1 at byte 0"),
        (b"\x01\x00main", "symbol 1 at byte 0"),
        (b"\x01\x00main\x00\x02", "symbol 2 at byte 7"),
        (b"\x01\x00main\x00\x02\x00\x00", "symbol 2 at byte 7"),
    ],
)
def test_damage_is_told_with_its_place(data: bytes, at: str) -> None:
    with pytest.raises(SymbolFileError, match=f"game.sym: {at}"):
        SymbolTable.from_bytes(data, name="game.sym")


@pytest.mark.parametrize("symbol", [Symbol(0x10000, "x"), Symbol(1, ""), Symbol(1, "a\0b")])
def test_what_a_file_cannot_hold_is_refused(symbol: Symbol) -> None:
    with pytest.raises(ValueError, match=r"a \.sym file cannot hold"):
        SymbolTable((symbol,)).to_bytes()


def test_look_up_by_name_gives_the_first_definition() -> None:
    assert TABLE.address_of("draw/end") == 0x0208
    assert TABLE.address_of("main") == 0x0100
    assert TABLE.address_of("nope") is None
    assert "draw" in TABLE
    assert "nope" not in TABLE


def test_names_at_an_address_are_in_definition_order() -> None:
    assert TABLE.names_at(0x0200) == ("draw", "draw/loop")
    assert TABLE.names_at(0x0201) == ()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (0x0100, "main"),
        (0x01FF, "main+255"),
        (0x0200, "draw"),
        (0x0209, "draw/end+1"),
        (0xFFFF, "main+64767"),
        (0x0018, "Console/write"),
        (0x0019, "Console/write+1"),
        (0x000F, "0x000f"),
    ],
)
def test_addresses_are_described_by_the_label_before(address: int, expected: str) -> None:
    assert TABLE.describe(address) == expected


def test_devices_do_not_describe_the_program() -> None:
    table = SymbolTable.of([(0x90, "Mouse")])
    assert table.nearest(0x0100) is None
    assert table.describe(0x0100) == "0x0100"
    assert table.nearest(0x00FF) == ("Mouse", 0x6F)


def test_tables_are_equal_by_their_symbols() -> None:
    assert SymbolTable.from_bytes(TABLE.to_bytes()) == TABLE
    assert SymbolTable() != TABLE


def test_files_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "game.rom.sym"
    path.write_bytes(TABLE.to_bytes())
    assert load_symbols(path) == TABLE
    with pytest.raises(SymbolFileError, match="cannot read symbols"):
        load_symbols(tmp_path / "none.sym")
    with pytest.raises(SymbolFileError, match="cannot read symbols"):
        load_symbols(tmp_path)
