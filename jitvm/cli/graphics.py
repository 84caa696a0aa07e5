"""Options of ``jitvm run`` for programs with a screen, and which of them exclude each other.

Imported for console programs too, so nothing else is imported here; `show` does the work.
"""

from __future__ import annotations

from jitvm.cli.exits import Failure
from jitvm.cli.values import positive

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace

    from jitvm.cli.parser import Parser

MAX_SCALE = 16


def configure(parser: Parser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("programs with a screen (they open a window)")
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--headless", action="store_true", help="no window: run frames as fast as possible"
    )
    where.add_argument(
        "--terminal", action="store_true", help="show the screen in this terminal; Ctrl-C ends it"
    )
    group.add_argument(
        "--frames",
        metavar="N",
        type=positive(int, "a whole number of frames"),
        help="stop after N frames; there are 60 a second",
    )
    group.add_argument("--scale", metavar="N", type=_scale, help="scale factor, 1 to 16")
    group.add_argument("--fullscreen", action="store_true", help="let the window fill the screen")
    group.add_argument("--keys", metavar="FILE", help="which keys and buttons do what, in TOML")
    group.add_argument(
        "--rewind",
        metavar="MIB",
        type=_memory,
        default=32,
        help="memory for going back by a key (default: %(default)s; 0: not at all)",
    )
    group.add_argument("--input", metavar="FILE", help="a script of keys, buttons and pointer")
    group.add_argument(
        "--screenshot", metavar="FILE", help="write the last frame as a picture, .png"
    )
    group.add_argument(
        "--record",
        metavar="FILE",
        action="append",
        default=[],
        help="record pictures (.gif, .webp), sound (.wav) or both (.mp4); any number of times",
    )
    group.add_argument("--record-session", metavar="FILE", help="record all input of the program")
    group.add_argument("--replay", metavar="FILE", help="replay a recorded session")
    group.add_argument(
        "--hash-frames",
        metavar="FILE",
        help="write hashes, one line per frame, to compare runs by; - for stdout",
    )


def check(arguments: Namespace) -> None:
    """Reject options that exclude each other.

    Raises:
        Failure: it says what to leave out.
    """
    for one, other, why in _CONFLICTS:
        if _is_given(arguments, one) and _is_given(arguments, other):
            raise Failure(f"{_option(one)} does not go with {_option(other)}: {why}")
    _check_files(arguments)


def wants_frames(arguments: Namespace) -> bool:
    """Whether an option requires frames, so that a program without a screen runs them as well."""
    return any(_is_given(arguments, name) for name in _OF_FRAMES)


_REPLAY = "a session brings its own input, clock and files"
_CONFLICTS = (
    ("headless", "fullscreen", "there is no window"),
    ("terminal", "fullscreen", "there is no window"),
    ("headless", "keys", "there is no window"),
    ("terminal", "scale", "the picture is made to fit the terminal"),
    ("replay", "input", _REPLAY),
    ("replay", "record_session", _REPLAY),
    ("replay", "clock", _REPLAY),
    ("replay", "sandbox", _REPLAY),
    ("replay", "save_state", "a session has its own files, of which a state can say nothing"),
    ("replay", "load_state", "a session begins at the start"),
    ("record_session", "load_state", "a session begins at the start"),
)
_OF_FRAMES = (
    "frames", "input", "screenshot", "record", "record_session", "replay", "hash_frames",
)  # fmt: skip


def outputs(arguments: Namespace) -> list[tuple[str, str]]:
    """Each file to be written, with its option."""
    single = ("screenshot", "record_session", "hash_frames")
    files = [(_option(name), getattr(arguments, name)) for name in single]
    files += [("--record", name) for name in arguments.record]
    return [(option, name) for option, name in files if name is not None]


def _check_files(arguments: Namespace) -> None:
    files = outputs(arguments)
    if arguments.save_state is not None:
        files.append(("--save-state", arguments.save_state))
    if not files:
        return
    from os.path import realpath

    taken = {
        realpath(name): what
        for what, name in (
            ("the program", arguments.program),
            ("--input", arguments.input),
            ("--replay", arguments.replay),
        )
        if name is not None and name != "-"
    }
    for option, name in files:
        if name == "-" and option == "--hash-frames":
            continue
        path = realpath(name)
        if path in taken:
            raise Failure(f"{option} {name}: is {taken[path]} as well; name another file")
        taken[path] = f"that of {option}"
    if arguments.screenshot is not None and not arguments.screenshot.lower().endswith(".png"):
        raise Failure(f"--screenshot {arguments.screenshot}: the name ends in .png")


def _is_given(arguments: Namespace, name: str) -> bool:
    return bool(getattr(arguments, name))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _memory(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 5:
        return int(text)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{text} is not a whole number of MiB")


def _scale(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= MAX_SCALE:
        return int(text)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{text} is not a whole number from 1 to {MAX_SCALE}")
