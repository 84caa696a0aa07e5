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
    """An error in a source, or a warning.

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
    """The result of an assembler."""

    @property
    def data(self) -> bytes:
        """The program's bytes."""

    @property
    def labels(self) -> Sequence[tuple[str, int]]:
        """Names and addresses, in the order of their definition."""

    @property
    def symbols_file(self) -> bytes | None:
        """The file of labels that the guest's tools keep next to a program; None if they do not."""

    @property
    def warnings(self) -> Sequence[Diagnostic]:
        """Possible mistakes."""

    @property
    def unused(self) -> Sequence[Diagnostic]:
        """The `warnings` that correct programs have, too: labels without a reference."""


class Assembler(Protocol):
    """Assembles sources into programs.

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
    """Disassembles whole programs."""

    def disassemble(self, path: str, symbols: str | None, *, addresses: bool) -> str:
        """The text of a program in a file.

        Args:
            path: the program.
            symbols: a file of labels; None for the one next to the program, if any.
            addresses: whether addresses and bytes are shown as comments.

        Raises:
            ProgramError: one of the files cannot be read or makes no sense.
        """


class Session(Protocol):
    """A recorded session: all input of a program."""

    @property
    def args(self) -> Sequence[str]:
        """The program's command line."""

    @property
    def length(self) -> int:
        """How many frames there are."""


class Recorder(Protocol):
    """Records a session: a context manager around it, and an `Observer` of its frames."""

    def begin(self, number: int, events: tuple[Event, ...]) -> None: ...
    def end(self, frame: Frame) -> None: ...
    def discard(self) -> None:
        """Leave no file, entered or not; an existing one is unchanged."""

    def __enter__(self) -> object: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Sessions(Protocol):
    """Recordings of all input of a program, which can be replayed."""

    def load(self, path: str) -> Session:
        """Read one.

        Raises:
            SessionError: it cannot be read or is not a session; the same below.
        """

    def replay(self, session: Any, computer: Any) -> Iterator[Frame]:
        """Replay one on a computer that has not run; a difference raises `DivergedError`.

        A session that does not fit the computer raises immediately, before the first frame.
        """

    def recorder(self, path: str, computer: Any) -> Recorder:
        """Record one on a computer that has not run, during a ``with`` block."""
