"""A run of another process, watched from here: `--attach PID`.

    run = Attached(4711)             asks the run; see `observed`
    run.view(8), run.stacks()        for the terminal
    run                              a `jitvm.dashboard.source.Source`, for the page

A run that ends, or is killed, leaves what it has told last; `is_over` says so.
"""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from jitvm.dashboard import meeting
from jitvm.dashboard.meeting import MeetingError
from jitvm.dashboard.runner import OVER, Activity
from jitvm.dashboard.source import CommandError
from jitvm.dashboard.terminal import View
from jitvm.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from jitvm.dashboard.meeting import Message

PATIENCE = 20.0
"""Seconds for an answer."""


class Attached:
    """A run of another process.

    Args:
        process: its number.

    Raises:
        MeetingError: it cannot be watched.

    Attributes:
        activity: what it did when it was asked last.
    """

    def __init__(self, process: int) -> None:
        self.process = process
        self._lock = Lock()
        self._socket = meeting.connect(process)
        self._socket.settimeout(PATIENCE)
        self._answers = self._socket.makefile("rb")
        self.activity = Activity.RUNNING
        self._is_gone = False
        try:
            self._hello = self._greeted()
        except MeetingError:
            self.close()
            raise

    def _greeted(self) -> Message:
        hello = self.ask("hello")
        if hello is None:
            raise MeetingError(f"process {self.process} has just ended")
        if hello.get("version") != __version__:
            raise MeetingError(
                f"process {self.process} is another version of jitvm; watch it with the same one"
            )
        greeting: Message = hello["hello"]
        return greeting

    def ask(self, what: str, **about: int) -> Message | None:
        """Ask the run; None if it is gone.

        Raises:
            MeetingError: it refuses to answer.
        """
        with self._lock:
            if self._is_gone:
                return None
            try:
                with suppress(BrokenPipeError):  # it may have said why before it hung up
                    self._socket.sendall(meeting.encoded({"ask": what, **about}))
                answer = meeting.decoded(self._answers.readline())
            except OSError:
                answer = None
            if answer is None:
                self._is_gone = True
                return None
        if "error" in answer:
            raise MeetingError(f"process {self.process}: {answer['error']}")
        self.activity = Activity(answer["activity"])
        return answer

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._is_gone or self.activity in OVER

    @property
    def is_gone(self) -> bool:
        """Whether the run's process does not answer any more."""
        return self._is_gone

    def close(self) -> None:
        """Watch no more."""
        self._answers.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- for the terminal --------------------------------------------------------------------

    def look(self) -> None:
        """Ask no more than what it does."""
        self.ask("activity")

    def view(self, top: int) -> View | None:
        """The run as it is now; None before it has come by, and when it is gone."""
        answer = self.ask("view", top=top)
        row = None if answer is None else answer["view"]
        return None if row is None else View(**{**row, "activity": Activity(row["activity"])})

    def stacks(self) -> Message | None:
        """Its call stacks, as `jitvm.profiling.difference` reads them; None when it is gone."""
        return self.ask("stacks")

    # -- for the page ------------------------------------------------------------------------

    def hello(self) -> Message:
        """What stays as it is."""
        return self._hello

    def viewer(self) -> AttachedViewer:
        """A place in it, by a connection of its own."""
        return AttachedViewer(self.process)

    def region(self, number: int) -> Message | None:
        """One region, as far as the run keeps texts."""
        answer = self.ask("region", number=number)
        return None if answer is None else answer["region"]

    def assembly(self, number: int) -> list[str]:  # noqa: ARG002  all sources have it
        """Nobody has the run compile anything for that."""
        return []

    def debugged(self, what: str, *numbers: int) -> None:
        """There is no debugger."""

    def command(self, message: Mapping[str, Any]) -> None:  # noqa: ARG002  all sources have it
        """Runs of others are watched, and that is all.

        Raises:
            CommandError: always.
        """
        raise CommandError("this run belongs to another process; it can only be watched")

    def metrics(self) -> str:
        """The run's figures."""
        answer = self.ask("metrics")
        return "" if answer is None else str(answer["metrics"])


class AttachedViewer:
    """One page's place in a run of another process."""

    def __init__(self, process: int) -> None:
        self._frames: list[bytes] = []
        self._told_of_end = False
        try:
            self._run: Attached | None = Attached(process)
        except MeetingError:  # it has ended meanwhile, or has watchers enough
            self._run = None

    def news(self) -> Message | None:
        """What is new; that the run has ended, once it does not answer any more."""
        answer = None if self._run is None else self._run.ask("news")
        if answer is not None:
            self._frames += map(b64decode, answer["frames"])
            news: Message | None = answer["news"]
            return news
        if self._told_of_end:
            return None
        self._told_of_end = True
        return {"type": "news", "activity": Activity.ENDED.value}

    def frames(self) -> list[bytes]:
        """Binary messages that came with the news."""
        frames, self._frames = self._frames, []
        return frames

    def close(self) -> None:
        """The page is gone."""
        if self._run is not None:
            self._run.close()
