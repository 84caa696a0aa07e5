"""What programs of records have in common, whatever the format: their frame, and pieces of them.

    block        the next block, with its first record at `start`
    start        what the format writes: the values of a record
                 conditions
    next         the next record; behind the last of a block: block
    drop         a row that does not count
    blank        rows of nulls and nothing, as many as are left
    ...          values that are read with care, and whatever else the format put off

A format makes a `Maker` of its own, which has `record`.
"""

from __future__ import annotations

from contextlib import contextmanager

from jitvm.guests.wire.asking import Asking
from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.records.columns import PLACE
from jitvm.guests.wire.records.instructions import OPTIONAL, PLAIN, TEXTS, VARINTS
from jitvm.guests.wire.writer import Label, Program

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jitvm.guests.wire.records.dialect import Dialect
    from jitvm.guests.wire.where import Condition

_PLACES = ("1", "10")
_LETTERS = 7
"""Bytes of a text that one instruction writes."""
M64 = (1 << 64) - 1


class RecordProgram(Program):
    """A program of records.

    Attributes:
        dialect: the instructions that it is made of.
        blank: where rows of nothing are written.
        is_open: whether of blocks only the end is known, not how many records they have.
        hopeless: where a run ends that no further bytes would help; 0 for nowhere.
        mark: the column of 8 bytes that tells of each row where its record is; None for none.
    """

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect.instructions)
        self.dialect = dialect
        self.blank = self.hopeless = 0
        self.is_open = False
        self.mark: int | None = None


class Maker(Asking):
    """Writes a program.

    Args:
        tree: the columns, laid out.
        where: what rows must keep.
        dialect: the instructions there are.
    """

    program: RecordProgram

    def __init__(self, tree: Tree, where: Condition | None, dialect: Dialect = PLAIN) -> None:
        super().__init__(tree, dialect.instructions)
        self.program = RecordProgram(dialect)
        self.code = self.program.code
        self.where = where
        self.later: list[Callable[[], None]] = []
        self._path: list[str] = []

    def record(self) -> None:
        """Write what reads a record."""
        raise NotImplementedError

    def make(self) -> RecordProgram:
        """The program.

        Raises:
            ProgramError: the VM cannot do what is asked for.
        """
        block, start, next, drop, blank, done = (Label() for _ in range(6))
        program = self.program
        self.put(block)
        self.filled("block", {"miss": start, "slow": self.fail, "a": done})
        self.put(start)
        self.record()
        if self.where is not None:
            self.condition(self.where, drop)
        self.put(next)
        self.mark()
        name = "next.all" if program.is_open else "next"
        self.filled(name, {"miss": start, "slow": self.fail})
        self.op("goto", block)
        self.is_usual = False
        self.put(drop)
        self.op("drop", next)
        self.put(blank)
        for column in self.tree.root.children:
            self.absent(column)
        self.filled("next", {"miss": blank, "slow": self.fail})
        self.is_usual = True
        self.put(done)
        self.op("done")
        self.put(self.fail)
        self.op("fail")
        self.is_usual = False
        for write in self.later:  # it may put off more
            write()
        self.fill_in()
        program.start, program.drop, program.blank = start.at, drop.at, blank.at
        for name, label in (("block", block), ("next", next), ("drop", drop), ("blank", blank),
                            ("done", done), ("fail", self.fail)):  # fmt: skip
            program.notes[label.at] = name
        return program

    def mark(self) -> None:
        """Note where the record of a row is, if somebody may have to know: where there are texts,
        which are looked at when all are read."""
        column = self.tree.column(PLACE)
        if column is not None:
            self.program.mark = column.values
            self.filled("mark", {"a": column.values})

    # -- names --------------------------------------------------------------------------------

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Write what reads a field: errors and listings say its name."""
        self._path.append(name)
        self.note()
        yield
        self._path.pop()
        self.note()

    def note(self, piece: str = "") -> None:
        """Tell what stands here."""
        self.program.notes[len(self.code)] = ".".join(self._path) + piece

    # -- values -------------------------------------------------------------------------------

    def careful(self, name: str, operands: dict[str, int | Label | None]) -> tuple[Label, Label]:
        """Where a value is read by another instruction, which is right for all, and where it goes
        from there."""
        slow, behind = Label(), Label()
        path = list(self._path)

        def write() -> None:
            self._path = path
            self.put(slow)
            self.note(":careful")
            self.filled(name, {**operands, "slow": self.fail})
            self.op("goto", behind)

        self.later.append(write)
        return slow, behind

    def chosen_value(
        self, stem: str, variants: Sequence[str], column: Column, k: int, *, is_optional: bool
    ) -> None:
        """A value whose instruction is chosen by what values look like."""
        end = OPTIONAL * is_optional
        operands = self.places(column, k, is_optional=is_optional)
        slow, behind = self.careful(f"{stem}.{variants[-1]}{end}", operands)
        name = self.chosen(stem, end, tuple(variants), slow, column)
        self.filled(name, {**operands, "slow": slow})
        self.put(behind)

    def places(
        self, column: Column, k: int = 0, *, is_optional: bool = False
    ) -> dict[str, int | Label | None]:
        """The operands of an instruction that reads a column; of one of k >> 1 or the like."""
        return {
            "a": column.values, "b": column.validity if is_optional else None,
            "c": column.offsets, "k": k & M64, "slow": self.fail,
        }  # fmt: skip

    def varint(self, kind: str, column: Column, *, is_optional: bool = False, k: int = 0) -> None:
        """A varint, of a kind as in `values.KINDS`."""
        self.chosen_value(kind, VARINTS, column, k, is_optional=is_optional)

    def symbol(self, column: Column, count: int, *, is_optional: bool = False, k: int = 0) -> None:
        """A zigzag varint that is a place among so many symbols."""
        self.chosen_value("place", _PLACES, column, 2 * count | k, is_optional=is_optional)

    def text(self, column: Column, *, is_optional: bool = False, k: int = 0) -> None:
        """Bytes behind a zigzag varint that says how many."""
        variants = (*map(str, TEXTS), "any")
        self.chosen_value("text", variants, column, k, is_optional=is_optional)

    def plain(self, name: str, column: Column, k: int = 0, *, is_optional: bool = False) -> None:
        """A value that one instruction reads, whatever it is."""
        end = OPTIONAL * is_optional
        self.filled(f"{name}{end}", self.places(column, k, is_optional=is_optional))

    def skip(self, name: str, k: int = 0) -> None:
        """Past a value."""
        self.filled(name, {"k": k, "slow": self.fail})

    # -- lists --------------------------------------------------------------------------------

    def elements(self, column: Column, write: Callable[[], None]) -> None:
        """The elements of a list, in blocks as Avro has them."""
        item, end = Label(), Label()
        self.filled("list", {"b": column.offsets, "miss": end, "slow": self.fail})
        self.put(item)
        write()
        self.filled("element", {"miss": item, "slow": self.fail})
        self.filled("more", {"miss": item, "slow": self.fail})
        self.put(end)
        self.filled("end", {"b": column.offsets})

    def skipped_elements(self, least: int, write: Callable[[], None]) -> None:
        """Past the elements of such a list, of so many bytes at least."""
        item, more, end = Label(), Label(), Label()
        operands: dict[str, int | Label | None] = {
            "miss": item, "a": end, "c": more, "k": int(least > 0), "slow": self.fail,
        }  # fmt: skip
        self.filled("pass.list", operands)
        self.put(item)
        if least:
            write()
            self.filled("element", {"miss": item, "slow": self.fail})
        self.put(more)
        self.filled("pass.more", operands)
        self.put(end)
        self.filled("pass.end", {})

    def routine(self, write: Callable[[], None]) -> Label:
        """A piece of program that can be called, written later."""
        begin = Label()

        def put() -> None:
            self.put(begin)
            write()
            self.op("leave")

        self.later.append(put)
        return begin

    # -- what is not in the input -------------------------------------------------------------

    def present(self, column: Column) -> None:
        """The value is there, and noted nowhere else."""
        if column.validity is not None:
            self.filled("constant.1", {"a": column.validity, "k": 1})

    def absent(self, column: Column) -> None:
        """Write what there is in a column and those below it where nothing is: null, if it may be,
        and 0 or empty."""
        if column.validity is not None:
            self.filled("constant.1", {"a": column.validity, "k": 0})
        if column.shape in (Shape.BYTES, Shape.LIST, Shape.MAP):
            self.filled("absent.bytes", {"c": column.offsets})
        elif column.shape in (Shape.FIXED, Shape.ONEOF):
            self.constant(column, 0)
        if column.shape is Shape.STRUCT:
            for child in column.children:
                self.absent(child)

    def constant(self, column: Column, number: int) -> None:
        """A number in the row; of what has other sizes than numbers have, nothing is written."""
        if column.width in (1, 2, 4, 8, 16):
            name = f"constant.{column.width}"
            self.filled(name, {"a": column.values, "k": number & M64})

    def letters(self, column: Column, data: bytes) -> None:
        """Bytes that are always the same."""
        column.added = max(column.added, len(data))
        self.filled("absent.bytes", {"c": column.offsets})
        for at in range(0, len(data), _LETTERS):
            piece = data[at : at + _LETTERS]
            word = int.from_bytes(piece, "little") | len(piece) << 56
            self.filled("letters", {"a": column.values, "c": column.offsets, "k": word})
