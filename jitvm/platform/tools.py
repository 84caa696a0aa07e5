"""Assemblers, disassemblers and recorders of sessions, as commands use them.

All are optional for a guest; see `Platform`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from types import TracebackType

    from jitvm.platform.events import Event
    from jitvm.platform.frames import Frame


class Diagnostic(Protocol):
    """Something that is wrong with a source, or may be.

    `line` and `column` count from 1; line 0 means the file itself.
    """

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def token(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...
    @property
    def problem(self) -> str: ...

    def render(self) -> str:
        """Lines of text for people."""


class Assembled(Protocol):
    """What an assembler gives."""

    @property
    def data(self) -> bytes:
        """The program's bytes."""

    @property
    def labels(self) -> Sequence[tuple[str, int]]:
        """Names and addresses, in the order of their definition."""

    @property
    def symbols_file(self) -> bytes | None:
        """Labels as the guest's tools keep them beside a program; None: they do not."""

    @property
    def warnings(self) -> Sequence[Diagnostic]:
        """What may be wrong."""

    @property
    def unused(self) -> Sequence[Diagnostic]:
        """Those of `warnings` that right programs have as well: labels without a reference."""


class Assembler(Protocol):
    """Makes programs of sources.

    Attributes:
        suffix: of the programs it makes, with its dot.
    """

    suffix: str

    def assemble_file(self, path: str, **options: Any) -> Assembled:
        """Assemble a file; `options` are some of `Platform.loading`.

        Raises:
            SourceError: it has errors, or cannot be read.
        """

    def assemble(self, data: bytes, name: str, **options: Any) -> Assembled:
        """Assemble a source that came from elsewhere.

        Raises:
            SourceError: it has errors.
        """


class Disassembler(Protocol):
    """Writes a program's whole text."""

    def disassemble(self, path: str, symbols: str | None, *, addresses: bool) -> str:
        """The text of a program in a file.

        Args:
            path: the program.
            symbols: a file of labels; None for what lies beside the program, if anything.
            addresses: whether addresses and bytes are shown as comments.

        Raises:
            ProgramError: one of the files cannot be read or makes no sense.
        """


class Session(Protocol):
    """All that came into a program, recorded."""

    @property
    def args(self) -> Sequence[str]:
        """The program's command line."""

    @property
    def length(self) -> int:
        """How many frames there are."""


class Recorder(Protocol):
    """Records a session; a context manager around it, and told of each frame: see `Observer`."""

    def begin(self, number: int, events: tuple[Event, ...]) -> None: ...
    def end(self, frame: Frame) -> None: ...
    def discard(self) -> None:
        """Leave no file, entered or not; what was there before stays."""

    def __enter__(self) -> object: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Sessions(Protocol):
    """Recordings of all that comes into a program, which can be run again."""

    def load(self, path: str) -> Session:
        """Read one.

        Raises:
            SessionError: it cannot be read or is none; likewise below.
        """

    def replay(self, session: Any, computer: Any) -> Iterator[Frame]:
        """Run one again on a computer that has not run; `DivergedError` tells of a difference.

        What is wrong with the two is raised at once, before the first frame is asked for.
        """

    def recorder(self, path: str, computer: Any) -> Recorder:
        """Record one, of a computer that has not run, while a ``with`` block lasts."""
