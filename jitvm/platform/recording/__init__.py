"""Recordings of a program's screen and sound.

recording   what connects a file to a computer
possible    which format a name stands for; what a format needs
animation   pictures in time: what has changed, and for how long it is shown
gif, webp   animations as bytes
mp4         pictures and sound as a video
wav         samples into a file
hashes      frames as short texts to compare runs by
clip        a short animation in memory, for notebooks
"""

from jitvm.platform.recording.possible import FORMATS, RecordingError
from jitvm.platform.recording.recording import Recording

__all__ = ["FORMATS", "Recording", "RecordingError"]
