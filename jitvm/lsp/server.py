"""The language server: requests of an editor in, answers out.

Each request is a method of `Answers`, registered with pygls by the table at the end of the file.
All of them wait for the analysis of the texts as they are, so an answer is never about an older
text; a request that the editor cancels is dropped while it waits.

Texts are
synchronised whole: a keystroke costs a few hundred microseconds more so, and nobody has to agree
with the editor on what a line is.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.uris import from_fs_path, to_fs_path

from jitvm.engine.tables.names import shown
from jitvm.lsp import shapes
from jitvm.lsp.desk import Desk
from jitvm.lsp.messages import Heads, Protocol, Server
from jitvm.lsp.positions import Lines
from jitvm.platform import SourceError
from jitvm.platform.language import Analysis, Completion, Edit, Language, LanguageError, Span
from jitvm.version import __version__


def serve(
    languages: Sequence[Language],
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
) -> bool:
    """Serve an editor until it says so, or goes away; return whether it said goodbye properly.

    Args:
        languages: of the sources there may be.
        stdin, stdout: where messages come from and go to; None for those of the process.
    """
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)  # the editor is told
    answers = Answers(languages)
    source = stdin if stdin is not None else sys.stdin.buffer
    try:
        answers.server.start_io(Heads(source), stdout)  # type: ignore[arg-type]
    finally:
        if answers.desk is not None:
            answers.desk.close()
    return answers.was_shut_down


class Answers:
    """Everything that an editor can ask.

    Attributes:
        server: pygls's.
        desk: texts and analyses; None before the editor has introduced itself.
        was_shut_down: whether it has said goodbye.
    """

    def __init__(self, languages: Sequence[Language]) -> None:
        self.languages = languages
        self.server = Server(
            "jitvm",
            __version__,
            text_document_sync_kind=lsp.TextDocumentSyncKind.Full,
            protocol_cls=Protocol,
        )
        self.desk: Desk | None = None
        self.was_shut_down = False
        self._uris: dict[str, str] = {}
        self._versions: dict[str, int | None] = {}
        self._told: dict[str, dict[str, list[lsp.Diagnostic]]] = {}
        self._published: dict[str, list[lsp.Diagnostic]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._completions: list[Completion] = []
        self._hints: list[str] | None = None
        for name, handler, options in self._table():
            self.server.feature(name, options)(partial(handler))  # pygls marks what it is given

    # -- the session -------------------------------------------------------------------------

    def initialize(self, params: lsp.InitializeParams) -> None:
        """The editor introduces itself."""
        folders = [each.uri for each in params.workspace_folders or ()]
        if not folders and params.root_uri:
            folders = [params.root_uri]
        given = params.initialization_options
        given = given if isinstance(given, dict) else vars(given) if given else {}
        hints = given.get("inlayHints")
        if isinstance(hints, (list, tuple)):
            self._hints = [each for each in hints if isinstance(each, str)]
        encoding = self.server.workspace.position_encoding
        self.desk = Desk(
            self.languages,
            [path for uri in folders if (path := self._path(uri)) != uri],
            _options(given),
            str(getattr(encoding, "value", encoding)),
        )

    def initialized(self, _: lsp.InitializedParams) -> None:
        """It is ready: ask it to tell of files that change on disk."""
        workspace = self.server.client_capabilities.workspace
        watched = None if workspace is None else workspace.did_change_watched_files
        if watched is None or not watched.dynamic_registration:
            return
        globs = [f"**/*{suffix}" for each in self.languages for suffix in each.suffixes]
        watchers = [lsp.FileSystemWatcher(glob) for glob in globs]
        self.server.client_register_capability(
            lsp.RegistrationParams([
                lsp.Registration(
                    "sources",
                    lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                    lsp.DidChangeWatchedFilesRegistrationOptions(watchers),
                )
            ])
        )  # fmt: skip

    def shutdown(self, _: Any) -> None:
        """It says goodbye."""
        self.was_shut_down = True
        for task in self._tasks.values():
            task.cancel()

    def folders_changed(self, _: lsp.DidChangeWorkspaceFoldersParams) -> None:
        """Folders were added or removed."""
        uris = [each.uri for each in self.server.workspace.folders.values()]
        self._desk.set_folders([path for uri in uris if (path := self._path(uri)) != uri])
        self._check_all()

    # -- texts -------------------------------------------------------------------------------

    def did_open(self, params: lsp.DidOpenTextDocumentParams) -> None:
        """A file is open."""
        document = params.text_document
        file = self._path(document.uri)
        self._uris[file] = document.uri
        self._put(file, document.text, document.version)

    def did_change(self, params: lsp.DidChangeTextDocumentParams) -> None:
        """A file was changed."""
        uri = params.text_document.uri
        text = self.server.workspace.get_text_document(uri).source
        self._put(self._path(uri), text, params.text_document.version)

    def did_close(self, params: lsp.DidCloseTextDocumentParams) -> None:
        """A file was closed."""
        file = self._path(params.text_document.uri)
        self._desk.drop(file)
        self._versions.pop(file, None)
        self._cancel(file)
        for told in self._told.values():
            told.pop(file, None)
        self._publish([file])
        self._uris.pop(file, None)
        self._check_all()

    def files_changed(self, _: lsp.DidChangeWatchedFilesParams) -> None:
        """Files on disk were changed."""
        self._desk.forget()
        self._check_all()

    def _put(self, file: str, text: str, version: int | None) -> None:
        self._versions[file] = version
        self._desk.put(file, text.removeprefix("\ufeff"))
        self._check(file)

    # -- diagnostics -------------------------------------------------------------------------

    def _check_all(self) -> None:
        for file in self._desk.texts:
            self._check(file)

    def _check(self, file: str) -> None:
        """Look at a file anew; what was being found out about an older text of it is dropped."""
        self._cancel(file)
        task = asyncio.get_running_loop().create_task(self._find(file))
        self._tasks[file] = task
        task.add_done_callback(lambda done: self._done(file, done))

    def _cancel(self, file: str) -> None:
        if (task := self._tasks.pop(file, None)) is not None:
            task.cancel()

    def _done(self, file: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(file) is task:
            del self._tasks[file]
        if not task.cancelled() and (error := task.exception()) is not None:
            with suppress(OSError):  # the editor has gone
                self.server.report_server_error(Exception(f"{file}: {error!r}"), None)

    async def _find(self, file: str) -> None:
        """Find what there is to tell about the programs that a file is part of."""
        touched: dict[str, None] = {file: None}
        versions = dict(self._versions)
        programs = await self._desk.of_file(file)
        for main in [main for main, told in self._told.items() if file in told]:
            if main not in [program.main for program in programs]:
                touched |= dict.fromkeys(self._told.pop(main))
        for program in programs:
            findings = await self._desk.findings(program)
            told: dict[str, list[lsp.Diagnostic]] = {each: [] for each in program.files}
            where = self._where(program)
            source = self._desk.language(program.main).name
            for finding in findings:
                found = shapes.diagnostic(finding, where, source)
                told.setdefault(finding.span.file, []).append(found)
            touched |= dict.fromkeys(self._told.get(program.main, ()))
            self._told[program.main] = told
            touched |= dict.fromkeys(told)
        # What has become of other files meanwhile is looked at for them.
        self._publish([
            each for each in touched if self._versions.get(each) == versions.get(each)
        ])  # fmt: skip

    def _publish(self, files: Iterable[str]) -> None:
        """Send what there is to tell about files, if it is not what was sent last."""
        for file in files:
            found: list[lsp.Diagnostic] = []
            for told in self._told.values():
                found += [each for each in told.get(file, ()) if each not in found]
            is_open = file in self._versions
            if found == self._published.get(file, []) and not is_open:
                continue
            self._published[file] = found
            self.server.text_document_publish_diagnostics(
                lsp.PublishDiagnosticsParams(self._uri(file), found, self._versions.get(file))
            )

    async def actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        """What can be done about errors and warnings."""
        if (found := await self._file(params)) is None:
            return []
        program, file, lines = found
        wanted = params.context.only
        start = lines.offset(params.range.start.line, params.range.start.character)
        end = lines.offset(params.range.end.line, params.range.end.character)
        told: list[lsp.CodeAction] = []
        if _is_wanted(lsp.CodeActionKind.QuickFix, wanted):
            where, source = self._where(program), self._desk.language(file).name
            for finding, fixes in await self._desk.run(lambda: program.fixes(file, start, end)):
                diagnostic = shapes.diagnostic(finding, where, source)
                for fix in fixes:
                    changes = self._changes(program, fix.edits)
                    told.append(shapes.action(fix, changes, diagnostic, len(fixes) == 1))
        if wanted is not None and _is_wanted(lsp.CodeActionKind.SourceFixAll, wanted):
            end = len(lines.text)
            every = await self._desk.run(lambda: program.fixes(file, 0, end, only_safe=True))
            edits = dict.fromkeys(edit for _, fixes in every for fix in fixes for edit in fix.edits)
            if changes := self._changes(program, edits):
                told.append(
                    lsp.CodeAction(
                        title="Fix what is certain",
                        kind=lsp.CodeActionKind.SourceFixAll,
                        edit=lsp.WorkspaceEdit(changes=changes),
                    )
                )
        return told

    async def hints(self, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        """What to show between the words."""
        if (found := await self._file(params)) is None:
            return []
        program, file, lines = found
        start = lines.offset(params.range.start.line, params.range.start.character)
        end = lines.offset(params.range.end.line, params.range.end.character)
        told = await self._desk.run(lambda: program.hints(file, start, end, self._hints))
        return [
            lsp.InlayHint(
                position=shapes.position(lines, each.offset),
                label=shown(each.text),
                padding_left=True,
            )
            for each in told
        ]

    # -- names -------------------------------------------------------------------------------

    async def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        """What a word means."""
        if (at := await self._at(params)) is None:
            return None
        program, file, offset = at
        found = await self._desk.run(lambda: program.hover(file, offset))
        if found is None:
            return None
        content = lsp.MarkupContent(lsp.MarkupKind.Markdown, found[1])
        return lsp.Hover(content, self._where(program)(found[0]).range)

    async def definition(self, params: lsp.DefinitionParams) -> list[lsp.Location]:
        """Where a name is defined."""
        if (at := await self._at(params)) is None:
            return []
        program, file, offset = at
        found = await self._desk.run(lambda: program.definition(file, offset))
        return [self._where(program)(span) for span in found]

    async def references(self, params: lsp.ReferenceParams) -> list[lsp.Location]:
        """All that names what a word names, in all programs that the file is part of."""
        wanted = params.context.include_declaration
        found: dict[Span, lsp.Location] = {}
        file = self._path(params.text_document.uri)
        for program in await self._desk.of_file(file):
            offset = self._offset(program, file, params.position)
            look = partial(program.references, file, offset, definition=wanted)
            where = self._where(program)
            found |= {span: where(span) for span in await self._desk.run(look)}
        return [found[span] for span in sorted(found, key=lambda span: (span.file, span.start))]

    async def highlights(self, params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight]:
        """The same word elsewhere in a file."""
        if (at := await self._at(params)) is None:
            return []
        program, file, offset = at
        found = await self._desk.run(lambda: program.references(file, offset))
        where = self._where(program)
        return [lsp.DocumentHighlight(where(span).range) for span in found if span.file == file]

    async def prepare_rename(
        self, params: lsp.PrepareRenameParams
    ) -> lsp.PrepareRenamePlaceholder | None:
        """The part of a name that would be renamed."""
        if (at := await self._at(params)) is None:
            return None
        program, file, offset = at
        with _refusals():
            span = await self._desk.run(lambda: program.renamed_part(file, offset))
        text = program.text(file)[span.start : span.end]
        return lsp.PrepareRenamePlaceholder(self._where(program)(span).range, text)

    async def rename(self, params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        """Give a name another one, in all programs that the file is part of."""
        file = self._path(params.text_document.uri)
        edits: dict[Span, lsp.TextEdit] = {}
        uris: dict[str, list[lsp.TextEdit]] = {}
        for program in await self._desk.of_file(file):
            offset = self._offset(program, file, params.position)
            with _refusals():
                found = await self._desk.run(partial(program.rename, file, offset, params.new_name))
            where = self._where(program)
            for edit in found:
                if edit.span not in edits:
                    edits[edit.span] = lsp.TextEdit(where(edit.span).range, edit.text)
                    uris.setdefault(self._uri(edit.span.file), []).append(edits[edit.span])
        return lsp.WorkspaceEdit(changes=uris) if uris else None

    async def document_symbols(self, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        """Names that a file defines."""
        if (found := await self._file(params)) is None:
            return []
        program, file, lines = found
        symbols = await self._desk.run(lambda: program.symbols(file))
        return [shapes.symbol(lines, each) for each in symbols]

    async def workspace_symbols(
        self, params: lsp.WorkspaceSymbolParams
    ) -> list[lsp.WorkspaceSymbol]:
        """Names anywhere."""
        found: dict[tuple[str, str], lsp.WorkspaceSymbol] = {}
        for program in await self._desk.everything():
            where = self._where(program)
            for file in program.files:
                symbols = await self._desk.run(partial(program.symbols, file))
                for each in shapes.workspace_symbols(symbols, where, params.query):
                    found[file, str(each.location) + each.name] = each
        return list(found.values())

    # -- completion --------------------------------------------------------------------------

    async def completion(self, params: lsp.CompletionParams) -> lsp.CompletionList | None:
        """Words that may be meant."""
        if (at := await self._at(params)) is None:
            return None
        program, file, offset = at
        span, found = await self._desk.run(lambda: program.completions(file, offset))
        self._completions = list(found)
        range_ = self._where(program)(span).range
        items = [shapes.completion(each, range_, at) for at, each in enumerate(found)]
        # Modes of opcodes are offered when their letters are there.
        return lsp.CompletionList(is_incomplete=True, items=items)

    def resolve(self, item: lsp.CompletionItem) -> lsp.CompletionItem:
        """More about one of the words that were offered last."""
        number = item.data
        if isinstance(number, int) and 0 <= number < len(self._completions):
            found = self._completions[number]
            if found.about is not None and found.text == item.filter_text:
                content = lsp.MarkupContent(lsp.MarkupKind.Markdown, found.about())
                item.documentation = content
        return item

    # -- the shape of a file -----------------------------------------------------------------

    async def tokens(self, params: lsp.SemanticTokensParams) -> lsp.SemanticTokens | None:
        """Colours of a file."""
        if (found := await self._file(params)) is None:
            return None
        program, file, lines = found
        words = await self._desk.run(lambda: program.words(file, 0, len(lines.text)))
        return lsp.SemanticTokens(shapes.semantic_tokens(lines, words))

    async def tokens_of_range(
        self, params: lsp.SemanticTokensRangeParams
    ) -> lsp.SemanticTokens | None:
        """Colours of a part of a file."""
        if (found := await self._file(params)) is None:
            return None
        program, file, lines = found
        start, end = lines.start(params.range.start.line), lines.start(params.range.end.line + 1)
        words = await self._desk.run(lambda: program.words(file, start, end))
        return lsp.SemanticTokens(shapes.semantic_tokens(lines, words))

    async def folds(self, params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange]:
        """Parts of a file that can be folded."""
        if (found := await self._file(params)) is None:
            return []
        program, file, lines = found
        folds = []
        for start, end, kind in await self._desk.run(lambda: program.folds(file)):
            what = lsp.FoldingRangeKind.Comment if kind == "comment" else None
            first, last = lines.place(start)[0], lines.place(end)[0]
            folds.append(lsp.FoldingRange(first, last, kind=what))
        return folds

    async def links(self, params: lsp.DocumentLinkParams) -> list[lsp.DocumentLink]:
        """Words that name files."""
        if (found := await self._file(params)) is None:
            return []
        program, file, _ = found
        where = self._where(program)
        links = await self._desk.run(lambda: program.links(file))
        return [lsp.DocumentLink(where(span).range, self._uri(to)) for span, to in links]

    # -- formatting --------------------------------------------------------------------------

    async def formatting(self, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
        """Format a file, as ``jitvm fmt`` does."""
        return await self._formatted(params, None)

    async def range_formatting(
        self, params: lsp.DocumentRangeFormattingParams
    ) -> list[lsp.TextEdit]:
        """Format lines of a file."""
        return await self._formatted(params, params.range)

    async def _formatted(self, params: Any, part: lsp.Range | None) -> list[lsp.TextEdit]:
        file = self._path(params.text_document.uri)
        text = self._desk.texts.get(file)
        if text is None:
            return []
        lines, language = self._desk.lines(file, text), self._desk.language(file)
        try:
            after = await self._desk.run(lambda: language.formatted(text, file))
        except (SourceError, LanguageError) as error:
            message = str(error).splitlines()[0]
            self.server.window_log_message(lsp.LogMessageParams(lsp.MessageType.Info, message))
            return []
        first, last = (0, lines.count) if part is None else (part.start.line, part.end.line)
        return shapes.line_edits(lines, after, first, last)

    # -- places ------------------------------------------------------------------------------

    @property
    def _desk(self) -> Desk:
        assert self.desk is not None, "requests come after `initialize`"
        return self.desk

    @staticmethod
    def _path(uri: str) -> str:
        """The name of a file: its path without links; what is no file goes by its address."""
        path = to_fs_path(uri) if uri.startswith("file:") else None
        return os.path.realpath(path) if path and "\0" not in path else uri

    def _uri(self, file: str) -> str:
        """The address of a file, as the editor calls it."""
        uri = self._uris.get(file)
        return uri or from_fs_path(file) or file

    def _changes(self, program: Analysis, edits: Iterable[Edit]) -> dict[str, list[lsp.TextEdit]]:
        """Edits by the addresses of their files."""
        where = self._where(program)
        changes: dict[str, list[lsp.TextEdit]] = {}
        for edit in edits:
            found = lsp.TextEdit(where(edit.span).range, edit.text)
            changes.setdefault(self._uri(edit.span.file), []).append(found)
        return changes

    def _lines(self, program: Analysis, file: str) -> Lines:
        return self._desk.lines(file, program.text(file) if file in program.files else "")

    def _where(self, program: Analysis) -> shapes.Where:
        """Makes locations of the spans of a program."""

        def where(span: Span) -> lsp.Location:
            lines = self._lines(program, span.file)
            return lsp.Location(self._uri(span.file), shapes.range_of(lines, span.start, span.end))

        return where

    def _offset(self, program: Analysis, file: str, at: lsp.Position) -> int:
        return self._lines(program, file).offset(at.line, at.character)

    async def _file(self, params: Any) -> tuple[Analysis, str, Lines] | None:
        """The program that the file of a request is part of."""
        file = self._path(params.text_document.uri)
        programs = await self._desk.of_file(file)
        if not programs:
            return None
        return programs[0], file, self._lines(programs[0], file)

    async def _at(self, params: Any) -> tuple[Analysis, str, int] | None:
        """The same, and the offset that a request is about."""
        found = await self._file(params)
        if found is None:
            return None
        program, file, lines = found
        return program, file, lines.offset(params.position.line, params.position.character)

    # -- the table ---------------------------------------------------------------------------

    def _table(self) -> tuple[tuple[str, Callable[..., Any], Any], ...]:
        """Requests, who answers them, and what the editor is told about it."""
        triggers = sorted(set("".join(each.triggers for each in self.languages)))
        return (
            (lsp.INITIALIZE, self.initialize, None),
            (lsp.INITIALIZED, self.initialized, None),
            (lsp.SHUTDOWN, self.shutdown, None),
            (lsp.TEXT_DOCUMENT_DID_OPEN, self.did_open, None),
            (lsp.TEXT_DOCUMENT_DID_CHANGE, self.did_change, None),
            (lsp.TEXT_DOCUMENT_DID_CLOSE, self.did_close, None),
            (lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, self.files_changed, None),
            (lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, self.folders_changed, None),
            (
                lsp.TEXT_DOCUMENT_CODE_ACTION,
                self.actions,
                lsp.CodeActionOptions(
                    code_action_kinds=[
                        lsp.CodeActionKind.QuickFix,
                        lsp.CodeActionKind.SourceFixAll,
                    ]
                ),
            ),
            (lsp.TEXT_DOCUMENT_INLAY_HINT, self.hints, None),
            (lsp.TEXT_DOCUMENT_HOVER, self.hover, None),
            (lsp.TEXT_DOCUMENT_DEFINITION, self.definition, None),
            (lsp.TEXT_DOCUMENT_REFERENCES, self.references, None),
            (lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, self.highlights, None),
            (lsp.TEXT_DOCUMENT_PREPARE_RENAME, self.prepare_rename, None),
            (lsp.TEXT_DOCUMENT_RENAME, self.rename, lsp.RenameOptions(prepare_provider=True)),
            (lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL, self.document_symbols, None),
            (lsp.WORKSPACE_SYMBOL, self.workspace_symbols, None),
            (
                lsp.TEXT_DOCUMENT_COMPLETION,
                self.completion,
                lsp.CompletionOptions(trigger_characters=triggers, resolve_provider=True),
            ),
            (lsp.COMPLETION_ITEM_RESOLVE, self.resolve, None),
            (lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, self.tokens, shapes.LEGEND),
            (lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, self.tokens_of_range, shapes.LEGEND),
            (lsp.TEXT_DOCUMENT_FOLDING_RANGE, self.folds, None),
            (lsp.TEXT_DOCUMENT_DOCUMENT_LINK, self.links, None),
            (lsp.TEXT_DOCUMENT_FORMATTING, self.formatting, None),
            (lsp.TEXT_DOCUMENT_RANGE_FORMATTING, self.range_formatting, None),
        )


def _is_wanted(kind: str, wanted: Sequence[str] | None) -> bool:
    """Whether an editor asks for a kind of actions: all, this one, or one that it is part of."""
    return wanted is None or any(kind == each or kind.startswith(f"{each}.") for each in wanted)


class _refusals:
    """What cannot be done is an error of the request, with the reason."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: object, __: object) -> None:
        if isinstance(error, LanguageError):
            raise JsonRpcInvalidParams(str(error)) from error


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options for reading, of those that an editor sends."""
    found: dict[str, Any] = {}
    if isinstance(given.get("legacy"), bool):
        found["legacy"] = given["legacy"]
    if isinstance(given.get("includeRoot"), str):
        found["include_root"] = given["includeRoot"]
    return found
