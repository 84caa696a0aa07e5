"""A live run: a target on the guest's thread, a sampler that observes it, pages that query it.

    session = Session(target, params)
    session.begin()
    app = application(session, token)        for any ASGI server
    ...
    session.close()

Threads: the guest's (`Runner`), the sampler's, and the server's; the compile thread is the
engine's. The server's only reads what the others have written, under the sampler's lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jitvm.dashboard.console import Transcript
from jitvm.dashboard.looked import LookedAt
from jitvm.dashboard.runner import Runner
from jitvm.dashboard.sampler import Run, Sampler
from jitvm.dashboard.source import CommandError, Message
from jitvm.engine.tables.params import ParameterError, Parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jitvm.dashboard.target import Target
    from jitvm.engine.machine.inspect import Machine

MOST_STEPS = 1_000_000_000
"""Instructions of one step."""


class Session(LookedAt):
    """A run to show; implements `jitvm.dashboard.source.Source`.

    Args:
        target: what runs.
        params: for its machines; texts are kept in any case, because the page shows them.
        paused: whether to begin paused.
        counting: whether to count all instructions exactly, which slows tight loops down; else
            only interpreted ones are counted, and the native share is one of time, estimated.
        after_beat: called ten times a second with the run, to save it, say.
    """

    target: Target
    runner: Runner

    def __init__(
        self,
        target: Target,
        params: Parameters | None = None,
        *,
        paused: bool = False,
        counting: bool = False,
        after_beat: Callable[[Run], None] | None = None,
    ) -> None:
        self.target = target
        self.transcript = Transcript()
        self.sampler = Sampler(target, after_beat)
        self.runner = Runner(
            target,
            (params or Parameters.from_environment()).changed({"keep_text": 1}),
            paused=paused,
            counting=counting,
            on_machine=self._new_machine,
        )
        self.sampler.runner = self.runner
        target.on_text(self.transcript.append)
        if target.debugging is not None:
            target.debugging.is_wanted = lambda: self.runner.is_wanted

    def _new_machine(self, machine: Machine) -> None:
        if self.transcript.total:
            self.transcript.append("\n--- started over ---\n")
        self.sampler.new_machine(machine)

    def begin(self) -> None:
        """Run, and look."""
        self.runner.begin()
        self.sampler.begin()

    def close(self) -> None:
        """Stop the guest, look one last time."""
        self.runner.close()
        self.sampler.close()

    def __enter__(self) -> Session:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what pages ask for ------------------------------------------------------------------

    def hello(self) -> Message:
        """What stays as it is."""
        return {**self.facts(), "input": self.target.has_input}

    def debugged(self, what: str, *numbers: int) -> Message | None:
        """What the debugger knows of some numbers."""
        debugging = self.target.debugging
        if debugging is None:
            return None
        look_ups: dict[str, Callable[..., Message | None]] = {
            "listing": debugging.listing,
            "code": debugging.code,
            "memory": debugging.memory,
        }
        return look_ups[what](*numbers)

    # -- what pages do -----------------------------------------------------------------------

    def command(self, message: Mapping[str, Any]) -> None:
        """Do what a page asks: start, pause, step, restart, count, set, input, debug.

        Raises:
            CommandError: there is no such command, or its arguments are wrong.
        """
        match message:
            case {"do": "start"}:
                self.runner.resume()
            case {"do": "pause"}:
                self.runner.pause()
            case {"do": "restart"}:
                self.runner.restart()
            case {"do": "step", "instructions": int(count)} if 0 <= count <= MOST_STEPS:
                self.runner.step(count)
            case {"do": "count", "on": bool(on)}:
                if self.target.debugging is not None:
                    raise CommandError("the debugger counts all instructions: they are its clock")
                self.runner.count(on=on)
            case {"do": "set", "name": str(name), "value": int() | str() as value}:
                self._set(name, value)
            case {"do": "input", "event": dict(event)}:
                self.runner.input(event)
            case {"do": "debug", "command": str(line)}:
                self._debug(line)
            case _:
                raise CommandError(f"there is no command {str(message)[:80]}")

    def _debug(self, line: str) -> None:
        debugging = self.target.debugging
        if debugging is None:
            raise CommandError("there is no debugger: start with `jitvm dashboard --debug`")
        if debugging.goes_on(line):
            self.runner.resume()
        else:
            self.runner.perform(lambda: debugging.execute(line))

    def _set(self, name: str, value: int | str) -> None:
        if name == "keep_text":
            raise CommandError("keep_text stays on: the page shows these texts")
        try:
            self.runner.change_params(self.runner.params.changed({name: value}))
        except ParameterError as error:
            raise CommandError(str(error)) from error
