"""The dashboard: saved runs, requests, and messages of a page."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.types import ASGIApp, Message

from jitvm.dashboard.computer import WatchedComputer
from jitvm.dashboard.saved import VERSION, SavedError, SavedRun
from jitvm.dashboard.series import COLUMNS
from jitvm.dashboard.server import _parse as parse_message
from jitvm.dashboard.server import application
from jitvm.dashboard.session import Session
from jitvm.dashboard.source import CommandError
from jitvm.dashboard.target import InputError
from tests.dashboard.runs import DRAW
from tests.dashboard.runs import target as watched
from tests.fuzz.inputs.targets.target import Refused, Target, lines

TOKEN = "a-token"
HOST = "127.0.0.1:8000"

_HEAD = {
    "kind": "run", "version": VERSION, "name": "a.tal", "columns": list(COLUMNS),
    "reasons": {"BRANCH": ["what", "advice"]},
    "params": [{"name": "hot", "default": 2, "low": 1, "high": 9, "unit": "times", "why": "x"}],
}  # fmt: skip
_EVENT = {"kind": "hot", "seconds": 0.5, "address": 256, "line": "hot"}
_COMPILED = {
    "kind": "compiled", "seconds": 0.5, "address": 256, "line": "hot", "forming": 0.1,
    "lowering": 0.1, "compiling": 0.1, "thorough": False,
}  # fmt: skip
_GUEST = {
    "address": 256, "text": "INC2", "label": "@a", "line": "a.tal:1", "gap": False, "copies": 1,
    "seen": 1, "left": 0,
}  # fmt: skip
_REGION = {
    "kind": "region", "number": 7, "start": 256, "label": "@a", "guest": [_GUEST],
    "source": {"a.tal:1": "INC2"}, "exits": [{"reason": "BRANCH", "label": "@b", "times": 3}],
    "entries": ["@a"], "limits": [["NODES", 3]], "ir": [["graph", None], ["b0", 256]],
    "llvm": ["define"],
}  # fmt: skip
_FACTS = {
    "number": 7, "start": 256, "label": "@a", "line": "a.tal:1", "size": 4, "bytes": 100,
    "exits": 2, "ms": [0.1, 0.2, 0.3], "kept": False, "limits": [], "born": 0.5,
}  # fmt: skip
_NEWS = {
    "now": 1.5, "trouble": "", "params": {"hot": 2},
    "totals": {"executed": 5, "kinds": {"hot": 1}, "devices": [[24, "out", 3, 0.1]]},
    "series": {"from": 0, "rows": [[0.0] * len(COLUMNS)]},
    "regions": {"whole": True, "added": [_FACTS], "removed": [], "counts": [[7, 1, 2, 3]]},
    "exits": [[7, "BRANCH", 300, 3, "@b", "a.tal:2"]],
    "aborts": [["NODES", "x", 256, 1, "@a", "a.tal:1"]],
    "graph": {"nodes": [7], "edges": [[7, 7, 1]], "hidden": 0},
    "console": {"missed": 0, "text": "a"},
}  # fmt: skip
_SAVED = lines(
    _HEAD, _EVENT, _COMPILED, _REGION, {"kind": "page", "heat": "00ff", "news": _NEWS}
)  # fmt: skip


# -- saved runs ----------------------------------------------------------------------------------


def _saved(data: bytes, folder: Path) -> None:
    """Read, and shown as a page asks for it."""
    path = folder / "input"
    path.write_bytes(data)
    run = SavedRun(path)
    run.hello()
    run.region(7)
    viewer = run.viewer()
    while viewer.news() is not None:
        viewer.frames()


# -- requests ------------------------------------------------------------------------------------

_REQUESTS = (
    b"GET /?token=a-token\n",
    b"GET /region/7\nauthorization: Bearer a-token\nif-none-match: \"x\"\n",
    b"HEAD /static/plotly.js\nrange: bytes=0-5\n",
    b"GET /region/7/assembly\ncookie: jitvm_dashboard_8000=a-token\n",
    b"GET /metrics\norigin: http://127.0.0.1:8000\nauthorization: Bearer a-token\n",
)  # fmt: skip


@cache
def _application() -> tuple[ASGIApp, asyncio.AbstractEventLoop]:
    with TemporaryDirectory() as name:
        path = Path(name) / "saved"
        path.write_bytes(_SAVED)
        run = SavedRun(path)
    return application(run, TOKEN), asyncio.new_event_loop()


def _request(data: bytes, _: Path) -> None:
    """A method, a path with its query, and headers, a line each; answered without a failure."""
    app, loop = _application()
    first, *headers = data.split(b"\n")
    method, _space, target = first.partition(b" ")
    path, _mark, query = target.partition(b"?")
    pairs = [each.partition(b": ")[::2] for each in headers if each]
    answers: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message)

    known = [(b"host", HOST.encode())] if b"host" not in dict(pairs) else []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "method": method.decode("latin-1"), "path": path.decode("utf-8", "replace"),
        "raw_path": path, "root_path": "", "query_string": query,
        "headers": [*known, *((name.lower(), value) for name, value in pairs)],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    loop.run_until_complete(app(scope, receive, send))
    status = answers[0]["status"]
    assert status < 500
    if status >= 400:
        raise Refused


# -- messages ------------------------------------------------------------------------------------

_MESSAGES = lines(
    {"do": "start"}, {"do": "step", "instructions": 100}, {"do": "count", "on": True},
    {"do": "set", "name": "hot", "value": "50"}, {"do": "pause"},
    *(
        {"do": "input", "event": event}
        for event in (
            {"kind": "keydown", "key": "a", "ctrl": True}, {"kind": "keyup", "key": "Control"},
            {"kind": "move", "x": 5, "y": 6}, {"kind": "down", "button": 1},
            {"kind": "up", "button": 1}, {"kind": "wheel", "x": 0, "y": -1},
            {"kind": "line", "text": "abc"}, {"kind": "keydown", "key": "Enter"}, {"kind": "end"},
        )
    ),
)  # fmt: skip


class _Page:
    """A run that nobody has begun, so that its input is handed over here and now."""

    def __init__(self) -> None:
        self.target: WatchedComputer = watched(DRAW)
        self.session = Session(self.target)
        self.target.restart(self.session.runner.params)

    def send(self, text: str) -> None:
        message = parse_message(text)
        self.session.command(message)
        if message.get("do") == "input":
            self.target.input(message["event"])
            self.target.step_frame()


@cache
def _page() -> _Page:
    return _Page()


def _messages(data: bytes, _: Path) -> None:
    """A message a line; all are looked at, and what was wrong with the last one is raised."""
    wrong: Exception | None = None
    for line in data.splitlines():
        try:
            _page().send(line.decode("utf-8", "replace"))
        except (CommandError, InputError) as error:
            wrong = error
    if wrong is not None:
        raise wrong


PAGES = {
    "saved": Target(lambda: (_SAVED,), _saved, (SavedError,), ("input",), is_json=True),
    "request": Target(
        lambda: _REQUESTS, _request, (Refused,),
        words=(
            b"/region/", b"/assembly", b"/static/", b"/metrics", b"/socket", b"%00", b"%ff", b"..",
            b"\nhost: [::1]", b"\norigin: http://[", b"\ncookie: ", b"\nrange: bytes=",
            b"?token=a-token", b"&embed=1", b"\nif-modified-since: ",
        ),
    ),
    "message": Target(
        lambda: (_MESSAGES,), _messages, (CommandError, InputError), is_json=True
    ),
}  # fmt: skip
"""By name."""
