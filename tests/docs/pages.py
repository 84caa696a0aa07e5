"""Pages of Markdown as tests see them: blocks of code, links, headings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXPECTED = "# => "

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def pages() -> list[Path]:
    """Every page of the project."""
    folders = (ROOT, ROOT / "docs", ROOT / "bench")
    return [page for folder in folders for page in sorted(folder.glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Contents of the page's code blocks in a language, in order."""
    return [body for lang, body in _FENCE.findall(page.read_text("utf-8")) if lang == language]


def links(page: Path) -> list[str]:
    """Where the page links to inside of the project."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return [to for to in _LINK.findall(text) if not re.match(r"[a-z]+:", to)]


def anchors(page: Path) -> set[str]:
    """Names of the page's headings, as links spell them."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in plain}


def run_block(source: str, where: str, names: dict[str, object]) -> Iterator[tuple[str, str, str]]:
    """Run a block of Python; for each line that ends in ``# => text`` yield the line's
    expression, what it gave, and the text."""
    lines = source.splitlines()
    for node in ast.parse(source, where).body:
        last = lines[node.end_lineno - 1] if node.end_lineno else ""
        if isinstance(node, ast.Expr) and EXPECTED in last:
            value = eval(compile(ast.Expression(node.value), where, "eval"), names)
            yield ast.unparse(node), repr(value), last.split(EXPECTED, 1)[1]
        else:
            exec(compile(ast.Module([node], []), where, "exec"), names)
