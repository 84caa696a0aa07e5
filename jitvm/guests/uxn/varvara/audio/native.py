"""The mixer's kernel, for ctypes."""

from __future__ import annotations

from jitvm.guests.uxn.varvara.native.library import Kernel, beside, function_entry

MIX = Kernel(beside(__file__, "mix"), lambda: function_entry(4))
"""`mix(memory, cells, out, frames)`; see `kernels`."""
