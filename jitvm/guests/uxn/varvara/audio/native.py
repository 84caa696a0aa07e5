"""The mixer's kernel, for ctypes."""

from __future__ import annotations

from jitvm.guests.uxn.varvara.native.library import Kernel, beside, function_entry

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable


def _source() -> Callable[..., int]:
    from jitvm.guests.uxn.varvara.audio.kernels import mix

    return mix


MIX = Kernel(beside(__file__, "mix"), lambda: function_entry(4), _source)
"""`mix(memory, cells, out, frames)`; see `kernels`."""
