"""The screen's kernels: drawing, for compiled guest code, and composition, for ctypes."""

from __future__ import annotations

from jitvm.guests.uxn.varvara.native.library import Kernel, beside, function_entry, port_entry

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable


def _source(name: str) -> Callable[[], Callable[..., int]]:
    """What imports the source of a kernel."""

    def load() -> Callable[..., int]:
        from jitvm.guests.uxn.varvara.screen import kernels

        source: Callable[..., int] = getattr(kernels, name)
        return source

    return load


PIXEL = Kernel(beside(__file__, "pixel"), port_entry, _source("pixel"))
"""A write to Screen/pixel."""

SPRITE = Kernel(beside(__file__, "sprite"), port_entry, _source("sprite"))
"""A write to Screen/sprite."""

COMPOSE = Kernel(beside(__file__, "compose"), lambda: function_entry(2), _source("compose"))
"""`compose(words, frame)`; see `kernels`."""
