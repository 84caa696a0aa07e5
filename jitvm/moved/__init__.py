"""Old names of engine modules, such as `jitvm.engine.params`, from before it had rooms.

For existing programs; the folder will be removed in the next version. Nothing in jitvm imports it.
"""
