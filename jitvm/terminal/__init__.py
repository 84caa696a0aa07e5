"""A program with a screen, in a terminal.

    from jitvm.terminal import run
    run(computer)

| module    | contents                                                                 |
|-----------|--------------------------------------------------------------------------|
| tty       | the terminal: modes, size, non-blocking writes, and how to restore it    |
| abilities | what the terminal supports, according to its replies                     |
| fit       | position and size of the picture; colours of smaller pictures            |
| blocks    | pictures as half blocks, two pixels per character                        |
| kitty     | pictures in kitty's graphics protocol                                    |
| sixel     | pictures as sixels                                                       |
| keyboard  | keys and pointer as events of the guest                                  |
| keymap    | which keys do what, as a file says                                       |
| player    | the playing loop (`jitvm.playing`) with a terminal around it             |
| held      | the program's own output, held back meanwhile                            |
| errors    | raised if there is no terminal                                           |
| debugger/ | the debugger on the whole terminal, with Textual                         |

Only `held` and, for its help text, `keyboard` are imported before `run` is called. There is no
sound.
"""

from __future__ import annotations

from jitvm.terminal.errors import TerminalError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.platform.computer import Computer
    from jitvm.platform.evaluator import Ending
    from jitvm.platform.frames import Frame
    from jitvm.platform.script import Script
    from jitvm.playing.slot import Slot

__all__ = ["TerminalError", "run"]


def run(
    computer: Computer,
    *,
    script: Script | None = None,
    replay: Iterator[Frame] | None = None,
    max_frames: int | None = None,
    max_instructions: int | None = None,
    time_limit: float | None = None,
    slot: Slot | None = None,
    rewind: int | None = None,
    keys: str | None = None,
) -> Ending:
    """Show a program in the terminal until it ends or the user leaves it by Ctrl-C or F3.

    The program's standard output must not go to the same terminal meanwhile (see `held`).

    Args:
        computer: what runs; booted or not.
        script: events in addition to the user's.
        replay: frames to show, which somebody else runs; the user can only leave.
        max_frames: end after so many.
        max_instructions: end exactly after so many, all vectors together.
        time_limit: end after so many seconds.
        slot: where the user saves and loads states; None: a file named after the program, in the
            current folder.
        rewind: bytes of states that are kept for going back by a key; None for 32 MiB, 0 for none.
        keys: a file that says which keys do what; see `jitvm.playing.keysfile`.

    Returns:
        EXIT when the program ended or was left; or which limit was reached.

    Raises:
        TerminalError: the process has no terminal.
        KeysError: the file of keys has an error.
        SystemExit: SIGTERM or SIGHUP came.
        KeyboardInterrupt, OutputError, NativeError, AudioError: as for `FrameLoop.frame`.
    """
    from jitvm.playing.loop import Limits
    from jitvm.playing.rewinding import MEMORY
    from jitvm.terminal.player import Player

    limits = Limits(max_frames, max_instructions, time_limit)
    memory = MEMORY if rewind is None else rewind
    return Player(computer, script, replay, limits, slot, memory, keys).run()
