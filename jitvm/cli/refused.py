"""Errors from the operating system in one line: what was refused, why, and what to do.

Commands turn the errors they expect into a `Failure` where they know the context. The rest arrive
here, and an `OSError` by itself says little: its text is about some system call.
"""

from __future__ import annotations

import errno

_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f)",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "close other programs, or raise the limit of memory (ulimit -v)",
    errno.EAGAIN: "raise the limit of processes (ulimit -u)",
    errno.EACCES: "change its permissions, or name another",
    errno.EPERM: "change its permissions, or name another",
    errno.EROFS: "name one on a file system that can be written",
    errno.ENAMETOOLONG: "take a shorter name",
    errno.ENOENT: "check the path",
}
_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What nothing but writing fails with. Files are written by those who know their names."""


def refused(error: OSError, *, of_stdout: bool = False) -> str:
    """The line for an error.

    Args:
        error: what was raised.
        of_stdout: whether standard output is known to be what failed.
    """
    why = error.strerror or str(error)
    number = error.errno or 0
    if of_stdout or (error.filename is None and number in _OF_WRITING):
        line = f"cannot write standard output: {why}"
    elif type(error).__str__ is not OSError.__str__:
        line = str(error)  # a class of ours, whose text says what it was about
    elif type(error).__module__ != "builtins":
        line = why
    elif error.filename is not None:
        line = f"{named(error.filename)}: {why}"
    elif number == errno.ENOENT:  # no call but that for the current folder has no name to give
        return "the current folder is gone; change to another first"
    else:
        line = f"the operating system refused: {why}"
    advice = _ADVICE.get(number)
    return line if advice is None else f"{line}; {advice}"


def named(path: object) -> str:
    """A file as the user would name it: a descriptor by its number, bytes as text."""
    if isinstance(path, int):
        return f"file descriptor {path}"
    return path.decode(errors="replace") if isinstance(path, bytes) else str(path)
