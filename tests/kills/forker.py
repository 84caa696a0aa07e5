"""A process that has imported what commands import, and forks one for each line it reads.

    request   {"words": ["run", ...], "folder": "...", "cache": "...", "errors": "a file"}
    answer    the number of the process, at once; it is waited for behind one more line
              its status as `os.waitstatus_to_exitcode` gives it, when it has ended

What a run costs is mostly the interpreter's start and its imports, so this makes thousands of runs
affordable. Behind the fork everything is as in a process of its own: signals, threads, the end.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

import jitvm
from jitvm.cli.main import program

PACKAGES = ("cli", "dashboard", "engine", "guests", "platform", "profiling")
OTHERS = (
    "llvmlite.binding", "numpy", "PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin", "PIL.PpmImagePlugin", "rich.markup", "uvicorn.loops.auto",
    "uvicorn.loops.asyncio", "uvicorn.lifespan.off", "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)  # fmt: skip


def _import_everything() -> None:
    """What the commands import at one time or another."""
    names = [
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages(
            [str(Path(jitvm.__file__).with_name(package))], f"jitvm.{package}."
        )
    ]
    for name in (*names, *OTHERS):
        if not name.endswith("__main__"):
            importlib.import_module(name)


def main() -> None:
    """Serve until standard input ends; a child goes on to be the command."""
    _import_everything()
    # Not `sys.stdin`: a child must not find what its parent has read ahead.
    requests = os.fdopen(os.dup(0), "rb")
    for line in requests:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _become(request)
            program()
        print(child, flush=True)
        requests.readline()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(request: dict[str, Any]) -> None:
    """Make the child what the request says."""
    os.chdir(request["folder"])
    os.environ["JITVM_CACHE"] = request["cache"]
    nothing = os.open(os.devnull, os.O_RDWR)
    errors = os.open(request["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor, standard in ((nothing, 0), (nothing, 1), (errors, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor) if descriptor == errors else None
    sys.argv = ["jitvm", *request["words"]]


if __name__ == "__main__":
    main()
