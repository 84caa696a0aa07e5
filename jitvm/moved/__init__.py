"""Names that modules of the engine had before it had rooms: `jitvm.engine.params` is found here.

For programs written before; the folder goes with the next version. Nothing of jitvm imports it.
"""
