"""The parts of a declaration (stacks, spaces, opcodes), and the error for mistakes in it.

Plain values, checked when a `Guest` is created from them (`jitvm.guest.description`).
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest.core import Core

    Semantics = Callable[[Core], None]


class DescriptionError(ValueError):
    """A description that breaks a rule; the message names guest, row and rule, and what to do.

    Attributes:
        is_ours: it is from the checker, and no error that a semantic function raised by itself.
        is_chance: it may not be found the next time, as it is about something that changes.
    """

    is_ours = is_chance = False


COMPARED = 1 << 20
"""Bytes of the largest of large spaces that are copied as a whole."""
MOST_SAID = 200
"""Characters of somebody else's message, in one of ours."""
BEHIND = 8
"""Bytes behind the end of a large space, as many as the widest word has."""


def shown(value: object) -> str:
    """Any value in a message, shortened."""
    try:
        text = repr(value)
    except Exception:  # a mistake of its class, or an int too long for a text
        text = f"something of class {type(value).__name__}"
    return text if len(text) <= 40 else f"{text[:37]}..."


def said_by(error: BaseException) -> str:
    """The message of an error, on one line and shortened."""
    try:
        text = str(error)
    except Exception:  # a mistake of its class
        return ""
    line = "".join(each if each.isprintable() else " " for each in text[:MOST_SAID])
    return f"{line}..." if len(text) > MOST_SAID else line


class Stack:
    """A circular stack of `size` bytes; its pointer is the index of the next free byte.

    Two hints, on which correctness does not depend: `return_addresses` says that calls keep theirs
    on it, for choosing where compiled code starts (`links` is its former name). `cached` are sizes
    of words, in bytes: while one of them is the topmost of the stack, native interpreters keep it
    in a register. That is for the stack that most instructions pop from what the one before has
    pushed; at most one stack of a guest has it, and each size takes another set of handlers.
    """

    __slots__ = ("cached", "name", "return_addresses", "size")

    def __init__(
        self,
        name: str,
        size: int,
        return_addresses: bool = False,
        *,
        links: bool = False,
        cached: tuple[int, ...] = (),
    ) -> None:
        self.name = name
        self.size = size
        self.return_addresses = return_addresses or links
        self.cached = cached

    @property
    def links(self) -> bool:
        """The former name of `return_addresses`."""
        return self.return_addresses


class Space:
    """A byte-addressed array of `size` bytes; addresses wrap at the size.

    `code` marks the space that instructions are fetched from. A space that is not code is
    private to the guest's own instructions (a register file): no host writes to it while code
    runs.

    Two kinds of spaces lie outside of the machine's block. Of their addresses only the first byte's
    wraps; the others of a word follow it.

    `window`: the memory of somebody else, shown to the guest by `Machine.attach`. It is read only,
    and bytes behind its end are 0.
    `large`: memory that is reserved and takes room only where it was touched, with `BEHIND` bytes
    behind its end for words that begin at its last ones. `Machine.attach` puts other memory in
    its place.
    """

    __slots__ = ("code", "large", "name", "size", "window")

    def __init__(
        self, name: str, size: int, code: bool = False, *, window: bool = False, large: bool = False
    ) -> None:
        self.name = name
        self.size = size
        self.code = code
        self.window = window
        self.large = large

    @property
    def is_attached(self) -> bool:
        """Whether its memory is no part of the machine's block."""
        return self.window or self.large

    @property
    def is_compared(self) -> bool:
        """Whether tests of guests set and compare all of it: no window, and not too large."""
        return not self.window and not (self.large and self.size > COMPARED)

    @property
    def mapped(self) -> int:
        """Bytes of memory it has itself: none in a window, some behind the end of a large one."""
        return 0 if self.window else self.size + BEHIND * self.large


class Opcode:
    """One value of the opcode byte: its name, its meaning, and how many operand bytes follow."""

    __slots__ = ("code", "name", "operand_size", "semantics")

    def __init__(self, code: int, name: str, semantics: Semantics, operand_size: int = 0) -> None:
        self.code = code
        self.name = name
        self.semantics = semantics
        self.operand_size = operand_size

    @property
    def length(self) -> int:
        """Bytes of the whole instruction."""
        return 1 + self.operand_size

    @property
    def meaning(self) -> tuple[int, int]:
        """Equal for rows that mean the same but for their opcode byte."""
        return id(self.semantics), self.operand_size
