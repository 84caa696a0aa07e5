"""What the next instruction would do, without doing it: a run of its meaning on a copy.

    probe(machine)  -->  Effects: bytes it loads and stores, ports it asks, whether it calls

Devices are not asked: a port gives what it remembers. So what depends on a device's answer may come
out different, and nothing here decides where a program goes on; it says where to look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jitvm.engine.machine.inspect import loading_opcodes
from jitvm.guest import Guest, Ports, State
from jitvm.guest.light import cached_property
from jitvm.guest.reference import ReferenceInterpreter

if TYPE_CHECKING:
    from jitvm.guest.core import Word


@dataclass(slots=True)
class Effects:
    """What an instruction does.

    Attributes:
        loads, stores: bytes, as (space, address).
        reads, writes: ports.
        next_pc: where control goes.
        link: the return address that it makes, of a call; else None.
        halts: whether the guest halts.
    """

    loads: set[tuple[int, int]] = field(default_factory=set)
    stores: set[tuple[int, int]] = field(default_factory=set)
    reads: set[int] = field(default_factory=set)
    writes: set[int] = field(default_factory=set)
    next_pc: int = 0
    link: int | None = None
    halts: bool = False

    @property
    def is_call(self) -> bool:
        """Whether it goes somewhere and keeps where to come back to."""
        return self.link is not None and self.next_pc != self.link


class Probe(ReferenceInterpreter):
    """Executes instructions on a copy and writes down what they do."""

    def __init__(self, guest: Guest, state: State) -> None:
        copy = State(
            spaces=tuple(
                space if declared.is_attached else memoryview(bytearray(space))
                for space, declared in zip(state.spaces, guest.spaces, strict=True)
            ),
            stacks=tuple(memoryview(bytearray(stack)) for stack in state.stacks),
            ports=Ports(memoryview(bytearray(state.ports.page))),
            pointers=list(state.pointers),
            pc=state.pc,
        )
        super().__init__(guest, copy)
        self.effects = Effects()

    def look(self) -> Effects:
        """What the instruction at the program counter does."""
        self.effects = Effects()
        self.step()
        self.effects.next_pc = self.state.pc
        self.effects.halts = self._halted
        return self.effects

    def _bytes(
        self, space: int, address: int, size: int, within: int | None
    ) -> set[tuple[int, int]]:
        limit = within or self.guest.spaces[space].size
        return {(space, (address + i) & (limit - 1)) for i in range(size)}

    def load(self, space: int, address: Word, size: int, within: int | None = None) -> Word:
        self.effects.loads |= self._bytes(space, address, size, within)
        return super().load(space, address, size, within)

    def store(
        self, space: int, address: Word, word: Word, size: int, within: int | None = None
    ) -> None:
        self.effects.stores |= self._bytes(space, address, size, within)
        if not self.guest.spaces[space].is_attached:
            super().store(space, address, word, size, within)

    def copy(
        self,
        space: int,
        address: Word,
        origin: int,  # noqa: ARG002  as `Core` has it
        source: Word,  # noqa: ARG002
        count: Word,
    ) -> None:
        self.effects.stores |= self._bytes(space, address, count, None)

    def port_in(self, port: Word) -> Word:
        self.effects.reads.add(port & 0xFF)
        return super().port_in(port)

    def port_out(self, port: Word, word: Word) -> None:
        self.effects.writes.add(port & 0xFF)
        super().port_out(port, word)

    def return_address(self) -> Word:
        self.effects.link = self.next_pc
        return self.next_pc

    link = return_address


def probe(guest: Guest, state: State) -> Effects:
    """What the next instruction of a machine would do."""
    return Probe(guest, state).look()


class OpcodeKinds:
    """Which opcodes of a guest call, and which load from its code space: found by trying each.

    Those that load are taken from the graphs of their meanings, which have every way through them.
    """

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    @cached_property
    def loads(self) -> frozenset[int]:
        """Those that may load from the code space."""
        return loading_opcodes(self._guest, self._guest.code_index)

    @property
    def calls(self) -> frozenset[int]:
        """Those that make a return address."""
        return frozenset(self.links)

    @cached_property
    def links(self) -> dict[int, frozenset[int]]:
        """The same, each with the stacks that were seen to have the return address on top."""
        guest, found = self._guest, dict[int, frozenset[int]]()
        probe = Probe(guest, _blank(guest))
        state, memory = probe.state, probe.state.spaces[guest.code_index]
        pc = guest.code_space.size // 2
        for filling in (0, 1, 0xFF):  # a condition may hold, or not
            for row in guest.opcodes:
                for stack in state.stacks:
                    stack[:] = bytes([filling]) * len(stack)
                state.pointers[:] = [stack.size // 2 for stack in guest.stacks]
                state.pc, memory[pc] = pc, row.code
                if (link := probe.look().link) is not None:
                    found[row.code] = found.get(row.code, frozenset()) | _tops(guest, state, link)
        return found


def _tops(guest: Guest, state: State, link: int) -> frozenset[int]:
    """The stacks that have a return address on top, in a word of up to eight bytes."""
    word = link.to_bytes(guest.address_bytes, guest.byte_order)
    ends = enumerate(zip(state.stacks, state.pointers, strict=True))
    return frozenset(i for i, (stack, at) in ends if word in bytes(stack[max(0, at - 8) : at]))


def _blank(guest: Guest) -> State:
    """A state of zeros."""
    return State(
        spaces=tuple(
            memoryview(b"" if space.window else bytearray(min(space.mapped, _MOST_BLANK)))
            for space in guest.spaces
        ),
        stacks=tuple(memoryview(bytearray(stack.size)) for stack in guest.stacks),
        ports=Ports(memoryview(bytearray(guest.ports))),
        pointers=[0] * len(guest.stacks),
    )


_MOST_BLANK = 1 << 24
"""Bytes of the largest space that is tried on."""
