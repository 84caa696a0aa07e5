"""The language server: requests of an editor in, answers out.

Each request is a method of `Answers`, registered with pygls by the table at the end of the file.
All of them wait for the analysis of the texts as they are, so an answer is never about an older
text; a request that the editor cancels is dropped while it waits.

A message that is no message is answered by an error and forgotten: text that is not JSON, a
request that misses what it needs or comes too early, a length that nobody would send. Texts are
synchronised whole: a keystroke costs a few hundred microseconds more so, and nobody has to agree
with the editor on what a line is.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import FeatureRequestError, JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.uris import from_fs_path, to_fs_path

from jitvm.engine.host.signals import ENDING
from jitvm.lsp import shapes
from jitvm.lsp.desk import Desk
from jitvm.lsp.positions import Lines
from jitvm.platform import SourceError
from jitvm.platform.language import Analysis, Completion, Language, LanguageError, Span
from jitvm.version import __version__

MOST_BYTES = 64 << 20
"""Bytes of the longest message that is read; a longer one is skipped."""
_LONGEST_LINE = 1 << 16
_LENGTH = re.compile(rb"Content-Length:[ \t]*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_NOT_INITIALIZED = -32002


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
        answers.server.start_io(_Heads(source), stdout)  # type: ignore[arg-type]
    finally:
        if answers.desk is not None:
            answers.desk.close()
    return answers.was_shut_down


class _Heads(io.RawIOBase):
    """A stream of messages in which a bad head costs no more than its own message.

    Where a head has no length that makes sense, what follows is looked through for the next one.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readline(self, size: int | None = -1, /) -> bytes:
        """A line of a head, as pygls wants it: blank, with a length, or with anything else."""
        del size
        line = self._stream.readline(_LONGEST_LINE)
        found = _LENGTH.search(line)
        if found is not None and int(found[1]) <= MOST_BYTES:
            return b"Content-Length: %d\r\n" % int(found[1])
        return line if not line.strip() else b"Other: head\r\n"

    def read(self, size: int = -1, /) -> bytes:
        """A message."""
        return self._stream.read(size)


class _Protocol(LanguageServerProtocol):
    """pygls's protocol, which answers bad requests as well."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Make a message of what was read.

        Raises:
            JsonRpcException: it is none; if it is a request, it was answered.
        """
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._refuse(data["id"], error.to_response_error())
                error.args = ("answered",)
            raise

    def handle_message(self, message: Any) -> None:
        """Handle a message, or say why it is not handled."""
        number, method = getattr(message, "id", None), getattr(message, "method", None)
        if number is not None and method is not None:
            if self._shutdown:
                self._refuse(number, lsp.ResponseError(_INVALID_REQUEST, "the server is shut down"))
                return
            if self._workspace is None and method != lsp.INITIALIZE:
                self._refuse(number, lsp.ResponseError(_NOT_INITIALIZED, "initialize comes first"))
                return
            if self._workspace is not None and method == lsp.INITIALIZE:
                self._refuse(number, lsp.ResponseError(_INVALID_REQUEST, "it is initialized"))
                return
        super().handle_message(message)

    def refuse_unknown(self, code: int, message: str) -> None:
        """Answer what has no number, or one that cannot be read."""
        error = {"code": code, "message": message}
        self._send_data({"jsonrpc": self.VERSION, "id": None, "error": error})

    def _refuse(self, number: Any, error: lsp.ResponseError) -> None:
        self._send_response(number, None, error)


class _Server(LanguageServer):
    """pygls's server, which tells of errors without opening windows in the editor."""

    protocol: _Protocol

    def shutdown(self) -> None:
        """End; at once after a signal, as the thread that waits for messages cannot be told."""
        if ENDING.number:
            os._exit(128 + ENDING.number)
        super().shutdown()  # type: ignore[no-untyped-call]

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Answer what is no message; log the rest."""
        if source is JsonRpcException and error.args != ("answered",):
            is_text = isinstance(error, (ValueError, RecursionError))
            code = _PARSE_ERROR if is_text else _INVALID_REQUEST
            self.protocol.refuse_unknown(code, f"this is no message: {type(error).__name__}")
        elif source is not FeatureRequestError and error.args != ("answered",):
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, str(error)))


class Answers:
    """Everything that an editor can ask.

    Attributes:
        server: pygls's.
        desk: texts and analyses; None before the editor has introduced itself.
        was_shut_down: whether it has said goodbye.
    """

    def __init__(self, languages: Sequence[Language]) -> None:
        self.languages = languages
        self.server = _Server(
            "jitvm",
            __version__,
            text_document_sync_kind=lsp.TextDocumentSyncKind.Full,
            protocol_cls=_Protocol,
        )
        self.desk: Desk | None = None
        self.was_shut_down = False
        self._uris: dict[str, str] = {}
        self._versions: dict[str, int | None] = {}
        self._told: dict[str, dict[str, list[lsp.Diagnostic]]] = {}
        self._published: dict[str, list[lsp.Diagnostic]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._completions: list[Completion] = []
        for name, handler, options in self._table():
            self.server.feature(name, options)(partial(handler))  # pygls marks what it is given

    # -- the session -------------------------------------------------------------------------

    def initialize(self, params: lsp.InitializeParams) -> None:
        """The editor introduces itself."""
        folders = [each.uri for each in params.workspace_folders or ()]
        if not folders and params.root_uri:
            folders = [params.root_uri]
        given = params.initialization_options
        encoding = self.server.workspace.position_encoding
        self.desk = Desk(
            self.languages,
            [path for uri in folders if (path := self._path(uri)) != uri],
            _options(given if isinstance(given, dict) else vars(given) if given else {}),
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
        self._publish(touched)

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
