"""Coverage of the sources of guest programs: lines, branches both ways, opcodes.

    collecting   the marks of a machine, by lines of its program's source
    results      what is known of some runs; files of it, merging
    formats      LCOV and Cobertura's XML
    page, text   for people: a page of HTML, a table
    guestfiles   programs that are tests, and what is expected of them
    plugin       the plug-in for pytest

`jitvm.guest.marks` tells what is marked, `jitvm.engine.interpreter.marking` how that costs so
little.
"""
