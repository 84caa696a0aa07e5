"""Whole commands with mutated files, input, arguments and environment.

No traceback, no signal, a documented status, one line of error, no more than LIMIT bytes, and
nothing in the folder but what was there and what the command is to write.
"""

from __future__ import annotations

import os
import random
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from jitvm.cli.exits import Exit
from jitvm.engine.host.part import is_part
from tests.fuzz.inputs.mutate import mutate
from tests.fuzz.inputs.targets import TARGETS
from tests.fuzz.inputs.worker import LIMIT

ROOT = Path(__file__).parents[3]
HELLO = bytes.fromhex("a0 48 18 17 00")
LOOP = b"|0100 #0000 &l INC2 DUP2 #4000 NEQ2 ?&l POP2 #800f DEO"
SECONDS = 120
"""The clock's; commands have limits of their own, and the machine may be busy."""
OURS = {each.value for each in Exit}
FEW = ("--max-instructions", "100000")


@dataclass(frozen=True)
class Command:
    """A command and what of it is mutated.

    Attributes:
        target: whose inputs.
        words: the command and its arguments.
        file: the name of a file that holds it; or one of those below.
        writes: files that may be there afterwards; None: any, but no parts.
    """

    target: str
    words: tuple[str, ...]
    file: str
    writes: tuple[str, ...] | None = ()


STDIN, ENVIRONMENT, ARGUMENTS, CACHE = "<", "=", "...", "cache"
"""Where mutated input may go beside a file: a variable `NAME=VALUE`, arguments behind the first
word and the name of a command, a line each, or a file of the code cache, which is damaged."""


_RUN = ("run", "--headless", "--frames", "2", *FEW)
COMMANDS = (
    Command("rom", (*_RUN, "--no-files", "in.rom"), "in.rom"),
    Command("rom", (*_RUN, "--no-files", "--no-jit", "-"), STDIN),
    Command("rom", (*_RUN, "--no-files", "--screenshot", "a.png", "in.rom"), "in.rom", ("a.png",)),
    Command("rom", ("profile", "--exact", *FEW, "--frames", "2", "--no-files", "in.rom"), "in.rom"),
    Command("rom", ("explain", "--time-limit", "0.2", "--list", "in.rom"), "in.rom", None),
    Command("rom", ("dis", "in.rom"), "in.rom"),
    Command("symbols", ("dis", "hello.rom"), "hello.rom.sym"),
    Command("symbols", ("profile", "--exact", *FEW, "hello.rom"), "hello.rom.sym"),
    Command("source", ("asm", "-o", "out.rom", "in.tal"), "in.tal", ("out.rom", "out.rom.sym")),
    Command("legacy", ("asm", "--legacy", "-o", "out.rom", "in.tal"), "in.tal",
            ("out.rom", "out.rom.sym")),
    Command("source", (*_RUN, "--no-files", "in.tal"), "in.tal"),
    Command("session", ("run", "--headless", "--replay", "in", *FEW, "hello.rom"), "in"),
    Command("script", (*_RUN, "--input", "in", "hello.rom"), "in"),
    Command("saved", ("dashboard", "--time-limit", "0.2", "--open", "in"), "in"),
    Command("parameters", ("run", *FEW, "hello.rom"), ENVIRONMENT),
    Command("arguments", ("run", "--headless", "--time-limit", "2", "hello.rom"), ARGUMENTS, None),
    Command("cache", ("run", *FEW, "loop.tal"), CACHE),
)  # fmt: skip


def run(count: int, seed: int, failures: Path) -> int:
    """Run so many; 1 where something was wrong, whose input is then in a folder."""
    failed, begin, peak = 0, time.monotonic(), 0
    with tempfile.TemporaryDirectory() as warm:
        shared = Path(warm)
        for number in range(seed, seed + count):
            rng = random.Random(number)
            command = COMMANDS[number % len(COMMANDS)]
            data = mutate(rng, TARGETS[command.target])
            trouble, used = one(command, data, shared, rng)
            peak = max(peak, used)
            if trouble:
                failed += 1
                failures.mkdir(parents=True, exist_ok=True)
                (failures / f"process-{number}").write_bytes(data)
                print(f"{number}: jitvm {' '.join(command.words)}: {trouble}", flush=True)
    print(
        f"{count} processes, {failed} failures, at most {peak >> 20} MiB; "
        f"{time.monotonic() - begin:.0f} s in all"
    )
    return bool(failed)


def one(command: Command, data: bytes, shared: Path, rng: random.Random) -> tuple[str | None, int]:
    """What was wrong with a command, or None; and how many bytes of memory it used.

    Args:
        command: of those above.
        data: its input.
        shared: a code cache for all of them that do not damage it.
        rng: chooses where a file of the cache is damaged.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "folder"
        folder.mkdir()
        (folder / "hello.rom").write_bytes(HELLO)
        (folder / "loop.tal").write_bytes(LOOP)
        (folder / "nothing").touch()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "JITVM_CACHE": str(shared)}
        words, stdin = [*command.words], folder / "nothing"
        if command.file == ENVIRONMENT:
            variable, _, value = data.replace(b"\0", b"").partition(b"=")
            environment[os.fsdecode(variable) or "JITVM_HOT"] = os.fsdecode(value)
        elif command.file == ARGUMENTS:
            words[1:1] = [os.fsdecode(each) for each in data.replace(b"\0", b"").split(b"\n")[1:]]
        elif command.file == CACHE:
            environment["JITVM_CACHE"] = str(_damaged(shared, Path(name), rng))
        else:
            stdin = folder / command.file if command.file == STDIN else stdin
            (folder / command.file).write_bytes(data)
        known = {*os.listdir(folder)}
        status, said, used = _ended(words, folder, environment, stdin)
        left = {*os.listdir(folder)} - known - {*(command.writes or ())}
    if command.writes is None:
        left = {each for each in left if is_part(each)}
    return _trouble(words, status, said, left) or (used > LIMIT and "too much memory") or None, used


def _damaged(shared: Path, folder: Path, rng: random.Random) -> Path:
    """A copy of a code cache with one file that is damaged."""
    copy = folder / "cache"
    shutil.copytree(shared, copy)
    files = sorted(copy.glob("*.code"))
    if files:
        path = rng.choice(files)
        content = path.read_bytes()
        path.write_bytes(mutate(rng, replace(TARGETS["cache"], seeds=lambda: (content,))))
    return copy


def _ended(
    words: list[str], folder: Path, environment: dict[str, str], stdin: Path
) -> tuple[int | None, str, int]:
    """How a command has ended, its standard error, and how much memory it has used.

    The status is None where it hangs.
    """
    errors = folder.parent / "errors"
    with errors.open("wb") as stderr, stdin.open("rb") as source:
        process = subprocess.Popen(
            [sys.executable, "-m", "jitvm", *words],
            cwd=folder, env=environment, stdin=source, stdout=subprocess.DEVNULL, stderr=stderr,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT)),
        )  # fmt: skip
        watch = os.pidfd_open(process.pid)
        is_over = select.select([watch], [], [], SECONDS)[0]
        os.close(watch)
        if not is_over:
            process.kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    said = errors.read_text(errors="replace")
    return process.returncode if is_over else None, said, used.ru_maxrss << 10


def _trouble(words: list[str], status: int | None, said: str, left: set[str]) -> str | None:
    """What is wrong with how a command has ended."""
    if status is None:
        return f"hangs: {said[-500:]}"
    if "Traceback" in said:
        return said[-1500:]
    # A program that ends by itself may choose any status up to 127.
    if status < 0 or (status not in OURS and (words[0] != "run" or status > 127)):
        return f"status {status}: {said[-500:]}"
    if len(re.findall("^jitvm: error: ", said, re.MULTILINE)) > 1:
        return f"more than one error: {said[-500:]}"
    return f"left behind: {sorted(left)}" if left else None
