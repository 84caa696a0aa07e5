"""What comes into a run: input scripts, recorded sessions, a terminal's keys and answers."""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import struct_time

from jitvm.engine.machine.machine import Tier
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara.computer import Computer
from jitvm.guests.uxn.varvara.program import Rom
from jitvm.guests.uxn.varvara.recorder import Recorder
from jitvm.guests.uxn.varvara.replayer import Replayer
from jitvm.guests.uxn.varvara.session import Session, checksum
from jitvm.platform.evaluator import LimitReached
from jitvm.platform.events import Event
from jitvm.platform.script import ScriptError, load_script, parse_script
from jitvm.platform.sessions import SessionError
from jitvm.terminal import TerminalError
from jitvm.terminal.abilities import chosen, understood
from jitvm.terminal.fit import Fit
from jitvm.terminal.keyboard import Decoder
from tests.fuzz.inputs.targets.target import Target, text_of

FRAMES = 40
"""Frames of a session or script that are run."""
INSTRUCTIONS = 20_000

_PROGRAM = """
|08 @r $2 &g $2 &b $2
|10 @Console &vector $2 &read $1 &pad $4 &type $1 &write $1
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 &pad $1 &x $2 &y $2 &addr $2 &pixel $1
|80 @Controller &vector $2 &button $1 &key $1
|90 @Mouse &vector $2 &x $2 &y $2 &state $1
|a0 @File &vector $2 &success $2 &stat $2 &delete $1 &append $1 &name $2 &length $2 &read $2
    &write $2
|c6 @second
|0100 #f00f .r DEO2 #f0f0 .r/g DEO2 #ff00 .r/b DEO2
    #0010 .Screen/width DEO2 #0010 .Screen/height DEO2
    ;frame .Screen/vector DEO2 ;event .Controller/vector DEO2 ;event .Mouse/vector DEO2
    ;event .Console/vector DEO2
    ;name .File/name DEO2 #0004 .File/length DEO2 ;data .File/read DEO2 ;data .File/write DEO2 BRK
@frame .second DEI .Mouse/x DEI EOR #00 SWP .Screen/x DEO2 #01 .Screen/pixel DEO BRK
@event .Controller/key DEI .Screen/y/1 DEO .Console/read DEI .Console/write DEO BRK
@name "file 00 @data $10
""".replace(".Screen/y/1", "#2b")
"""Asks for everything a session has: keys, the pointer, the console, the clock and files."""
_SCRIPT = b"""# frame what
1 key a
+1 text "he\\n\\x41"   # comment
3 press A left
3 release A left pad 2
4 move 10 5
5 click 1
5 wheel 0 -1
6 down 3
6 up 3
7 stdin "abc\\x00"
7 key 0x1b
8 eof
9 reset soft
"""
_WORDS = (
    b"key ", b"text ", b'"\\xff" ', b'"\\ud800"', b"press ", b"release ", b"move ", b"click ",
    b"down ", b"up ", b"wheel ", b"stdin ", b"eof ", b"reset ", b"soft ", b"pad ", b"A B start ",
    b"+1000000000 ", b"0x10000 ", b"-32769 ", b"65536 ", b"\n",
)  # fmt: skip


@cache
def _rom() -> Rom:
    return Rom(assemble(_PROGRAM).rom)


def _computer(folder: Path | None = None) -> Computer:
    moment = struct_time((2024, 2, 29, 12, 0, 7, 3, 60, 0))
    computer = Computer(_rom(), tier=Tier.INTERPRETER, sandbox=folder)
    computer.clock.now = lambda: moment
    return computer


def _run(computer: Computer, frames: list[tuple[Event, ...]]) -> None:
    with computer.limited(max_instructions=INSTRUCTIONS):
        for events in frames:
            if not computer.is_ended:
                computer.frame(events)


# -- scripts -------------------------------------------------------------------------------------


def _script(data: bytes, folder: Path) -> None:
    path = folder / "input"
    path.write_bytes(data)
    script = load_script(path)
    assert parse_script(str(script)) == script
    _run(_computer(), [script.at(number) for number in range(1, min(script.last, FRAMES) + 1)])


# -- sessions ------------------------------------------------------------------------------------


@cache
def _sessions() -> tuple[bytes, ...]:
    """A session without its checksum, recorded just now."""
    script = parse_script(_SCRIPT.decode())
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "file").write_bytes(b"abcdefgh")
        path, computer = folder / "session", _computer(folder)
        with Recorder(path, computer):
            computer.run_frames(script.last + 1, script)
        data = path.read_bytes()
    return (data[: data.rindex(b"\n", 0, -1) + 1],)


def _session(data: bytes, folder: Path) -> None:
    """Read with a right checksum, and replayed as one of our program."""
    first, _, rest = data.partition(b"\n")
    try:
        head = json.loads(first)
        head["rom"] = checksum(_rom())
        data = json.dumps(head).encode() + b"\n" + rest
    except (ValueError, TypeError, RecursionError):
        pass  # is to be refused as it is
    path = folder / "input"
    path.write_bytes(data + json.dumps({"check": zlib.crc32(data)}).encode() + b"\n")
    session = Session.load(path)
    if session.length > FRAMES:
        return
    computer = _computer()
    with computer.limited(max_instructions=INSTRUCTIONS):
        Replayer(session, computer).run()


# -- terminals -----------------------------------------------------------------------------------

_KEYS = (
    b"a\x1b[A\x1b[1;5B\x1b[97;5u\x1b[57441;1:3u\x1b[<0;10;5M\x1b[<64;1;1m\x1bOP\x1b[17~\x1b\x1b"
    b"\xc3\xa9\x01\x7f\x1b[3~\x1b[233;;233:769u\x1b_Gi=31;OK\x1b\\",
)
_ANSWERS = (
    b"\x1b_Gi=31;OK\x1b\\\x1b[?31u\x1b[?1016;1$y\x1b[6;20;10t\x1b[?62;4;22c\nsixel",
    b"\x1b[?1;2c\n",
)


def _keys(data: bytes, _: Path) -> None:
    """Bytes in two pieces, from a terminal of either kind; what they give is handed over."""
    fit = Fit.of((16, 16), (80, 25), (8, 16))
    frames: list[tuple[Event, ...]] = []
    for tells_releases in (False, True):
        decoder = Decoder(fit.pixel_at, cell=(8, 16), tells_releases=tells_releases)
        middle = len(data) // 2
        told = [
            *decoder.decode(data[:middle], 0.0), *decoder.decode(data[middle:], 0.1),
            *decoder.decode(b"", 1.0), *decoder.expired(2.0),
        ]  # fmt: skip
        frames += ((each,) for each in told[:FRAMES] if isinstance(each, Event))
    _run(_computer(), frames)


def _answers(data: bytes, _: Path) -> None:
    answers, _newline, name = data.partition(b"\n")
    abilities = chosen(understood(answers), {"JITVM_TERMINAL": text_of(name)} if name else {})
    if all(abilities.cell):
        Fit.of((512, 320), (80, 25), abilities.cell).pixel_at(7.5, 1e9)


RUNS = {
    "script": Target(
        lambda: (_SCRIPT,), _script, (ScriptError, LimitReached), ("input",), words=_WORDS
    ),
    "session": Target(_sessions, _session, (SessionError, LimitReached), ("input",), is_json=True),
    "keys": Target(
        lambda: _KEYS, _keys, (LimitReached,),
        words=(b"\x1b[", b"\x1b[<", b";", b":", b"u", b"~", b"M", b"m", b"\x1bO", b"\x1b_"),
    ),
    "answers": Target(lambda: _ANSWERS, _answers, (TerminalError,)),
}  # fmt: skip
"""By name."""
