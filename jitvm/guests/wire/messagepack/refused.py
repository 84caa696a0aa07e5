"""What is wrong with a value of MessagePack that an instruction refused."""

from __future__ import annotations

from jitvm.guests.wire.faults import Fault

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.wire.records.dialect import Step

_LONG = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}
"""Bytes of the number behind a head."""
_MOMENTS = {0xD6: 6, 0xD7: 10, 0xC7: 15}
"""Bytes of timestamps, by their heads."""
NEVER = 0xC1
"""The head of nothing."""


def message_fault(step: Step) -> tuple[Fault, int]:
    """What it is, and at which byte."""
    name, data, at = step.name.removesuffix(".or"), step.data, step.at
    if at >= len(data):
        return Fault.TRUNCATED, at
    head = data[at]
    if head == NEVER:
        return Fault.KIND, at
    if name.startswith("mp.past"):
        return Fault.TRUNCATED, at
    if name.startswith(("mp.int", "mp.uint")):
        return (Fault.RANGE if _is_whole(head) else Fault.KIND), at
    if name.startswith("mp.moment"):
        return _moment_fault(data, at), at
    if name in ("mp.map", "mp.entries"):
        is_one = head & 0xF0 == 0x80 or head in (0xDE, 0xDF)
        fault = Fault.COUNT
    elif name in ("mp.array", "mp.list"):
        is_one = head & 0xF0 == 0x90 or head in (0xDC, 0xDD)
        fault = Fault.COUNT
    else:
        is_one = head & 0xE0 == 0xA0 or head in (0xD9, 0xDA, 0xDB)
        is_one |= name == "mp.bytes" and head in (0xC4, 0xC5, 0xC6)
        is_one &= name.startswith(("mp.text", "mp.bytes"))
        fault = Fault.LENGTH
    if not is_one:
        return Fault.KIND, at
    is_cut = at + 1 + _LONG.get(head, 0) > len(data)
    return (Fault.TRUNCATED if is_cut else fault), at


def _is_whole(head: int) -> bool:
    return head < 0x80 or head >= 0xE0 or 0xCC <= head < 0xD4


def _moment_fault(data: memoryview, at: int) -> Fault:
    head = data[at]
    size = _MOMENTS.get(head)
    if size is None:
        return Fault.KIND
    if at + size > len(data):
        return Fault.TRUNCATED
    kind = bytes(data[at : at + 3])
    is_one = kind == b"\xc7\x0c\xff" if head == 0xC7 else kind[1] == 0xFF
    return Fault.RANGE if is_one else Fault.KIND
