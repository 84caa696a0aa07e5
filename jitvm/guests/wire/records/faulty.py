"""What is wrong with a record: found by going through it with the reference interpreter, step by
step, with the program that could not read it.

    step() ... step() ──> `fail`: what the instruction before it was, and where the cursor is
                      └─> the record ends: nothing is wrong, but bytes may be left

So there is no second decoder that might see it otherwise; and as the program has the names of its
fields, any format gets its errors from here.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.records.dialect import Step
from jitvm.guests.wire.records.frames import DEPTH
from jitvm.guests.wire.vm.operands import INPUT, OFFSETS, OUTPUT, STATE, UNIT

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guest import Guest
    from jitvm.guests.wire.columns import Column, Tree
    from jitvm.guests.wire.records.program import RecordProgram

WORDS = 7
"""Words of the frame of a block."""
_ENDS = frozenset(("next", "next.all", "block", "done", "fail"))
"""Instructions behind a record, or where it is given up."""


class Finding:
    """What was found.

    Attributes:
        fault: what is wrong; None where nothing is.
        offset: the byte of the record at which it is.
        path: the field.
        rows: rows that the record has become: 0 where a condition leaves it out.
        end: bytes of the record, where nothing is wrong with it.
    """

    __slots__ = ("end", "fault", "offset", "path", "rows")

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.offset = 0
        self.path = ""
        self.rows = 0
        self.end = 0


class Walker:
    """Goes through records of one program; for one thread.

    Args:
        tree: the columns that it writes.
        program: which.
        guest: the VM.
    """

    def __init__(self, tree: Tree, program: RecordProgram, guest: Guest) -> None:
        self.tree = tree
        self.program = program
        self.dialect = program.dialect
        self.machine = Machine(guest, tier=Tier.REFERENCE)
        code = self.program.code
        self.machine.memory[: len(code)] = code
        self.notes = sorted(self.program.notes)
        self._fails = {at for at, note in self.program.notes.items() if note == "fail"}
        self.names = {number: name for name, number in self.program.instructions.numbers.items()}

    def walk(self, data: memoryview, *, checks_texts: bool = True) -> Finding:
        """Go through a record that begins with some bytes, and does not go past their end."""
        machine, found = self.machine, Finding()
        blocks = memoryview(array("q", (0, len(data), 1)))
        machine.attach(INPUT, data)
        machine.attach(OFFSETS, blocks)
        frame = machine.state.stacks[0].cast("I")
        ends = machine.state.spaces[OUTPUT].cast("I")
        for column in self.tree.columns:
            if column.offsets is not None:
                ends[column.offsets // 4] = 0
        for place, word in enumerate((1, 0, 0, 1, 0, len(data), 0)):
            frame[place] = word
        machine.state.pointers[0] = 4 * WORDS
        machine.state.spaces[STATE][DEPTH : DEPTH + 4] = bytes(4)
        machine.state.pc = self.program.start
        while True:
            pc, cursor = machine.state.pc, self._cursor()
            name = self.names.get(machine.memory[pc], "")
            machine.step()
            has_read = self._cursor() != cursor  # else columns have what was there before
            text = checks_texts and has_read and self._wrong_text(pc, name)
            if machine.state.pc in self._fails:
                found.fault, at = self._fault(pc, name, data, cursor)
            elif self._cursor() > len(data) and cursor <= len(data) and name not in _ENDS:
                # It may have been chosen for what values look like; others look at the length.
                found.fault, at = self._fault(pc, name, data, cursor)
                if found.fault not in (Fault.TRUNCATED, Fault.LENGTH):
                    found.fault, at = Fault.TRUNCATED, cursor
            elif text:
                found.fault, at = Fault.UTF8, cursor
            elif name in _ENDS:
                found.rows, found.end = frame[4], frame[6]
                return found
            else:
                continue
            found.offset, found.path = min(at, len(data)), self._path(pc)
            return found

    def _cursor(self) -> int:
        pointer = self.machine.state.pointers[0]
        return int.from_bytes(self.machine.state.stacks[0][pointer - 4 : pointer], "little")

    def _path(self, pc: int) -> str:
        """The field that an instruction reads."""
        note = self.program.notes[self.notes[bisect_right(self.notes, pc) - 1]]
        return "" if note in ("next", "block", "drop", "start") else note.partition(":")[0]

    def _wrong_text(self, pc: int, name: str) -> bool:
        """Whether an instruction has read a string that is not UTF-8."""
        if not name.startswith(self.dialect.texts):
            return False
        column = self._column(pc)
        if column is None or not column.is_utf8:
            return False
        assert column.offsets is not None
        assert column.values is not None
        pointer = self.machine.state.pointers[0]
        row = int.from_bytes(self.machine.state.stacks[0][pointer - 12 : pointer - 8], "little")
        output = self.machine.state.spaces[OUTPUT]
        ends = output.cast("I")
        first, last = (ends[column.offsets // 4 + each] for each in (row, row + 1))
        try:
            str(output[column.values + first : column.values + last], "utf-8")
        except UnicodeDecodeError:
            return True
        return False

    def _column(self, pc: int) -> Column | None:
        """The column whose bytes an instruction writes."""
        place = UNIT * self._operand(pc, "a")
        return next((c for c in self.tree.columns if c.values == place), None)

    def _operand(self, pc: int, name: str) -> int:
        """An operand of the instruction at an address."""
        at, width = self.program.instructions.operands[name]
        return int.from_bytes(self.machine.memory[pc + 1 + at : pc + 1 + at + width], "little")

    # -- faults -------------------------------------------------------------------------------

    def _fault(self, pc: int, name: str, data: memoryview, at: int) -> tuple[Fault, int]:
        """What made an instruction fail that reads from a place on, and where."""
        if name in self.dialect.own:
            pointer = self.machine.state.pointers[0]
            end = int.from_bytes(self.machine.state.stacks[0][pointer - 8 : pointer - 4], "little")
            operands = {each: self._operand(pc, each) for each in ("a", "b", "c", "k")}
            return self.dialect.fault(Step(name, operands, data, at, end))
        if at >= len(data):
            return Fault.TRUNCATED, at
        if name == "call":
            return Fault.DEPTH, at
        if name.startswith("same"):
            return Fault.CONSTANT, at
        return Fault.TRUNCATED, at
