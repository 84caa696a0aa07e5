"""A run that lets itself be watched: `jitvm run --observable`.

    run       its own thread, as without; nobody looks at it until somebody comes
    door      waits for watchers, on a thread that sleeps otherwise
    watcher   a thread for each: questions in, figures out

The first watcher has the machine come back once, which then counts what is interpreted and is
sampled as on the dashboard, and the last one has all of that end. Watchers ask, and do nothing:

    {"ask": "hello"}                      what stays as it is
    {"ask": "news"}                       what is new for this watcher, and binary messages
    {"ask": "region", "number": 7}        a region
    {"ask": "view", "top": 8}             the run as `jitvm top` shows it
    {"ask": "stacks"}                     call stacks
    {"ask": "metrics"}                    for Prometheus
    {"ask": "activity"}                   no more than what all answers have

Each answer has the run's `activity`. When the run ends, those who are there get its last figures.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from jitvm.dashboard import meeting
from jitvm.version import __version__

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from jitvm.dashboard.feed import LiveViewer
    from jitvm.dashboard.meeting import Message
    from jitvm.dashboard.watching import Watching
    from jitvm.engine.machine.inspect import Machine
    from jitvm.engine.tables.params import Parameters
    from jitvm.platform import Platform, Program

MOST = 8
"""Watchers at the same time."""
PATIENCE = 2.0
"""Seconds that a run that has ended waits for its watchers to ask for its last figures."""


class Observed:
    """Lets a machine be watched during a ``with`` block, on the thread that runs it.

    Args:
        machine: which; at a native tier.
        platform: of its guest.
        program: whose labels are told.
        params: of its JIT; None for the usual ones.

    Raises:
        MeetingError: there is no place to meet.
    """

    def __init__(
        self, machine: Machine, platform: Platform, program: Program, params: Parameters | None
    ) -> None:
        self._about = (machine, platform, program, params)
        self._thread = threading.current_thread()
        self._lock = threading.Lock()
        self._watching: Watching | None = None
        self._watchers: set[threading.Thread] = set()
        self._is_over = False
        self._door = meeting.listen()

    def __enter__(self) -> Self:
        threading.Thread(target=self._wait, name="jitvm-door", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(str(error) if isinstance(error, Exception) else "")

    def close(self, trouble: str = "") -> None:
        """The run is over: tell those who watch, and nobody else any more."""
        meeting.leave()
        with self._lock:
            self._is_over = True
            watching, watchers = self._watching, list(self._watchers)
        if watching is not None:
            watching.end(trouble)
        end = time.monotonic() + PATIENCE
        for watcher in watchers:
            watcher.join(max(end - time.monotonic(), 0.0))
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # which ends the waiting in `_wait`
        self._door.close()

    # -- watchers ----------------------------------------------------------------------------

    def _wait(self) -> None:
        """Let watchers in."""
        while True:
            try:
                connection, _ = self._door.accept()
            except OSError:  # closed
                return
            if meeting.is_ours(connection) and self._let_in(connection):
                continue
            with suppress(OSError):
                connection.sendall(meeting.encoded({"error": f"{MOST} watch it already"}))
            connection.close()

    def _let_in(self, connection: socket.socket) -> bool:
        """Begin to answer a watcher, if there is room for one."""
        with self._lock:
            if len(self._watchers) >= MOST or self._is_over:
                return False
            watcher = threading.Thread(
                target=self._serve, args=(connection,), name="jitvm-watcher", daemon=True
            )
            self._watchers.add(watcher)
            watcher.start()
            return True

    def _serve(self, connection: socket.socket) -> None:
        """Answer one watcher until it goes."""
        viewer = None
        try:
            try:
                watching = self._watched()
            except Exception as error:  # such as damaged labels: not the run's concern
                with connection:
                    connection.sendall(meeting.encoded({"error": str(error)}))
                return
            viewer = watching.viewer()
            with connection, connection.makefile("rb") as lines:
                while line := lines.readline(meeting.LONGEST + 1):
                    if len(line) > meeting.LONGEST:
                        break
                    answer = _answer(watching, viewer, line)
                    connection.sendall(meeting.encoded(answer))
        except OSError:
            pass  # it is gone
        finally:
            if viewer is not None:
                viewer.close()
            self._leave()

    def _watched(self) -> Watching:
        """What looks at the run, which the first watcher brings along."""
        with self._lock:
            if self._is_over:
                raise meeting.MeetingError("it has just ended")
            if self._watching is None:
                from jitvm.dashboard.watching import Watching

                self._watching = Watching(*self._about, self._thread)
                self._watching.begin()
            return self._watching

    def _leave(self) -> None:
        with self._lock:
            self._watchers.discard(threading.current_thread())
            if self._watchers or self._is_over or self._watching is None:
                return
            watching, self._watching = self._watching, None
            watching.stop()


def _answer(watching: Watching, viewer: LiveViewer, line: bytes) -> Message:
    """The answer to a question; whatever it is, it leaves the run alone."""
    try:
        found = _found(watching, viewer, meeting.decoded(line) or {})
    except Exception as error:  # a bug here is the watcher's to hear of, not the run's
        found = {"error": f"{type(error).__name__}: {error}"}
    return {**found, "activity": watching.runner.activity.value}


def _found(watching: Watching, viewer: LiveViewer, question: Message) -> Message:
    from base64 import b64encode
    from dataclasses import asdict

    from jitvm.dashboard.terminal import look

    match question:
        case {"ask": "activity"}:
            return {}
        case {"ask": "hello"}:
            return {"hello": watching.hello(), "version": __version__}
        case {"ask": "news"}:
            frames = [b64encode(frame).decode() for frame in viewer.frames()]
            return {"news": viewer.news(), "frames": frames}
        case {"ask": "region", "number": int(number)}:
            return {"region": watching.region(number)}
        case {"ask": "view", "top": int(top)} if 0 <= top <= 1000:
            view = look(watching, top)
            return {"view": None if view is None else asdict(view)}
        case {"ask": "stacks"}:
            return watching.stacks()
        case {"ask": "metrics"}:
            return {"metrics": watching.metrics()}
    return {"error": "there is no such question"}
