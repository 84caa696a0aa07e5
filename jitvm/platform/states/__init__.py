"""Saved states: all that a run needs to go on, in a file, for any guest.

    state = take(computer)          plain values, at any time between two instructions
    put(computer, state)            goes on there, on any computer for the same program, at any tier

    write(path, computer)           the same with a file
    load(path, computer)

| module    | contents                                                         |
|-----------|------------------------------------------------------------------|
| whole     | a computer's state as plain values, and back                     |
| file      | the file: what it is a state of, a checksum, the state           |
| plain     | plain values as text                                             |
| ring      | the latest states of a run, which share what is the same in them |

A state has memory, stacks and registers, what each device says of itself (`Device.snapshot`), what
the computer says (`Computer.own_state`), and how far it is with a vector and a frame. It does not
have what is outside: the clock, output that was written, contents of files.
"""
