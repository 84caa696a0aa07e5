"""The first pass: words in, bytes and references out.

Words come from a stack of frames: the main source, files it includes, macros being expanded. A word
is handled by its first character (its rune); a word without a rune is a number, an opcode, a macro
or, failing all these, a call.

An invalid word is reported and skipped; if its size can be guessed, that many bytes are emitted, so
that one mistake does not cause many.

Invariants
1. Every byte is written through `Image.write`, on behalf of the word's site: the word itself, or
   the outermost macro use it came from.
2. A frame's words are only taken by `run` and by a macro definition reading its own body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.assembler.errors import Problem
from jitvm.guests.uxn.assembler.image import MEMORY_SIZE, Image
from jitvm.guests.uxn.assembler.includes import IncludeError, Includes
from jitvm.guests.uxn.assembler.labels import LabelTable, is_hex, name_fault, suggest
from jitvm.guests.uxn.assembler.limits import (
    MAX_HINTS,
    MAX_INCLUDE_DEPTH,
    MAX_LAMBDA_DEPTH,
    MAX_MACRO_DEPTH,
    MAX_WORDS,
)
from jitvm.guests.uxn.assembler.log import Log
from jitvm.guests.uxn.assembler.macros import Macro, read_body
from jitvm.guests.uxn.assembler.resolve import ADDRESSING, CALL, Addressing, Form, Reference
from jitvm.guests.uxn.assembler.source import SourceFile, Token, words
from jitvm.guests.uxn.encoding import LIT, LIT2, opcode

_RAW_ADDRESS = Addressing(b"", Form.ADDRESS)


class _Frame(Struct, frozen=True):
    """Words being processed: those of a file, or of a macro used at `site`."""

    words: Iterator[Token]
    source: SourceFile | None = None
    macro: Macro | None = None
    site: Token | None = None


class Emitter:
    """Fills an image from words; leaves `references` to be resolved."""

    def __init__(self, includes: Includes, log: Log, legacy: bool) -> None:
        self.image = Image()
        self.labels = LabelTable()
        self.macros: dict[str, Macro] = {}
        self.references: list[Reference] = []
        self._includes = includes
        self._log = log
        self._legacy = legacy
        self._frames: list[_Frame] = []
        self._site: Token | None = None
        self._lambdas: list[tuple[str, Token]] = []
        self._lambda_count = 0
        self._write_fault: Problem | None = None
        self._handlers = self._dialect()
        self._plain: dict[str, bytes] = {}  # opcodes and literals: the same wherever they are

    def _dialect(self) -> dict[str, Callable[[Token], None]]:
        handlers: dict[str, Callable[[Token], None]] = dict.fromkeys(ADDRESSING, self._address)
        handlers |= {
            "|": self._pad,
            "$": self._pad,
            "@": self._label,
            "&": self._label,
            "#": self._literal,
            '"': self._string,
            "~": self._include,
            "%": self._define_macro,
            "[": self._bracket,
            "]": self._bracket,
            "{": self._call,
            "}": self._close_lambda,
            ":": self._old_address,
        }
        if self._legacy:
            handlers["'"] = self._old_character
        return handlers

    # -- what those who want to know more than the bytes override --------------------------------

    def words_of(self, source: SourceFile) -> Iterator[Token]:
        """The words of a file, as they are asked for."""
        return words(source, self._legacy, self._report)

    def mention(self, full: str, token: Token) -> None:
        """A word names a label."""

    # -- frames -----------------------------------------------------------------------------

    def run(self, source: SourceFile) -> None:
        """Process a source to its end; raise AssemblyError only when it is hopeless."""
        self._frames.append(_Frame(self.words_of(source), source))
        budget = MAX_WORDS
        while self._frames:
            frame = self._frames[-1]
            self._site = frame.site
            for token in frame.words:
                budget -= 1
                if not budget:
                    self._fatal(Problem.LIMIT, token, f"over {MAX_WORDS} words after expansion")
                self._word(token)
                if self._frames[-1] is not frame:
                    break
            else:
                self._frames.pop()
        for name, token in self._lambdas:
            self.labels.refuse(name)
            self._log.error(Problem.LAMBDA_OPEN, token, "no matching `}`", "")

    def _word(self, token: Token) -> None:
        text = token.text
        data = self._plain.get(text)
        if self._legacy and text in self.macros:
            self._expand(self.macros[text], token)
        elif data is not None:
            self._write(data, token)
        elif handler := self._handlers.get(text[0]):
            handler(token)
        elif is_hex(text):
            self._number(token)
        elif (byte := opcode(text)) is not None:
            self._plain[text] = data = bytes([byte])
            self._write(data, token)
        elif macro := self.macros.get(self.labels.full_name(text)):
            self._expand(macro, token)
        else:
            self._call(token)

    # -- reporting --------------------------------------------------------------------------

    def _report(self, problem: Problem, token: Token, details: str = "", hint: str = "") -> None:
        self._log.error(problem, token, details, hint, self._site)

    def _fatal(self, problem: Problem, token: Token, details: str) -> None:
        self._log.fatal(problem, token, details, "", self._site)

    # -- bytes ------------------------------------------------------------------------------

    def _write(
        self, data: bytes, token: Token, reference: int = 0, *, is_data: bool = False
    ) -> bool:
        """Write bytes; tell a fault once, until the location is changed or a write succeeds."""
        start = self.image.location
        fault = self.image.write(data, self._site or token, reference, is_data=is_data)
        if fault is not None and fault is not self._write_fault:
            details, hint = f"at 0x{start:04x}", _WRITE_HINTS[fault]
            self._log.follow_up(fault, token, details, hint, self._site)
        self._write_fault = fault
        return fault is None

    def _number(self, token: Token) -> None:
        text = token.text
        if len(text) in (2, 4):
            self._write(bytes.fromhex(text), token, is_data=True)
        elif self._legacy:
            self._call(token)
        else:
            self._report(
                Problem.HEX_INVALID,
                token,
                f"{len(text)} digits",
                "a number has 2 or 4 digits; a name needs a character that is no digit 0-9a-f",
            )
            self._write(bytes(1 if len(text) < 3 else 2), token)

    def _literal(self, token: Token) -> None:
        digits = token.text[1:]
        if is_hex(digits) and len(digits) in (2, 4):
            prefix = LIT if len(digits) == 2 else LIT2
            self._plain[token.text] = data = bytes([prefix]) + bytes.fromhex(digits)
            self._write(data, token)
            return
        hint = "a literal has 2 or 4 lower-case hexadecimal digits"
        self._report(Problem.HEX_INVALID, token, "", hint)
        self._write(bytes(2 if len(digits) < 3 else 3), token)

    def _string(self, token: Token) -> None:
        try:
            data = token.text[1:].encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            self._report(Problem.STRING_INVALID, token, "a character has no UTF-8 form")
            return
        if data:
            self._write(data, token, is_data=True)
        else:
            hint = "strings end at a blank; a space is the number 20"
            self._log.warn(Problem.EMPTY_STRING, token, "", hint, self._site)

    def _old_character(self, token: Token) -> None:
        if len(token.text) == 2:
            self._string(token)
        else:
            self._report(Problem.STRING_INVALID, token, "expected one character after `'`")

    def _bracket(self, token: Token) -> None:
        if len(token.text) > 1:
            hint = "put blanks around brackets: the whole word is ignored"
            self._log.warn(Problem.BRACKET, token, "", hint, self._site)

    # -- places -----------------------------------------------------------------------------

    def _pad(self, token: Token) -> None:
        amount = self._pad_amount(token)
        if amount is None:
            return
        location = amount if token.text[0] == "|" else self.image.location + amount
        if location > MEMORY_SIZE:
            self._report(Problem.PADDING_INVALID, token, f"0x{location:x} is outside memory")
            return
        self.image.location = location
        self._write_fault = None

    def _pad_amount(self, token: Token) -> int | None:
        name = token.text[1:]
        if is_hex(name):
            return int(name, 16)
        if not name and self._legacy:
            return 0
        full = self.labels.full_name(name)
        self.mention(full, token)
        label = self.labels.use(full)
        if label is not None:
            return label.address
        if not self.labels.was_refused(full):
            can_hint = name and len(self._log.errors) < MAX_HINTS
            hint = suggest(full, self.labels.labels) if can_hint else ""
            details = "neither a lower-case hexadecimal number nor a label defined before it"
            tell = self._log.follow_up if name else self._log.error
            tell(Problem.PADDING_INVALID, token, details, hint, self._site)
        return None

    def _label(self, token: Token) -> None:
        name = token.text[1:]
        is_sublabel = token.text[0] == "&"
        full = self.labels.full_name(token.text) if is_sublabel else name
        fault = name_fault(full, self._legacy or is_sublabel)
        if fault is not None:
            self.labels.refuse(full)
            self._report(Problem.LABEL_INVALID, token, fault)
        else:
            self._define(full, token)
        if not is_sublabel and name:
            self.labels.enter(name)

    def _define(self, full: str, token: Token) -> None:
        macro = self.macros.get(full)
        taken = None if macro else self.labels.define(full, self.image.location, token)
        first = macro.token if macro else taken.token if taken else None
        if first is not None:
            what = "a macro" if macro else "a label"
            details = f"`{full}` is {what} already, since {first.place()}"
            self._report(Problem.LABEL_DUPLICATE, token, details)

    def _close_lambda(self, token: Token) -> None:
        if len(token.text) > 1:
            self._report(Problem.WORD_INVALID, token, "", "put a blank after `}`")
        if self._lambdas:
            self._define(self._lambdas.pop()[0], token)
        else:
            self._report(Problem.LAMBDA_CLOSED, token, "no `{` is open")

    # -- references -------------------------------------------------------------------------

    def _address(self, token: Token) -> None:
        self._refer(token, token.text[1:], ADDRESSING[token.text[0]])

    def _call(self, token: Token) -> None:
        self._refer(token, token.text, CALL)

    def _old_address(self, token: Token) -> None:
        if not self._legacy:
            hint = f"raw addresses are written `={token.text[1:]}` now"
            self._report(Problem.WORD_INVALID, token, "`:` is no rune any more", hint)
        self._refer(token, token.text[1:], _RAW_ADDRESS)

    def _refer(self, token: Token, name: str, addressing: Addressing) -> None:
        full = self._target(token, name)
        size = addressing.form.size
        address = self.image.location + len(addressing.prefix)
        prefix = addressing.prefix
        written = self._write(prefix + bytes(size), token, size, is_data=not prefix)
        if written and full is not None:
            site = self._site or token
            self.references.append(Reference(full, addressing, address, token, site))

    def _target(self, token: Token, name: str) -> str | None:
        if name[:1] == "{":
            if len(name) > 1:
                self._report(Problem.WORD_INVALID, token, "", "put a blank after `{`")
            return self._open_lambda(token)
        if not name:
            self._report(Problem.LABEL_INVALID, token, "a name is missing")
            return None
        full = self.labels.full_name(name)
        self.mention(full, token)
        return full

    def _open_lambda(self, token: Token) -> str:
        if len(self._lambdas) >= MAX_LAMBDA_DEPTH:
            self._fatal(Problem.LIMIT, token, f"over {MAX_LAMBDA_DEPTH} lambdas are open")
        name = f"λ{self._lambda_count:02x}"
        self._lambda_count += 1
        self._lambdas.append((name, token))
        return name

    # -- macros and includes ----------------------------------------------------------------

    def _define_macro(self, token: Token) -> None:
        name = token.text[1:]
        body = read_body(
            token, self._frames[-1].words, lambda text: text in self.macros, self._report
        )
        fault = name_fault(name, self._legacy)
        taken = self.macros.get(name) or self.labels.labels.get(name)
        if fault is not None:
            self._report(Problem.MACRO_INVALID, token, fault)
            self.labels.refuse(name)
        elif taken is not None:
            what = "macro" if name in self.macros else "label"
            details = f"`{name}` is a {what} already, since {taken.token.place()}"
            self._report(Problem.MACRO_DUPLICATE, token, details)
        else:
            self.macros[name] = Macro(name, token, body)

    def _expand(self, macro: Macro, token: Token) -> None:
        active = [frame.macro.name for frame in self._frames if frame.macro is not None]
        if macro.name in active:
            chain = " -> ".join([*active[active.index(macro.name) :], macro.name])
            self._report(Problem.MACRO_RECURSIVE, token, chain, "a macro cannot use itself")
        elif len(active) >= MAX_MACRO_DEPTH:
            self._fatal(Problem.LIMIT, token, f"over {MAX_MACRO_DEPTH} macros inside each other")
        else:
            site = self._site or token
            self._frames.append(_Frame(iter(macro.body), macro=macro, site=site))

    def _include(self, token: Token) -> None:
        files = [frame.source for frame in self._frames if frame.source is not None]
        if len(files) >= MAX_INCLUDE_DEPTH:
            self._fatal(Problem.LIMIT, token, f"over {MAX_INCLUDE_DEPTH} files inside each other")
        try:
            source = self._includes.open(token.text[1:], token.source)
        except IncludeError as error:
            self._log.lack(error.problem, token, error.details, error.hint, self._site)
            return
        paths = [file.path for file in files]
        if source.path in paths:
            loop = [file.name for file in files[paths.index(source.path) :]]
            self._report(Problem.INCLUDE_LOOP, token, " -> ".join([*loop, source.name]))
            return
        self._frames.append(_Frame(self.words_of(source), source))


_WRITE_HINTS = {
    Problem.ZERO_PAGE: "the program starts at 0x0100: write |0100 before the first instruction",
    Problem.OUTSIDE: "memory ends at 0xffff",
    Problem.REWIND: "something else is written there already; check the last | before this word",
}
