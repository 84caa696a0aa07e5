"""A project of Uxntal, as an editor asks about it: `jitvm.platform.language.Analysis`.

    read -> Reading -> Names      who names what
                    -> Program    what the rules find

Both are made when somebody asks, since a keystroke asks for little.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from jitvm.guest.light import cached_property
from jitvm.guests.uxn.assembler.errors import Diagnostic, Problem
from jitvm.guests.uxn.assembler.source import Token
from jitvm.guests.uxn.language import completing, fixing, hinting, outline, renaming
from jitvm.guests.uxn.language.helping import about
from jitvm.guests.uxn.language.names import Names
from jitvm.guests.uxn.language.reading import Reading
from jitvm.guests.uxn.language.remembering import Memory
from jitvm.guests.uxn.language.rules import Found, Program, rule_of
from jitvm.platform.language import (
    Completion,
    Edit,
    Finding,
    Fix,
    Hint,
    Kind,
    Level,
    Span,
    Step,
    Symbol,
    Word,
)

MOST_FIXED = 20
"""Warnings of a part of a file that something is offered for: each is tried out."""


class Project:
    """A reading, and what is made of it.

    Args:
        reading: the project.
        again: reads it with other texts.
        memory: what the rules have found in earlier readings of the same program.
    """

    def __init__(
        self,
        reading: Reading,
        again: Callable[[Mapping[str, str]], Reading],
        memory: Memory | None = None,
    ) -> None:
        self.reading = reading
        self._memory = memory
        self._again = again

    @cached_property
    def names(self) -> Names:
        """Who names what."""
        return Names(self.reading)

    @property
    def main(self) -> str:
        """The file it begins with."""
        return self.reading.main.key

    @property
    def files(self) -> Sequence[str]:
        """Every file."""
        return tuple(self.reading.sources)

    def text(self, file: str) -> str:
        """The text of a file."""
        return self.reading.sources[file].text

    # -- findings ----------------------------------------------------------------------------

    def findings(self, *, rules: bool = True) -> Sequence[Finding]:
        """Errors; without any, what the rules find."""
        reading = self.reading
        if reading.errors:
            return [self._told(each) for each in reading.errors]
        found = [self._told(each) for each in reading.warnings]
        if rules:
            found += [_found(each) for each in self._ruled]
        return sorted(found, key=lambda each: (each.span.file, each.span.start))

    @cached_property
    def _ruled(self) -> Sequence[Found]:
        """What the rules find."""
        return Program(self.reading, self._memory).findings()

    def fixes(
        self, file: str, start: int, end: int, *, only_safe: bool = False
    ) -> Sequence[tuple[Finding, Sequence[Fix]]]:
        """Findings in a part of a file, and what can be done about them."""
        found: list[tuple[Finding, Sequence[Fix]]] = []
        for finding, fixes in self._fixable(only_safe):
            span = finding.span
            if span.file == file and span.start <= end and start <= span.end:
                kept = tuple(dict.fromkeys(fix for fix in fixes if fix.is_safe or not only_safe))
                found += [(finding, kept)] if kept else []
                if len(found) == MOST_FIXED and not self.reading.errors:
                    break
        return found

    def _fixable(self, only_safe: bool) -> Iterator[tuple[Finding, Iterator[Fix]]]:
        """All findings, and what makes their fixes; nothing is safe where nothing is wrong."""
        names, reading = self.names, self.reading
        for error in reading.errors:
            if not only_safe or error.problem in fixing.SAFE:
                yield self._told(error), fixing.of_error(names, error)
        if reading.errors or only_safe:
            return
        for each in self._ruled:
            yield _found(each), fixing.of_rule(each)
        for warning in reading.warnings:
            yield self._told(warning), fixing.of_warning(names, warning, self._again)

    def hints(
        self, file: str, start: int, end: int, kinds: Collection[str] | None = None
    ) -> Sequence[Hint]:
        """What is worth showing between the words."""
        shown = hinting.SHOWN if kinds is None else kinds
        return list(hinting.hints(self.names, file, start, end, shown))

    def _told(self, diagnostic: Diagnostic) -> Finding:
        """A diagnostic of the assembler."""
        file, start = diagnostic.spot or (self.main, 0)
        text = self.reading.sources[file].text if file in self.reading.sources else ""
        span = Span(file, start, _word_end(text, start))
        rule = rule_of(diagnostic) if diagnostic.is_warning else diagnostic.problem.value
        level = Level.WARNING if diagnostic.is_warning else Level.ERROR
        if diagnostic.problem is Problem.UNUSED:
            level = Level.FAINT
        steps: tuple[Step, ...] = ()
        origin = diagnostic.origin
        if origin is not None and origin != diagnostic.spot and origin[0] in self.reading.sources:
            end = _word_end(self.reading.sources[origin[0]].text, origin[1])
            steps = (Step(Span(*origin, end), "in the body of the macro"),)
        return Finding(span, level, rule, diagnostic.message, diagnostic.hint, steps)

    # -- names -------------------------------------------------------------------------------

    def hover(self, file: str, offset: int) -> tuple[Span, str] | None:
        """The word at a place, and Markdown about it."""
        if self.reading.comment_at(file, offset) is not None:
            return None
        token = self.reading.word_at(file, offset)
        said = "" if token is None else about(self.names, token)
        if token is None or not said:
            return None
        return _span(token), said

    def definition(self, file: str, offset: int) -> Sequence[Span]:
        """Where what is at a place is defined."""
        found: list[Span] = []
        for occurrence in self.names.at(file, offset):
            wanted, _ = occurrence.part_at(offset)
            definition = self.names.definitions.get(wanted) or self.names.definitions.get(
                occurrence.full
            )
            if definition is not None:
                found.append(_span(definition.token))
        anonymous = self.names.lambda_at(file, offset)
        if anonymous is not None:
            found.append(_span(anonymous.end))
        token = self.reading.word_at(file, offset)
        for include, included in self.reading.includes:
            if token is not None and include.spot == token.spot:
                found.append(Span(included, 0, 0))
        return list(dict.fromkeys(found))

    def references(self, file: str, offset: int, *, definition: bool = True) -> Sequence[Span]:
        """All that names what the word at a place names."""
        found: dict[Span, None] = {}
        for occurrence in self.names.at(file, offset):
            wanted, _ = occurrence.part_at(offset)
            for other in self.names.of(wanted):
                if definition or not other.defines:
                    found[other.last] = None
        anonymous = self.names.lambda_at(file, offset)
        if anonymous is not None:
            found |= {_span(anonymous.start): None, _span(anonymous.end): None}
        return list(found)

    def renamed_part(self, file: str, offset: int) -> Span:
        """The name, or the part of one, that a place is in."""
        return renaming.part_at(self.names, file, offset)[2]

    def rename(self, file: str, offset: int, name: str) -> Sequence[Edit]:
        """Give that another name."""
        return renaming.rename(self.names, file, offset, name, self._again)

    # -- the rest ----------------------------------------------------------------------------

    def symbols(self, file: str) -> Sequence[Symbol]:
        """Names that a file defines."""
        return outline.symbols(self.names, file)

    def completions(self, file: str, offset: int) -> tuple[Span, Sequence[Completion]]:
        """The word at a place, and what may be meant by it."""
        return completing.completions(self.names, file, offset)

    def words(self, file: str, start: int, end: int) -> Sequence[Word]:
        """Words and comments in a part of a file."""
        return outline.words(self.names, file, start, end)

    def folds(self, file: str) -> Sequence[tuple[int, int, Kind]]:
        """Parts of a file that can be folded."""
        return outline.folds(self.names, file)

    def links(self, file: str) -> Sequence[tuple[Span, str]]:
        """Words that name files, and these."""
        return [
            (Span(file, token.offset + 1, token.offset + len(token.text)), included)
            for token, included in self.reading.includes
            if token.source.key == file
        ]


def _found(found: Found) -> Finding:
    """What a rule has found."""
    token = found.token
    level = Level.FAINT if found.rule == "unreachable" else Level.WARNING
    steps = tuple(
        Step(_span(step.token), f"`{step.token.text}` {step.what}") for step in found.steps
    )
    return Finding(_span(token), level, found.rule, found.message, found.hint, steps)


def _span(token: Token) -> Span:
    return Span(token.source.key, token.offset, token.offset + len(token.text))


def _word_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end] > " ":
        end += 1
    return end
