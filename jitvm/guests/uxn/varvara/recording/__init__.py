"""Files of what a program shows and plays.

recording   what connects a file to a computer; which format a name stands for
animation   pictures in time: what has changed, and for how long it is shown
gif, webp   animations as bytes
clip        a short animation in memory, for notebooks
"""

from jitvm.guests.uxn.varvara.recording.recording import FORMATS, Recording, RecordingError

__all__ = ["FORMATS", "Recording", "RecordingError"]
