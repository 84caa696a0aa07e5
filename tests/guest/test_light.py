"""What stands for Python's library at start does as it does."""

from __future__ import annotations

import collections
import copy
import enum
import functools
import json
import pickle
import threading
from typing import Any

import pytest

from jitvm.guest import light
from tests.clock import HANGS


class Number(light.IntEnum):
    ONE = 1
    """The first."""
    TWO = 2

    @property
    def doubled(self) -> int:
        return 2 * self


class Text(light.StrEnum):
    RED = "red"
    BLUE = "blue"


class TheirNumber(enum.IntEnum):
    ONE = 1
    TWO = 2


class TheirText(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(("ours", "theirs"), [(Number, TheirNumber), (Text, TheirText)])
def test_members_are_as_in_enum(ours: Any, theirs: Any) -> None:
    assert list(ours.__members__) == list(theirs.__members__)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == other
        assert hash(mine) == hash(mine.value)
        assert (mine.name, mine.value) == (other.name, other.value)
        assert type(mine.value) is type(other.value)
        assert (str(mine), f"{mine}", json.dumps(mine)) == (
            str(other),
            f"{other}",
            json.dumps(other),
        )
        assert repr(mine) == repr(other).replace("Their", "")
        assert ours(mine.value) is ours(mine) is ours[mine.name] is getattr(ours, mine.name) is mine
        assert isinstance(mine, ours)
        assert mine.value in ours
        for again in (copy.copy(mine), copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))):
            assert again is mine
    wrong: Any
    for wrong in ("none", 77, None, []):
        with pytest.raises(ValueError, match="is not a valid") as mine_says:
            ours(wrong)
        with pytest.raises(ValueError, match="is not a valid") as other_says:
            theirs(wrong)
        assert str(mine_says.value) == str(other_says.value).replace("Their", "")
    with pytest.raises(KeyError):
        ours["none"]


def test_methods_and_properties_of_members() -> None:
    assert Number.TWO.doubled == 4


def test_a_cached_property_is_computed_once() -> None:
    class Both:
        asked = 0

        @light.cached_property
        def ours(self) -> list[int]:
            """Its text."""
            self.asked += 1
            return []

    both = Both()
    assert both.ours is both.ours
    assert both.asked == 1
    assert Both.ours.__doc__ == "Its text."
    del both.__dict__["ours"]
    assert both.ours == []
    assert both.asked == 2


def test_a_cached_property_is_one_for_all_threads() -> None:
    both = threading.Barrier(2)

    class Slow:
        @light.cached_property
        def thing(self) -> list[int]:
            both.wait(HANGS)
            return []

    slow, found = Slow(), list[list[int]]()
    threads = [threading.Thread(target=lambda: found.append(slow.thing)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1] is slow.thing


class Kind(light.Enum):
    OLD = ("old", 1)
    NEW = ("new", 2)


class TheirKind(enum.Enum):
    OLD = ("old", 1)
    NEW = ("new", 2)


class Row:
    def __init__(self, name: str) -> None:
        self.name = name


class Built(light.StrEnum):
    _value_: str
    row: Row

    def __new__(cls, row: Row) -> Built:
        self = str.__new__(cls, row.name)
        self._value_ = row.name
        self.row = row
        return self

    ADD = Row("add")


def test_members_of_anything() -> None:
    for mine, other in zip(Kind, TheirKind, strict=True):
        assert (mine.name, mine.value) == (other.name, other.value)
        assert (repr(mine), str(mine)) == tuple(
            text.replace("Their", "") for text in (repr(other), str(other))
        )
        assert Kind(mine.value) is Kind[mine.name] is mine
        assert pickle.loads(pickle.dumps(mine)) is copy.deepcopy(mine) is mine
    assert len({Kind.OLD, Kind.NEW}) == 2


def test_members_that_are_made_of_something_else() -> None:
    assert Built.ADD == Built.ADD.value == "add"
    assert Built.ADD.row.name == "add"
    built: Any = Built
    assert built("add") is Built["ADD"] is Built.ADD
    assert pickle.loads(pickle.dumps(Built.ADD)) is Built.ADD


def test_counters() -> None:
    ours, theirs = light.Counter("abracadabra"), collections.Counter("abracadabra")
    assert ours == theirs
    for counter in (ours, theirs):
        counter.update("ab")
        counter.update({"z": 4, "a": 2})
        counter["y"] += 1
        counter.subtract("abq")
    assert ours == theirs
    assert ours["none"] == theirs["none"] == 0
    assert "none" not in ours
    for most in (None, 2):
        assert ours.most_common(most) == theirs.most_common(most)
    assert ours.total() == theirs.total()
    for again in (ours.copy(), copy.copy(ours), pickle.loads(pickle.dumps(ours))):
        assert again == ours
        assert type(again) is light.Counter
        assert again["none"] == 0


def test_a_cache_keeps_results_by_all_arguments() -> None:
    asked = []

    @light.cache
    def ours(number: int, *, low: bool = False) -> int:
        """Its text."""
        asked.append((number, low))
        return number + low

    assert [ours(1), ours(1), ours(1, low=True), ours(1, low=True), ours(2)] == [1, 1, 2, 2, 2]
    assert asked == [(1, False), (1, True), (2, False)]
    assert ours.__doc__ == "Its text."


def test_copies_have_the_same_in_them() -> None:
    class Thing:
        def __init__(self) -> None:
            self.items = [1]

    thing = Thing()
    twin = light.copy(thing)
    assert twin is not thing
    assert twin.items is thing.items


def test_the_rest_is_the_librarys() -> None:
    assert light.partial is functools.partial
