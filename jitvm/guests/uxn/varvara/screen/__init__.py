"""The Varvara screen: two layers of pixels that guests draw on with native code.

    device     the ports, and the host's view of the screen
    canvas     memory: layers, the state that kernels share, the composed frame
    state      the layout of that state
    blending   the colours that a sprite's pixels become
    palette    colours from the System ports
    kernels    drawing and composition, in the part of Python that numba compiles
    native     the kernels as machine code, cached between runs
    picture    frames as PNG files and hashes

Only `device` is imported with the computer: programs that never draw do not pay for the rest.
"""

from jitvm.guests.uxn.varvara.screen.device import Screen

__all__ = ["Screen"]
