"""The debugger in editors: the Debug Adapter Protocol.

    messages   how messages are framed, and what of them is taken
    adapter    what each request does, and what is told of its own accord
    server     one editor on standard input and output, or one after the other on a port

Source: https://microsoft.github.io/debug-adapter-protocol/specification, 1.70.
"""
