"""Whether messages mean the same, and digests by which that can be told from afar.

A digest is BLAKE2b, of 16 bytes, of the canonical form (`meaning`): so it is the same in every
process and on every computer, and whoever can write the form can compute it.
"""

from __future__ import annotations

from hashlib import blake2b

from jitvm.guests.wire.project.projecting import Projector

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.guests.wire.schema import Message

SIZE = 16
"""Bytes of a digest."""


def digests(
    message: Message, messages: Any, lengths: Any, framing: str | None, errors: str, unknown: bool
) -> list[bytes | None]:
    """The digest of each message; None for those that are null."""
    projector = Projector(message, canonical=True, unknown=unknown, errors=errors)
    return [
        None if each is None else blake2b(each, digest_size=SIZE).digest()
        for each in projector.project(messages, lengths, framing=framing)
    ]


def are_same(message: Message, a: Any, b: Any, unknown: bool) -> bool:
    """Whether two messages mean the same."""
    projector = Projector(message, canonical=True, unknown=unknown)
    one, other = projector.project([a, b])
    return one == other
