"""The session on the page about the debugger is one."""

from __future__ import annotations

import shlex

import pytest

from jitvm.debugger import report
from jitvm.debugger.commands import BY_NAME, Commands
from jitvm.debugger.debugger import Debugger, Options
from jitvm.platform import registry
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "debugger.md"


def test_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (session,) = (each for each in blocks(PAGE, "") if each.startswith("$ jitvm debug"))
    first, *lines = session.splitlines()
    path = shlex.split(first)[-1]
    platform = registry.of_file(path)
    debugger = Debugger(platform, platform.load(path), Options())
    commands, shown = Commands(debugger), report.where(debugger)
    for line in lines:
        if line.startswith("(jitvm) "):
            assert not shown, "the page leaves something out"
            shown = list(commands.execute(line.removeprefix("(jitvm) ")).lines)
        else:
            assert shown.pop(0) == line
    assert not shown


def test_commands_on_the_page_are_there() -> None:
    text = PAGE.read_text("utf-8")
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `")]
    words = [word.split()[0] for row in rows for cell in row for word in cell.split("`")[1::2]]
    assert len(words) > 20
    assert not [word for word in words if word not in BY_NAME]
