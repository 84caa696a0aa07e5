"""The code map: marks by installed regions, what must not be installed together, hits."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from jitvm.engine.jit.codemap import CodeMap
from jitvm.engine.memory.layout import CELL, CODE, HIT, PAST_END
from jitvm.engine.region.world import Assumptions

SIZE = 256


def new() -> tuple[CodeMap, bytearray, bytearray]:
    """A map of a small memory, its watermark, and the memory."""
    mark = bytearray(8)
    code_map = CodeMap(memoryview(bytearray(SIZE)), memoryview(mark).cast("Q"))
    return code_map, mark, bytearray(range(SIZE))


def assumed(
    code: Iterable[int] = (), cells: Iterable[int] = (), stores: Iterable[int] = ()
) -> Assumptions:
    return Assumptions({at: at for at in code}, set(cells), set(stores))


def test_a_region_that_fits_conflicts_with_nothing() -> None:
    code_map, _, memory = new()
    code_map.claim(1, assumed([1, 2], [30], [40]))
    assert code_map.conflicts(assumed([1, 2, 3], [30, 40], [41, 50]), memory) == set()


def test_a_byte_that_changed_meanwhile_conflicts() -> None:
    code_map, _, memory = new()
    memory[6] ^= 1
    assert code_map.conflicts(assumed([5, 6, 7]), memory) == {6}


def test_a_byte_that_an_installed_region_writes_without_looking_conflicts() -> None:
    code_map, _, memory = new()
    code_map.claim(1, assumed([1], stores=[5, 6]))
    code_map.claim(2, assumed([2], stores=[6]))
    region = assumed([6, 7, 8])
    assert code_map.conflicts(region, memory) == {6}
    code_map.release(1, assumed([1], stores=[5, 6]))
    assert code_map.conflicts(region, memory) == {6}, "the other still writes it"
    code_map.release(2, assumed([2], stores=[6]))
    assert code_map.conflicts(region, memory) == set()


def test_a_region_that_writes_what_others_were_made_from_conflicts() -> None:
    code_map, _, memory = new()
    code_map.claim(1, assumed([5, 6], cells=[7]))
    assert code_map.conflicts(assumed([9], stores=[6, 7, 8]), memory) == {6}
    code_map.release(1, assumed([5, 6], cells=[7]))
    assert code_map.conflicts(assumed([9], stores=[6, 7, 8]), memory) == set()


def test_a_region_that_writes_its_own_code_conflicts() -> None:
    code_map, _, memory = new()
    assert code_map.conflicts(assumed([5, 6], stores=[6, 7]), memory) == {6}


def test_marks_stay_as_long_as_somebody_needs_them() -> None:
    code_map, mark, _ = new()
    first, second = assumed([5, 6], [20, 21]), assumed([6, 7], [21, 22])
    code_map.claim(5, first)
    code_map.claim(6, second)
    assert [code_map.view[at] for at in (4, 5, 6, 7, 8)] == [0, CODE, CODE, CODE, 0]
    assert [code_map.view[at] for at in (19, 20, 21, 22, 23)] == [0, CELL, CELL, CELL, 0]
    assert memoryview(mark).cast("Q")[0] == 22
    assert set(code_map.owners(6)) == {5, 6}
    assert code_map.watched == {5, 6, 7}
    code_map.release(6, second)
    assert [code_map.view[at] for at in (5, 6, 7)] == [CODE, CODE, 0]
    assert [code_map.view[at] for at in (20, 21, 22)] == [CELL, CELL, 0]
    assert memoryview(mark).cast("Q")[0] == 21
    assert code_map.owners(6) == (5,)
    code_map.release(5, first)
    assert not any(code_map.view)
    assert memoryview(mark).cast("Q")[0] == 0
    assert not code_map.watched


def test_code_and_cell_are_marks_of_their_own() -> None:
    code_map, _, _ = new()
    code_map.claim(1, assumed([9], [9]))
    assert code_map.view[9] == CODE | CELL
    code_map.release(1, assumed([9], [9]))
    assert code_map.view[9] == 0


@pytest.mark.parametrize("far", ["code", "cells"])
def test_the_watermark_is_the_highest_mark_of_either_kind(far: str) -> None:
    code_map, mark, _ = new()
    for top in (200, 100, 255):
        code_map.claim(top, assumed(code=[top if far == "code" else 1],
                                    cells=[top if far == "cells" else 1]))  # fmt: skip
    assert memoryview(mark).cast("Q")[0] == 255


@pytest.mark.parametrize("width", [1, 2, 3, 60, 200])
def test_watched_bytes_of_a_range(width: int) -> None:
    """However many are asked for, and whichever are fewer: those asked for or those watched."""
    code_map, _, _ = new()
    code_map.claim(1, assumed([10, 11, 13, 50]))
    for start in (0, 9, 10, 11, 12, 13, 14, 49, 50, 51):
        expected = {at for at in (10, 11, 13, 50) if start <= at < start + width}
        assert set(code_map.watched_in(start, width)) == expected


def test_hits_are_taken_once_and_other_marks_stay() -> None:
    """Also what a store of the widest word marks that begins at the last byte with a mark."""
    code_map, _, _ = new()
    code_map.claim(1, assumed([3], [4]))
    for at in (0, 3, 4, 5, 11):
        code_map.view[at] |= HIT
    code_map.view[200] = PAST_END
    assert code_map.take_marked() == {0, 3, 4, 5, 11}
    assert code_map.take_marked() == set()
    assert [code_map.view[at] for at in (0, 3, 4, 5, 200, 11)] == [0, CODE, CELL, 0, PAST_END, 0]
