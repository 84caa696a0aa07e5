"""The page in a notebook.

from jitvm.dashboard import widget
shown = widget.show(session)         the frame below the cell
shown.close()                        stops serving; the run goes on
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from jitvm.dashboard.server import Server

if TYPE_CHECKING:
    from jitvm.dashboard.source import Source


class Shown:
    """A source that is served and shown in a frame.

    Args:
        source: a `Session` that has begun, or a `SavedRun`.
        height: of the frame, in pixels.
    """

    def __init__(self, source: Source, height: int = 720) -> None:
        self.server = Server(source)
        self.server.begin()
        self._height = height

    def _repr_html_(self) -> str:
        # Cookies of another site are not sent from within a frame: `embed` keeps the token.
        url = escape(f"{self.server.url}&embed=1")
        return f'<iframe src="{url}" width="100%" height="{self._height}" frameborder="0"></iframe>'

    def close(self) -> None:
        """Stop serving."""
        self.server.close()


def show(source: Source, height: int = 720) -> Shown:
    """Show a run below the cell of a notebook; keep what this gives, and close it."""
    return Shown(source, height)
