"""A thread between the renderer of sound and the sound card.

    Audio.render  --live-->   |
    FrameLoop, 735 a frame -->| Speaker's thread --a piece at a time--> queue of SDL --> card
                   (exact)

The card drains the queue at its own pace, and the thread keeps it filled to `_target` frames: that
is the latency of the sound, and how long the thread may be delayed without being heard. Whenever
the queue runs dry, the target grows. Rendering and queueing run without the GIL, so a busy guest
does not get in the way.

If there is no device, or it has been removed, a silent one takes its place, whose queue is drained
by the clock: for the guest, time passes as usual.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from jitvm.platform.sound import RATE, AudioError
from jitvm.window.binding import error_text, sdl

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Protocol

    from jitvm.platform.sound import Samples, Sound

    class Source(Protocol):
        """Where sound comes from."""

        def render(self, frames: int) -> Samples:
            """The next frames of sound, shape (frames, 2)."""

        @property
        def active(self) -> bool:
            """Whether there is any to come."""

    class Device(Protocol):
        """Where sound goes."""

        def queued(self) -> int:
            """Samples that are still to be played."""

        def queue(self, sound: Samples) -> None:
            """Play these after those."""

        def pause(self, paused: bool) -> None:
            """Stand still, or go on."""

        def close(self) -> None:
            """Be silent for good."""


FRAME_BYTES = 4
PIECE = 256
"""Samples are rendered in multiples of this."""

PERIOD = 512
"""Samples that the card takes at a time."""

FULL = 10
"""The highest volume."""

LEAST, MOST, MORE = 4 * PERIOD, 12 * PERIOD, PERIOD
"""How many frames are kept in the queue: at first, at most, and how many more after a drop-out."""


class CardDevice:
    """SDL's default sound device.

    Attributes:
        number: SDL's number, by which it reports that the device was removed.

    Raises:
        OSError: there is none.
    """

    def __init__(self) -> None:
        if sdl.SDL_InitSubSystem(sdl.SDL_INIT_AUDIO):
            raise OSError(error_text())
        wanted = sdl.SDL_AudioSpec(RATE, sdl.AUDIO_S16SYS, 2, PERIOD)
        self.number: int = sdl.SDL_OpenAudioDevice(None, 0, ctypes.byref(wanted), None, 0)
        if not self.number:
            reason = error_text()
            sdl.SDL_QuitSubSystem(sdl.SDL_INIT_AUDIO)
            raise OSError(reason)

    def queued(self) -> int:
        size: int = sdl.SDL_GetQueuedAudioSize(self.number)
        return size // FRAME_BYTES

    def queue(self, sound: Samples) -> None:
        sdl.SDL_QueueAudio(self.number, ctypes.c_void_p(sound.ctypes.data), sound.nbytes)

    def pause(self, paused: bool) -> None:
        sdl.SDL_PauseAudioDevice(self.number, int(paused))

    def close(self) -> None:
        sdl.SDL_CloseAudioDevice(self.number)
        sdl.SDL_QuitSubSystem(sdl.SDL_INIT_AUDIO)


class SilentDevice:
    """Stands for a device there is not: plays by the clock, without a sound."""

    number = 0

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._end = 0.0

    def queued(self) -> int:
        return max(0, int((self._end - self._clock()) * RATE))

    def queue(self, sound: Samples) -> None:
        self._end = max(self._end, self._clock()) + len(sound) / RATE

    def pause(self, paused: bool) -> None:  # noqa: ARG002  as the card has it
        return

    def close(self) -> None:
        return


class FrameSounds:
    """Sound as the frame loop gives it: the source of an exact run.

    It begins with a little silence after a pause, so that a frame may be late without being heard.
    When frames come faster than they can be heard, the oldest are dropped.
    """

    MOST = 8
    DELAY = 3 * 735

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._sounds: deque[Samples] = deque(maxlen=self.MOST)
        self._first: Samples | None = None
        self._last_time = 0.0

    def add(self, sound: Samples) -> None:
        """The sound of a frame."""
        import numpy as np

        now = self._clock()
        if (now - self._last_time) * RATE > self.DELAY and not self.active:
            self._sounds.append(np.zeros((self.DELAY, 2), np.int16))
        self._last_time = now
        self._sounds.append(sound)

    @property
    def active(self) -> bool:
        return bool(self._sounds) or self._first is not None

    def render(self, frames: int) -> Samples:
        """As many frames as there are, up to the number."""
        import numpy as np

        if self._first is None:
            try:
                self._first = self._sounds.popleft()
            except IndexError:
                return np.zeros((0, 2), np.int16)
        piece, rest = self._first[:frames], self._first[frames:]
        self._first = rest if len(rest) else None
        return piece


class Speaker:
    """Plays a source.

    Args:
        notify: called from the thread with messages for the user.
        open_device: makes the device, when there is something to play.

    Attributes:
        is_muted: whether nothing is heard, while time goes on for notes.
        underruns: how often the queue ran dry while there was something to play.
        played: frames that were put into the queue.
    """

    def __init__(
        self,
        notify: Callable[[str], object],
        open_device: Callable[[], CardDevice] = CardDevice,
    ) -> None:
        self._notify = notify
        self._open_device = open_device
        self._device: CardDevice | SilentDevice | None = None
        self._source: Source | None = None
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._reopen = False
        self._thread: threading.Thread | None = None
        self._has_complained = False
        self._target = LEAST
        self._volume = FULL
        self.is_muted = False
        self.underruns = 0
        self.played = 0

    @property
    def delay(self) -> float:
        """Seconds of sound that are kept in the queue."""
        return self._target / RATE

    # -- for the window's thread -------------------------------------------------------------

    def play(self, source: Sound | FrameSounds) -> None:
        """Play what a source has, until it has no more. Cheap: call it for each frame."""
        if self._wanted.is_set() or self._stopped.is_set():
            return
        self._source = source
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="jitvm-sound", daemon=True)
            self._thread.start()
        self._wanted.set()

    def pause(self) -> None:
        """Stand still, in the middle of notes, until `play`."""
        self._wanted.clear()

    def change_volume(self, steps: int) -> None:
        """Be louder or softer by so many tenths, and heard."""
        self._volume = min(max(self._volume + steps, 1), FULL)
        self.is_muted = False

    @property
    def setting(self) -> str:
        """What of it is unusual, in words; empty if nothing is."""
        if self.is_muted:
            return "muted"
        return f"volume {self._volume / FULL:.0%}" if self._volume != FULL else ""

    def device_changed(self, *, added: bool, number: int) -> None:
        """A device was plugged in, or this one unplugged."""
        device = self._device
        if device is None:
            return
        is_missing = isinstance(device, SilentDevice)
        if is_missing if added else device.number == number:
            self._reopen = True

    def close(self) -> None:
        """Be silent, and end the thread."""
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    # -- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        self._device = self._open()
        while not self._stopped.is_set():
            if not self._wanted.is_set():
                self._device.pause(True)
                self._wanted.wait()
                continue
            self._play()
        self._device.close()

    def _play(self) -> None:
        """Play until there is nothing to play any more, or nobody wants it."""
        device, source = self._device, self._source
        assert device is not None
        assert source is not None
        is_filled = False
        while self._wanted.is_set() and not self._stopped.is_set():
            if self._reopen:
                self._reopen = False
                device.close()
                device = self._device = self._open()
                is_filled = False
            queued = device.queued()
            if not queued and not source.active:
                self._wanted.clear()
                return
            if is_filled and not queued:
                self._count_underrun(source)
                is_filled = False
            self._fill(device, source, queued)
            if not is_filled:
                is_filled = True
                device.pause(False)
            self._stopped.wait(PIECE / RATE)

    def _fill(self, device: Device, source: Source, queued: int) -> None:
        try:
            while queued < self._target and source.active:
                # In one go: between two calls a busy guest may have the interpreter's lock.
                sound = source.render((self._target - queued) // PIECE * PIECE + PIECE)
                if not len(sound):
                    return
                device.queue(self._as_loud(sound))
                queued += len(sound)
                self.played += len(sound)
        except AudioError as error:
            self._complain(str(error))
            self._stopped.set()

    def _as_loud(self, sound: Samples) -> Samples:
        """Samples as loud as somebody wants them."""
        volume = 0 if self.is_muted else self._volume
        if volume == FULL:
            return sound
        import numpy as np

        quiet: Samples = (sound.astype(np.int32) * volume // FULL).astype(np.int16)
        return quiet

    def _count_underrun(self, source: Source) -> None:
        if source.active:
            self.underruns += 1
            self._target = min(self._target + MORE, MOST)

    def _open(self) -> CardDevice | SilentDevice:
        try:
            return self._open_device()
        except OSError as error:
            self._complain(f"no sound: {error}")
            return SilentDevice()

    def _complain(self, text: str) -> None:
        """Tell it, once."""
        if not self._has_complained:
            self._has_complained = True
            self._notify(text)
