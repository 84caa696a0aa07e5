"""The child that judges cases: one JSON line in, one out. It may crash or hang without harm.

`Worker().judge(case)` starts a child where there is none, and a new one after a crash or
after `PER_CHILD` cases.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.fuzz import case as uxn
from tests.fuzz.case import Case
from tests.fuzz.guests.case import GuestCase
from tests.fuzz.guests.case import parse as parse_guest
from tests.fuzz.guests.judge import judge_guest
from tests.fuzz.judge import Verdict, judge

PER_CHILD = 300
"""Programs one child judges at most."""
PATIENCE = 60.0
"""Seconds of processor time a program may take, compilation at every tier included."""
WAIT = 10
"""How many times as long it may take by the clock: other processes may keep the machine busy."""


class Worker:
    """A child process, started when it is needed."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._judged = 0

    def judge(self, case: Case | GuestCase) -> Verdict:
        """Have the child judge a case; a crash or a hang is a failure."""
        programs = len(case.programs) if isinstance(case, GuestCase) else 1
        patience = PATIENCE * max(programs, 1)
        child = self._ready(programs)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(case.text()).encode() + b"\n")
        child.stdin.flush()
        if not _answers(child, patience):
            self.close()
            return Verdict("fail", f"hangs: no answer in {patience:.0f} s of processor time")
        line = child.stdout.readline()
        if not line:
            code = child.wait()
            self.close()
            return Verdict("fail", f"crash: the child ended with {code}")
        return Verdict(**json.loads(line))

    def _ready(self, programs: int) -> subprocess.Popen[bytes]:
        if self._judged + programs > PER_CHILD:
            self.close()
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
            )
        self._judged += programs
        return self._child

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
        self._child = None
        self._judged = 0


def _answers(child: subprocess.Popen[bytes], patience: float) -> bool:
    """Wait until a child writes something; not for ever."""
    assert child.stdout is not None
    used, end = _processor_time(child), time.monotonic() + WAIT * patience
    while not select.select([child.stdout], [], [], 1.0)[0]:
        if _processor_time(child) - used > patience or time.monotonic() > end:
            return False
    return True


def _processor_time(child: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time a child has used, all of its threads; Linux."""
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def parse(text: str) -> Case | GuestCase:
    """A case of either kind, from its file's text.

    Raises:
        ValueError: it is none.
    """
    return parse_guest(text) if text.startswith("{") else uxn.parse(text)


def serve() -> None:
    """What the child does."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        case = parse(json.loads(line))
        try:
            verdict = judge_guest(case) if isinstance(case, GuestCase) else judge(case)
        except Exception as error:
            verdict = Verdict("fail", f"{type(error).__name__}: {_where(error)}: {error}")
        print(json.dumps(asdict(verdict)), file=answers, flush=True)


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "nowhere"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


if __name__ == "__main__":
    serve()
