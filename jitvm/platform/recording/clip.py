"""A short animation in memory, which notebooks play."""

from __future__ import annotations

import base64
import io
import os

from jitvm.engine.host.part import write_result
from jitvm.guest.numbers import whole
from jitvm.platform.recording.animation import Animation
from jitvm.platform.recording.gif import Gif
from jitvm.platform.recording.possible import check_scale, require_pillow

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform.computer import Computer
    from jitvm.platform.evaluator import Ending
    from jitvm.platform.script import Script


class Clip:
    """What a computer has shown.

    Attributes:
        gif: the animation, as a GIF file; empty where not one frame was run.
        ending: whether the program ended, or what else ended the clip.
        computer: as it is at the end; it can be run on.
    """

    def __init__(self, gif: bytes, ending: Ending, computer: Computer) -> None:
        self.gif = gif
        self.ending = ending
        self.computer = computer

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the animation to a file.

        Raises:
            OSError: it cannot be written; what was there before still is.
        """
        write_result(os.fspath(path), self.gif)

    def _repr_html_(self) -> str:
        """The animation, for notebooks."""
        data = base64.b64encode(self.gif).decode("ascii")
        return f'<img src="data:image/gif;base64,{data}" style="image-rendering: pixelated">'


def record_clip(computer: Computer, frames: int, script: Script | None, scale: int) -> Clip:
    """Run a computer for some frames; see `jitvm.record`."""
    require_pillow("a clip")
    check_scale(scale)
    frames = whole("frames", frames)
    file = io.BytesIO()
    animation = Animation(file, Gif, scale)
    ending = computer.run_frames(
        frames,
        script,
        on_frame=lambda frame: animation.add(computer.screen.pixels, changed=frame.changed),
    )
    animation.close()
    return Clip(file.getvalue(), ending, computer)
