"""Who names what: every word of a project that defines a name or mentions it.

    @print/word   ;print/word   ;&word   /word         words
     ^^^^^ ^^^^    ^^^^^ ^^^^     ^^^^    ^^^^         parts: of the scope, of what is in it

All four name ``print/word``; the first two spell the scope as well. A word in the body of a macro
may name several, one for each scope that the macro is used in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.assembler.source import Token
from jitvm.guests.uxn.language.reading import Definition, Lambda, Reading
from jitvm.guests.uxn.ports import PORTS, Port
from jitvm.guests.uxn.symbols import PROGRAM_START
from jitvm.platform.language import Kind, Span

_RUNES = "|$,_.-;=?!:@&%"
"""Characters before a name."""


class Occurrence(Struct, frozen=True):
    """A word that names something.

    Attributes:
        full: the full name.
        token: the word.
        defines: whether it is the definition.
        start: where in the word the name begins.
    """

    full: str
    token: Token
    defines: bool
    start: int

    @property
    def name(self) -> str:
        """The name as it is spelled."""
        return self.token.text[self.start :]

    @property
    def is_short(self) -> bool:
        """Whether the scope is left out."""
        return self.name[:1] in ("&", "/") or (self.defines and self.token.text[0] == "&")

    def parts(self) -> list[tuple[str, Span]]:
        """The names that its parts stand for, and where these are: of the scope, if it is spelled
        or is all there is, and of what is in it."""
        key, at = self.token.source.key, self.token.offset + self.start
        end = self.token.offset + len(self.token.text)
        if self.is_short:
            at += self.name[:1] in ("&", "/")
            return [(self.full, Span(key, at, end))]
        scope, slash, _ = self.name.partition("/")
        found = [(scope, Span(key, at, at + len(scope)))]
        if slash:
            found.append((self.full, Span(key, at + len(scope) + 1, end)))
        return found

    def part_at(self, offset: int) -> tuple[str, Span]:
        """The part that an offset is in or next to."""
        parts = self.parts()
        for part in parts:
            if offset <= part[1].end:
                return part
        return parts[-1]

    @property
    def last(self) -> Span:
        """The part that is the name itself."""
        return self.parts()[-1][1]


class Names:
    """All occurrences of a reading."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.all: dict[tuple[tuple[str, int], str], Occurrence] = {}
        self._at: dict[tuple[str, int], list[Occurrence]] = {}
        self._of: dict[str, list[Occurrence]] = {}
        self.definitions: dict[str, Definition] = {}
        self.called: set[str] = set()
        for definition in reading.definitions:
            self.definitions.setdefault(definition.full, definition)
            self._add(Occurrence(definition.full, definition.token, True, 1))
        for mention in reading.mentions:
            token = mention.token
            start = 0 if mention.is_macro or token.text[0] not in _RUNES else 1
            if not mention.is_macro and token.text[0] not in "|$.-_=":
                self.called.add(mention.full)
            self._add(Occurrence(mention.full, token, False, start))

    def _add(self, occurrence: Occurrence) -> None:
        spot = occurrence.token.spot
        if (spot, occurrence.full) in self.all:
            return
        self.all[spot, occurrence.full] = occurrence
        self._at.setdefault(spot, []).append(occurrence)
        self._of.setdefault(occurrence.full, []).append(occurrence)

    def at(self, file: str, offset: int) -> Sequence[Occurrence]:
        """What the word at a place names."""
        if self.reading.comment_at(file, offset) is not None:
            return ()
        token = self.reading.word_at(file, offset)
        return () if token is None else self._at.get(token.spot, ())

    def of(self, full: str) -> Sequence[Occurrence]:
        """All words that name something."""
        return self._of.get(full, ())

    def of_token(self, token: Token) -> Sequence[Occurrence]:
        """What a word names."""
        return self._at.get(token.spot, ())

    def in_scope(self, scope: str) -> Iterator[Occurrence]:
        """All words that name a scope, or what is in it."""
        for full, found in self._of.items():
            if full.partition("/")[0] == scope:
                yield from found

    def lambda_at(self, file: str, offset: int) -> Lambda | None:
        """The anonymous label whose brace a place is in."""
        token = self.reading.word_at(file, offset)
        if token is None or self.reading.comment_at(file, offset) is not None:
            return None
        spot = token.spot
        for each in self.reading.lambdas:
            if spot in (each.start.spot, each.end.spot):
                return each
        return None

    # -- what they stand for -----------------------------------------------------------------

    def port(self, full: str) -> Port | None:
        """The port of Varvara that a label names, by its address and its name."""
        label = self.reading.labels.get(full)
        port = None if label is None else PORTS.get(label.address)
        if port is None:
            return None
        scope, _, name = full.partition("/")
        is_device = port.device.startswith(scope.rstrip("0123456789"))
        return port if is_device and name == port.name else None

    def kind(self, full: str) -> Kind:
        """What a name stands for."""
        definition = self.definitions.get(full)
        if definition is None:
            return Kind.LABEL
        if definition.address is None:
            return Kind.MACRO
        if definition.address < PROGRAM_START:
            is_port = self.port(full) is not None or "A" <= full[0] <= "Z"
            return Kind.PORT if is_port else Kind.VARIABLE
        if definition.token.text[0] == "@":
            return Kind.ROUTINE
        return Kind.LABEL
