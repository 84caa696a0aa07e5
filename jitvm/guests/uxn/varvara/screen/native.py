"""The screen's kernels: drawing, for compiled guest code, and composition, for ctypes."""

from __future__ import annotations

from jitvm.guests.uxn.varvara.native.library import Kernel, beside, function_entry, port_entry

PIXEL = Kernel(beside(__file__, "pixel"), port_entry)
"""A write to Screen/pixel."""

SPRITE = Kernel(beside(__file__, "sprite"), port_entry)
"""A write to Screen/sprite."""

COMPOSE = Kernel(beside(__file__, "compose"), lambda: function_entry(2))
"""`compose(words, frame)`; see `kernels`."""
