"""Answers in the protocol's types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lsprotocol import types as lsp

from jitvm.engine.tables.names import shown
from jitvm.lsp.positions import Lines
from jitvm.platform.language import Completion, Finding, Fix, Kind, Level, Span, Symbol, Word

_SEVERITY = {
    Level.ERROR: lsp.DiagnosticSeverity.Error,
    Level.WARNING: lsp.DiagnosticSeverity.Warning,
    Level.FAINT: lsp.DiagnosticSeverity.Hint,
}
_SYMBOLS = {
    Kind.ROUTINE: lsp.SymbolKind.Function,
    Kind.LABEL: lsp.SymbolKind.Method,
    Kind.VARIABLE: lsp.SymbolKind.Variable,
    Kind.PORT: lsp.SymbolKind.Property,
    Kind.MACRO: lsp.SymbolKind.Constant,
}
_COMPLETIONS = {
    Kind.ROUTINE: lsp.CompletionItemKind.Function,
    Kind.LABEL: lsp.CompletionItemKind.Method,
    Kind.VARIABLE: lsp.CompletionItemKind.Variable,
    Kind.PORT: lsp.CompletionItemKind.Property,
    Kind.MACRO: lsp.CompletionItemKind.Snippet,
    Kind.OPCODE: lsp.CompletionItemKind.Keyword,
    Kind.FILE: lsp.CompletionItemKind.File,
}
_TOKENS = {
    Kind.OPCODE: "keyword",
    Kind.NUMBER: "number",
    Kind.STRING: "string",
    Kind.COMMENT: "comment",
    Kind.ROUTINE: "function",
    Kind.LABEL: "method",
    Kind.VARIABLE: "variable",
    Kind.PORT: "property",
    Kind.MACRO: "macro",
    Kind.FILE: "namespace",
    Kind.OPERATOR: "operator",
}
LEGEND = lsp.SemanticTokensLegend(
    token_types=list(_TOKENS.values()), token_modifiers=["declaration"]
)
_NUMBERS = {kind: number for number, kind in enumerate(_TOKENS)}

Where = Callable[[Span], lsp.Location]
"""Makes a location of a span."""


def position(lines: Lines, offset: int) -> lsp.Position:
    """A place."""
    return lsp.Position(*lines.place(offset))


def range_of(lines: Lines, start: int, end: int) -> lsp.Range:
    """A piece of a text."""
    return lsp.Range(position(lines, start), position(lines, end))


def diagnostic(finding: Finding, where: Where, source: str) -> lsp.Diagnostic:
    """An error or a warning; the path that leads there as related places."""
    message = shown(finding.message)
    if finding.hint:
        message += f"\n{shown(finding.hint)}"
    related = [
        lsp.DiagnosticRelatedInformation(where(step.span), shown(step.text))
        for step in finding.steps
    ]
    return lsp.Diagnostic(
        range=where(finding.span).range,
        message=message,
        severity=_SEVERITY[finding.level],
        code=finding.rule,
        source=source,
        tags=[lsp.DiagnosticTag.Unnecessary] if finding.level is Level.FAINT else None,
        related_information=related or None,
    )


def action(
    fix: Fix, changes: dict[str, list[lsp.TextEdit]], diagnostic: lsp.Diagnostic, is_only: bool
) -> lsp.CodeAction:
    """Something to do about a diagnostic."""
    return lsp.CodeAction(
        title=shown(fix.title),
        kind=lsp.CodeActionKind.QuickFix,
        diagnostics=[diagnostic],
        is_preferred=fix.is_safe or is_only,
        edit=lsp.WorkspaceEdit(changes=changes),
    )


def symbol(lines: Lines, found: Symbol) -> lsp.DocumentSymbol:
    """A name and those in its scope."""
    return lsp.DocumentSymbol(
        name=shown(found.name) or "?",
        detail=shown(found.detail),
        kind=_SYMBOLS.get(found.kind, lsp.SymbolKind.Variable),
        range=range_of(lines, found.span.start, found.span.end),
        selection_range=range_of(lines, found.word.start, found.word.end),
        children=[symbol(lines, each) for each in found.inner] or None,
    )


def workspace_symbols(
    found: Sequence[Symbol], where: Where, query: str
) -> Iterator[lsp.WorkspaceSymbol]:
    """Names that have the letters of a query in this order."""
    for each in found:
        if _matches(query.lower(), each.full.lower()):
            yield lsp.WorkspaceSymbol(
                location=where(each.word),
                name=shown(each.full),
                kind=_SYMBOLS.get(each.kind, lsp.SymbolKind.Variable),
            )
        yield from workspace_symbols(each.inner, where, query)


def _matches(query: str, name: str) -> bool:
    letters = iter(name)
    return all(letter in letters for letter in query)


def completion(found: Completion, range_: lsp.Range, number: int) -> lsp.CompletionItem:
    """A word that may be meant; `number` is what `completionItem/resolve` finds it by."""
    return lsp.CompletionItem(
        label=shown(found.text),
        kind=_COMPLETIONS.get(found.kind),
        detail=shown(found.detail),
        filter_text=found.text,
        sort_text=f"{number:05}",
        text_edit=lsp.TextEdit(range_, found.text),
        data=number,
    )


def semantic_tokens(lines: Lines, words: Sequence[Word]) -> list[int]:
    """Colours: five numbers for each piece, relative to the piece before. Pieces end with lines."""
    data: list[int] = []
    last_line = last_column = 0
    for word in words:
        number, defines = _NUMBERS[word.kind], int(word.defines)
        line, _ = lines.place(word.start)
        start = word.start
        while start < word.end:
            end = min(word.end, lines.end(line))
            if end > start:
                column = lines.place(start)[1]
                length = lines.place(end)[1] - column
                before = last_column if line == last_line else 0
                data += (line - last_line, column - before, length, number, defines)
                last_line, last_column = line, column
            line += 1
            start = lines.start(line)
    return data


def line_edits(lines: Lines, after: str, first: int, last: int) -> list[lsp.TextEdit]:
    """Edits from one text to another: line by line if there are as many, else all at once."""
    new = Lines(after)
    if new.count != lines.count:
        if first > 0 or last < lines.count:
            return []
        whole = range_of(lines, 0, len(lines.text))
        return [lsp.TextEdit(whole, after)] if after != lines.text else []
    edits = []
    for line in range(max(0, first), min(last + 1, lines.count)):
        start, end = lines.start(line), lines.end(line)
        text = after[new.start(line) : new.end(line)]
        if lines.text[start:end] != text:
            edits.append(lsp.TextEdit(range_of(lines, start, end), text))
    return edits
