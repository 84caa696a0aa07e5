"""Who has called whom: return addresses on the stacks that a guest says to keep them.

    top      pc                    frame 0
    ...      link, at a pointer    frame 1: goes on at `link`, which the call before it has made
    bottom                         the vector

Nothing marks a return address among the other words of such a stack. A word is taken for one if
the instruction before the place it names is a call. So a number that happens to look like one
makes a frame too many; one that is there is never missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitvm.debugger.probe import OpcodeKinds
    from jitvm.guest import Guest, State

MOST = 1000
"""Frames that are looked for."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A call that has not returned; the innermost frame has none.

    Attributes:
        pc: the instruction at hand, or, in an outer frame, the call.
        link: where the frame goes on; None of the innermost.
        stack: which holds the return address.
        pointer: its pointer once that is taken off.
    """

    pc: int
    link: int | None = None
    stack: int = 0
    pointer: int = 0


def frames(guest: Guest, state: State, kinds: OpcodeKinds) -> list[Frame]:
    """All frames, the innermost first."""
    found = [Frame(state.pc)]
    for index, stack in enumerate(guest.stacks):
        if stack.return_addresses:
            found += _on(guest, state, kinds, index)
    return found[:MOST]


def _on(guest: Guest, state: State, kinds: OpcodeKinds, index: int) -> list[Frame]:
    cells, at, width = state.stacks[index], state.pointers[index], guest.address_bytes
    memory, found = state.spaces[guest.code_index], []
    lengths = {guest.opcodes[code].length for code in kinds.calls}
    while at >= width:
        link = int.from_bytes(cells[at - width : at], guest.byte_order)
        call = _call_before(link, memory, lengths, kinds, guest)
        if call is None:
            at -= 1
            continue
        at -= width
        found.append(Frame(call, link, index, at))
    return found


def _call_before(
    link: int, memory: memoryview, lengths: set[int], kinds: OpcodeKinds, guest: Guest
) -> int | None:
    """Where the call begins that leaves a return address."""
    for length in sorted(lengths):
        at = link - length
        is_call = 0 <= at < len(memory) and memory[at] in kinds.calls
        if is_call and guest.opcodes[memory[at]].length == length:
            return at
    return None
