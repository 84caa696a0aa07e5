"""The ASGI application, and a server for it on loopback.

    GET  /                     the page
    GET  /static/...           its files: see `jitvm.dashboard.files`
    WS   /socket               news out, commands in: see `jitvm.dashboard.feed`
    GET  /region/7             one region with its texts, JSON; null if it was removed
    GET  /region/7/assembly    its machine code as text lines, likewise
    GET  /debug/listing/0      with a debugger: a source file, by its number
    GET  /debug/code/256/8/40  instructions: around an address, so many before it, and from it on
    GET  /debug/memory/0/256/64    bytes: of a space, from an address on, so many
    GET  /metrics              for Prometheus

A socket has one task that sends and one that receives. The sender asks the viewer for news only
after the previous news was sent, and pauses longer after news that was slow to make or send: a
viewer costs the server at most a twentieth of a processor, and a slow one nothing. Whatever a page
sends gets a reply: anything but a command is rejected, and the socket stays open.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
from contextlib import suppress
from functools import partial
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from jitvm.dashboard.files import Files
from jitvm.dashboard.guard import LOOPBACK, Guard
from jitvm.dashboard.metrics import CONTENT_TYPE
from jitvm.dashboard.source import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from jitvm.dashboard.source import Source, Viewer

BEAT = 0.2
"""Seconds between two pieces of news to a page, at least; who steps waits for `FRAME` alone."""
FRAME = 1 / 20
"""Seconds between two pictures, at least."""
PIXELS = 8_000_000
"""Bytes of pictures a second: what a browser without a graphics processor draws in passing."""
SHARE = 20
"""After news that took a second to make, so many seconds pass before the next."""
PATIENCE = 20.0
"""Seconds a page may take nothing at all before it is given up."""
LARGEST = 1 << 16
"""Bytes of a command."""
DIGITS = 18
"""Of a number, at most: there is nothing with a longer one."""


def application(source: Source, token: str, *, hosts: Iterable[str] = LOOPBACK) -> ASGIApp:
    """The dashboard of a run as an ASGI application, to be served alone or mounted in another.

    Args:
        source: a `Session` or a `SavedRun`.
        token: the secret that the page's address has to bring: ``/?token=...``.
        hosts: names the server is called by, without ports.
    """

    files = Files()

    async def region(request: Request) -> Response:
        return await _about(request, source.region, "number")

    async def assembly(request: Request) -> Response:
        return await _about(request, source.assembly, "number")

    def debugging(name: str, *numbers: str) -> Route:
        async def answer(request: Request) -> Response:
            return await _about(request, partial(source.debugged, name), *numbers)

        path = "/".join(f"{{{number}}}" for number in numbers)
        return Route(f"/debug/{name}/{path}", answer)

    async def metrics(request: Request) -> Response:  # noqa: ARG001
        text = await run_in_threadpool(source.metrics)
        return PlainTextResponse(text, headers={"content-type": CONTENT_TYPE})

    async def connect(websocket: WebSocket) -> None:
        await websocket.accept()
        await _serve(source, websocket)

    return Starlette(
        routes=[
            Route("/", files.answer),
            Route("/static/{name}", files.answer),
            Route("/region/{number}", region),
            Route("/region/{number}/assembly", assembly),
            debugging("listing", "file"),
            debugging("code", "start", "before", "count"),
            debugging("memory", "space", "start", "count"),
            Route("/metrics", metrics),
            WebSocketRoute("/socket", connect),
        ],
        middleware=[Middleware(Guard, token, tuple(hosts), ("/static/",))],
    )


async def _about(request: Request, look_up: Callable[..., object], *names: str) -> Response:
    """What is known of the numbers in the path, as JSON."""
    given: list[str] = [request.path_params[name] for name in names]
    if not all(digits.isascii() and digits.isdecimal() for digits in given):
        return PlainTextResponse(f"numbers are expected: {', '.join(names)}\n", status_code=404)
    are_some = all(len(digits) <= DIGITS for digits in given)
    found = await run_in_threadpool(look_up, *map(int, given)) if are_some else None
    # Names may hold bytes that are not UTF-8: JSON in ASCII has an escape for each.
    return Response(json.dumps(found), media_type="application/json")


# -- one socket ----------------------------------------------------------------------------------


async def _serve(source: Source, websocket: WebSocket) -> None:
    """Look after one page until it goes."""
    viewer = source.viewer()
    wanted = asyncio.Event()
    wanted.set()
    sender = asyncio.create_task(_send(source, viewer, websocket, wanted))
    receiver = asyncio.create_task(_receive(source, websocket, wanted))
    try:
        await asyncio.wait((sender, receiver), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sender, receiver):
            task.cancel()
        await asyncio.gather(sender, receiver, return_exceptions=True)
        viewer.close()
        with suppress(RuntimeError, OSError, WebSocketDisconnect):
            await websocket.close()


async def _send(
    source: Source, viewer: Viewer, websocket: WebSocket, wanted: asyncio.Event
) -> None:
    """Send news for as long as the page takes them."""
    hello = source.hello()
    await websocket.send_text(json.dumps(hello))
    beat, due = (FRAME if hello["debug"] else BEAT), 0.0
    while True:
        await wanted.wait()
        began = perf_counter()
        if began >= due:
            text = await run_in_threadpool(_news, viewer)
            cost = perf_counter() - began
            if text:
                await asyncio.wait_for(websocket.send_text(text), PATIENCE)
            due = perf_counter() + max(beat - cost, SHARE * cost)
        frames = await run_in_threadpool(viewer.frames)
        for frame in frames:
            await asyncio.wait_for(websocket.send_bytes(frame), PATIENCE)
        await asyncio.sleep(max(FRAME, sum(map(len, frames)) / PIXELS))


def _news(viewer: Viewer) -> str:
    news = viewer.news()
    return "" if news is None else json.dumps(news, separators=(",", ":"))


async def _receive(source: Source, websocket: WebSocket, wanted: asyncio.Event) -> None:
    """Do what the page asks, until it goes."""
    while True:
        received = await websocket.receive()
        if received["type"] == "websocket.disconnect":
            return
        try:
            message = _parse(received.get("text"))
            if message.get("do") == "look":
                _switch(wanted, on=bool(message.get("on")))
            else:
                source.command(message)
        except CommandError as error:
            await websocket.send_text(json.dumps({"type": "refused", "why": str(error)}))


def _parse(text: str | None) -> Mapping[str, Any]:
    """A command; None for a binary message.

    Raises:
        CommandError: it is none.
    """
    try:
        message = None if text is None or len(text) > LARGEST else json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not _is_flat(message, 2):
        raise CommandError(f"a command is a flat JSON object of at most {LARGEST} characters")
    return message


def _is_flat(value: object, levels: int) -> bool:
    """Whether there are objects in at most so many levels, and no lists."""
    if isinstance(value, dict):
        return levels > 0 and all(_is_flat(each, levels - 1) for each in value.values())
    return not isinstance(value, list)


def _switch(wanted: asyncio.Event, *, on: bool) -> None:
    if on:
        wanted.set()
    else:
        wanted.clear()


# -- a server of our own -------------------------------------------------------------------------


def _is_no_clients_fault(record: logging.LogRecord) -> bool:
    """Whether to log something: text that is none is refused, which nobody here need know of."""
    return record.exc_info is None or not isinstance(record.exc_info[1], UnicodeDecodeError)


class Server:
    """Serves a source on loopback, on a thread of its own.

        with Server(session) as server:
            print(server.url)

    Args:
        source: what is shown.
        port: 0 for any that is free.
        token: None for a random one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, source: Source, *, port: int = 0, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            application(source, self.token),
            log_config=None,  # its own asks standard output for colours, which may be closed
            log_level="error",
            access_log=False,
            lifespan="off",
            ws_max_size=LARGEST,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_clients_fault)
        self._server = uvicorn.Server(config)
        self._thread = Thread(
            target=self._server.run, args=([self._socket],), name="jitvm-server", daemon=True
        )

    @property
    def address(self) -> str:
        """Where it listens, without the token."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def url(self) -> str:
        """The link that opens the page."""
        return f"{self.address}?token={self.token}"

    def begin(self) -> None:
        """Listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and let go of all pages."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(5)
        self._socket.close()

    def __enter__(self) -> Server:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
