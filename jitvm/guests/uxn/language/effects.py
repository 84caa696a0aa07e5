"""Stack effects that routines declare, in the comment behind their label.

    @mul ( a b* -- c* )             takes a byte and a short, gives a short
    @on-key ( -> )                  a vector: it ends with BRK
    @swap ( a | b -- b | a )        behind ``|``: the return stack, below the return address
    @swap ( a . b -- b . a )        the same

An item is a byte, with `*` a short, and with `**` two of them. What cannot be read for certain
declares nothing: prose, lists of possible results, an unknown number of items, results like `x+1`
of a short `x*`, whose width is not written, an `addr` or `short` without a mark, which is no byte
to many. Backticks are read by some as the beginning of the return stack's items and by others as a
mark of one item, and `{fn}*` is on either stack, so they declare nothing either.
"""

from __future__ import annotations

from functools import lru_cache

from jitvm.engine.tables.struct import Struct

_RETURNS = ("--", "-:")
_VECTOR = "->"
_SEPARATORS = (*_RETURNS, _VECTOR)
_ASIDE = ("|", ".")
_UNSURE = frozenset((
    "..", "…", ",", '"', "?", "or", "and", "the", "of", "is", "in", "to", "if", "when", "otherwise",
    "addr", "address", "ptr", "pointer", "short", "str", "string", "word",
))  # fmt: skip
"""Words of comments that are something else, or that do not say how wide an item is."""
_SIGNS = "+-<>=&/%!"
_MOST_ITEMS = 32


class Effect(Struct, frozen=True):
    """What a routine declares, in bytes.

    Attributes:
        takes: off the working and the return stack.
        gives: on them.
        is_vector: it ends with BRK.
        is_marked: an item is marked as a short.
    """

    takes: tuple[int, int]
    gives: tuple[int, int]
    is_vector: bool
    is_marked: bool = False

    def spelled(self) -> str:
        """In Uxntal's notation, with numbers of bytes."""
        sides = []
        for working, back in (self.takes, self.gives):
            sides.append(str(working) + (f" | {back}" if back else ""))
        return f"( {sides[0]} {'->' if self.is_vector else '--'} {sides[1]} )"


@lru_cache(4096)
def effect_of(comment: str) -> Effect | None:
    """What a comment declares, parentheses and all; None if it declares nothing."""
    words = comment.split()
    if len(words) < 3 or words[0] != "(" or words[-1] != ")":
        return None
    words = words[1:-1]
    found = [at for at, word in enumerate(words) if word in _SEPARATORS]
    if len(found) != 1 or len(words) > _MOST_ITEMS:
        return None
    before, after = words[: found[0]], words[found[0] + 1 :]
    if "|" in after and "|" not in before:
        return None  # perhaps: one or the other
    taken, given = _bytes(before), _bytes(after)
    if taken is None or given is None or any(_is_open(item, before) for item in after):
        return None
    is_marked = any(item.endswith("*") for item in before + after)
    return Effect(taken, given, words[found[0]] == _VECTOR, is_marked)


def _is_open(item: str, before: list[str]) -> bool:
    """Whether a result is computed of a short, and not marked as one."""
    if item.endswith("*") or not any(sign in item for sign in _SIGNS):
        return False
    return any(each.endswith("*") and each.rstrip("*") in item for each in before)


def _bytes(items: list[str]) -> tuple[int, int] | None:
    """Bytes on both stacks."""
    counts, stack = [0, 0], 0
    for item in items:
        if item in _ASIDE:
            if stack:
                return None
            stack = 1
            continue
        if item.lower() in _UNSURE or item[-1] in ",.;:" or ".." in item or item[0] in "\"'()`{":
            return None
        stars = len(item) - len(item.rstrip("*"))
        counts[stack] += max(1, 2 * stars)
    return counts[0], counts[1]
