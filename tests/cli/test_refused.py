"""What the operating system refuses is told by name."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from jitvm.cli.refused import refused
from jitvm.engine.memory.block import BlockError
from jitvm.platform.input import InputError
from jitvm.platform.output import OutputError


def error(number: int, filename: object = None) -> OSError:
    return OSError(number, os.strerror(number), filename)


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (error(errno.EACCES, "a.txt"), "a.txt: Permission denied; change its permissions"),
        (error(errno.ENOENT, b"\xff.rom"), "\ufffd.rom: No such file or directory; check the path"),
        (error(errno.EBADF, 7), "file descriptor 7: Bad file descriptor"),
        (error(errno.ENOSPC), "cannot write standard output: No space left on device; free"),
        (error(errno.ENOSPC, "x"), "x: No space left on device; free some space"),
        (error(errno.EMFILE), "the operating system refused: Too many open files; raise the"),
        (error(errno.ENOENT), "the current folder is gone; change to another first"),
        (InputError(error(errno.EISDIR)), "cannot read standard input: Is a directory"),
        (OutputError("standard error", error(errno.EIO)), "cannot write standard error: Input/"),
        (BlockError(errno.ENOMEM, "no memory for 9 bytes"), "no memory for 9 bytes; close other"),
        (BlockError("no mirror here"), "no mirror here"),
        (OSError("odd"), "the operating system refused: odd"),
    ],
)
def test_each_error_names_what_failed(raised: OSError, line: str) -> None:
    assert refused(raised).startswith(line)


def test_standard_output_is_blamed_where_it_is_known_to_have_failed() -> None:
    assert refused(error(errno.EIO), of_stdout=True) == (
        "cannot write standard output: Input/output error"
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_standard_output(unbuffered: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "jitvm", "params"],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"jitvm: error: cannot write standard output: No space left")
    assert done.stderr.count(b"\n") == 1
