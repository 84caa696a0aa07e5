"""See what the JIT does, in a browser: a live page about one run, or a saved one.

    target --> runner    the guest's thread: slices, pause, steps, restarts
    machine <-- sampler  looks ten times a second, and as deep as it can afford
    journal              what the JIT told, counted and kept
    feed <-- server      what is new to each page; loopback only, with a token

`session` ties them together, `saved` writes runs to files and opens them again, `static/` is the
page. Needs the extra ``jitvm[dashboard]``; nothing here is imported without it being asked for.
"""
