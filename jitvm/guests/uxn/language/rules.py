"""What can be said against a program that assembles; see docs/editors.md for each rule.

| rule            | what it tells                                                                |
|-----------------|------------------------------------------------------------------------------|
| stack-effect    | a routine gives another number of bytes than it declares                     |
| return-stack    | it leaves another number on the return stack                                 |
| stack-reach     | it changes bytes below those that it declares to take                        |
| unreachable     | instructions that nothing leads to                                           |
| literal-width   | a short literal, of which an instruction uses one byte                       |
| address-rune    | an address whose form is not the one that the instruction behind it takes    |
| call-to-data    | a word without a rune that calls a variable or a port                        |
| unused-label    | a label that nothing refers to                                               |
| others          | the assembler's warnings                                                     |

A rule that is often wrong is worth nothing, so each is silent where it cannot be certain; the
walks that the first three are made of are in `walking`.
"""

from __future__ import annotations

from collections.abc import Iterator

from jitvm.engine.tables.struct import Struct
from jitvm.guest.light import cached_property
from jitvm.guests.uxn.assembler.errors import Diagnostic, Problem
from jitvm.guests.uxn.assembler.source import Token
from jitvm.guests.uxn.encoding import BRK, JMI, JSI, LIT, LIT2, MODE_SHORT, opcode, operand_size
from jitvm.guests.uxn.language.effects import Effect, effect_of
from jitvm.guests.uxn.language.reading import Definition, Emission, Reading
from jitvm.guests.uxn.language.remembering import Memory
from jitvm.guests.uxn.language.walking import Code, Mismatch, Turn, Wrong
from jitvm.guests.uxn.ports import PORTS

_MARKED = 4
"""One of so many declarations has to mark a short, or those without a mark may have one."""

RULES: dict[str, str] = {
    "stack-effect": "a routine gives another number of bytes than it declares",
    "return-stack": "a routine leaves another number of bytes on the return stack than it declares",
    "stack-reach": "a routine changes bytes below those that it declares to take",
    "unreachable": "instructions that nothing leads to",
    "literal-width": "a short literal, of which an instruction uses one byte",
    "address-rune": "an address in another form than the instruction behind it takes",
    "call-to-data": "a word without a rune that calls a variable or a port",
    "unused-label": "a label that nothing refers to",
    "address-truncated": "an address of which only the low byte is emitted",
    "word-ignored": "a word that is ignored because it begins with a bracket",
    "string-empty": "a string without characters",
    "jump-widened": "a relative jump that was made an immediate one",
}
"""Every rule, with a line of help."""
_WARNINGS = {
    Problem.UNUSED: "unused-label",
    Problem.TRUNCATED: "address-truncated",
    Problem.BRACKET: "word-ignored",
    Problem.EMPTY_STRING: "string-empty",
    Problem.REWRITTEN: "jump-widened",
}
_EFFECT_RULES = {
    Wrong.GIVES: "stack-effect",
    Wrong.RETURN_STACK: "return-stack",
    Wrong.TAKES: "stack-reach",
}


class Step(Struct, frozen=True):
    """One word of a path."""

    token: Token
    what: str


class Found(Struct, frozen=True):
    """Something to say about a word; `steps` lead there; `fix` is a word and what to write."""

    rule: str
    token: Token
    message: str
    steps: tuple[Step, ...] = ()
    hint: str = ""
    fix: tuple[Token, str] | None = None


def rule_of(diagnostic: Diagnostic) -> str:
    """The rule of a warning of the assembler."""
    return _WARNINGS.get(diagnostic.problem, "assembler")


class Program:
    """A reading without errors, as rules look at it.

    Args:
        reading: it.
        memory: of walks of earlier readings.

    Attributes:
        reading: as given.
        declared: effects that labels declare, by full name.
    """

    def __init__(self, reading: Reading, memory: Memory | None = None) -> None:
        self.reading = reading
        self._memory = memory
        self._starts = reading.instructions
        self.declared: dict[str, Effect] = {}
        for definition in reading.definitions:
            if definition.address is not None:
                comment = reading.comment_behind(definition.token)
                effect = None if comment is None else effect_of(comment)
                if effect is None:
                    continue
                # In the older dialect few marked shorts: without a mark, only nothing is certain.
                is_certain = not reading.legacy or effect.is_marked
                if is_certain or not any(effect.takes + effect.gives):
                    self.declared[definition.full] = effect

    @cached_property
    def _at(self) -> dict[int, Emission]:
        """Emissions by address."""
        return {each[0]: each for each in self.reading.emissions}

    def findings(self) -> list[Found]:
        """All that the rules of this file find."""
        return [*self._effects(), *self._words()]

    # -- stack effects -----------------------------------------------------------------------

    def _effects(self) -> Iterator[Found]:
        reading = self.reading
        called = {each.full for each in reading.mentions if _is_call(each.token)}
        tops, all_declared = {}, {}
        for definition in reading.definitions:
            effect = self.declared.get(definition.full)
            if effect is None or definition.address is None:
                continue
            is_top = definition.token.text[0] == "@"
            if is_top or definition.full in called:
                all_declared[definition.address] = effect
            if is_top:
                tops[definition.address] = definition
        starts = self._starts
        loops = frozenset(
            each.address
            for each in reading.definitions
            if each.address is not None and each.token.text[0] == "&"
        )
        variable = frozenset(each.address & 0xFFFF for each in reading.labels.values())
        code = Code(reading.memory, starts, variable, all_declared, frozenset(tops), loops)
        if self._memory is not None:
            code.remembered = self._memory.attach(reading, code)
        for definition in reading.definitions:
            effect, address = self.declared.get(definition.full), definition.address
            if effect is None or address is None or all_declared.get(address) is not effect:
                continue
            if address in starts:
                for mismatch in code.outcome(address).mismatches:
                    if not self._is_width(definition, effect, mismatch):
                        yield self._told(definition.full, definition.token, mismatch)
        if self._memory is not None:
            self._memory.keep()

    def _is_width(self, definition: Definition, effect: Effect, mismatch: Mismatch) -> bool:
        """Whether what a routine takes may be what it declares, with shorts that are not marked."""
        is_loose = definition.token.source.key in self._loose
        takes = mismatch.wrong is not Wrong.RETURN_STACK and mismatch.is_wide
        return is_loose and takes and any(effect.takes) and not effect.is_marked

    @cached_property
    def _loose(self) -> frozenset[str]:
        """Files in which few of the declarations that have items mark a short."""
        marked: dict[str, list[bool]] = {}
        for definition in self.reading.definitions:
            effect = self.declared.get(definition.full)
            if effect is not None and any(effect.takes + effect.gives):
                marked.setdefault(definition.token.source.key, []).append(effect.is_marked)
        return frozenset(
            file for file, marks in marked.items() if sum(marks) * _MARKED < len(marks)
        )

    def _told(self, full: str, token: Token, mismatch: Mismatch) -> Found:
        rule = _EFFECT_RULES[mismatch.wrong]
        found, declared = mismatch.found, mismatch.declared
        match mismatch.wrong:
            case Wrong.GIVES:
                message = f"`{full}` declares to give {_bytes(declared)} and gives {_bytes(found)}"
                if found < 0:
                    message = (
                        f"`{full}` declares to give {_bytes(declared)} and takes "
                        f"{_bytes(-found)} more than it declares"
                    )
            case Wrong.RETURN_STACK:
                more = found - declared
                what = f"{_bytes(more)} too many" if more > 0 else f"{_bytes(-more)} too few"
                message = f"`{full}` leaves {what} on the return stack"
            case Wrong.TAKES:
                message = (
                    f"`{full}` declares to take {_bytes(declared)} and changes "
                    f"{_bytes(found - declared)} below"
                )
        steps = [self._step(turn) for turn in mismatch.turns]
        last = self._step(Turn(mismatch.at, "ends here"))
        return Found(rule, token, message, tuple(step for step in [*steps, last] if step))

    def _step(self, turn: Turn) -> Step | None:
        emission = self._at.get(turn.address)
        if emission is None:
            return None
        return Step(emission[3], turn.what)

    # -- words -------------------------------------------------------------------------------

    def _words(self) -> Iterator[Found]:
        """Rules about words next to each other."""
        labels = {each.address for each in self.reading.labels.values()}
        memory, starts = self.reading.memory, self._starts
        before: Emission | None = None
        earlier: Emission | None = None
        closed = False  # the last instruction leads nowhere
        computed = 0  # the end of what a jump by an unknown byte may lead to
        operand = 0  # the end of the operand of an opcode that was written without one
        for emission in self.reading.emissions:
            address, token = emission[0], emission[2]
            follows = before is not None and before[0] + before[1] == address
            if not follows or address in labels:
                closed, before, earlier = False, None, None
            byte, is_instruction = memory[address], address in starts and address >= operand
            if is_instruction and emission[1] == 1:
                operand = address + 1 + operand_size(byte)
            if closed and address >= computed and is_instruction:
                # Many write one behind a jump, to see where code ends; and variables as literals.
                is_variable = byte & 0x9F == LIT and address + 1 in labels
                if byte != BRK and byte & 0x3F != _JMP2 and not is_variable:
                    yield Found("unreachable", emission[3], "nothing leads here")
                closed = False
            if before is not None and emission[1] == 1 and before[2].text[0] in ".,;":
                yield from self._pair(earlier, before, emission)
            if byte == JSI and emission[1] == 3:
                yield from self._called(emission)
            if is_instruction:
                is_byte_jump = byte & 0x1F in _JUMPS and not byte & MODE_SHORT
                if is_byte_jump and (before is None or before[2].text[0] != ","):
                    computed = address + 0x80
                closed = byte in (BRK, JMI) or byte & 0x3F == _JMP2
                if token.text == "!{":  # code that is jumped over, as it is written
                    closed = False
            else:
                closed = False
            earlier, before = before, emission

    def _pair(
        self, earlier: Emission | None, before: Emission, emission: Emission
    ) -> Iterator[Found]:
        """An instruction, the reference to a label before it, and the value before that."""
        first, second = before[2], emission[2]
        if first.source is not second.source:
            return
        byte = opcode(second.text)
        if byte is None:
            return
        base = byte & 0x1F
        takes = _TAKES.get(base)
        if takes is None:
            return
        memory = self.reading.memory
        is_return = bool(byte & 0x40)
        if memory[before[0]] not in (LIT, LIT2) or is_return:
            return
        rune = first.text[0]
        if rune != takes:
            yield Found(
                "address-rune",
                first,
                f"`{second.text}` takes {_FORMS[takes]}, and `{first.text}` is {_FORMS[rune]}",
                hint=f"write `{takes}{first.text[1:]}`",
                fix=(first, takes + first.text[1:]),
            )
        elif earlier is not None and base in _STORES and not byte & MODE_SHORT:
            # `#0102 ;x STA ;y STA` is one literal for two bytes, and meant.
            value = earlier[2]
            port = PORTS.get(memory[before[0] + 1]) if base == _DEO else None
            is_split = value.text[0] == "#" and (port is None or port.size == 1)
            is_short = value.text[0] in "#;" and earlier[1] == 3 and not is_split
            wider = f"{second.text[:3]}2{second.text[3:]}"
            if value.source is first.source and is_short:
                yield Found(
                    "literal-width",
                    value,
                    f"`{second.text}` takes one byte of the short `{value.text}`",
                    hint=f"write `{wider}`, or a byte",
                    fix=(second, wider),
                )

    def _called(self, emission: Emission) -> Iterator[Found]:
        """A word that calls what is no code."""
        address, _, token, _ = emission
        distance = int.from_bytes(self.reading.memory[address + 1 : address + 3], "big")
        target = (address + 3 + distance) & 0xFFFF
        if target < 0x100:
            yield Found(
                "call-to-data",
                token,
                f"`{token.text}` calls 0x{target:02x}, which is a variable or a port",
                hint=f"write `.{token.text}` for its address",
                fix=(token, f".{token.text}"),
            )


_JMP2 = 0x2C
_JUMPS = (0x0C, 0x0D, 0x0E)
_TAKES = {
    0x10: ".", 0x11: ".", 0x12: ",", 0x13: ",", 0x14: ";", 0x15: ";", 0x16: ".", 0x17: ".",
}  # fmt: skip
"""The rune of the address that an instruction takes."""
_DEO = 0x17
_STORES = (0x11, 0x13, 0x15, 0x17)
_FORMS = {".": "a byte in the zero page", ",": "a distance", ";": "an address of two bytes"}


def _is_call(token: Token) -> bool:
    return token.text[0] not in "|$.-_=?!"


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes" if count else "nothing"
