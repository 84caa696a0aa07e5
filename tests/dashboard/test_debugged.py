"""A run by the debugger on the page: what commands do, what the view shows, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitvm.dashboard.debugged import LONGEST, DebuggedComputer
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.server import Server
from jitvm.dashboard.session import Session
from jitvm.dashboard.source import CommandError
from jitvm.debugger.commands import BY_NAME
from tests.clock import HANGS, until
from tests.dashboard.runs import COUNT, DRAW, ECHO, SHORT, TINY, debugged, session
from tests.dashboard.test_server import _answers, bearer, get, open_socket
from tests.debugger.walking import CHIP8

FOREVER = "|0100 @main round BRK @round &again !&again"


def done(run: Session, made: DebuggedComputer, command: str) -> dict[str, Any]:
    """What a command answers, once it has been done."""
    before = made.replies.total

    def answers() -> list[dict[str, Any]]:
        return [row for row in made.replies.since(before)[1] if row["line"] == command]

    run.command({"do": "debug", "command": command})
    return dict(until(answers)[0])


def stop(made: DebuggedComputer) -> dict[str, Any]:
    """Where it stands, as a page sees it."""
    view = json.loads(json.dumps(made.view))
    found: dict[str, Any] = view["stopped"]
    return found


def go(run: Session, made: DebuggedComputer, command: str = "continue") -> dict[str, Any]:
    """Run on until it stands still again."""
    before = made.replies.total
    run.command({"do": "debug", "command": command})
    until(lambda: made.replies.total > before and run.runner.activity is Activity.PAUSED)
    return stop(made)


def test_breakpoints_steps_and_the_way_back() -> None:
    with debugged(COUNT) as (run, made):
        assert stop(made)["reason"] == "start"
        assert "1: breakpoint" in done(run, made, "break step if wst[1] == 3")["lines"][0]
        at = go(run, made)
        assert at["reason"] == "breakpoint"
        assert at["why"] == ["breakpoint 1, 0x010f step"]
        assert at["stacks"][0]["cells"][-2] == 3
        assert at["frames"][0][1] == "step"
        assert len(at["frames"]) == 2
        time = at["time"]
        assert go(run, made, "stepi")["time"] == time + 1
        assert go(run, made, "reverse-stepi 2")["time"] == time - 1
        assert go(run, made, "reverse-continue")["reason"] == "start"
        assert go(run, made)["time"] == time
        assert run.target.machine.counting


def test_a_run_stops_at_the_same_instruction_when_it_is_native() -> None:
    with debugged(COUNT, hot=50) as (run, made):
        done(run, made, "break step if wst[0]:2 == 0x1234 && time > 1000000")
        found = go(run, made)
        assert found["stacks"][0]["cells"][-2:] == [0x12, 0x34]
        time, horizon = found["time"], found["horizon"]
        assert horizon == time
        assert go(run, made, "reverse-stepi")["time"] == time - 1
        assert go(run, made)["time"] == time


def test_chip8_works_as_well() -> None:
    with debugged(CHIP8, platform="chip8") as (run, made):
        done(run, made, "break *0x0210")
        at = go(run, made)
        assert (at["pc"], at["reason"], at["line"]) == (0x210, "breakpoint", None)
        assert at["frames"][0][0] == 0x210
        assert at["stacks"][0]["name"] == "calls"
        done(run, made, "set state[1] = 0x42")
        assert made.memory(1, 1, 1) == {"start": 1, "bytes": "42"}
        assert go(run, made, "reverse-continue")["reason"] in ("breakpoint", "start")
        code = made.code(0x200, 0, 2)
        assert code is not None
        assert [row["bytes"] for row in code["rows"]] == ["6005", "a300"]


def test_memory_stacks_and_registers_are_changed() -> None:
    with debugged(TINY) as (run, made):
        go(run, made, "stepi 2")
        assert done(run, made, "set wst[0] = #7f")["error"] == ""
        assert stop(made)["stacks"][0]["cells"] == [0, 0x7F]
        done(run, made, "set [0x2000]:2 = 0x1234")
        assert made.memory(0, 0x2000, 2) == {"start": 0x2000, "bytes": "1234"}
        done(run, made, "set pc = @main")
        assert stop(made)["pc"] == 0x100
        done(run, made, "set wst = 0")
        assert stop(made)["stacks"][0]["pointer"] == 0


def test_breakpoints_are_set_while_it_runs_and_kept_when_it_starts_over() -> None:
    with debugged(COUNT) as (run, made):
        run.command({"do": "start"})
        until(lambda: run.runner.activity is Activity.RUNNING and run.target.machine.executed)
        done(run, made, "break step")
        until(lambda: run.runner.activity is Activity.PAUSED)
        assert stop(made)["reason"] == "breakpoint"
        done(run, made, "display wst")
        run.command({"do": "restart"})
        until(lambda: run.sampler.run is not None and run.sampler.run.number == 2)
        assert stop(made)["time"] == 0
        view = made.view
        assert view is not None
        assert [(row["what"], row["hits"]) for row in view["breakpoints"]] == [("0x010f step", 0)]
        assert view["watches"] == [["wst", "0"]]
        assert go(run, made)["pc"] == 0x10F


def test_a_program_that_has_ended_can_be_gone_back_in() -> None:
    with debugged(SHORT) as (run, made):
        at = go(run, made)
        assert (at["reason"], at["why"][0], at["frames"]) == ("ended", "the program has ended", [])
        assert run.runner.activity is Activity.PAUSED
        assert go(run, made, "reverse-stepi")["text"] == "BRK"
        assert run.transcript.since(0)[2] == "e"
        go(run, made)
        assert run.transcript.since(0)[2] == "e"


def test_lines_of_input_are_read_and_a_line_in_the_past_begins_a_new_future() -> None:
    with debugged(ECHO) as (run, made):
        run.command({"do": "start"})
        until(lambda: run.runner.activity is Activity.WAITING)
        run.command({"do": "input", "event": {"kind": "line", "text": "ab"}})
        until(lambda: run.transcript.since(0)[2] == "ab")
        run.command({"do": "pause"})
        until(lambda: run.runner.activity is Activity.PAUSED)
        assert stop(made)["reason"] == "input"
        assert go(run, made, "goto 3")["time"] == 3
        run.command({"do": "input", "event": {"kind": "line", "text": "c"}})
        until(lambda: made.debugger.history.horizon == 3)
        run.command({"do": "start"})
        until(lambda: run.transcript.since(0)[2] == "ababc")
        run.command({"do": "input", "event": {"kind": "end"}})
        until(lambda: run.runner.activity is Activity.PAUSED)
        assert stop(made)["reason"] == "ended"


def test_frames_are_shown_and_keys_are_kept_for_the_way_back() -> None:
    with debugged(DRAW) as (run, made):
        run.command({"do": "start"})
        first = until(made.picture)
        until(lambda: (made.picture() or first).serial > first.serial)
        run.command({"do": "input", "event": {"kind": "keydown", "key": "k"}})
        until(lambda: "k" in run.transcript.since(0)[2])
        run.command({"do": "pause"})
        until(lambda: run.runner.activity is Activity.PAUSED)
        found = stop(made)
        assert (found["reason"], bool(found["text"])) == ("pause", True)
        done(run, made, "break on-key")
        assert go(run, made, "reverse-continue")["reason"] == "breakpoint"
        now = made.picture()
        run.command({"do": "input", "event": {"kind": "keydown", "key": "x"}})
        assert go(run, made, "stepi")["horizon"] == found["horizon"]
        go(run, made, "reverse-continue")
        go(run, made, "goto 0")
        until(lambda: (made.picture() or now) is not now)


@pytest.mark.parametrize("command", ["finish", "until *0x0200", "next", "step 100000000"])
def test_a_step_that_never_ends_is_interrupted(command: str) -> None:
    with debugged(FOREVER) as (run, made):
        go(run, made, "stepi")
        run.command({"do": "debug", "command": command})
        until(lambda: run.runner.activity is Activity.RUNNING and made.debugger.history.time > 1000)
        run.command({"do": "pause"})
        until(lambda: run.runner.activity is Activity.PAUSED)
        assert stop(made)["reason"] == "pause"
        time = stop(made)["time"]
        assert go(run, made, "stepi")["time"] == time + 1
        run.command({"do": "debug", "command": command})
        until(lambda: made.debugger.history.time > time + 1000)
    assert run.runner.activity is not Activity.FAILED  # and it could be closed


def test_what_a_page_may_not() -> None:
    with debugged(TINY) as (run, made):
        for command in ("screen x.png", "save x", "quit", "  exit", "q", "break " + "x" * LONGEST):
            with pytest.raises(CommandError):
                run.command({"do": "debug", "command": command})
        for message in (
            {"do": "debug"}, {"do": "debug", "command": 1}, {"do": "debug", "command": None},
            {"do": "count", "on": False},
        ):  # fmt: skip
            with pytest.raises(CommandError):
                run.command(message)
        for command, why in (
            ("break nowhere", "there is no label nowhere"),
            ("fly", "there is no command fly"),
            ("set wst[ = 3", "is missing"),
            ("condition 7 1", "there is no breakpoint 7"),
            ("undisplay 1", "0 expressions are shown"),
        ):
            assert why in done(run, made, command)["error"]
    with session(TINY) as plain, pytest.raises(CommandError, match="--debug"):
        plain.command({"do": "debug", "command": "step"})


def test_over_the_protocol() -> None:
    with debugged(COUNT) as (run, _), Server(run) as server:
        until(lambda: _answers(server))
        with open_socket(server) as ws:
            seen: dict[str, Any] = {}

            def look() -> dict[str, Any]:
                message = ws.recv(timeout=HANGS)
                if isinstance(message, str):
                    seen.update(json.loads(message))
                return seen

            until(lambda: isinstance(look().get("debug"), dict))
            assert seen["debug"]["spaces"][0]["size"] == 65536
            ws.send('{"do":"debug","command":"break step"}')
            until(lambda: look().get("replies"))
            ws.send('{"do":"debug","command":["break"]}')
            until(lambda: look().get("type") == "refused")
            ws.send('{"do":"debug","command":"continue"}')
            until(lambda: look()["debug"]["stopped"]["reason"] == "breakpoint")
        for path, key in (
            ("memory/0/256/16", "bytes"), ("code/256/2/3", "rows"), ("listing/0", "lines"),
        ):  # fmt: skip
            response, body = get(server, f"/debug/{path}", bearer(server))
            assert (response.status, key in json.loads(body)) == (200, True)
            assert get(server, f"/debug/{path}")[0].status == 403
        for path in (
            "memory/9/0/1", "memory/0/0/5000", "listing/7", "code/1/1/9999", f"listing/{'7' * 99}",
        ):  # fmt: skip
            assert get(server, f"/debug/{path}", bearer(server))[1] == b"null"
        for path in ("memory/0/-1/1", "listing/x", "listing/..", "fly/1", "memory/0/1"):
            assert get(server, f"/debug/{path}", bearer(server))[0].status == 404
    with session(TINY) as plain, Server(plain) as server:
        until(lambda: _answers(server))
        assert get(server, "/debug/listing/0", bearer(server))[1] == b"null"


WORDS = st.one_of(
    st.sampled_from([
        *BY_NAME, "step", "*0x0110", "if", "wst[0]", "[0x10]", "=", "1", "-1", "99999999999999999",
        "@main", "port[0x18]", "1/0", "x", ",", "[", "\ud800", "\0", "é", "#ff", "pc", "time",
    ]),
    st.text(max_size=6),
)  # fmt: skip


def test_no_command_ends_the_session() -> None:
    with debugged(SHORT) as (run, made):

        @settings(
            max_examples=200,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        )
        @given(st.lists(WORDS, max_size=4).map(" ".join))
        def give(command: str) -> None:
            try:
                run.command({"do": "debug", "command": command})
            except CommandError:
                return
            json.dumps(made.view)

        give()
        run.command({"do": "pause"})
        run.command({"do": "debug", "command": "no more"})
        until(lambda: any(row["line"] == "no more" for row in made.replies.since(0)[1]))
        assert run.runner.activity is not Activity.FAILED
