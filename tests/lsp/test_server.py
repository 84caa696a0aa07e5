"""The server over its protocol: questions of an editor, edits meanwhile, messages that are none."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jitvm.guests.uxn.language.project import Project
from jitvm.lsp.positions import Lines
from tests.clock import HANGS
from tests.lsp.client import Editor, Refused, Wire

MAIN = """\
|10 @Console &vector $2 &read $5 &type $1 &write $1
|0100 @on-reset ( -> )
	#41 print ;text POP2 BRK

~lib.tal
@text "é𝄞 00
"""
LIB = """\
( writes a byte )
@print ( a -- )
	.Console/write DEO JMP2r
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a program of two sources."""
    folder = tmp_path.resolve()
    (folder / "main.tal").write_text(MAIN)
    (folder / "lib.tal").write_text(LIB)
    return folder


@pytest.fixture
def editor(folder: Path) -> Iterator[Editor]:
    """An editor in that folder, without a file open."""
    with Editor(folder) as editor:
        yield editor


# -- errors as one types -------------------------------------------------------------------------


def test_errors_come_and_go(editor: Editor) -> None:
    editor.open("main.tal")
    assert editor.diagnostics("main.tal") == []
    editor.change("main.tal", MAIN.replace("print", "prind"))
    (error,) = editor.diagnostics("main.tal")
    assert error["severity"] == 1
    assert error["range"] == {
        "start": {"line": 2, "character": 5}, "end": {"line": 2, "character": 10},
    }  # fmt: skip
    assert "did you mean `print`?" in error["message"]
    editor.change("main.tal", MAIN)
    assert editor.diagnostics("main.tal") == []


def test_a_library_is_read_with_its_program(editor: Editor) -> None:
    editor.open("lib.tal")
    assert editor.diagnostics("lib.tal") == []
    editor.change("lib.tal", LIB.replace("DEO", "DEOk"))
    (warning,) = editor.diagnostics("lib.tal")
    assert (warning["code"], warning["severity"], warning["source"]) == (
        "stack-effect", 2, "uxntal",
    )  # fmt: skip
    (step,) = warning["relatedInformation"]
    assert editor.shown([step["location"]]) == ["lib.tal:3:22 JMP2r"]
    editor.open("main.tal", MAIN.replace("~lib.tal", "@print ( a -- ) #18 DEO JMP2r"))
    editor.diagnostics("main.tal")
    editor.change("lib.tal", LIB)
    (alone,) = editor.diagnostics("lib.tal")
    assert "Label unknown" in alone["message"], "it is no part of the program any more"


def test_errors_in_files_that_are_not_open(editor: Editor, folder: Path) -> None:
    (folder / "lib.tal").write_text(LIB.replace("DEO", "DEO nowhere"))
    editor.open("main.tal")
    assert editor.diagnostics("main.tal") == []
    editor.ask("textDocument/documentSymbol", "main.tal")
    (error,) = editor.published[editor.uri("lib.tal")]
    assert "nowhere" in error["message"]
    (folder / "lib.tal").write_text(LIB)
    editor.notify("workspace/didChangeWatchedFiles", {"changes": []})
    assert editor.diagnostics("main.tal") == []
    editor.ask("textDocument/documentSymbol", "main.tal")
    assert editor.published[editor.uri("lib.tal")] == []


def test_a_burst_of_keys(editor: Editor) -> None:
    """Only the newest text has to be told of; what is told of others is never told later."""
    editor.open("main.tal")
    for number in range(30):
        editor.change("main.tal", MAIN.replace("print", f"nowhere{number}"))
    (error,) = editor.diagnostics("main.tal")
    assert "`nowhere29`" in error["message"]


def test_closing_a_file_forgets_its_text(editor: Editor) -> None:
    editor.open("main.tal")
    editor.open("lib.tal", LIB.replace("DEO", "DEO nowhere"))
    assert len(editor.diagnostics("lib.tal")) == 1
    editor.close_file("lib.tal")
    editor.until(lambda message: bool(
        message.get("method") == "textDocument/publishDiagnostics"
        and message["params"]["uri"] == editor.uri("lib.tal")
        and not message["params"]["diagnostics"]
    ))  # fmt: skip


def test_what_is_known_of_an_older_text_is_not_told_of_a_newer_one(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program is looked at, while another of its files is opened with errors in it."""
    findings, looks, may_go_on = Project.findings, threading.Event(), threading.Event()

    def late(self: Project) -> Any:
        found = findings(self)
        looks.set()
        assert may_go_on.wait(HANGS)
        return found

    monkeypatch.setattr(Project, "findings", late)
    editor.open("main.tal")
    assert looks.wait(HANGS)
    editor.open("lib.tal", LIB.replace("DEO", "DEO nowhere"))
    with pytest.raises(Refused):
        editor.request("nothing", None)  # so the file has been opened by now
    may_go_on.set()
    assert len(editor.diagnostics("lib.tal")) == 1


def test_a_file_without_a_folder(editor: Editor) -> None:
    document = {"uri": "untitled:new", "languageId": "uxntal", "version": 7}
    editor.notify("textDocument/didOpen", {"textDocument": {**document, "text": "|0100 nope"}})
    found = editor.until(lambda message: message.get("params", {}).get("version") == 7)
    assert len(found["params"]["diagnostics"]) == 1


def test_old_sources_are_recognised(editor: Editor) -> None:
    editor.open("old.tal", "%+ { ADD } (glued ) |0100 #01 #02 + BRK")
    assert editor.diagnostics("old.tal") == []


def test_the_dialect_can_be_set(folder: Path) -> None:
    with Editor(folder, legacy=False) as editor:
        editor.open("old.tal", "%! { NEQ } |0100 #01 #02 ! BRK")
        assert editor.diagnostics("old.tal") != []


# -- what is asked -------------------------------------------------------------------------------


def test_hover_and_names(editor: Editor) -> None:
    editor.open("main.tal")
    editor.open("lib.tal")
    hover = editor.ask("textDocument/hover", "main.tal", "#41 pr^int")
    assert "@print ( a -- )" in hover["contents"]["value"]
    assert "writes a byte" in hover["contents"]["value"]
    assert editor.ask("textDocument/hover", "main.tal", "\t#41") is None
    found = editor.ask("textDocument/definition", "main.tal", "#41 pr^int")
    assert editor.shown(found) == ["lib.tal:2:1 @print"]
    found = editor.ask("textDocument/definition", "main.tal", "~lib")
    assert [each["uri"] for each in found] == [editor.uri("lib.tal")]
    context = {"includeDeclaration": True}
    found = editor.ask("textDocument/references", "lib.tal", "@pr^int", context=context)
    assert editor.shown(found) == ["lib.tal:2:2 print", "main.tal:3:6 print"]
    found = editor.ask("textDocument/documentHighlight", "main.tal", "#41 pr^int")
    assert len(found) == 1
    (link,) = editor.ask("textDocument/documentLink", "main.tal")
    assert link["target"] == editor.uri("lib.tal")


def test_rename(editor: Editor) -> None:
    editor.open("lib.tal")
    place = editor.ask("textDocument/prepareRename", "lib.tal", "@pr^int")
    assert place["placeholder"] == "print"
    changes = editor.ask("textDocument/rename", "lib.tal", "@pr^int", newName="put")["changes"]
    assert {name.rpartition("/")[2]: [each["newText"] for each in edits]
            for name, edits in changes.items()} == {
        "lib.tal": ["put"], "main.tal": ["put"],
    }  # fmt: skip
    for name, why in (("text", "taken"), ("DEO", "opcode"), ("a b", "blanks")):
        with pytest.raises(Refused, match=why):
            editor.ask("textDocument/rename", "lib.tal", "@pr^int", newName=name)
    with pytest.raises(Refused, match="not the name"):
        editor.ask("textDocument/prepareRename", "lib.tal", "DEO")


def test_symbols(editor: Editor) -> None:
    editor.open("main.tal")
    found = editor.ask("textDocument/documentSymbol", "main.tal")
    assert [each["name"] for each in found] == ["Console", "on-reset", "text"]
    assert [each["name"] for each in found[0]["children"]][:2] == ["vector", "read"]
    found = editor.request("workspace/symbol", {"query": "cwr"})
    assert [each["name"] for each in found] == ["Console/write"]
    found = editor.request("workspace/symbol", {"query": ""})
    assert "print" in [each["name"] for each in found]


def test_completion(editor: Editor) -> None:
    editor.open("main.tal", MAIN.replace("#41", "#41 ;te"))
    found = editor.ask("textDocument/completion", "main.tal", ";te^ ")["items"]
    (item,) = [each for each in found if each["label"] == ";text"]
    assert item["textEdit"]["newText"] == ";text"
    assert item["textEdit"]["range"]["start"]["character"] == 5
    resolved = editor.request("completionItem/resolve", item)
    assert "@text" in resolved["documentation"]["value"]
    strange = {"label": "x", "data": 10**6}
    assert editor.request("completionItem/resolve", strange)["label"] == "x"


def test_colours_and_folds(editor: Editor) -> None:
    editor.open("main.tal", '(\n a )\n@b-c [\n\t"𝄞 12 ]\n')
    legend = editor.capabilities["semanticTokensProvider"]["legend"]["tokenTypes"]
    data = editor.ask("textDocument/semanticTokens/full", "main.tal")["data"]
    rows = [data[at : at + 5] for at in range(0, len(data), 5)]
    assert [(row[0], row[1], row[2], legend[row[3]]) for row in rows] == [
        (0, 0, 1, "comment"), (1, 0, 4, "comment"), (1, 0, 1, "operator"), (0, 1, 3, "function"),
        (0, 4, 1, "operator"), (1, 1, 3, "string"), (0, 4, 2, "number"), (0, 3, 1, "operator"),
    ]  # fmt: skip
    part = {"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 4}}
    data = editor.ask("textDocument/semanticTokens/range", "main.tal", range=part)["data"]
    assert data[:5] == [3, 1, 3, legend.index("string"), 0]
    folds = editor.ask("textDocument/foldingRange", "main.tal")
    assert [(each["startLine"], each["endLine"]) for each in folds] == [(0, 1), (2, 3), (2, 3)]


def test_formatting(editor: Editor) -> None:
    options = {"tabSize": 2, "insertSpaces": True}
    text = '@main\n  INC   INC\n"𝄞   INC\nBRK'
    editor.open("main.tal", text)
    edits = editor.ask("textDocument/formatting", "main.tal", options=options)
    assert _applied(text, edits) == '@main\n\tINC INC\n\t"𝄞 INC\nBRK\n'
    part = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 9}}
    editor.change("main.tal", text + "\n")
    edits = editor.ask("textDocument/rangeFormatting", "main.tal", options=options, range=part)
    assert _applied(text, edits) == '@main\n\tINC INC\n"𝄞   INC\nBRK'
    editor.change("main.tal", "( open")
    assert editor.ask("textDocument/formatting", "main.tal", options=options) == []
    assert any("Comment incomplete" in str(each) for each in editor.others)


def _applied(text: str, edits: list[Any]) -> str:
    lines = Lines(text)
    for edit in sorted(edits, key=lambda edit: edit["range"]["start"]["line"], reverse=True):
        start, end = (lines.offset(*edit["range"][at].values()) for at in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


def _whole(editor: Editor, name: str) -> dict[str, Any]:
    lines = editor.texts[name].split("\n")
    return {
        "start": {"line": 0, "character": 0},
        "end": {"line": len(lines) - 1, "character": len(lines[-1].encode("utf-16-le")) // 2},
    }


def _actions(editor: Editor, name: str, mark: str, **context: Any) -> list[Any]:
    """Actions at a place, or everywhere in a file."""
    place = editor.place(name, mark)["position"] if mark else None
    where = {"start": place, "end": place} if mark else _whole(editor, name)
    found: list[Any] = editor.ask(
        "textDocument/codeAction", name, range=where, context={"diagnostics": [], **context}
    )
    return found


def _done(editor: Editor, name: str, action: dict[str, Any]) -> str:
    """The text of a file after an action."""
    lines = Lines(editor.texts[name])
    text = lines.text
    edits = action["edit"]["changes"][editor.uri(name)]
    for edit in sorted(edits, key=lambda edit: str(edit["range"]["start"]), reverse=True):
        start, end = (lines.offset(*edit["range"][side].values()) for side in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


def test_actions(editor: Editor) -> None:
    wrong = MAIN.replace("print ", "prind (é) #AB POP ")
    editor.open("main.tal", wrong)
    told = {each["message"]: each for each in editor.diagnostics("main.tal")}
    found = _actions(editor, "main.tal", "pri^nd")
    assert [each["title"] for each in found] == ["Write `print`", "Define `prind`"]
    assert {each["kind"] for each in found} == {"quickfix"}
    (diagnostic,) = found[0]["diagnostics"]
    assert diagnostic == told[diagnostic["message"]]
    assert _done(editor, "main.tal", found[0]) == wrong.replace("prind", "print")
    assert _done(editor, "main.tal", found[1]) == f"{wrong}\n@prind ( -- )\n\tJMP2r\n"
    assert _actions(editor, "main.tal", "BRK") == []
    (every,) = _actions(editor, "main.tal", "", only=["source.fixAll"])
    assert every["kind"] == "source.fixAll"
    assert _done(editor, "main.tal", every) == wrong.replace("(é) #AB", "( é ) #ab")
    assert len(_actions(editor, "main.tal", "", only=["source", "quickfix"])) == 5
    assert _actions(editor, "main.tal", "", only=["refactor"]) == []
    editor.change("main.tal", MAIN)
    assert _actions(editor, "main.tal", "", only=["source"]) == []


def test_a_warning_is_mended(editor: Editor) -> None:
    editor.open("main.tal", f"{MAIN}@old ( -- )\n\tBRK")
    (found,) = _actions(editor, "main.tal", "@old")
    assert found["title"] == "Remove the label `old`"
    assert found["isPreferred"]
    assert _done(editor, "main.tal", found) == f"{MAIN}\tBRK"


def test_hints(folder: Path) -> None:
    text = MAIN.replace(" BRK", ' "𝄞é ;print JSR2 BRK')
    for kinds, shown in (
        (None, ["10 ( a -- )", "33 ( a -- )"]),
        (["sizes", 5, "nonsense"], ["26 6 bytes", "10 6 bytes"]),
        ([], []),
        ("all", ["10 ( a -- )", "33 ( a -- )"]),
    ):
        with Editor(folder, inlayHints=kinds) as editor:
            editor.open("main.tal", text)
            everywhere = _whole(editor, "main.tal")
            found = editor.ask("textDocument/inlayHint", "main.tal", range=everywhere)
            assert [f"{each['position']['character']} {each['label']}" for each in found] == shown
            nowhere = {"start": {"line": 90, "character": 0}, "end": {"line": 99, "character": 0}}
            assert editor.ask("textDocument/inlayHint", "main.tal", range=nowhere) == []


def test_places_that_are_not_there(editor: Editor) -> None:
    editor.open("main.tal")
    for line, character in ((99, 0), (0, 999), (10**9, 10**9)):
        where = {
            "textDocument": {"uri": editor.uri("main.tal")},
            "position": {"line": line, "character": character},
        }
        editor.request("textDocument/hover", where)
        editor.request("textDocument/completion", where)
    assert editor.ask("textDocument/documentSymbol", "nowhere.tal") == []


def test_cancelled_requests(editor: Editor) -> None:
    editor.open("main.tal")
    numbers = []
    for _ in range(3):
        where = editor.place("main.tal", "#41 pr^int")
        numbers.append(editor.send("textDocument/hover", where))
        editor.notify("$/cancelRequest", {"id": numbers[-1]})
    editor.notify("$/cancelRequest", {"id": 12345})
    for number in numbers:
        assert editor.outcome(number) in (0, -32800)
    assert editor.ask("textDocument/hover", "main.tal", "BRK") is not None


def test_units_of_columns(folder: Path) -> None:
    general = {"general": {"positionEncodings": ["utf-8"]}}
    with Editor(folder, capabilities=general) as editor:
        assert editor.capabilities["positionEncoding"] == "utf-8"
        editor.open("main.tal", '@text "é𝄞 nope')
        (error, *_) = editor.diagnostics("main.tal")
        assert error["range"]["start"]["character"] == len('@text "é𝄞 '.encode())


def test_watched_files(folder: Path) -> None:
    watched = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
    with Editor(folder, capabilities=watched) as editor:
        asked = editor.until(lambda each: each.get("method") == "client/registerCapability")
        assert "*.tal" in json.dumps(asked["params"])
        editor.wire.send({"jsonrpc": "2.0", "id": asked["id"], "result": None})


def test_folders_that_change(editor: Editor, tmp_path: Path) -> None:
    other = tmp_path.resolve() / "other"
    other.mkdir()
    event = {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}
    editor.open("main.tal")
    editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    assert editor.diagnostics("main.tal") == []


# -- what is no request --------------------------------------------------------------------------


def _lives(editor: Editor) -> bool:
    return editor.ask("textDocument/hover", "main.tal", "BRK") is not None


BAD = {
    "no JSON": b"{oops",
    "no UTF-8": b'"\xff"',
    "a list": b"[1, 2]",
    "a number": b"5",
    "nothing in it": b"{}",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_messages_that_are_none(editor: Editor, body: bytes) -> None:
    editor.open("main.tal")
    editor.wire.send_bytes(body)
    found = editor.until(lambda message: "error" in message)
    assert found["id"] is None
    assert found["error"]["code"] in (-32700, -32600)
    assert _lives(editor)


REQUESTS: dict[str, tuple[str, Any, int]] = {
    "unknown": ("textDocument/nonsense", {}, -32601),
    "without params": ("textDocument/hover", None, -32602),
    "of the wrong shape": ("textDocument/hover", {"position": 5}, -32602),
    "a list": ("textDocument/hover", [1], -32602),
    "a negative place": ("textDocument/completion", {
        "textDocument": {"uri": "file:///x.tal"}, "position": {"line": -1, "character": 0},
    }, -32602),
    "actions of no range": ("textDocument/codeAction", {
        "textDocument": {"uri": "file:///x.tal"}, "context": {"diagnostics": []},
    }, -32602),
    "actions in no context": ("textDocument/codeAction", {
        "textDocument": {"uri": "file:///x.tal"}, "range": {
            "start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0},
        },
    }, -32602),
    "hints of a place": ("textDocument/inlayHint", {
        "textDocument": {"uri": "file:///x.tal"}, "range": {"line": 0, "character": 0},
    }, -32602),
    "a command that is not there": ("workspace/executeCommand", {"command": "no"}, -32602),
    "again": ("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, -32600),
}  # fmt: skip


@pytest.mark.parametrize(("method", "params", "code"), REQUESTS.values(), ids=REQUESTS)
def test_bad_requests(editor: Editor, method: str, params: Any, code: int) -> None:
    editor.open("main.tal")
    assert editor.outcome(editor.send(method, params)) == code
    assert _lives(editor)


NOTIFICATIONS: dict[str, tuple[str, Any]] = {
    "unknown": ("textDocument/nonsense", {}),
    "a change of nothing": ("textDocument/didChange", {}),
    "a change of a file that is not open": ("textDocument/didChange", {
        "textDocument": {"uri": "file:///nowhere.tal", "version": 3},
        "contentChanges": [{"text": "BRK"}],
    }),
    "the end of a file that is not open": ("textDocument/didClose", {
        "textDocument": {"uri": "file:///nowhere.tal"},
    }),
    "a path with a zero": ("textDocument/didOpen", {"textDocument": {
        "uri": "file:///a%00b.tal", "languageId": "uxntal", "version": 1, "text": "BRK",
    }}),
    "something that is no address": ("textDocument/didOpen", {"textDocument": {
        "uri": ":::", "languageId": "", "version": 1, "text": "~:::",
    }}),
}  # fmt: skip


@pytest.mark.parametrize(("method", "params"), NOTIFICATIONS.values(), ids=NOTIFICATIONS)
def test_bad_notifications(editor: Editor, method: str, params: Any) -> None:
    editor.open("main.tal")
    editor.notify(method, params)
    assert _lives(editor)


HEADS = {
    "no number": b"Content-Length: abc",
    "too long": b"Content-Length: 99999999999999",
    "negative": b"Content-Length: -5",
    "no length": b"Content-Type: x",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_bad_heads(editor: Editor, head: bytes) -> None:
    editor.open("main.tal")
    editor.wire.send_bytes(b"{}", head)
    assert _lives(editor)
    body = json.dumps({"jsonrpc": "2.0", "method": "x"}).encode()
    editor.wire.send_bytes(body, b"content-length:%d" % len(body))
    assert _lives(editor)


def test_what_comes_too_early_or_too_late(folder: Path) -> None:
    editor = Editor(folder)
    with pytest.raises(Refused, match="initialize comes first"):
        editor.request("workspace/symbol", {"query": ""})
    with editor:
        pass
    editor = Editor(folder)
    editor.__enter__()
    editor.request("shutdown", None)
    with pytest.raises(Refused, match="shut down"):
        editor.request("workspace/symbol", {"query": ""})
    editor.notify("exit", None)
    editor.close()
    assert editor.good


def test_an_editor_that_goes_away(folder: Path) -> None:
    editor = Editor(folder)
    editor.__enter__()
    editor.open("main.tal")
    editor.close()
    assert editor.good is False


def test_a_signal_ends_the_command(folder: Path) -> None:
    """Though its input is open."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jitvm", "lsp"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    wire = Wire(process.stdin, process.stdout)
    Editor(folder, wire).__enter__()
    process.send_signal(signal.SIGINT)
    assert process.wait(HANGS) == 128 + signal.SIGINT
    assert process.stderr.read() == b""
    process.stderr.close()
    wire.close()


def test_the_command(folder: Path) -> None:
    """A process of its own, as editors start it; its second run takes code from the cache."""
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "jitvm", "lsp", "--stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with Editor(folder, Wire(process.stdin, process.stdout)) as editor:
            editor.open("main.tal", MAIN.replace("print", "prind"))
            assert len(editor.diagnostics("main.tal")) == 1
        assert process.wait(HANGS) == 0
        assert process.stderr.read() == b""
        process.stderr.close()
