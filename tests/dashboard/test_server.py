"""Who may look, and what viewers cost: token, host and origin, loopback, slow and gone viewers."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from threading import Thread
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from jitvm.dashboard import server as server_module
from jitvm.dashboard.files import FILES
from jitvm.dashboard.guard import COOKIE
from jitvm.dashboard.server import Server, application
from jitvm.dashboard.session import Session
from tests.clock import HANGS, until
from tests.dashboard.runs import COUNT, SHORT, session, stand_still


@pytest.fixture(scope="module")
def run() -> Iterator[Session]:
    with session(COUNT, counting=True) as made:
        yield made


@pytest.fixture(scope="module")
def server(run: Session) -> Iterator[Server]:
    with Server(run) as made:
        until(lambda: _answers(made))
        yield made


def _answers(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), 1).close()
    except OSError:
        return False
    return True


def get(
    server: Server, path: str, headers: Mapping[str, str] | None = None
) -> tuple[HTTPResponse, bytes]:
    """An answer and its body; redirects are not followed."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=HANGS)
    connection.request("GET", path, headers=dict(headers or {}))
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def bearer(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}"}


def open_socket(server: Server, **options: Any) -> Any:
    url = f"ws://127.0.0.1:{server.port}/socket?token={server.token}"
    patient = {"open_timeout": HANGS, "ping_interval": None, "max_size": None}
    return connect(options.pop("url", url), **{**patient, **options})


# -- who may look --------------------------------------------------------------------------------


def test_the_link_sets_a_cookie_and_leaves_no_token_in_the_address(server: Server) -> None:
    response, _ = get(server, f"/?token={server.token}")
    assert response.status == 303
    assert response.headers["location"] == "/"
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}_{server.port}={server.token}")
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    response, body = get(server, "/", {"Cookie": cookie.partition(";")[0]})
    assert response.status == 200
    assert b"<title>jitvm</title>" in body
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert response.headers.get("access-control-allow-origin") is None


@pytest.mark.parametrize("path", ["/", "/metrics", "/region/1", "/?token=", "/?token=wrong"])
def test_without_the_token_there_is_nothing(server: Server, path: str) -> None:
    response, body = get(server, path)
    assert response.status == 403
    assert b"token" in body


def test_a_token_that_is_not_text_of_ours_is_refused(server: Server) -> None:
    assert get(server, "/", {"Cookie": f"{COOKIE}_{server.port}=%ff%00"})[0].status == 403
    assert get(server, "/?token=%ff%00%e2%82%ac")[0].status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_other_names_of_this_machine_are_refused(server: Server, host: str) -> None:
    response, _ = get(server, "/", {**bearer(server), "Host": host})
    assert response.status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1", "null"])
def test_other_pages_are_refused(server: Server, origin: str) -> None:
    response, _ = get(server, "/", {**bearer(server), "Origin": origin})
    assert response.status == 403


def test_sockets_are_guarded_like_pages(server: Server) -> None:
    plain = f"ws://127.0.0.1:{server.port}/socket"
    for options in (
        {"url": plain},
        {"url": f"{plain}?token=wrong"},
        {"origin": "http://evil.example"},
        {"origin": "http://["},
    ):
        with pytest.raises((InvalidStatus, ConnectionClosed)), open_socket(server, **options) as ws:
            ws.recv(timeout=HANGS)
    with open_raw(server, host="evil.example") as raw:
        assert b" 403 " in raw.recv(64)


def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server._socket.getsockname()[0] == "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells our own address
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    with pytest.raises(OSError, match=r"refused|timed out"):
        socket.create_connection((address, server.port), 2)


def test_the_files_name_no_other_server() -> None:
    for file in FILES.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert "http://" not in text, file.name
        assert "https://" not in text, file.name


def test_files_outside_of_the_package_are_not_served(server: Server) -> None:
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd"):
        assert get(server, path, bearer(server))[0].status in (403, 404)


def test_the_script_of_the_charts_comes_from_its_package_once(server: Server) -> None:
    response, body = get(server, "/static/plotly.js")
    assert response.status == 200
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert b"plotly.js" in body[:200]
    tag = response.headers["etag"]
    again, body = get(server, "/static/plotly.js", {"If-None-Match": tag})
    assert (again.status, body) == (304, b"")
    assert get(server, "/static/plotly.js", {"If-None-Match": '"another"'})[0].status == 200
    assert b"plotly" not in get(server, "/", bearer(server))[1]  # the page does not wait for it


def test_it_can_be_mounted_in_another_application(run: Session) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import Mount

    guarded = application(run, "secret", hosts=("example.org", "127.0.0.1"))
    app = Starlette(routes=[Mount("/jit", guarded)])
    outer = Server(run)
    outer._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    outer._thread = Thread(target=outer._server.run, args=([outer._socket],), daemon=True)
    with outer:
        until(lambda: _answers(outer))
        host = {"Host": "example.org"}
        assert get(outer, "/jit/", host)[0].status == 403
        entered, _ = get(outer, "/jit/?token=secret", host)
        assert entered.status == 303
        assert entered.headers["location"] == "/jit/"
        assert "Path=/jit/" in entered.headers["set-cookie"]
        known = {**host, "Authorization": "Bearer secret"}
        assert get(outer, "/jit/", known)[0].status == 200
        assert get(outer, "/jit/static/dashboard.js", host)[0].status == 200
        assert b"jitvm_activity" in get(outer, "/jit/metrics", known)[1]
        url = f"ws://127.0.0.1:{outer.port}/jit/socket?token=secret"
        with open_socket(outer, url=url) as ws:
            assert json.loads(ws.recv(timeout=HANGS))["type"] == "hello"


# -- what they get -------------------------------------------------------------------------------


def test_metrics_are_what_prometheus_reads(server: Server, run: Session) -> None:
    until(lambda: run.sampler.run and run.sampler.run.native)
    response, body = get(server, "/metrics", bearer(server))
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    values: dict[str, float] = {}
    types: set[str] = set()
    for line in body.decode().splitlines():
        if line.startswith("# TYPE "):
            assert line.split()[2] not in types
            types.add(line.split()[2])
        elif not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name.partition("{")[0] in types
            values[name] = float(value)
    assert values['jitvm_instructions_total{tier="native"}'] > 0
    assert 0 < values["jitvm_native_ratio"] <= 1
    assert values['jitvm_activity{state="running"}'] == 1


def test_the_ready_dashboard_asks_for_metrics_that_are_there(server: Server) -> None:
    import re
    from importlib.resources import files

    _, body = get(server, "/metrics", bearer(server))
    there = set(re.findall(r"^(jitvm_\w+)", body.decode(), re.MULTILINE))
    board = json.loads(files("jitvm.dashboard").joinpath("grafana.json").read_text("utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for query in panel.get("targets", ())
        for name in re.findall(r"jitvm_\w+", query["expr"])
    }
    assert asked
    assert asked <= there | {"jitvm_refused_total", "jitvm_exits"}


def test_a_page_is_greeted_and_told_of_regions_and_their_texts(
    server: Server, run: Session
) -> None:
    until(lambda: run.sampler.run and run.sampler.run.regions.rows)
    stand_still(run)
    with open_socket(server) as ws:
        hello = json.loads(ws.recv(timeout=HANGS))
        assert hello["type"] == "hello"
        assert hello["live"]
        assert "hot" in {row["name"] for row in hello["params"]}
        number = _first_region(ws)
    _, body = get(server, f"/region/{number}", bearer(server))
    assert json.loads(body)["number"] == number
    _, body = get(server, f"/region/{number}/assembly", bearer(server))
    assert json.loads(body)
    assert get(server, "/region/1000000", bearer(server))[1] == b"null"
    run.runner.resume()


def _first_region(ws: Any) -> int:
    for _ in range(200):
        message = ws.recv(timeout=HANGS)
        if isinstance(message, str):
            added = json.loads(message).get("regions", {}).get("added")
            if added:
                return int(added[0]["number"])
    raise AssertionError("no region was told")


def test_commands_that_are_none_get_an_answer(server: Server) -> None:
    with open_socket(server) as ws:
        for sent in ("{", "[]", '{"do":"fly"}'):
            ws.send(sent)
            why = until(lambda: _refusal(ws))
            assert "command" in why


def _refusal(ws: Any) -> str:
    message = ws.recv(timeout=HANGS)
    found = json.loads(message) if isinstance(message, str) else {}
    return str(found["why"]) if found.get("type") == "refused" else ""


def test_a_page_that_nobody_sees_is_told_nothing(server: Server) -> None:
    with open_socket(server) as ws:
        ws.recv(timeout=HANGS)
        ws.send('{"do":"look","on":false}')
        time.sleep(0.4)
        assert _is_silent(ws)
        ws.send('{"do":"look","on":true}')
        assert ws.recv(timeout=HANGS)


def _is_silent(ws: Any) -> bool:
    """Whether nothing comes for half a second, once what was under way has come."""
    for _ in range(50):
        try:
            ws.recv(timeout=0.5)
        except TimeoutError:
            return True
    return False


# -- what they cost ------------------------------------------------------------------------------


def test_a_viewer_that_stops_reading_holds_nobody_up(
    server: Server, run: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "PATIENCE", 100 * HANGS)
    found = run.sampler.run
    assert found is not None
    before = found.executed
    with open_raw(server) as raw:
        assert b" 101 " in raw.recv(14)
        with open_socket(server) as ws:
            for _ in range(20):
                ws.recv(timeout=HANGS)
        until(lambda: found.executed > before)
    until(lambda: run.sampler.viewers == 0)


def open_raw(server: Server, host: str = "") -> socket.socket:
    """A page that asks for a socket and then never reads."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.connect(("127.0.0.1", server.port))
    raw.sendall(
        f"GET /socket?token={server.token} HTTP/1.1\r\n"
        f"Host: {host or f'127.0.0.1:{server.port}'}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    return raw


def test_many_viewers_come_and_go(server: Server, run: Session) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(open_socket(server))
            stack.enter_context(open_raw(server))
        until(lambda: run.sampler.viewers == 8)
    until(lambda: run.sampler.viewers == 0)


def test_a_run_that_ends_while_it_is_watched_stays_on_the_page() -> None:
    with session(SHORT, stdin=b"") as run, Server(run) as server:
        until(lambda: _answers(server))
        with open_socket(server) as ws:
            ended = until(lambda: _activity(ws) == "ended")
            assert ended
            assert run.sampler.run is not None
            ws.send('{"do":"restart"}')
            until(lambda: _run_number(ws) == 2)


def _activity(ws: Any) -> str:
    message = ws.recv(timeout=HANGS)
    return str(json.loads(message).get("activity")) if isinstance(message, str) else ""


def _run_number(ws: Any) -> int:
    message = ws.recv(timeout=HANGS)
    return int(json.loads(message).get("run", 0)) if isinstance(message, str) else 0


def test_the_server_closes_while_pages_are_open() -> None:
    with session(COUNT) as run:
        server = Server(run)
        server.begin()
        until(lambda: _answers(server))
        with open_socket(server) as ws:
            ws.recv(timeout=HANGS)
            server.close()
            until(lambda: not server._thread.is_alive())
