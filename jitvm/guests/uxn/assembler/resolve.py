"""References: how a label is written into the bytes, once all labels are known.

| rune | bytes emitted        | operand                                  |
|------|----------------------|------------------------------------------|
| `,`  | LIT rel              | signed byte: target - operand address - 2 |
| `_`  | rel                  | the same                                 |
| `.`  | LIT low              | low byte of the address                  |
| `-`  | low                  | the same                                 |
| `;`  | LIT2 high low        | the address                              |
| `=`  | high low             | the same                                 |
| `?`  | JCI high low         | 16 bits: target - operand address - 2     |
| `!`  | JMI high low         | the same                                 |
| none | JSI high low         | the same                                 |

In the old dialect a relative jump that is out of reach is rewritten in place: ``,label JCN`` and
``?label`` are three bytes each and do the same, and so are JMP and ``!``, and JSR and a call.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.assembler.errors import Problem
from jitvm.guests.uxn.assembler.labels import Label, LabelTable, is_hex, suggest
from jitvm.guests.uxn.assembler.limits import MAX_HINTS
from jitvm.guests.uxn.assembler.log import Log
from jitvm.guests.uxn.assembler.source import Token
from jitvm.guests.uxn.encoding import BASE_NAMES, JCI, JMI, JSI, LIT, LIT2, opcode


class Form(Enum):
    """What is written of a label's address."""

    RELATIVE_BYTE = auto()
    LOW_BYTE = auto()
    ADDRESS = auto()
    RELATIVE_SHORT = auto()

    @property
    def size(self) -> int:
        """Width of the operand in bytes."""
        return 1 if self in (Form.RELATIVE_BYTE, Form.LOW_BYTE) else 2


class Addressing(Struct, frozen=True):
    """What a rune emits: an opcode (or nothing) and the form of the operand after it."""

    prefix: bytes
    form: Form


CALL = Addressing(bytes([JSI]), Form.RELATIVE_SHORT)
"""A bare word."""

ADDRESSING: dict[str, Addressing] = {
    ",": Addressing(bytes([LIT]), Form.RELATIVE_BYTE),
    "_": Addressing(b"", Form.RELATIVE_BYTE),
    ".": Addressing(bytes([LIT]), Form.LOW_BYTE),
    "-": Addressing(b"", Form.LOW_BYTE),
    ";": Addressing(bytes([LIT2]), Form.ADDRESS),
    "=": Addressing(b"", Form.ADDRESS),
    "?": Addressing(bytes([JCI]), Form.RELATIVE_SHORT),
    "!": Addressing(bytes([JMI]), Form.RELATIVE_SHORT),
}

_WIDER = {opcode("JCN"): JCI, opcode("JMP"): JMI, opcode("JSR"): JSI}
"""Immediate jumps by the relative jump they can replace."""


class Reference:
    """An operand at `address` waiting for the label with the full name `name`."""

    __slots__ = ("address", "addressing", "name", "site", "token")

    def __init__(
        self, name: str, addressing: Addressing, address: int, token: Token, site: Token
    ) -> None:
        self.name = name
        self.addressing = addressing
        self.address = address
        self.token = token
        self.site = site


class Resolver(Struct, frozen=True):
    """Writes references into memory; reports those without a label or out of reach."""

    memory: bytearray
    labels: LabelTable
    macros: Collection[str]
    legacy: bool
    log: Log

    def resolve(self, references: list[Reference]) -> None:
        """Resolve every reference.

        After other errors distances mean little, so only unknown labels are told then.
        """
        sizes_are_known = not self.log.errors
        for reference in references:
            label = self.labels.use(reference.name)
            if label is not None:
                self._write(reference, label, sizes_are_known)
            elif not self.labels.was_refused(reference.name):
                self._tell_unknown(reference)

    def _write(self, reference: Reference, label: Label, sizes_are_known: bool) -> None:
        at, target = reference.address, label.address
        distance = target - at - 2
        match reference.addressing.form:
            case Form.ADDRESS:
                self.memory[at : at + 2] = target.to_bytes(2, "big")
            case Form.RELATIVE_SHORT:
                self.memory[at : at + 2] = (distance & 0xFFFF).to_bytes(2, "big")
            case Form.LOW_BYTE:
                self.memory[at] = target & 0xFF
                if target > 0xFF and reference.token.text[0] == ".":
                    self._warn_truncated(reference, target)
            case Form.RELATIVE_BYTE:
                if -128 <= distance <= 127:
                    self.memory[at] = distance & 0xFF
                elif self.legacy and self._widen(reference, distance):
                    pass
                elif sizes_are_known:
                    self._tell_too_far(reference, distance)

    def _widen(self, reference: Reference, distance: int) -> bool:
        at = reference.address
        wider = _WIDER.get(self.memory[at + 1]) if at + 1 < len(self.memory) else None
        if wider is None or not reference.addressing.prefix:
            return False
        # The operand of the wider jump begins where the literal's did and is one byte longer.
        self.memory[at - 1] = wider
        self.memory[at : at + 2] = (distance & 0xFFFF).to_bytes(2, "big")
        self.log.warn(
            Problem.REWRITTEN,
            reference.token,
            f"the label is {distance} bytes away; the jump was made an immediate one",
            "write ?label, !label or the bare label instead",
            reference.site,
        )
        return True

    def _tell_unknown(self, reference: Reference) -> None:
        word = reference.token.text
        is_call = reference.addressing is CALL
        if is_call and is_hex(word.lower()):
            hint = f"numbers are lower-case: `{word.lower()}`"
        elif len(self.log.errors) >= MAX_HINTS:
            hint = ""
        else:
            known = [*self.labels.labels]
            if is_call:
                known += [*self.macros, *BASE_NAMES]
            hint = suggest(reference.name, known)
        details = "" if reference.name == word.lstrip(",_.-;=?!") else f"no `{reference.name}`"
        self.log.follow_up(Problem.LABEL_UNKNOWN, reference.token, details, hint, reference.site)

    def _tell_too_far(self, reference: Reference, distance: int) -> None:
        self.log.error(
            Problem.TOO_FAR,
            reference.token,
            f"the label is {distance} bytes away and a relative byte reaches -128 to 127",
            "use ;label with JMP2, JCN2, JSR2, LDA or STA; or ?label, !label, or a bare label",
            reference.site,
        )

    def _warn_truncated(self, reference: Reference, target: int) -> None:
        self.log.warn(
            Problem.TRUNCATED,
            reference.token,
            f"the label is at 0x{target:04x} and only 0x{target & 0xFF:02x} is emitted",
            "use ;label for an address outside the zero page",
            reference.site,
        )
