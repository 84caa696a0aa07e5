"""Whole commands with mutated files: no traceback, no signal, a documented status."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from jitvm.cli.exits import Exit
from tests.fuzz.inputs.mutate import mutate
from tests.fuzz.inputs.targets import TARGETS

HELLO = bytes.fromhex("a0 48 18 17 00")
COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rom", ("run", "--headless", "--frames", "2", "--max-instructions", "100000", "{}")),
    ("rom", ("dis", "{}")),
    ("source", ("asm", "-o", "out.rom", "{}")),
    ("source", ("asm", "--legacy", "-o", "out.rom", "{}")),
    ("rom", ("profile", "--max-instructions", "100000", "{}")),
    ("rom", ("explain", "--max-instructions", "100000", "{}")),
    ("session", ("run", "--headless", "--replay", "{}", "hello.rom")),
    ("script", ("run", "--headless", "--frames", "2", "--input", "{}", "hello.rom")),
    ("saved", ("dashboard", "--open", "{}")),
)
ENDINGS = {"rom": ".rom", "source": ".tal"}
OURS = {each.value for each in Exit}
SECONDS = 60


def run(count: int, seed: int, failures: Path) -> int:
    """Run so many; 1 where something was wrong, whose input is then in a folder."""
    failed = 0
    for number in range(seed, seed + count):
        rng = random.Random(number)
        kind, words = COMMANDS[number % len(COMMANDS)]
        data = mutate(rng, TARGETS[kind].seeds)
        trouble = _one(kind, words, data)
        if trouble:
            failed += 1
            failures.mkdir(parents=True, exist_ok=True)
            (failures / f"process-{number}{ENDINGS.get(kind, '')}").write_bytes(data)
            print(f"{number}: jitvm {' '.join(words)}: {trouble}", flush=True)
    print(f"{count} processes, {failed} failures")
    return bool(failed)


def _one(kind: str, words: tuple[str, ...], data: bytes) -> str | None:
    """What was wrong, or None."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = "input" + ENDINGS.get(kind, "")
        (folder / file).write_bytes(data)
        (folder / "hello.rom").write_bytes(HELLO)
        command = [sys.executable, "-m", "jitvm", *(word.format(file) for word in words)]
        root = str(Path(__file__).parents[3])
        environment = {**os.environ, "PYTHONPATH": root, "JITVM_CACHE": str(folder / "cache")}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return "hangs" if words[:2] != ("dashboard", "--open") else None
        said = done.stderr.decode(errors="replace")
        if "Traceback" in said:
            return said[-1500:]
        # A program that ends by itself may choose any status up to 127.
        if done.returncode < 0 or (words[0] != "run" and done.returncode not in OURS):
            return f"status {done.returncode}: {said[-500:]}"
        left = [path.name for path in folder.rglob("*") if path.name.endswith(".part")]
        return f"left behind: {left}" if left else None


if __name__ == "__main__":
    sys.exit("use python -m tests.fuzz.inputs --processes N")
