"""The Varvara screen: two layers of pixels that guests draw on with native code.

    device     the ports, and what the host sees of the screen
    canvas     memory: layers, the state that kernels share, the composed frame
    state      where everything of that state lies
    blending   what colours a sprite's pixels become
    palette    colours from the System ports
    kernels    drawing and composition, in the part of Python that numba compiles
    native     the kernels as machine code, kept between runs
    picture    frames as PNG files and hashes

Only `device` is imported with the computer: programs that never draw pay for nothing else.
"""

from jitvm.guests.uxn.varvara.screen.device import Screen

__all__ = ["Screen"]
