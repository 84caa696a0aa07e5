"""Each kind of file: the command that writes it, and what tells that it is whole."""

from __future__ import annotations

import wave
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """
|00 @System &pad $8 &r $2 &g $2 &b $2
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 &pad $1 &x $2 &y $2 &addr $2 &pixel $1
|100 #0f2a .System/r DEO2 #1f3a .System/g DEO2 #2f4a .System/b DEO2
    #0020 .Screen/width DEO2 #0020 .Screen/height DEO2 ;frame .Screen/vector DEO2 BRK
@frame .Screen/x DEI2 INC2 .Screen/x DEO2 #41 .Screen/pixel DEO
    #0010 &l #0001 SUB2 ORAk ?&l POP2 BRK
"""
"""A small screen with a point that moves."""
BUSY = """
|100 #0040 &long #0400 &outer #0400 &inner #0001 SUB2 ORAk ?&inner POP2 #0001 SUB2 ORAk ?&outer
    POP2 #0001 SUB2 ORAk ?&long #800f DEO
"""
"""Ends soon once a region is made of it, and not before."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        file: its name; of the cache, a pattern, and every file that fits.
        words: the command and its options, without the program.
        check: raises where a file is not whole.
        program: the source.
        is_cached: whether the file is one of the cache, and has to go before it is written again.
    """

    file: str
    words: tuple[str, ...]
    check: Callable[[Path], object]
    program: str = PROGRAM
    is_cached: bool = False


def _picture(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            image.load()


def _sound(path: Path) -> None:
    with wave.open(str(path)) as sound:
        data = sound.readframes(sound.getnframes())
        assert len(data) == sound.getnframes() * sound.getnchannels() * sound.getsampwidth()


def _session(path: Path) -> None:
    from jitvm import Session

    Session.load(path)


def _report(path: Path) -> None:
    assert path.read_text(encoding="utf-8").endswith("</body></html>\n")


def _log(path: Path) -> None:
    assert path.read_text(encoding="utf-8")[-1:] in ("", "\n")


def _saved(path: Path) -> None:
    from jitvm.dashboard.saved import SavedRun

    assert SavedRun(path).news, "the end of the run is missing"


def _code(path: Path) -> None:
    from jitvm.engine.memory.cache import MAGIC

    data = path.read_bytes()
    body = data[len(MAGIC) + 4 :]
    assert data == MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


_COLD = ("-O", "hot=65535")
"""Nothing is compiled where something else is written."""
_RUN = ("run", *_COLD, "--headless", "--frames", "4")
KINDS = {
    "cache": Kind("varvara-*.code", _RUN, _code, is_cached=True),
    "regions": Kind("*-regions-*.code", ("run",), _code, BUSY, is_cached=True),
    "recording": Kind("a.gif", (*_RUN, "--record", "a.gif"), _picture),
    "sound": Kind("a.wav", (*_RUN, "--record", "a.wav"), _sound),
    "session": Kind("a.jsonl", (*_RUN, "--record-session", "a.jsonl"), _session),
    "screenshot": Kind("a.png", (*_RUN, "--screenshot", "a.png"), _picture),
    "log": Kind("a.log", ("run", "--headless", "--frames", "4", "--jit-log", "a.log"), _log),
    "report": Kind(
        "a.html", ("profile", "--no-jit", "--frames", "4", "--report", "a.html"), _report
    ),
    "saved": Kind(
        "a.jsonl", ("dashboard", *_COLD, "--time-limit", "0.05", "--save", "a.jsonl"), _saved
    ),
}  # fmt: skip
