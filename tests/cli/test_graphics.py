"""``jitvm run`` for programs with a screen: headless runs, the files they leave, and refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jitvm.cli import main
from jitvm.cli.exits import Exit
from jitvm.guests.uxn.assembler import assemble
from tests.clock import HANGS

Capture = pytest.CaptureFixture[str]

DEVICES = """
|10 @Console &vector $2 &read $5 &type $1 &write $1
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 &pad $1 &x $2 &y $2 &addr $2 &pixel $1
|30 @Audio &vector $2 &position $2 &output $1 &pad $3 &adsr $2 &length $2 &addr $2 &volume $1
    &pitch $1
|80 @Controller &vector $2 &button $1 &key $1
|0f @state |08 @r $2 &g $2 &b $2
|0100
    #f00f .r DEO2 #f0f0 .r/g DEO2 #ff00 .r/b DEO2
    #0014 .Screen/width DEO2 #000a .Screen/height DEO2
"""
WALK = (
    DEVICES
    + """
    ;on-frame .Screen/vector DEO2 ;on-key .Controller/vector DEO2 BRK
@on-frame ( -> ) .Screen/x DEI2 INC2 .Screen/x DEO2 #01 .Screen/pixel DEO BRK
@on-key ( -> )
    .Controller/key DEI .Console/write DEO
    .Controller/key DEI LIT "q NEQ ?{ #83 .state DEO }
    #0001 .Audio/adsr DEO2 ;wave .Audio/addr DEO2 #0002 .Audio/length DEO2
    #ff .Audio/volume DEO #3c .Audio/pitch DEO BRK
@wave 00ff
"""
)
"""Draws a dot further to the right each frame; keys play a note, q ends it with 3."""
ECHO = (
    DEVICES
    + """
    ;on-frame .Screen/vector DEO2 ;on-byte .Console/vector DEO2 BRK
@on-frame ( -> ) BRK
@on-byte ( -> ) .Console/type DEI #04 NEQ ?{ #80 .state DEO BRK }
    .Console/read DEI .Console/write DEO BRK
"""
)
"""Prints standard input, and ends with it."""
SPIN = DEVICES + ";on-frame .Screen/vector DEO2 BRK @on-frame ( -> ) &loop !&loop"


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    for name, source in (("walk", WALK), ("echo", ECHO), ("spin", SPIN)):
        Path(f"{name}.rom").write_bytes(assemble(source, name=f"{name}.tal").rom)
    Path("hello.rom").write_bytes(assemble('|0100 LIT "h #18 DEO #80 #0f DEO BRK').rom)
    Path("waits.rom").write_bytes(assemble("|0100 ;on #10 DEO2 BRK @on BRK").rom)


def run(*arguments: str) -> int:
    return main(["run", *arguments])


def left(*known: str) -> set[str]:
    """Files that are here beside those that the tests made."""
    given = {"walk.rom", "echo.rom", "spin.rom", "hello.rom", "waits.rom", *known}
    return {path.name for path in Path().iterdir()} - given


def picture(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The pixels of a picture, RGB."""
    with Image.open(name) as image:
        return np.asarray(image.convert("RGB"))


def durations(name: str) -> list[int]:
    """Milliseconds that each picture of an animation is shown."""
    with Image.open(name) as image:
        found = []
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            image.load()
            found.append(image.info["duration"])
        return found


# -- what is written -----------------------------------------------------------------------------


def test_a_screenshot_is_the_last_frame() -> None:
    assert run("--headless", "--frames", "5", "--screenshot", "a.png", "walk.rom") == 0
    pixels = picture("a.png")
    assert pixels.shape == (10, 20, 3)
    assert (pixels[0, 1:6] == (0x00, 0x00, 0xFF)).all()
    assert (pixels[0, 6:] == (0xFF, 0xFF, 0xFF)).all()
    assert left() == {"a.png"}


def test_scale_enlarges_pictures() -> None:
    files = ("--screenshot", "a.png", "--record", "a.gif")
    assert run("--headless", "--scale", "3", "--frames", "4", *files, "walk.rom") == 0
    assert picture("a.png").shape == picture("a.gif").shape == (30, 60, 3)
    assert (picture("a.png")[:3, 3:6] == (0x00, 0x00, 0xFF)).all()


def test_recordings_of_pictures_and_sound_last_as_long_as_the_run() -> None:
    Path("keys.txt").write_text("7 key a\n")
    files = ("--record", "a.gif", "--record", "a.webp", "--record", "a.wav")
    assert run("--headless", "--frames", "12", "--input", "keys.txt", *files, "walk.rom") == 0
    for name, pictures in (("a.gif", 6), ("a.webp", 12)):
        assert len(durations(name)) == pictures
        assert sum(durations(name)) == 200
    with wave.open("a.wav") as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (44100, 2)
        assert sound.getnframes() == 12 * 735
        samples = np.frombuffer(sound.readframes(12 * 735), "<i2").reshape(12, -1)
    assert [bool(frame.any()) for frame in samples[:8]] == [False] * 6 + [True] * 2


def test_frame_hashes_to_a_file_and_to_standard_output(capfd: Capture) -> None:
    assert run("--headless", "--frames", "4", "--hash-frames", "h.txt", "walk.rom") == 0
    assert run("--headless", "--frames", "4", "--hash-frames", "-", "--no-jit", "walk.rom") == 0
    lines = Path("h.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4"]
    assert len({line.split()[1] for line in lines}) == 4
    assert capfd.readouterr().out.splitlines() == lines


def test_a_session_replays_and_brings_its_arguments(capfd: Capture) -> None:
    Path("keys.txt").write_text('3 key a\n6 text "bq"\n')
    out = ("--record-session", "s.jsonl", "--hash-frames", "one.txt")
    assert run("--headless", "--input", "keys.txt", *out, "walk.rom", "argument") == 3
    assert capfd.readouterr().out == "abq"
    again = ("--replay", "s.jsonl", "--hash-frames", "two.txt")
    assert run("--headless", "--tier", "reference", *again, "walk.rom") == 3
    assert Path("one.txt").read_text() == Path("two.txt").read_text()
    assert run("--headless", "--replay", "s.jsonl", "--frames", "2", "--json", "walk.rom") == 0
    assert json.loads(capfd.readouterr().err)["frames"] == 2


def test_a_replay_that_goes_another_way_has_an_exit_code_of_its_own(capfd: Capture) -> None:
    assert run("--headless", "--frames", "4", "--record-session", "s.jsonl", "walk.rom") == 0
    lines = Path("s.jsonl").read_bytes().split(b"\n")
    import zlib

    whole = b"\n".join(lines[:-2]).replace(json.loads(lines[1])["picture"].encode(), b"0" * 16)
    Path("s.jsonl").write_bytes(whole + b'\n{"check":%d}\n' % zlib.crc32(whole + b"\n"))
    assert run("--headless", "--replay", "s.jsonl", "walk.rom") == Exit.DIVERGED
    assert "frame 1: another picture" in capfd.readouterr().err


def test_reports_tell_of_frames(capfd: Capture) -> None:
    assert run("--headless", "--frames", "7", "--json", "walk.rom") == 0
    facts = json.loads(capfd.readouterr().err)
    assert (facts["frames"], facts["ending"]) == (7, "frame limit")
    assert facts["frames_per_second"] > 0
    run("--stats", "hello.rom")
    assert "frames" not in capfd.readouterr().err


def test_standard_input_reaches_a_program_with_a_screen() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jitvm", "run", "--headless", "echo.rom"],
        input=b"some input", capture_output=True, timeout=HANGS, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == (b"some input", b"", 0)


# -- which kind of program -----------------------------------------------------------------------


def test_console_programs_run_as_ever(capfd: Capture) -> None:
    assert run("hello.rom") == 0
    assert run("--headless", "hello.rom") == 0
    assert capfd.readouterr().out == "hh"


def test_a_screen_without_a_display_says_what_to_do(capfd: Capture) -> None:
    assert run("walk.rom") == Exit.FAILURE
    line = capfd.readouterr().err
    for word in ("no display", "--terminal", "--headless --frames N --screenshot"):
        assert word in line


def test_a_window_leaves_the_same_files_as_a_headless_run() -> None:
    pytest.importorskip("sdl2")
    drivers = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
    Path("keys.txt").write_text("7 key a\n")
    for name, mode in (("window", []), ("headless", ["--headless"])):
        done = subprocess.run(
            [sys.executable, "-m", "jitvm", "run", *mode, "--frames", "12", "--input", "keys.txt",
             "--hash-frames", f"{name}.txt", "--record", f"{name}.wav", "walk.rom"],
            env={**os.environ, **drivers}, capture_output=True, timeout=HANGS, check=False,
        )  # fmt: skip
        assert (done.stdout, done.stderr, done.returncode) == (b"a", b"", 0), name
    for ending in ("txt", "wav"):
        assert Path(f"window.{ending}").read_bytes() == Path(f"headless.{ending}").read_bytes()


def test_a_window_without_its_library_says_what_to_install(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert run("walk.rom") == Exit.FAILURE
    assert "pip install 'jitvm[window]'" in capfd.readouterr().err


def test_a_screenshot_without_pillow_says_what_to_install(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    for option, name in (("--screenshot", "a.png"), ("--record", "a.gif")):
        assert run("--headless", "--frames", "1", option, name, "walk.rom") == Exit.FAILURE
        assert "pip install 'jitvm[screen]'" in capfd.readouterr().err
    assert left() == set()


def test_frames_for_a_program_without_a_screen_need_a_number(capfd: Capture) -> None:
    assert run("--headless", "--hash-frames", "h.txt", "waits.rom") == Exit.USAGE
    assert "--frames N" in capfd.readouterr().err
    assert run("--headless", "--frames", "2", "--hash-frames", "h.txt", "waits.rom") == 0
    assert Path("h.txt").read_text() == "1 - -\n2 - -\n"


# -- limits and Ctrl-C ---------------------------------------------------------------------------


@pytest.mark.parametrize("tier", ["reference", "interpreter", "jit"])
def test_max_instructions_is_exact(capfd: Capture, tier: str) -> None:
    run("--headless", "--frames", "3", "--json", "--tier", tier, "walk.rom")
    whole = json.loads(capfd.readouterr().err)["instructions"]
    for limit in (5, 30, whole - 1, whole):
        code = run(
            "--headless", "--frames", "4", "--json", "--tier", tier,
            "--max-instructions", f"{limit}", "walk.rom",
        )  # fmt: skip
        facts = json.loads(capfd.readouterr().err.splitlines()[-1])
        assert (code, facts["instructions"]) == (Exit.INSTRUCTION_LIMIT, limit)
        assert facts["ending"] == "instruction limit"


@pytest.mark.parametrize("option", [["--frames", "9"], []])
def test_time_limit(option: list[str]) -> None:
    begin = time.monotonic()
    assert run("--headless", *option, "--time-limit", "0.2", "spin.rom") == Exit.TIME_LIMIT
    assert time.monotonic() - begin > 0.19


def test_ctrl_c_leaves_complete_files() -> None:
    command = [sys.executable, "-m", "jitvm", "run", "--headless", "--hash-frames", "-",
               "--record", "a.gif", "--record", "a.wav", "--record-session", "s.jsonl",
               "--screenshot", "a.png", "walk.rom"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert any(line.startswith(b"20 ") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=HANGS)
    assert (process.returncode, err) == (Exit.INTERRUPTED, b"")
    assert left() == {"a.gif", "a.wav", "a.png", "s.jsonl"}
    assert len(durations("a.gif")) > 1
    with wave.open("a.wav") as sound:
        frames = sound.getnframes() // 735
    assert frames >= 20
    assert run("--headless", "--replay", "s.jsonl", "walk.rom") == 0


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--headless", "--terminal"], "not allowed with"),
        (["--headless", "--fullscreen"], "there is no window"),
        (["--terminal", "--scale", "2"], "made to fit"),
        (["--scale", "0"], "0 is not a whole number from 1 to 16"),
        (["--frames", "0"], "0 is not a whole number of frames"),
        (["--screenshot", "a.jpg"], "ends in .png"),
        (["--headless", "--record", "a.avi"], "one of .gif, .webp, .mp4, .wav"),
        (["--headless", "--record", "walk.rom"], "is the program as well"),
        (["--headless", "--record", "a.gif", "--record", "./a.gif"], "name another file"),
        (["--headless", "--screenshot", "a.png", "--hash-frames", "a.png"], "as well"),
        (["--replay", "s", "--input", "i"], "brings its own input"),
        (["--replay", "s", "--record-session", "t"], "brings its own input"),
        (["--headless", "--replay", "nowhere"], "nowhere: cannot be read: No such file"),
        (["--headless", "--replay", "hello.rom"], "hello.rom: is not a recorded session"),
        (["--headless", "--input", "nowhere"], "nowhere: cannot be read: No such file"),
        (["--headless", "--input", "bad.txt"], "bad.txt:2: "),
    ],
)
def test_bad_input_is_one_clear_line(capfd: Capture, options: list[str], message: str) -> None:
    Path("bad.txt").write_text("1 key a\n2 dance\n")
    assert run(*options, "walk.rom") == Exit.USAGE
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("jitvm: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert left("bad.txt") == set()


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--screenshot", "x.png"),
        ("--record", "x.gif"),
        ("--record", "x.wav"),
        ("--hash-frames", "x"),
        ("--record-session", "x"),
    ],
)
def test_files_that_cannot_be_written_are_told_before_the_run(
    capfd: Capture, option: str, name: str
) -> None:
    path = f"missing/{name}"
    assert run("--headless", "--frames", "2", option, path, "walk.rom") == Exit.FAILURE
    assert f"{path}: cannot be written: No such file or directory" in capfd.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
@pytest.mark.parametrize("option", ["--hash-frames", "--record-session"])
def test_a_full_disk_is_one_line_and_other_files_are_kept(capfd: Capture, option: str) -> None:
    files = (option, "/dev/full", "--record", "a.gif")
    assert run("--headless", "--frames", "2000", *files, "walk.rom") == Exit.FAILURE
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "/dev/full" in err
    assert "No space left" in err


def test_sound_that_cannot_be_made_is_one_line(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jitvm.guests.uxn.varvara.audio.mixer import Mixer
    from jitvm.platform.sound import AudioError

    def refuse(*_arguments: object) -> None:
        raise AudioError("sound needs numba; install it")

    monkeypatch.setattr(Mixer, "render", refuse)
    Path("keys.txt").write_text("1 key a\n")
    assert run("--headless", "--frames", "3", "--input", "keys.txt", "walk.rom") == Exit.FAILURE
    assert capfd.readouterr().err == "jitvm: error: sound needs numba; install it\n"


def test_an_old_file_is_kept_when_there_is_nothing_to_write(capfd: Capture) -> None:
    Path("a.png").write_bytes(b"old")
    assert run("--headless", "--frames", "1", "--screenshot", "a.png", "waits.rom") == Exit.FAILURE
    assert "has drawn nothing" in capfd.readouterr().err
    assert Path("a.png").read_bytes() == b"old"
    assert left() == {"a.png"}


def test_a_console_program_imports_nothing_for_screens() -> None:
    run("hello.rom")  # so that the handlers are in the code cache
    code = (
        "import sys; from jitvm.cli import main; main(['run', 'hello.rom']);"
        "print(' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=HANGS, check=True
    )
    loaded = set(done.stderr.decode().split())
    varvara = "jitvm.guests.uxn.varvara"
    for name in (
        "PIL", "sdl2", "numpy", "jitvm.cli.show", "jitvm.cli.outputs",
        "jitvm.terminal", "jitvm.window", f"{varvara}.frames", f"{varvara}.audio",
        f"{varvara}.script", f"{varvara}.recording", f"{varvara}.screen.canvas",
    ):  # fmt: skip
        assert name not in loaded, name
