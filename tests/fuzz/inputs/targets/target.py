"""What a target is, and what those that are made of JSON share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class Refused(Exception):
    """An input is not taken, and nothing else: for parsers that raise nothing and give None."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    Attributes:
        seeds: makes valid inputs.
        read: reads one; it may put files of the names `files` into the folder, which is empty.
        raises: what its documentation says may come out.
        files: see `read`.
        is_json: whether inputs are lines of JSON.
        words: pieces that an input may have.
        longest: bytes of an input, at most; fewer where more say nothing new and take long.
        reserves: whether it reserves addresses by the gigabyte, so that only what is touched of
            them can be limited.
    """

    seeds: Callable[[], tuple[bytes, ...]]
    read: Callable[[bytes, Path], object]
    raises: tuple[type[Exception], ...] = ()
    files: tuple[str, ...] = ()
    is_json: bool = False
    words: tuple[bytes, ...] = ()
    longest: int = 1 << 17
    reserves: bool = False


def lines(*rows: object) -> bytes:
    """Rows as lines of JSON."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def text_of(data: bytes) -> str:
    """Bytes as Python has them from command lines and the environment."""
    return data.decode("utf-8", "surrogateescape")
