"""Files of what a program shows and plays.

recording   what connects a file to a computer
possible    which format a name stands for; what a format needs
animation   pictures in time: what has changed, and for how long it is shown
gif, webp   animations as bytes
mp4         videos with sound
clip        a short animation in memory, for notebooks
"""

from jitvm.guests.uxn.varvara.recording.possible import FORMATS, RecordingError
from jitvm.guests.uxn.varvara.recording.recording import Recording

__all__ = ["FORMATS", "Recording", "RecordingError"]
