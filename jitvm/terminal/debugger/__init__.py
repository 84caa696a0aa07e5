"""The debugger's front end that fills a terminal: ``jitvm debug --tui``.

    session      commands on a thread of their own, and what came of them
    looks        what there is to see of a program that stands still
    completion   what a command line may go on with
    app          the screen, its keys, and which pane shows what
    listing      the source, or instructions, with breakpoints in the margin
    colors       what words of a source are
    cells        bytes as numbers: memory, ports, stacks; they can be changed
    lists        calls, breakpoints, displays
    console      commands with their replies, and the program's output
    picture      the program's screen, as half blocks
    status       the line on top
    prompt       the command line
    dialogs      a question, keys in twos, help
    pane         what panes of lines share

All that is done to the program is a command of `jitvm.debugger.commands`, also if a key stands for
it. One thread runs commands; what the screen shows is a `Look`, which that thread takes whenever
the program stands still. So the screen never waits for the program, nor looks at it while it runs.

All but `session`, `looks`, `colors` and `completion` import Textual (`pip install 'jitvm[tui]'`).
"""
