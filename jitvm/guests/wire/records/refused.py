"""What is wrong with a value that an instruction of `jitvm.guests.wire.records.values` refused."""

from __future__ import annotations

from jitvm.guests.wire.faults import Fault

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.wire.records.dialect import Step

LONGEST = 10
"""Bytes of a varint."""
_COUNTED = ("text", "pass.bytes", "decimal.counted")
_VARINTS = ("text.any", "pass.bytes", "decimal.counted")


def value_fault(step: Step) -> tuple[Fault, int]:
    """What it is, and at which byte."""
    name, data, at = step.name, step.data, step.at
    if at >= len(data):
        return Fault.TRUNCATED, at
    if name.endswith(".or"):
        if data[at] & 0xFD:
            return Fault.BRANCH, at
        name, at = name.removesuffix(".or"), at + 1
    if name in ("optional", "union"):
        return Fault.BRANCH, at
    if name in ("flag", "presence"):
        return Fault.FLAG, at
    is_counted = name.startswith(_COUNTED)
    if name.startswith("list."):
        return Fault.COUNT, at
    is_varint = name.removesuffix(".or") in _VARINTS or (
        name.startswith("text.") and (name.split(".")[1] != "any")
    )
    if is_counted and not is_varint:
        return Fault.LENGTH, at
    varint = data[at : at + LONGEST]
    size = next((count for count, byte in enumerate(varint, 1) if byte < 0x80), 0)
    if not size:
        return (Fault.VARINT if len(varint) == LONGEST else Fault.TRUNCATED), at
    if is_counted:
        return Fault.LENGTH, at
    if name.startswith(("place", "mapped")):
        return Fault.SYMBOL, at
    if name in ("list", "more", "pass.list", "pass.more"):
        return Fault.COUNT, at
    return Fault.RANGE, at
