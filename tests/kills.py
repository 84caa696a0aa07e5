"""Kills runs of ``jitvm`` while they write, and looks for what is left: ``python -m tests.kills``.

Each kind of file is written by a command of its own, again and again, and the command is killed
after a random time by SIGKILL, SIGTERM and SIGHUP in turn. Then

 1. what is in the place of the file is whole, and reads as what it is;
 2. after one more run that is left alone, nothing is in the folder that does not belong there.

    python -m tests.kills --kills 1000            all kinds
    python -m tests.kills --kind session --seed 3
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jitvm.engine.memory.cachefolder import TAG

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
CODES = (0, *(-number for number in SIGNALS), *(128 + number for number in SIGNALS))

PROGRAM = """
|00 @System &pad $8 &r $2 &g $2 &b $2
|0f @exit
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 &pad $1 &x $2 &y $2 &addr $2 &pixel $1
|100 #0f2a .System/r DEO2 #1f3a .System/g DEO2 #2f4a .System/b DEO2
    #0020 .Screen/width DEO2 #0020 .Screen/height DEO2 ;frame .Screen/vector DEO2 BRK
@frame .Screen/x DEI2 INC2 .Screen/x DEO2 #41 .Screen/pixel DEO
    #0400 &l #0001 SUB2 DUP2 ?&l POP2 BRK
"""


@dataclass(frozen=True)
class Kind:
    """A kind of file: the command that writes it, and what tells that it is whole."""

    file: str
    options: tuple[str, ...]
    check: Callable[[Path], object]
    command: str = "run"
    has_cold_cache: bool = False


def _png(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.load()


def _gif(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            image.load()


def _wav(path: Path) -> None:
    with wave.open(str(path)) as sound:
        data = sound.readframes(sound.getnframes())
        assert len(data) == sound.getnframes() * sound.getnchannels() * sound.getsampwidth()


def _session(path: Path) -> None:
    from jitvm import Session

    Session.load(path)


def _report(path: Path) -> None:
    assert path.read_text(encoding="utf-8").endswith("</body></html>\n")


def _log(path: Path) -> None:
    path.read_text(encoding="utf-8")


def _code(folder: Path) -> None:
    from jitvm.engine.memory.cache import MAGIC

    for path in folder.glob("*.code"):
        assert path.read_bytes().startswith(MAGIC)


_FRAMES = ("--headless", "--frames", "60")
KINDS = {
    "cache": Kind("cache", _FRAMES, _code, has_cold_cache=True),
    "regions": Kind("cache", ("-O", "hot=2", *_FRAMES), _code),
    "recording": Kind("a.gif", (*_FRAMES, "--record", "a.gif"), _gif),
    "sound": Kind("a.wav", (*_FRAMES, "--record", "a.wav"), _wav),
    "session": Kind("a.jsonl", (*_FRAMES, "--record-session", "a.jsonl"), _session),
    "screenshot": Kind("a.png", (*_FRAMES, "--screenshot", "a.png"), _png),
    "log": Kind("a.log", (*_FRAMES, "--jit-log", "a.log"), _log),
    "report": Kind("a.html", ("--frames", "60", "--report", "a.html"), _report, "profile"),
}


def kill_many(
    kind: Kind, folder: Path, kills: int, seed: int, shared_cache: Path | None = None
) -> list[str]:
    """Kill so many runs in a folder; what was wrong.

    With a cache that others use, which is warm, only the folder itself is looked at.
    """
    chance, faults = random.Random(seed), []
    source, cache = folder / "program.tal", shared_cache or folder / "cache"
    source.write_text(PROGRAM)
    environment = {**os.environ, "JITVM_CACHE": str(cache)}
    command = [sys.executable, "-m", "jitvm", kind.command, *kind.options, source.name]

    def run() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def clean(moment: str) -> float:
        """Run it undisturbed, and look around; how long it took."""
        begin = time.monotonic()
        process = run()
        _, error = process.communicate(timeout=120)
        took = time.monotonic() - begin
        if process.returncode:
            faults.append(f"{moment}: status {process.returncode}: {error.decode()}")
        known = {source.name, "cache", kind.file}
        strange = {path.name for path in folder.iterdir()} - known
        if shared_cache is None:
            kept = {TAG, *(path.name for path in cache.glob("*.code"))}
            strange |= {path.name for path in cache.iterdir()} - kept
        if strange:
            faults.append(f"{moment}: left behind: {', '.join(sorted(strange))}")
        return took

    whole = clean("before")
    if not kind.has_cold_cache:
        whole = clean("before")
    for turn in range(kills):
        if kind.has_cold_cache:
            for path in cache.glob("*.code"):
                path.unlink()
        number = SIGNALS[turn % len(SIGNALS)]
        process = run()
        time.sleep(chance.uniform(0.02, 1.2 * whole))
        process.send_signal(number)
        _, error = process.communicate(timeout=120)
        told = f"kill {turn} by {number.name}"
        if process.returncode not in CODES:
            faults.append(f"{told}: status {process.returncode}: {error.decode()}")
        elif b"Traceback" in error:
            faults.append(f"{told}: {error.decode()}")
        try:
            if (folder / kind.file).exists():
                kind.check(folder / kind.file)
        except Exception as fault:
            faults.append(f"{told}: {kind.file} is not whole: {fault!r}")
        if turn % 50 == 49:
            clean(f"after {told}")
    clean("in the end")
    return faults


def main() -> int:
    from tempfile import TemporaryDirectory

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000, help="of each kind")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    count = 0
    for name in arguments.kind or KINDS:
        with TemporaryDirectory() as folder:
            begin = time.monotonic()
            faults = kill_many(KINDS[name], Path(folder), arguments.kills, arguments.seed)
        print(
            f"{name}: {arguments.kills} kills, {time.monotonic() - begin:.0f} s: {faults}",
            flush=True,
        )
        count += len(faults)
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main())
