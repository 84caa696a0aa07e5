"""Programs of records as text, with the names of fields; and for `jitvm.explain`.

    @ts
      0000  sint64.1-2         slow ts:careful
    @tags
      001d  list               to 0074

A field has up to two places in a program: its own, and `:careful` for what its usual instruction
cannot read.
"""

from __future__ import annotations

from jitvm.guests.wire.listing import WirePlatform
from jitvm.guests.wire.records.operands import FIELD, OPERANDS

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence

    from jitvm.guest import Guest
    from jitvm.guests.wire.records.dialect import Dialect
    from jitvm.platform import Program

COMPARED, PRESENT = 13, 4
"""Where conditions have the address of another instruction."""


class RecordPlatform(WirePlatform):
    """Programs of records, as tools show them; there are no files of such.

    Args:
        guest: the VM.
        dialect: its instructions.
    """

    name = "wire-records"
    about = "records to columns; see jitvm.wire"

    def __init__(self, guest: Guest, dialect: Dialect) -> None:
        super().__init__(guest, dialect.instructions)
        self.dialect = dialect

    def spell(self, memory: Sequence[int], address: int, program: Program) -> tuple[str, int]:
        """An instruction, and where it may go."""
        name = self.guest.opcodes[memory[address]].name
        size = self.dialect.instructions.lengths.get(name, 1)
        code = bytes(memory[address + 1 : address + size])

        def place(at: int) -> str:
            target = int.from_bytes(code[at : at + 4], "little")
            return next(iter(program.labels_at(target)), f"{target:04x}")

        said = []
        if name in ("goto", "drop"):
            said.append(f"to {place(0)}")
        elif name == "present":
            said.append(f"else {place(PRESENT)}")
        elif size == 1 + FIELD:
            if name in self.dialect.going:
                said.append(f"to {place(OPERANDS['miss'][0])}")
            slow = place(OPERANDS["slow"][0])
            if slow.endswith(":careful"):
                said.append(f"slow {slow}")
        elif size > COMPARED:
            said.append(f"else {place(COMPARED)}")
        return f"{name:<18} {', '.join(said)}".rstrip(), size
