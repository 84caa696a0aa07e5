"""A program with a screen, in a window.

    from jitvm.window import run
    run(computer)

| module    | contents                                                            |
|-----------|---------------------------------------------------------------------|
| binding   | how to get SDL; the only file that imports it                       |
| keys      | what each key does, and the help text on it                         |
| keymap    | the same as a file says                                             |
| pads      | game controllers                                                    |
| translate | from SDL's events to the guest's, or to commands for the window     |
| geometry  | sizes: the window's for a picture, the picture's in a window        |
| display   | the window itself: texture, presentation, icon                      |
| naming    | the program's name and icon, and names of screenshots               |
| sound     | a thread between Audio.render and the sound card                    |
| stdin     | a thread that reads standard input                                  |
| reload    | whether the files that make up a program have changed               |
| player    | the playing loop (`jitvm.playing`) with a window around it          |
| errors    | raised if there can be no window                                    |

None of them is imported before `run` is called, except `keys`, whose text the command line shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from jitvm.window.errors import WindowError
from jitvm.window.keys import KEYS_HELP

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

    from jitvm.platform import Platform
    from jitvm.platform.computer import Computer
    from jitvm.platform.evaluator import Ending
    from jitvm.platform.frames import Frame
    from jitvm.platform.input import Readable
    from jitvm.platform.script import Script
    from jitvm.playing.slot import Slot

__all__ = ["KEYS_HELP", "WindowError", "run"]


def run(
    computer: Computer,
    *,
    scale: int | None = None,
    fullscreen: bool = False,
    title: str | None = None,
    source: str | os.PathLike[str] | None = None,
    platform: Platform | None = None,
    loading: Mapping[str, Any] | None = None,
    stdin: Readable | None = None,
    script: Script | None = None,
    replay: Iterator[Frame] | None = None,
    on_frame: Callable[[Frame], object] | None = None,
    max_frames: int | None = None,
    max_instructions: int | None = None,
    time_limit: float | None = None,
    notify: Callable[[str], object] | None = None,
    slot: Slot | None = None,
    rewind: int | None = None,
    keys: str | os.PathLike[str] | None = None,
) -> Ending:
    """Show a program in a window until it ends or the window is closed.

    The computer may have been booted or not, or have stopped in the middle of its reset vector.
    Whoever records it (`FrameLoop.observer`) or is told of its frames gets sound that depends on
    nothing but the frames; otherwise the sound card's clock says how time passes for notes, which
    has no drop-outs when a frame takes long.

    Args:
        computer: what runs.
        scale: window pixels for a pixel, 1 or more; None for what suits the desktop.
        fullscreen: whether it begins as a full screen.
        title: in place of the name that the program's metadata gives.
        source: the file the program came from: it is loaded again when that, or a file it
            includes, changes. While the computer is recorded or replayed, it is not.
        platform: loads `source`, and files that are dropped on the window; None: as files tell.
        loading: options for that, see `Platform.loading`.
        stdin: a binary stream whose bytes reach the program as they come; None for nothing.
        script: events in addition to the user's.
        replay: frames to show, which somebody else runs, such as `Replayer.frames`; the user's
            events then do not reach the program, and a frame is run in one piece.
        on_frame: called with each complete frame.
        max_frames: end after so many.
        max_instructions: end exactly after so many, all vectors together.
        time_limit: end after so many seconds.
        notify: told what the user should know, a line at a time; None: standard error is.
        slot: where the user saves and loads states; None: a file named after the program, in the
            current folder.
        rewind: bytes of states that are kept for going back by a key; None for 32 MiB, 0 for none.
        keys: a file that says which keys do what; see `jitvm.playing.keysfile`.

    Returns:
        EXIT when the program ended (see `Computer.exit_code`) or the window was closed; or which
        limit was reached. Its files are closed.

    Raises:
        WindowError: SDL is not installed, there is no display, or it has gone away.
        KeyboardInterrupt: Ctrl-C.
        OutputError, NativeError: as for `FrameLoop.frame`.
        ValueError: `scale` is less than 1, or the file of keys has an error (`KeysError`).
    """
    if scale is not None and scale < 1:
        raise ValueError(f"scale {scale}: take 1 or more")
    from jitvm.playing.loop import Limits
    from jitvm.playing.rewinding import MEMORY
    from jitvm.window.keymap import DEFAULT, of_file
    from jitvm.window.player import Player

    player = Player(
        computer,
        scale=scale,
        fullscreen=fullscreen,
        title=title,
        source=None if source is None else os.fspath(source),
        platform=platform,
        loading=loading,
        stdin=stdin,
        script=script,
        replay=replay,
        on_frame=on_frame,
        limits=Limits(max_frames, max_instructions, time_limit),
        notify=notify,
        slot=slot,
        rewind=MEMORY if rewind is None else rewind,
        keys=DEFAULT if keys is None else of_file(os.fspath(keys)),
    )
    return player.run()
