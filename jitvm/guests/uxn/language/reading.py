"""Reads a project as the assembler does, and keeps what happened on the way.

    main source + what it includes --Tracer--> Reading

A `Tracer` is the assembler's first pass that writes down what it does: which word defines a name,
which mentions one, which bytes a word became, where comments are. So names, scopes, includes and
macros mean here what they mean to the assembler, because it is the assembler. A reading is there
for wrong sources, too, as far as they could be read.

A place is a file's key (`SourceFile.key`) and an offset into its text. A word in the body of a
macro is met once for each use; what comes of it belongs to the place of the word and to the `site`,
the outermost use.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from jitvm.engine.tables.struct import Struct, fresh
from jitvm.guests.uxn.assembler.emit import Emitter
from jitvm.guests.uxn.assembler.errors import AssemblyError, Diagnostic, Problem
from jitvm.guests.uxn.assembler.includes import IncludeError, Includes
from jitvm.guests.uxn.assembler.labels import FIRST_SCOPE, Label
from jitvm.guests.uxn.assembler.limits import MAX_ERRORS
from jitvm.guests.uxn.assembler.log import Log
from jitvm.guests.uxn.assembler.macros import Macro
from jitvm.guests.uxn.assembler.resolve import Resolver
from jitvm.guests.uxn.assembler.source import SourceFile, Token, words
from jitvm.platform.language import Cancelled


class Definition:
    """A word that defines a label or a macro.

    Attributes:
        full: its full name.
        token: the word, with its rune.
        address: of a label; None of a macro.
        body: of a macro.
    """

    __slots__ = ("address", "body", "full", "token")

    def __init__(
        self, full: str, token: Token, address: int | None, body: tuple[Token, ...] = ()
    ) -> None:
        self.full = full
        self.token = token
        self.address = address
        self.body = body


class Mention:
    """A word that names a label or a macro, which it expands; in a macro used at `site`."""

    __slots__ = ("full", "is_macro", "site", "token")

    def __init__(self, full: str, token: Token, site: Token | None, is_macro: bool = False) -> None:
        self.full = full
        self.token = token
        self.site = site
        self.is_macro = is_macro


class Lambda(Struct, frozen=True):
    """An anonymous label: the word with its ``{``, that with its ``}``, and the address behind."""

    start: Token
    end: Token
    address: int


Emission = tuple[int, int, Token, Token]
"""Bytes that a word became: address, how many, the word, its site: itself outside of macros."""


class Files:
    """Sources and their words, kept from one reading of a program to the next."""

    def __init__(self) -> None:
        self._sources: dict[str, SourceFile] = {}
        self._words: dict[tuple[SourceFile, bool], Words] = {}

    def same(self, source: SourceFile) -> SourceFile:
        """The source as it was read before, if it is still the same; else itself."""
        known = self._sources.get(source.key)
        is_same = known is not None and (
            (known.text, known.name, known.folder) == (source.text, source.name, source.folder)
        )
        if known is not None and is_same:
            return known
        self._sources[source.key] = source
        return source

    def words(self, source: SourceFile, legacy: bool) -> Words | None:
        """Words of a source and its comments, if they are known."""
        return self._words.get((source, legacy))

    def keep(self, source: SourceFile, legacy: bool, found: Words) -> None:
        """Keep the words of a source in which no comment was wrong."""
        self._words[source, legacy] = found

    def drop(self, reading: Reading) -> None:
        """Forget what a reading has not met."""
        met = reading.sources
        self._sources = {key: each for key, each in self._sources.items() if key in met}
        self._words = {
            key: found for key, found in self._words.items() if met.get(key[0].key) is key[0]
        }


Words = tuple[list[Token], list[tuple[int, int]]]
"""Words of a source, and where its comments begin and end."""


class Reading(Struct):
    """A project that was read.

    Attributes:
        main: the source it began with.
        instructions: addresses at which words wrote instructions, not data.
        sources: every file by its key.
        words: of every file, in order; those of a file that is included twice come once.
        comments: of every file: where they begin, and one past their ends.
        definitions, mentions, lambdas, emissions: in the order they were met.
        includes: words that include, and the keys of the files.
        scopes: of every file: the scope from an offset on.
        labels, macros: by full name.
        memory: 64 KiB, with all references that could be resolved.
        end: one past the last byte of the ROM.
        errors, warnings: of the assembler.
    """

    main: SourceFile
    legacy: bool
    instructions: frozenset[int] = frozenset()
    sources: dict[str, SourceFile] = fresh(dict)
    words: dict[str, list[Token]] = fresh(dict)
    comments: dict[str, list[tuple[int, int]]] = fresh(dict)
    definitions: list[Definition] = fresh(list)
    mentions: list[Mention] = fresh(list)
    lambdas: list[Lambda] = fresh(list)
    emissions: list[Emission] = fresh(list)
    includes: list[tuple[Token, str]] = fresh(list)
    scopes: dict[str, list[tuple[int, str]]] = fresh(dict)
    labels: dict[str, Label] = fresh(dict)
    macros: dict[str, Macro] = fresh(dict)
    memory: bytes = b""
    end: int = 0
    errors: list[Diagnostic] = fresh(list)
    warnings: list[Diagnostic] = fresh(list)

    @property
    def rom(self) -> bytes:
        """The program; of use only without errors."""
        return self.memory[0x100 : self.end]

    def scope_at(self, key: str, offset: int) -> str:
        """The scope that a word at a place is in."""
        scopes = self.scopes.get(key, [])
        at = bisect_right(scopes, offset, key=lambda entry: entry[0])
        return scopes[at - 1][1] if at else FIRST_SCOPE

    def comment_at(self, key: str, offset: int) -> tuple[int, int] | None:
        """The comment that a place is in."""
        comments = self.comments.get(key, [])
        at = bisect_right(comments, offset, key=lambda comment: comment[0])
        if at and offset < comments[at - 1][1]:
            return comments[at - 1]
        return None

    def word_at(self, key: str, offset: int) -> Token | None:
        """The word outside of comments that a place is in or just behind."""
        found = self.words.get(key, [])
        at = bisect_right(found, offset, key=lambda token: token.offset)
        if at and offset <= found[at - 1].offset + len(found[at - 1].text):
            return found[at - 1]
        return None

    def comment_behind(self, token: Token) -> str | None:
        """The comment that follows a word before any other word, on its line or the next one."""
        key = token.source.key
        end = token.offset + len(token.text)
        comments = self.comments.get(key, [])
        at = bisect_right(comments, end, key=lambda comment: comment[0])
        if at >= len(comments):
            return None
        start, stop = comments[at]
        between = token.source.text[end:start]
        if between.strip(_BLANKS) or between.count("\n") > 1:
            return None
        return token.source.text[start:stop]

    def comment_above(self, token: Token) -> str | None:
        """The comment that ends on the line above a word, or the one before it on its line."""
        key = token.source.key
        comments = self.comments.get(key, [])
        at = bisect_right(comments, token.offset, key=lambda comment: comment[0])
        if not at:
            return None
        start, stop = comments[at - 1]
        between = token.source.text[stop : token.offset]
        line = token.source.text.rfind("\n", 0, start) + 1
        if between.strip(_BLANKS) or between.count("\n") > 1:
            return None
        # One behind other words of its line belongs to them.
        return (
            None if token.source.text[line:start].strip(_BLANKS) else token.source.text[start:stop]
        )


_BLANKS = "".join(map(chr, range(0x21)))


def read(
    source: SourceFile,
    texts: Mapping[str, str],
    *,
    root: str | None = None,
    here: str = os.curdir,
    legacy: bool = False,
    stop: Sequence[object] = (),
    files: Files | None = None,
    most_errors: int = MAX_ERRORS,
) -> Reading:
    """Read a project.

    Args:
        source: what it begins with.
        texts: contents of files that are newer than those on disk, by path without links.
        root, here, legacy: as for the assembler: the folder of includes, the current one, the
            older dialect.
        stop: no longer empty when nobody wants the result.
        files: of earlier readings of the program.
        most_errors: after which it ends.

    Raises:
        Cancelled: that has happened.
    """
    log = Log(most_errors)
    files = files or Files()
    source = files.same(source)
    reading = Reading(source, legacy)
    includes = _Texts(source.folder, root, here, texts, files)
    tracer = Tracer(includes, log, legacy, reading, stop, files)
    failure: AssemblyError | None = None
    try:
        tracer.run(source)
        image, labels = tracer.image, tracer.labels
        Resolver(image.memory, labels, tracer.macros, legacy, log).resolve(tracer.references)
        if log.errors:
            failure = log.failure()
        elif not image.rom():
            message = f"{Problem.OUTPUT_EMPTY}: the source emits no bytes"
            failure = AssemblyError([_at_start(source, message)])
        else:
            for label in labels.unused(source):
                details = "" if label.name == label.token.text[1:] else f"`{label.name}`"
                log.warn(Problem.UNUSED, label.token, details, "")
    except AssemblyError as error:
        failure = error
    reading.errors = [] if failure is None else list(failure.diagnostics)
    reading.warnings = log.warnings
    reading.labels = tracer.labels.labels
    reading.macros = tracer.macros
    reading.memory = bytes(tracer.image.memory)
    reading.end = tracer.image.end
    reading.instructions = frozenset(tracer.image.instructions)
    files.drop(reading)
    return reading


def _at_start(source: SourceFile, message: str) -> Diagnostic:
    spot = (source.key, 0)
    problem = Problem.OUTPUT_EMPTY
    return Diagnostic(source.name, 1, 1, "", message, "", "", problem, False, spot, spot)


class _Texts(Includes):
    """Includes, of which some are in an editor, and some were read before."""

    def __init__(
        self, top_folder: str, root: str | None, here: str, texts: Mapping[str, str], files: Files
    ) -> None:
        super().__init__(top_folder, root, here)
        self._texts = texts
        self._files = files

    def open(self, name: str, includer: SourceFile) -> SourceFile:
        return self._files.same(super().open(name, includer))

    def read(self, resolved: str, most: int) -> bytes | str:
        text = self._texts.get(resolved)
        if text is None:
            return super().read(resolved, most)
        if len(text) > most:
            raise IncludeError(Problem.LIMIT, "too much source")
        return text


class Tracer(Emitter):
    """The first pass, written down in a `Reading`."""

    def __init__(
        self,
        includes: Includes,
        log: Log,
        legacy: bool,
        reading: Reading,
        stop: Sequence[object],
        files: Files,
    ) -> None:
        super().__init__(includes, log, legacy)
        self._files = files
        self._reading = reading
        self._stop = stop
        self._scope = ""
        self._file: SourceFile | None = None
        self._starts: dict[str, Token] = {}

    def words_of(self, source: SourceFile) -> Iterator[Token]:
        """The words of a file, kept if it is the first time."""
        reading, key = self._reading, source.key
        known = self._files.words(source, self._legacy)
        if key not in reading.sources:
            reading.sources[key] = source
            reading.words[key], reading.comments[key] = known or ([], [])
            reading.scopes[key] = []
        elif known is None:
            return words(source, self._legacy, self._report)
        return self._kept(source) if known is None else iter(known[0])

    def _kept(self, source: SourceFile) -> Iterator[Token]:
        kept, comments = self._reading.words[source.key], self._reading.comments[source.key]
        faults = 0

        def report(problem: Problem, token: Token, details: str, hint: str) -> None:
            nonlocal faults
            faults += 1
            self._report(problem, token, details, hint)

        for token in words(
            source, self._legacy, report, lambda start, end: comments.append((start, end))
        ):
            kept.append(token)
            yield token
        if not faults:
            self._files.keep(source, self._legacy, (kept, comments))

    # -- words -------------------------------------------------------------------------------

    def _word(self, token: Token) -> None:
        if self.labels.scope is not self._scope or token.source is not self._file:
            if self._site is None:
                self._scope, self._file = self.labels.scope, token.source
                self._reading.scopes[token.source.key].append((token.offset, self._scope))
            if self._stop:
                raise Cancelled
        super()._word(token)

    def mention(self, full: str, token: Token) -> None:
        """A word names a label."""
        self._reading.mentions.append(Mention(full, token, self._site))

    def _expand(self, macro: Macro, token: Token) -> None:
        self._reading.mentions.append(Mention(macro.name, token, self._site, is_macro=True))
        super()._expand(macro, token)

    def _define_macro(self, token: Token) -> None:
        super()._define_macro(token)
        macro = self.macros.get(token.text[1:])
        body = macro.body if macro is not None and macro.token is token else ()
        self._reading.definitions.append(Definition(token.text[1:], token, None, body))

    def _define(self, full: str, token: Token) -> None:
        address = self.image.location & 0xFFFF
        start = self._starts.pop(full, None)
        if start is not None:
            self._reading.lambdas.append(Lambda(start, token, address))
        else:
            self._reading.definitions.append(Definition(full, token, address))
        super()._define(full, token)

    def _open_lambda(self, token: Token) -> str:
        name = super()._open_lambda(token)
        self._starts[name] = token
        return name

    def _write(
        self, data: bytes, token: Token, reference: int = 0, *, is_data: bool = False
    ) -> bool:
        start = self.image.location
        written = super()._write(data, token, reference, is_data=is_data)
        if written:
            self._reading.emissions.append((start, len(data), token, self._site or token))
        return written

    def _include(self, token: Token) -> None:
        before = len(self._frames)
        super()._include(token)
        if len(self._frames) > before:
            source = self._frames[-1].source
            assert source is not None
            self._reading.includes.append((token, source.key))
