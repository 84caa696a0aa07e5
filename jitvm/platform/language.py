"""A guest's language, as an editor needs it.

    Language     formats sources; reads a project into an          the guest's
    Analysis     answers to all that an editor asks                the guest's
    Span ...     what it answers with                              this file

Files are named by their paths without links, what has none by its name; places in them are offsets
in characters of their text, as `Analysis.text` returns it. Lines and columns are the affair of
whoever shows them. See `jitvm.lsp` for the server on top of this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from jitvm.engine.tables.struct import Struct


class LanguageError(Exception):
    """Something that cannot be done, such as a rename; the message says why."""


class Cancelled(Exception):
    """Nobody wants to know any more: `read` was told to stop."""


class Span(Struct, frozen=True):
    """A piece of a file, from an offset up to but without another."""

    file: str
    start: int
    end: int


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    WARNING = "warning"
    FAINT = "faint"
    """What is shown by fading the word."""


class Step(Struct, frozen=True):
    """One word on the way to a finding."""

    span: Span
    text: str


class Finding(Struct, frozen=True):
    """Something to tell about a word.

    Attributes:
        span: the word.
        level: how bad it is.
        rule: a name for it, of `Language.rules` or of an error.
        message: what.
        hint: what to do; may be empty.
        steps: how it comes about.
    """

    span: Span
    level: Level
    rule: str
    message: str
    hint: str = ""
    steps: tuple[Step, ...] = ()


class Kind(StrEnum):
    """What a name stands for, or what a word is."""

    ROUTINE = "routine"
    LABEL = "label"
    VARIABLE = "variable"
    PORT = "port"
    MACRO = "macro"
    OPCODE = "opcode"
    NUMBER = "number"
    STRING = "string"
    COMMENT = "comment"
    FILE = "file"
    OPERATOR = "operator"


class Symbol(Struct, frozen=True):
    """A name that a file defines.

    Attributes:
        name: as it is written, without what marks it as a definition.
        full: its full name.
        kind: what it stands for.
        detail: a few words about it.
        span: all that belongs to it.
        word: the word that defines it.
        inner: names in its scope.
    """

    name: str
    full: str
    kind: Kind
    detail: str
    span: Span
    word: Span
    inner: tuple[Symbol, ...] = ()


class Completion(Struct, frozen=True):
    """A word that may be meant.

    Attributes:
        text: what takes the place of the word at hand.
        kind: what it stands for.
        detail: a few words about it.
        about: makes Markdown of it, when somebody looks.
    """

    text: str
    kind: Kind
    detail: str
    about: Callable[[], str] | None = None


class Word(Struct, frozen=True):
    """A word of a file, or a part of one, to be coloured."""

    start: int
    end: int
    kind: Kind
    defines: bool = False


class Edit(Struct, frozen=True):
    """A span, and what takes its place."""

    span: Span
    text: str


class Fix(Struct, frozen=True):
    """Something to do about a finding.

    Attributes:
        title: what, for people.
        edits: how.
        is_safe: whether there is nothing else that can be meant.
    """

    title: str
    edits: tuple[Edit, ...]
    is_safe: bool = False


class Hint(Struct, frozen=True):
    """A few words that are shown behind a place, without their being in the text."""

    offset: int
    text: str


class Analysis(Protocol):
    """A project that was read."""

    @property
    def main(self) -> str:
        """The file it begins with."""

    @property
    def files(self) -> Sequence[str]:
        """Every file, the main one first."""

    def text(self, file: str) -> str:
        """The text of a file."""

    def findings(self, *, rules: bool = True) -> Sequence[Finding]:
        """All errors; without any, warnings and, if asked for, what the rules find."""

    def fixes(
        self, file: str, start: int, end: int, *, only_safe: bool = False
    ) -> Sequence[tuple[Finding, Sequence[Fix]]]:
        """Findings in a part of a file about which something can be done, and what."""

    def hints(
        self, file: str, start: int, end: int, kinds: Collection[str] | None = None
    ) -> Sequence[Hint]:
        """What is worth showing between the words in a part of a file.

        Args:
            file, start, end: the part.
            kinds: of `Language.hints`; None for those that are not too much.
        """

    def hover(self, file: str, offset: int) -> tuple[Span, str] | None:
        """The word at a place, and Markdown about it."""

    def definition(self, file: str, offset: int) -> Sequence[Span]:
        """Where what is at a place is defined."""

    def references(self, file: str, offset: int, *, definition: bool = True) -> Sequence[Span]:
        """All that names what the word at a place names; of each the part that is the name."""

    def renamed_part(self, file: str, offset: int) -> Span:
        """The name, or the part of one, that a place is in.

        Raises:
            LanguageError: there is none.
        """

    def rename(self, file: str, offset: int, name: str) -> Sequence[Edit]:
        """Give that another name.

        Raises:
            LanguageError: it is not a name or is taken, or the program would change.
        """

    def symbols(self, file: str) -> Sequence[Symbol]:
        """Names that a file defines."""

    def completions(self, file: str, offset: int) -> tuple[Span, Sequence[Completion]]:
        """The word up to a place, and what may be meant by it."""

    def words(self, file: str, start: int, end: int) -> Sequence[Word]:
        """Words and comments in a part of a file, in order."""

    def folds(self, file: str) -> Sequence[tuple[int, int, Kind]]:
        """Parts of a file that can be folded: from the line of one place to that of another."""

    def links(self, file: str) -> Sequence[tuple[Span, str]]:
        """Words that name files, and these."""


class Workspace(Protocol):
    """The folders that an editor works in."""

    def mains(self, file: str, texts: Mapping[str, str]) -> Sequence[str]:
        """The sources that begin the programs which a file is part of; itself if there is none.

        Args:
            file: one of its files.
            texts: contents that are newer than those on disk, by path.
        """

    def sources(self, texts: Mapping[str, str]) -> Sequence[str]:
        """All sources in the folders, up to a limit."""

    def is_moved(self, before: str, after: str) -> bool:
        """Whether a change of a file's text may change what `mains` answers."""


class Language(Protocol):
    """The language of a guest's sources.

    Attributes:
        name: in lower case, as editors call it.
        suffixes: of sources, with their dots.
        rules: names of findings that are no errors, with a line of help each.
        hints: kinds of hints, with a line of help each.
        triggers: characters after which completions are worth a look.
    """

    name: str
    suffixes: tuple[str, ...]
    rules: Mapping[str, str]
    hints: Mapping[str, str]
    triggers: str

    def formatted(self, text: str, name: str) -> str:
        """A source, formatted; what it assembles to stays the same.

        Raises:
            SourceError: it cannot be told what is a comment.
            LanguageError: the words would not be the same as before.
        """

    def read(
        self,
        path: str,
        *,
        texts: Mapping[str, str],
        folder: str,
        stop: Sequence[object] = (),
        **options: Any,
    ) -> Analysis:
        """Read a project.

        Args:
            path: the source it begins with; it need not exist if `texts` has it.
            texts: contents that are newer than those on disk, by path without links.
            folder: where includes are looked for as well: the workspace, or the current folder.
            stop: no longer empty when nobody wants the result.
            options: some of `Platform.loading`.

        Raises:
            SourceError: the file cannot be read.
            Cancelled: `stop` was no longer empty.
        """

    def workspace(self, folders: Sequence[str]) -> Workspace:
        """Folders to look for sources in."""
