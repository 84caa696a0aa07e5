"""Values with a tag and a length in front, as Python sees them: where they end, and what is wrong
with one that an instruction of `jitvm.guests.wire.der.instructions` could not read."""

from __future__ import annotations

from jitvm.guests.wire.faults import Fault

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence

    from jitvm.guests.wire.records.dialect import Step

MOST_TAG = 4
"""Bytes of a tag at most."""
MOST_HEAD = MOST_TAG + 5
"""Bytes of a tag and a length at most."""


class NoHead(Exception):
    """Bytes that begin with no tag and length; or with what may become such, if there were more."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


def tag_size(data: Sequence[int], at: int, end: int) -> int:
    """Bytes of the tag that stands somewhere.

    Raises:
        NoHead: there is none.
    """
    if at >= end:
        raise NoHead(Fault.TRUNCATED)
    if data[at] & 0x1F != 0x1F:
        return 1
    for size in range(2, MOST_TAG + 1):
        if at + size > end:
            raise NoHead(Fault.TRUNCATED)
        if data[at + 1] & 0x7F == 0:
            break
        if data[at + size - 1] < 0x80:
            return size
    raise NoHead(Fault.TAG)


def content(data: Sequence[int], at: int, end: int) -> tuple[int, int]:
    """Where the content begins whose length stands somewhere, and where it ends.

    Raises:
        NoHead: no length is there, or it is not written as DER has it.
    """
    if at >= end:
        raise NoHead(Fault.TRUNCATED)
    first = data[at]
    if first < 0x80:
        return at + 1, at + 1 + first
    count = first & 0x7F
    if not 1 <= count <= 4:
        raise NoHead(Fault.FORM)
    if at + 1 + count > end:
        raise NoHead(Fault.TRUNCATED)
    number = int.from_bytes(bytes(data[at + 1 : at + 1 + count]), "big")
    if data[at + 1] == 0 or number < 0x80:
        raise NoHead(Fault.FORM)
    return at + 1 + count, at + 1 + count + number


def tagged_fault(step: Step) -> tuple[Fault, int]:
    """What is wrong where an instruction failed, and at which byte.

    Its operand k has a tag with its mask, or numbers of tags; b, in units, bytes of the tag.
    """
    name, data, at, k = step.name, step.data, step.at, step.operands["k"]
    size = step.operands["b"]
    if name == "tlv.leave":
        return Fault.REST, at
    end = min(step.end, len(data))
    if at >= end:
        return Fault.TRUNCATED, at
    if name.startswith("tlv.is"):
        return Fault.BRANCH, at
    try:
        if name in ("tlv.whole", "tlv.pass"):
            size = tag_size(data, at, end)
        elif name.endswith(".in"):
            size = 1
            if data[at] >= 32 or not k >> data[at] & 1:
                return Fault.TAG, at
        elif int.from_bytes(data[at : at + 4], "little") & k >> 32 != k & 0xFFFF_FFFF:
            return Fault.TAG, at
        begin, behind = content(data, at + size, end)
    except NoHead as error:
        return error.fault, at
    if behind > end:
        return (Fault.TRUNCATED if end == len(data) else Fault.LENGTH), at
    return Fault.CONTENT, begin
