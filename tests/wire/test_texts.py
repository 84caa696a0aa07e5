"""Strings are checked as a whole, which finds what checking each finds."""

from __future__ import annotations

from array import array
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm import wire
from jitvm.guests.wire import texts
from tests.wire.schemas import generated

LEAF = generated("kinds.Leaf")
PIECES = st.one_of(
    st.text().map(str.encode),
    st.binary(max_size=4),
    st.sampled_from([b"a" * 9, "é".encode(), "€".encode()[:2], b"\x80", "😀".encode() * 3]),
)


def is_text(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.lists(PIECES, max_size=12), st.sampled_from([1, 4, 7, 1 << 16]))
def test_pieces_are_texts_when_each_is(pieces: list[bytes], block: int) -> None:
    ends = array("I", accumulate(map(len, pieces), initial=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "BLOCK", block)
        found = texts.are_texts(b"".join(pieces), ends)
    assert found == all(map(is_text, pieces))


def test_offsets_are_widened() -> None:
    assert texts.widened(array("I", [0, 5, (1 << 32) - 1])).tolist() == [0, 5, (1 << 32) - 1]


@pytest.mark.parametrize("wrong", [[0], [499], [3, 4, 250], list(range(500))])
def test_wrong_texts_are_found_among_many(wrong: list[int]) -> None:
    data = [LEAF(name="é" * (n % 5), number=n).SerializeToString() for n in range(500)]
    for at in wrong:
        data[at] = LEAF(name="ab").SerializeToString().replace(b"ab", b"\xc3\x28")
    table = wire.reader(LEAF, errors="skip").read(data)
    assert [error.row for error in table.errors] == wrong
    assert {error.fault for error in table.errors} == {wire.Fault.UTF8}
    rest = [n for n in range(500) if n not in wrong]
    assert np.array_equal(table["number"].to_numpy(), rest)
    with pytest.raises(wire.DecodeError, match=f"message {wrong[0]}, "):
        wire.reader(LEAF).read(data)
