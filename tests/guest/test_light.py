"""What stands for Python's library at start does as it does."""

from __future__ import annotations

import copy
import enum
import functools
import json
import pickle
from typing import Any

import pytest

from jitvm.guest import light


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


def test_the_rest_is_the_librarys() -> None:
    assert light.partial is functools.partial
