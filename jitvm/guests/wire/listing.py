"""Programs of the wire VM as text, with the names of fields; and for `jitvm.explain`.

    @ts
      0004  fixed64            next 10, else 00dc
    @id
      0022  int32.2            next 1a, else 00fa, slow id:careful
    ...

A field has up to four places: where it is looked for, `:absent` where it is not, `:any` where it
comes in any order, `:careful` where its usual instruction cannot read it. At `:defaults` begin
messages whose fields are in no order.
"""

from __future__ import annotations

from jitvm.guests.wire.writer import READING
from jitvm.platform import Platform, Program

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jitvm.engine.machine.machine import Machine
    from jitvm.guest import Guest
    from jitvm.guests.wire.machines import Programmed
    from jitvm.guests.wire.schema import Message
    from jitvm.guests.wire.writer import Instructions
    from jitvm.guests.wire.writer import Program as WireProgram

TARGETS = {
    "ended": (0,), "ended.group": (0,), "goto": (0,), "drop": (0,), "unasked": (0,), "undo": (0,),
    "rest": (0,), "rest.long": (0,), "skip": (0, 4, 8), "try": (16,), "present": (4,),
    "which": (5,), "is set": (5,), "group.open": (0,), "group.field": (0, 4), "group.close": (0, 4),
    "group.unmark": (0,), "way.any": (0,), "way.order": (0,), "simple": (0,), "simple.long": (0,),
    "read": (0,), "read.long": (0,),
    "drop.row": (0,), "move.end": (0,), "watch": (6,),
    "unless": (4,), "unless.any": (4,), "look.seldom": (4,), "look.often": (4,), "again": (0,),
}  # fmt: skip
"""Where the operands of instructions have addresses of others, besides those of fields: of those
that read, of those that project, of those that write."""
COMPARED = 13
"""Where those of comparisons have one."""
ENDS = ("next", "fail", "drop", "done", "block", "blank")
"""Labels that stand for no field."""


class WirePlatform(Platform):
    """Programs of the wire VM, as tools show them; there are no files of such."""

    name = "wire"
    about = "Protobuf to columns; see jitvm.wire"

    def __init__(self, guest: Guest, instructions: Instructions = READING) -> None:
        self._guest = guest
        self._lengths = instructions.lengths
        self._operands = instructions.operands
        self._field = max(sum(each) for each in instructions.operands.values())

    @property
    def guest(self) -> Guest:
        """The VM for programs and columns of the size at hand."""
        return self._guest

    def spell(self, memory: Sequence[int], address: int, program: Program) -> tuple[str, int]:
        """An instruction with what it looks for, and where it goes else."""
        name = self.guest.opcodes[memory[address]].name
        size = self._lengths.get(name, 1)
        code = bytes(memory[address + 1 : address + size])

        def place(at: int) -> str:
            target = int.from_bytes(code[at : at + 4], "little")
            return next(iter(program.labels_at(target)), f"{target:04x}")

        if size == self._field + 1:
            said = self._tag(code)
            is_search = name == "look" or name.startswith("absent")
            for what, key in (("else", "miss"), ("there" if is_search else "slow", "slow")):
                found = place(self._operands[key][0]) if key in self._operands else "fail"
                if found != "fail":
                    said.append(f"{what} {found}")
        else:
            places = TARGETS.get(name, (COMPARED,) if size == COMPARED + 5 else ())
            said = [place(at) for at in places]
        return f"{name:<18} {', '.join(said)}".rstrip(), size

    def _tag(self, code: bytes) -> list[str]:
        """The tag that an instruction looks for behind its field, or the one that it writes."""
        if "tag" in self._operands:
            at, size = self._operands["tag"]
            count = code[self._operands["size"][0]]
            written = code[at + size - count : at + size]
            return [f"tag {written.hex()}"] if count else []
        mask, tag = (
            code[at : at + size] for at, size in (self._operands[key] for key in ("mask", "next"))
        )  # fmt: skip
        wanted = bytes(byte for byte, is_meant in zip(tag, mask, strict=True) if is_meant)
        return [f"next {wanted.hex()}"] if wanted else []


def shown(program: WireProgram, name: str, platform: WirePlatform) -> Program:
    """A program as tools take it: with labels, called by the name of its message."""
    labels: dict[str, int] = {}
    for address, note in sorted(program.notes.items()):
        label, number = note, 2
        while label in labels:
            label, number = f"{note}{number}", number + 1
        labels[label] = address
    made = Program(bytes(program.code), name, labels)
    made.platform = platform
    return made


def listing(program: WireProgram, name: str, platform: WirePlatform) -> str:
    """All instructions of a program; tables are left out."""
    known = shown(program, name, platform)
    lines, address = [f"; {name}"], 0
    while address < len(program.code):
        if address in program.tables:
            address += program.tables[address]
            continue
        lines += [f"@{label}" for label in known.labels_at(address)]
        text, size = platform.spell(program.code, address, known)
        lines.append(f"  {address:04x}  {text}")
        address += size
    return "\n".join(lines) + "\n"


def explained(programmed: Iterable[Programmed], message: Message) -> tuple[Machine, Program]:
    """The machine that has done most natively, and its program.

    Raises:
        ValueError: nothing was done natively yet.
    """
    from jitvm.engine.machine.inspect import Inspector

    machines = [(machine, each) for each in programmed for machine in each.machines()]
    for machine, _ in machines:
        machine.have_jit()
    found = max(machines, key=lambda both: len(Inspector(both[0]).regions()), default=None)
    if found is None or not Inspector(found[0]).has_jit:
        raise ValueError("nothing to explain: nothing was done natively yet; take more messages")
    machine, owner = found
    platform = WirePlatform(machine.guest, owner.program.instructions)
    return machine, shown(owner.program, message.full_name, platform)
