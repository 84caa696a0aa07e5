"""Files of what a program shows and plays.

recording   what connects a file to a computer; which format a name stands for
animation   pictures in time: what has changed, and for how long it is shown
gif, webp   animations as bytes
mp4         pictures and sound as a video
wav         samples into a file
hashes      frames as short texts to compare runs by
clip        a short animation in memory, for notebooks
"""

from jitvm.platform.recording.recording import FORMATS, Recording, RecordingError

__all__ = ["FORMATS", "Recording", "RecordingError"]
