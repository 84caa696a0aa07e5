"""Kills of commands while they write: nothing partial is read back, nothing is left.

    python -m tests.kills --kills 1000               of each kind of file
    python -m tests.kills --kind session --seed 3

| module  | what it knows                                                        |
|---------|----------------------------------------------------------------------|
| kinds   | what is written by which command, and how to see that it is whole    |
| killer  | when to kill, by SIGKILL, SIGTERM and SIGHUP in turn; what must hold |
| inotify | what happens to files at this moment                                 |
| forker  | commands without the time that imports take                          |

After each kill

 1. what is in the place of the file is whole, and reads as what it is;
 2. nothing else is in the folder: behind SIGTERM and SIGHUP at once, behind SIGKILL after one more
    run that is left alone.
"""
