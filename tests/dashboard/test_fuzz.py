"""Whatever is sent to the server: an answer, no failure of its own, and the run goes on.

Requests go to the ASGI application in process, messages over a real socket; both are made up by
Hypothesis from what the server knows and from anything at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message
from websockets.exceptions import ConnectionClosed

from jitvm.dashboard.server import LARGEST, Server, application
from jitvm.dashboard.session import Session
from tests.clock import HANGS, until
from tests.dashboard.runs import DRAW, session
from tests.dashboard.test_server import _answers, open_socket

TOKEN = "a-token"
HOST = "127.0.0.1:8000"
MANY = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
DIGITS = "7" * 5000


@pytest.fixture(scope="module")
def run() -> Iterator[Session]:
    with session(DRAW, hot=50) as made:
        until(lambda: made.sampler.run and made.sampler.run.regions.rows)
        yield made


@pytest.fixture(scope="module")
def server(run: Session) -> Iterator[Server]:
    with Server(run) as made:
        until(lambda: _answers(made))
        yield made


# -- requests ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app(run: Session) -> ASGIApp:
    return application(run, TOKEN)


def status_of(
    app: ASGIApp, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]]
) -> int:
    """What the application answers; whatever it raises is raised here."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode("utf-8", "replace"),
        "root_path": "", "query_string": query.encode("utf-8", "replace"), "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    anyio.run(app, scope, receive, send)
    return int(sent[0]["status"])


TEXT = st.text(max_size=30)
VALUES = st.one_of(
    TEXT,
    st.sampled_from([
        HOST, "127.0.0.1", "localhost", "[::1]", "[::1]:8000", "127.0.0.1:\N{SUPERSCRIPT TWO}",
        f"127.0.0.1:{DIGITS}", "http://[", "http://]", "http://[::1", "null", "//",
        f"http://127.0.0.1:{DIGITS}", "bytes=0-", f"bytes={DIGITS}-", "bytes=5-1,,", "*",
        f"Thu, {DIGITS} Jan 2020 00:00:00 GMT", "Bearer", f"Bearer {TOKEN}", '"', "W/", DIGITS,
        "jitvm_dashboard_8000=\"\\777\"", "jitvm_dashboard_8000=" + TOKEN, "a=b; =; ;;,",
    ]),
)  # fmt: skip
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([
            "host", "origin", "cookie", "authorization", "range", "if-none-match", "content-length",
            "if-modified-since", "if-range", "accept", "content-type", "x",
        ]),
        VALUES,
    ),
    max_size=4,
)  # fmt: skip
PATHS = st.one_of(
    st.sampled_from([
        "/", "//", "/region/1", "/region/", "/region/-1", "/region/1.5", "/region/nan",
        "/debug/memory/0/0/1", "/debug/listing/0", f"/debug/code/{DIGITS}/1/1", "/debug/x/1",
        "/region/\N{SUPERSCRIPT TWO}", "/region/\N{ARABIC-INDIC DIGIT FIVE}", f"/region/{DIGITS}",
        f"/region/{DIGITS}/assembly", "/region/1/assembly", "/region/1/x", "/metrics", "/metrics/",
        "/static/", "/static/index.html", "/static/plotly.js", "/static/..", "/static/a\0b",
        "/static/" + "x" * 5000, "/socket", "/static/../server.py",
    ]),
    TEXT.map("/{}".format), TEXT.map("/region/{}".format), TEXT.map("/static/{}".format),
    st.integers().map("/region/{}".format), st.integers().map("/region/{}/assembly".format),
)  # fmt: skip
QUERIES = st.one_of(
    st.sampled_from(["", f"token={TOKEN}", f"token={TOKEN}&embed=1", "token=%ff%00", "&" * 2000]),
    TEXT,
)


@MANY
@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "X"]), PATHS, QUERIES, HEADERS,
    st.booleans(),
)  # fmt: skip
@example("GET", "/", f"token={TOKEN}", [("origin", "http://[")], True)
@example("GET", f"/region/{DIGITS}", f"token={TOKEN}", [], True)
@example("GET", "/", f"token={TOKEN}", [("host", "[::1]")], False)
@example("GET", "/", f"token={TOKEN}", [("host", "127.0.0.1:\N{SUPERSCRIPT TWO}")], False)
def test_no_request_fails(
    app: ASGIApp, method: str, path: str, query: str, headers: list[tuple[str, str]], known: bool
) -> None:
    extra = [("authorization", f"Bearer {TOKEN}"), ("host", HOST)] if known else []
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in extra + headers]
    assert status_of(app, method, path, query, raw) < 500


@pytest.mark.parametrize(
    "origin", ["http://[", f"http://{HOST}:1", f"ftp://{HOST}", HOST, "", "http://", f"//{HOST}"]
)
def test_an_origin_that_is_none_of_ours_is_refused(app: ASGIApp, origin: str) -> None:
    known = [(b"host", HOST.encode()), (b"authorization", f"Bearer {TOKEN}".encode())]
    assert status_of(app, "GET", "/", "", known) == 200
    assert status_of(app, "GET", "/", "", [*known, (b"origin", origin.encode())]) == 403


@pytest.mark.parametrize("host", ["[::1]", "[::1]:8000", "localhost", "localhost:1"])
def test_every_name_of_this_machine_gets_a_cookie(app: ASGIApp, host: str) -> None:
    assert status_of(app, "GET", "/", f"token={TOKEN}", [(b"host", host.encode())]) == 303


# -- messages ------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(), st.sampled_from([10**30, -1, 2**63, 0, 1]), st.floats(), st.booleans()
)
SCALARS = st.one_of(NUMBERS, st.text(max_size=12), st.none(), st.just("\ud800"))
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
EVENTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["keydown", "keyup", "move", "down", "up", "wheel", "line", "x"])},
    optional={
        "key": st.one_of(SCALARS, st.sampled_from(["a", "Enter", "Control", "\ud800", "é"])),
        "x": SCALARS, "y": SCALARS, "button": SCALARS, "text": SCALARS, "ctrl": SCALARS,
    },
)  # fmt: skip
COMMANDS = st.one_of(
    st.fixed_dictionaries(
        {"do": st.sampled_from(
                ["start", "step", "count", "set", "input", "look", "debug", "fly", 1, None]
            )},
        optional={
            "instructions": SCALARS, "on": SCALARS, "value": ANYTHING, "event": EVENTS | ANYTHING,
            "command": ANYTHING,
            "name": st.sampled_from(["hot", "nodes", "keep_text", "warp", "", "\ud800"]) | ANYTHING,
        },
    ),
    ANYTHING,
)  # fmt: skip
RAW = st.one_of(
    COMMANDS.map(json.dumps),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.binary(max_size=40),
    st.sampled_from([
        "[" * 60_000, '{"a":' * 10_000, '{"do":"set","name":"hot","value":' + DIGITS + "}",
        '{"do":"step","instructions":NaN}', '{"do":"step","instructions":-Infinity}', "", "nul",
        '{"do":"input","event":{"kind":"move","x":1e999,"y":0}}', '{"do":"start","do":[]}',
        '{"do":"input","event":' + '{"a":' * 400 + "1" + "}" * 401,
        json.dumps({"do": "input", "event": {"kind": "line", "text": "x" * 60_000}}),
    ]),
)  # fmt: skip


def test_no_message_ends_a_socket_or_the_run(server: Server, run: Session) -> None:
    with open_socket(server, close_timeout=0.1) as ws:

        @MANY
        @given(RAW)
        def send(message: str | bytes) -> None:
            ws.send(message)

        send()
        # Commands are done in their order: this one is refused last.
        ws.send('{"do":"the last one"}')
        until(lambda: "the last one" in _refusal(ws))
    assert run.runner.trouble == ""
    run.command({"do": "restart"})
    run.command({"do": "start"})
    number = run.sampler.run.number if run.sampler.run else 0
    until(lambda: run.sampler.run and run.sampler.run.number > number and run.sampler.run.executed)


def test_a_message_that_is_too_long_ends_its_own_socket_alone(server: Server) -> None:
    with open_socket(server) as other:
        with open_socket(server) as ws:
            ws.send("x" * (LARGEST + 1))
            until(lambda: _is_closed(ws))
        other.send('{"do":"fly"}')
        until(lambda: "fly" in _refusal(other))


def test_text_that_is_none_is_refused_without_a_word(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with open_socket(server) as ws:
        ws.send(b"\xff{}", text=True)
        until(lambda: _is_closed(ws))
    assert not caplog.records


def _is_closed(ws: Any) -> bool:
    try:
        ws.recv(timeout=HANGS)
    except ConnectionClosed:
        return True
    return False


def _refusal(ws: Any) -> str:
    message = ws.recv(timeout=HANGS)
    found = json.loads(message) if isinstance(message, str) else {}
    return str(found["why"]) if found.get("type") == "refused" else ""
