"""Sessions with an editor, by its protocol; and with one that talks nonsense."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.debugger.dap.adapter import CAPABILITIES, Adapter
from jitvm.debugger.dap.messages import Writer
from tests.debugger.editor import Editor
from tests.debugger.test_commands import PROGRAM

SPIN = b"|0100 @main #0000 &loop INC2 !&loop"


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "half.tal"
    path.write_text(PROGRAM)
    (tmp_path / "spin.tal").write_bytes(SPIN)
    return str(path)


@pytest.fixture
def editor(source: str) -> Iterator[Editor]:
    made = Editor()
    made.launch(source)
    yield made
    assert made.end() == 0


def test_capabilities_are_told() -> None:
    editor = Editor()
    assert set(editor.ask("initialize", adapterID="x")) == set(CAPABILITIES)
    assert editor.end() == 0


def test_breakpoints_in_a_source(editor: Editor, source: str) -> None:
    answers = editor.ask(
        "setBreakpoints",
        source={"path": source},
        breakpoints=[{"line": 12, "hitCondition": "3"}, {"line": 1}, {"line": 99},
                     {"line": 13, "condition": "wst[0"}],
    )["breakpoints"]  # fmt: skip
    assert [row["verified"] for row in answers] == [True, True, False, False]
    assert [row.get("line") for row in answers] == [12, 3, None, 13]
    stopped = editor.move("continue")
    assert stopped["reason"] == "breakpoint"
    assert stopped["hitBreakpointIds"] == [answers[0]["id"]]
    assert editor.ask("evaluate", expression="[@count]")["result"] == "0x02 (2)"
    frames = editor.ask("stackTrace", threadId=1)
    assert [row["name"] for row in frames["stackFrames"]] == ["half", "main/loop"]
    assert frames["stackFrames"][1]["source"]["path"] == source
    editor.ask("setBreakpoints", source={"path": source}, breakpoints=[])
    editor.ask("continue", threadId=1)
    assert editor.event("exited")["exitCode"] == 0
    editor.event("terminated")


def test_steps_both_ways(editor: Editor) -> None:
    def walked(command: str, **arguments: object) -> int:
        editor.move(command, **arguments)
        return editor.line()

    assert [walked("stepIn") for _ in range(3)] == [5, 12, 16]
    assert [walked("stepBack") for _ in range(2)] == [12, 5]
    assert [walked("next") for _ in range(2)] == [6, 7]
    assert walked("stepBack") == 6
    assert [walked("stepIn", granularity="instruction") for _ in range(2)] == [6, 7]
    assert walked("stepBack", granularity="instruction") == 6
    editor.ask("setFunctionBreakpoints", breakpoints=[{"name": "quarter"}, {"name": "nobody"}])
    assert editor.move("reverseContinue")["reason"] == "function breakpoint"
    assert walked("stepOut") == 13
    editor.ask("setFunctionBreakpoints", breakpoints=[])
    assert editor.move("reverseContinue")["reason"] == "entry"


def test_breakpoints_on_data_and_instructions_and_ports(editor: Editor) -> None:
    info = editor.ask("dataBreakpointInfo", name="count")
    assert info["dataId"] == "[0x0]:1"
    assert editor.ask("dataBreakpointInfo", variablesReference=3, name="0")["dataId"] is None
    port = editor.ask("dataBreakpointInfo", variablesReference=2, name="18")["dataId"]
    editor.ask(
        "setDataBreakpoints",
        breakpoints=[{"dataId": info["dataId"], "accessType": "write", "condition": "value == 5"},
                     {"dataId": port, "accessType": "readWrite"}],
    )  # fmt: skip
    stopped = editor.move("continue")
    assert (stopped["reason"], stopped["text"]) == ("data breakpoint", "0x0000 count: 04 -> 05")
    assert editor.move("continue")["text"] == "port 18 written: 06"
    assert editor.move("continue")["text"] == "port 18 read: 06"
    editor.ask("setDataBreakpoints", breakpoints=[])
    rows = editor.ask("setInstructionBreakpoints",
                      breakpoints=[{"instructionReference": "0x012f", "offset": 2}])  # fmt: skip
    assert rows["breakpoints"][0]["verified"]
    assert editor.move("reverseContinue")["reason"] == "instruction breakpoint"
    assert editor.ask("evaluate", expression="pc")["memoryReference"] == "0x0131"


def test_log_points_print_and_go_on(editor: Editor, source: str) -> None:
    editor.ask("setBreakpoints", source={"path": source},
               breakpoints=[{"line": 13, "logMessage": "top {wst[0]}"}])  # fmt: skip
    editor.ask("continue", threadId=1)
    editor.event("exited")
    said = [row["body"]["output"] for row in editor.told if row["event"] == "output"]
    assert said.count("top 4\n") == 6
    assert "\x06" in said


def test_state_is_looked_at_and_changed(editor: Editor) -> None:
    editor.move("next")
    scopes = editor.ask("scopes", frameId=1)["scopes"]
    assert [row["name"] for row in scopes] == ["Registers", "Stack wst", "Stack rst", "Ports"]
    rows = editor.ask("variables", variablesReference=1)["variables"]
    assert [row["name"] for row in rows] == ["pc", "time", "wst", "rst"]
    assert len(editor.ask("variables", variablesReference=2)["variables"]) == 256
    assert editor.ask("setVariable", variablesReference=1, name="wst", value="2")["value"]
    editor.ask("setVariable", variablesReference=3, name="0", value="0x7f")
    assert editor.ask("setExpression", expression="[0x00]", value="3")["value"] == "0x03 (3)"
    rows = editor.ask("variables", variablesReference=3)["variables"]
    assert rows[0]["value"] == "0x7f (127)"
    read = editor.ask("readMemory", memoryReference="0x0100", count=3, offset=0)
    assert base64.b64decode(read["data"]) == b"\xa0\x03\x00"
    editor.ask("writeMemory", memoryReference="0x0100", offset=1,
               data=base64.b64encode(b"\x09").decode())  # fmt: skip
    assert editor.ask("evaluate", expression="[0x101]")["result"] == "0x09 (9)"
    assert editor.ask("readMemory", memoryReference="0xffff", count=4)["unreadableBytes"] == 3
    shown = editor.ask("evaluate", expression="info", context="repl")["result"]
    assert shown.startswith("time ")


def test_code_is_shown_around_a_place(editor: Editor) -> None:
    rows = editor.ask("disassemble", memoryReference="0x0128", instructionOffset=-2,
                      instructionCount=5)["instructions"]  # fmt: skip
    assert [row["address"] for row in rows] == ["0x0126", "0x0127", "0x0128", "0x012a", "0x012d"]
    assert rows[2]["symbol"] == "half"
    edge = editor.ask("disassemble", memoryReference="0x0000", instructionOffset=-3,
                      instructionCount=4)["instructions"]  # fmt: skip
    assert [row.get("presentationHint") for row in edge] == ["invalid"] * 3 + [None]


def test_a_program_that_runs_is_paused_and_given_breakpoints(source: str) -> None:
    editor = Editor()
    spin = str(Path(source).with_name("spin.tal"))
    editor.launch(spin)
    editor.ask("continue", threadId=1)
    editor.ask("threads")
    assert editor.move("pause")["reason"] == "pause"
    editor.ask("continue", threadId=1)
    editor.ask("setFunctionBreakpoints", breakpoints=[{"name": "main/loop"}])
    assert editor.event("stopped")["reason"] == "function breakpoint"
    assert editor.end() == 0


def test_at_the_end_one_may_stay(source: str) -> None:
    editor = Editor()
    editor.launch(source, stayAtEnd=True, args=["a"], tier="interpreter")
    assert "has ended" in editor.move("continue")["description"]
    editor.ask("setFunctionBreakpoints", breakpoints=[{"name": "half"}])
    assert editor.move("reverseContinue")["reason"] == "function breakpoint"
    assert editor.end() == 0


# -- nonsense ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("fly", {}, "no request fly"), ("launch", {}, "launched already"),
        ("setBreakpoints", {"source": 3}, "source is no dict"),
        ("setBreakpoints", {"source": {}, "breakpoints": [3]}, "arguments are an object"),
        ("setBreakpoints", {"source": {}, "breakpoints": [{}]}, "line is missing"),
        ("variables", {"variablesReference": 99}, "nothing behind 99"),
        ("variables", {"variablesReference": True}, "no int"),
        ("readMemory", {"memoryReference": "here", "count": 1}, "no address"),
        ("writeMemory", {"memoryReference": "0", "data": "!"}, "no Base64"),
        ("writeMemory", {"memoryReference": "0xffff", "data": "AAAA"}, "not all in memory"),
        ("evaluate", {"expression": "]"}, "no value"), ("evaluate", {}, "expression is missing"),
        ("setVariable", {"variablesReference": 1, "name": "x", "value": "1"}, "no register x"),
        ("setDataBreakpoints", {"breakpoints": [{"dataId": "[" }]}, "missing"),
        ("disassemble", {"memoryReference": "0"}, "instructionCount is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(
    editor: Editor, command: str, arguments: dict[str, object], said: str
) -> None:
    assert said in editor.refused(command, **arguments)
    assert editor.ask("threads")["threads"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "program is missing"), ({"program": "nowhere.tal"}, "nowhere.tal"),
        ({"program": "half.tal", "tier": "fast"}, "fast"),
        ({"program": "half.tal", "guest": "nobody"}, "nobody"),
        ({"program": "half.tal", "args": [1]}, "list of strings"),
        ({"program": "half.tal", "input": "nowhere"}, "nowhere"),
        ({"program": "half.rom"}, "half.rom.sym"),
    ],
)  # fmt: skip
def test_what_cannot_be_launched_is_told(
    source: str, arguments: dict[str, object], said: str
) -> None:
    if arguments.get("program") == "half.tal":
        arguments = {**arguments, "program": source}
    if arguments.get("program") == "half.rom":
        rom = Path(source).with_suffix(".rom")
        rom.write_bytes(b"\0")
        rom.with_suffix(".rom.sym").write_bytes(b"zz")
        arguments = {"program": str(rom)}
    editor = Editor()
    editor.ask("initialize")
    assert said in editor.refused("launch", **arguments)
    assert "no program" in editor.refused("continue")
    assert editor.end() == 0


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n", b"Content-Length: x\r\n\r\n", b"Content-Length: 99999999999\r\n\r\n",
        b"X: 1\r\n\r\n", b"Content-Length: 10\r\n\r\n{}", b"Content-Length: 1", b"A" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_message_ends_the_session(
    data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    editor = Editor()
    editor.send(data)
    assert editor.close() == 1
    assert "error: " in capfd.readouterr().err


@pytest.mark.parametrize("text", ["[1]", "3", "{", '{"type": "event"}', '{"type": "request"}'])
def test_json_that_makes_no_sense_is_told(text: str) -> None:
    editor = Editor()
    editor.send(b"Content-Length: %d\r\n\r\n%s" % (len(text), text.encode()))
    assert editor.event("output")["output"]
    assert editor.ask("initialize")
    assert editor.end() == 0


class _Nowhere:
    """A stream that keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def flush(self) -> None:
        return


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70000) | st.sampled_from(("0x100", "pc", "[", "")),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(("line", "name", "dataId", "breakpoints", "path", "condition")), inner,
        max_size=3,
    ),
    max_leaves=5,
)  # fmt: skip
_names = [name.removeprefix("on_") for name in dir(Adapter) if name.startswith("on_")]
_TEXT = Path(sys.modules[Adapter.__module__].__file__ or "").read_text(encoding="utf-8")
_words = sorted(set(re.findall(r'arguments\.\w+\("(\w+)"', _TEXT)))


@settings(max_examples=60)
@given(st.sampled_from(_names), st.dictionaries(st.sampled_from(_words), _values, max_size=5))
def test_any_request_is_answered(command: str, arguments: dict[str, object]) -> None:
    stream = _Nowhere()
    adapter = Adapter(Writer(stream))  # type: ignore[arg-type]
    arguments.pop("program", None)
    adapter.take({"type": "request", "seq": 1, "command": command, "arguments": arguments})
    adapter.take(None)
    adapter.work()
    body = json.loads(stream.data.split(b"\r\n\r\n")[1].partition(b"Content-Length")[0])
    assert body["type"] == "response"
    assert body["command"] == command


def test_on_a_port_of_this_computer(source: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jitvm", "debug", "--dap", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"listening on 127.0.0.1:%d\n" % port
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port)) as client:
                text = b'{"type": "request", "seq": 1, "command": "disconnect"}'
                client.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
                assert b'"success": true' in client.makefile("rb").read()
        process.terminate()
    assert source
