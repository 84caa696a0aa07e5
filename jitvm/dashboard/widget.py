"""Serves the page of a run, and shows it in a notebook.

shown = widget.show(session)         a run that has started: a frame below the cell
shown = jitvm.dashboard(program)     a run of its own
shown.url                            opens the page in any browser on this machine
shown.close()                        stops serving, and a run of its own
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from jitvm.dashboard.server import Server
from jitvm.dashboard.session import Session

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from jitvm.dashboard.source import Source


class Shown:
    """A source that is served and shown in a frame; a context manager that closes it.

    Args:
        source: a `Session`, or a `SavedRun`.
        height: of the frame, in pixels.
        port: where to listen on 127.0.0.1; 0 for a free one.
        owns: whether a session is begun now, and closed with this.

    Attributes:
        server: what serves it.
        session: whose page it is; None for a saved run.

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self, source: Source, height: int = 720, *, port: int = 0, owns: bool = False
    ) -> None:
        self.session = source if isinstance(source, Session) else None
        self.server = Server(source, port=port)
        self._height = height
        self._owned = self.session if owns else None
        if self._owned is not None:
            self._owned.begin()
        self.server.begin()

    @property
    def url(self) -> str:
        """The link that opens the page; whoever has it can do with the program what you can."""
        return self.server.url

    def _repr_html_(self) -> str:
        # Cookies of another site are not sent from within a frame: `embed` keeps the token.
        url = escape(f"{self.url}&embed=1")
        return f'<iframe src="{url}" width="100%" height="{self._height}" frameborder="0"></iframe>'

    def close(self) -> None:
        """Stop serving; more than once does no harm."""
        self.server.close()
        if self._owned is not None:
            self._owned.close()
            self._owned = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def show(source: Source, height: int = 720) -> Shown:
    """Show a run below the cell of a notebook; keep what this gives, and close it."""
    return Shown(source, height)
