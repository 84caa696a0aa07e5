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

from jitvm.guest import State
from jitvm.platform.probe import OpcodeKinds, probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jitvm.guest import Guest

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


class Walker:
    """Finds the frames of a guest's programs.

    Args:
        kinds: the opcodes that call, if somebody knows them already.
    """

    def __init__(self, guest: Guest, kinds: OpcodeKinds | None = None) -> None:
        self._guest = guest
        self._stacks = [i for i, stack in enumerate(guest.stacks) if stack.return_addresses]
        links = (kinds or OpcodeKinds(guest)).links if self._stacks else {}
        self._calls = {index: self._by_length(links, index) for index in self._stacks}
        self._codes = frozenset(links)
        self._known: dict[tuple[int, bytes], int | None] = {}

    def _by_length(
        self, links: Mapping[int, frozenset[int]], index: int
    ) -> list[tuple[int, frozenset[int]]]:
        """Lengths of calls that leave their return address on a stack, with their opcodes."""
        lengths = self._guest.lengths
        here = [code for code, stacks in links.items() if index in stacks]
        return [
            (length, frozenset(code for code in here if lengths[code] == length))
            for length in sorted({lengths[code] for code in here})
        ]

    @property
    def sees_calls(self) -> bool:
        """Whether the guest keeps return addresses where they can be found."""
        return bool(self._stacks)

    def frames(self, state: State, pc: int) -> list[Frame]:
        """All frames, the innermost first, which is at `pc`."""
        found = [Frame(pc)]
        for index in self._stacks:
            found += [Frame(call, link, index, at) for call, link, at in self._on(state, index)]
        return found[:MOST]

    def addresses(self, state: State, pc: int) -> tuple[int, ...]:
        """The same for those in a hurry: calls, the outermost first, and `pc`."""
        calls = [call for index in self._stacks for call, _, _ in self._on(state, index)]
        return (*calls[: MOST - 1][::-1], pc)

    def _on(self, state: State, index: int) -> Iterator[tuple[int, int, int]]:
        """Calls that a stack holds, with their links and the pointer once these are taken off."""
        guest, at = self._guest, state.pointers[index]
        cells, memory = bytes(state.stacks[index][:at]), state.spaces[guest.code_index]
        width, order = guest.address_bytes, guest.byte_order
        while at >= width:
            link = int.from_bytes(cells[at - width : at], order)
            call = self._call_before(link, memory, index)
            if call is None:
                at -= 1
                continue
            at -= width
            yield call, link, at

    def _call_before(self, link: int, memory: memoryview, index: int) -> int | None:
        """Where the call begins that leaves a return address."""
        for length, calls in self._calls[index]:
            at = link - length
            if 0 <= at < len(memory) and memory[at] in calls:
                return at
        return None

    def calls_among(self, state: State, addresses: Iterable[int]) -> list[int]:
        """Those of some addresses of instructions that are calls."""
        memory = state.spaces[self._guest.code_index]
        return [at for at in addresses if memory[at] in self._codes]

    def target(self, state: State, call: int) -> int | None:
        """Where a call leads whose operand says so; None where that is computed."""
        memory = state.spaces[self._guest.code_index]
        code = memory[call]
        length = self._guest.lengths[code]
        if length == 1:
            return None
        key = call, bytes(memory[call : call + length])
        if key not in self._known:
            there = State(state.spaces, state.stacks, state.ports, state.pointers, call)
            effects = probe(self._guest, there)
            self._known[key] = effects.next_pc if effects.is_call else None
        return self._known[key]
