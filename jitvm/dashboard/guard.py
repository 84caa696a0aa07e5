"""Access control: the token, and the checks that keep other web pages out.

    /?token=...     the link that is printed; sets a cookie and redirects to the plain address
    cookie          HttpOnly, SameSite=Strict: pages of other sites cannot use it
    Bearer token    for programs that fetch, such as Prometheus

1. `Host` must be one of ours, so a foreign name that resolves to this machine (DNS rebinding) gets
   nothing.
2. `Origin`, if a browser sends one, must be our own address: no other page can connect a socket.
   There are no CORS headers at all.
3. Tokens are compared in constant time.
4. Scripts, styles and pictures come only from here (Content-Security-Policy), except for style
   rules that the chart library writes into the page; these load nothing from elsewhere either. Only
   pages of this machine, such as a notebook, may show the page in a frame. In a frame of another
   site there are no Strict cookies, so there the page keeps the token in its address.
"""

from __future__ import annotations

from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "jitvm_dashboard"
"""Beginning of the cookie's name."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
REFUSED = 1008
"""The close code of a socket that may not be: policy violation."""

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware: lets through who has the token.

    Args:
        app: what is guarded.
        token: who knows it may look and do everything.
        hosts: names this server is called by, without ports.
        open_paths: what is no secret: the files of the package.
    """

    def __init__(
        self, app: ASGIApp, token: str, hosts: Collection[str], open_paths: tuple[str, ...]
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = frozenset(hosts)
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, and pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trouble = self._trouble(scope, headers)
        if trouble is not None:
            await _refuse(trouble, scope, receive, send)
            return
        given = _query(scope).get("token", [""])[0]
        entering = scope["type"] == "http" and _path(scope) == "/" and given
        if entering and "embed" not in _query(scope):
            response = RedirectResponse(f"{scope.get('root_path', '')}/", status_code=303)
            path = f"{scope.get('root_path', '')}/"
            name, value = _cookie_name(headers), self._token.decode()
            response.set_cookie(name, value, path=path, httponly=True, samesite="strict")
            await response(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))

    def _trouble(self, scope: Scope, headers: Headers) -> str | None:
        host = headers.get("host", "")
        name, _ = _parted(host)
        if name not in self._hosts:
            return f"this server is not called {name[:60] or 'nothing'}"
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return "other pages may not use this server"
        if _path(scope).startswith(self._open_paths):
            return None
        if not any(self._is_token(given) for given in _given(scope, headers)):
            return "open the link that `jitvm dashboard` printed: it holds the token you need"
        return None

    def _is_token(self, given: str) -> bool:
        return compare_digest(given.encode(), self._token)


def _given(scope: Scope, headers: Headers) -> list[str]:
    """Tokens that a request brings."""
    given = list(_query(scope).get("token", ()))
    cookies = SimpleCookie()
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        cookies.clear()
    name = _cookie_name(headers)
    if name in cookies:
        given.append(cookies[name].value)
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        given.append(value.strip())
    return given


def _cookie_name(headers: Headers) -> str:
    """One for each port: browsers send cookies to all ports of a host."""
    _, port = _parted(headers.get("host", ""))
    return f"{COOKIE}_{port}"


def _query(scope: Scope) -> dict[str, list[str]]:
    return parse_qs(scope.get("query_string", b"").decode("latin-1"))


def _path(scope: Scope) -> str:
    """The path below where the application is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def _parted(host: str) -> tuple[str, str]:
    """A host header's name and port; the port is empty if there is none."""
    name, colon, port = host.rpartition(":")
    is_port = colon and port.isascii() and port.isdecimal()
    return (name, port) if is_port else (host, "")


async def _refuse(why: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": REFUSED, "reason": why})
        return
    response = PlainTextResponse(f"{why}\n", status_code=403)
    await response(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.encode(), value.encode())
                    for name, value in _HEADERS.items()
                    if name.encode() not in known
                ),
            ]
        await send(message)

    return sending
