"""A debugger for programs of any guest, forwards and backwards in time, with the JIT on.

    Expressions   what a user asks for: registers, stacks, memory, labels    expressions
    Breakpoints   where to stop: instructions, opcodes, memory, ports        breakpoints
    Probe         what the next instruction would do, without doing it       platform.probe
    Frames        who has called whom                                        platform.callstacks
    History       running, and going back: snapshots and exact replay        history, moments, acts
    Debuggee      the program that is debugged, and where it stands          debuggee
    Armed         breakpoints on the machine, and what of them stops a run   armed
    Past          going back in the run: to hits, lines, calls, writes       past
    Debugger      all of it together, without a user                         debugger
    Commands      the debugger on a terminal or in a pipe                    commands, report
    Adapter       the Debug Adapter Protocol                                 dap/

The clock of a run is the number of instructions it has executed: it is exact at every tier. A
*time* is the state before the instruction of that number, counted from 0.
"""
