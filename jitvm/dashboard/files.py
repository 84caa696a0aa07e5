"""The files of a page: those of this package, and the script of the chart library.

    /static/dashboard.js     from `static/`, read on every request
    /static/plotly.js        from the installed package `plotly`, 5 MB, requested by the page once
                             everything else is loaded

Names are looked up in a table: no part of a request ever becomes a path.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from jitvm.profiling.flame import charts_script

if TYPE_CHECKING:
    from starlette.requests import Request

FILES = Path(__file__).parent / "static"
CHARTS = "plotly.js"
"""What the page calls the script of the chart library."""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


def _known() -> dict[str, Path]:
    known = {path.name: path for path in FILES.iterdir() if path.suffix in _TYPES}
    script = charts_script()
    return known if script is None else {**known, CHARTS: script}


class Files:
    """Serves the files; a browser that has one already gets 'not modified', by its tag."""

    def __init__(self) -> None:
        self._known = _known()

    async def answer(self, request: Request) -> Response:
        """The file whose name is in the path; without one, the page."""
        path = self._known.get(request.path_params.get("name", "index.html"))
        if path is None:
            return PlainTextResponse("there is no such file\n", status_code=404)
        about = path.stat()
        tag = f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
        headers = {"etag": tag, "cache-control": "no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = await run_in_threadpool(path.read_bytes)
        return Response(content, headers=headers, media_type=_TYPES[path.suffix])
