"""``jitvm cache``: look at the machine code kept between runs, and clear it."""

from __future__ import annotations

from argparse import Namespace

from jitvm.cli.exits import Exit, Failure

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.cli.parser import Parser

DESCRIPTION = """\
List the files of the code cache, the least recently used first. They are native code
from earlier runs: deleting them only makes the next run about a second slower.
Files that a run was writing when it was killed are removed by the next run.
The folder is JITVM_CACHE, or `jitvm` in your cache folder; without a home there is none.
"""

EXAMPLES = """\
examples:
  jitvm cache            list the files
  jitvm cache --clear    delete it
  jitvm cache --json     the same for programs
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm cache``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("--clear", action="store_true", help="delete all files")
    parser.add_argument("--json", action="store_true", help="as a JSON object")


def execute(arguments: Namespace) -> int:
    """List or clear; return the exit code."""
    from os.path import basename
    from time import localtime, strftime

    from jitvm.engine.memory.cache import CodeCache
    from jitvm.engine.tables.names import shown

    cache = CodeCache()
    if cache.folder is None:
        return _tell_of_none(arguments)
    folder = shown(cache.folder)
    entries, abandoned = cache.entries(), cache.abandoned()
    freed = cache.clear() if arguments.clear else 0
    left = len(cache.entries()) if arguments.clear else 0
    if arguments.json:
        from json import dumps

        files = [{"path": shown(e.path), "bytes": e.size, "used": e.used} for e in entries]
        unfinished = [{"path": shown(e.path), "bytes": e.size} for e in abandoned]
        facts = {"folder": folder, "files": files, "unfinished": unfinished, "freed": freed}
        print(dumps(facts, indent=2))
    elif arguments.clear:
        gone = len(entries) - left + len(abandoned) - len(cache.abandoned())
        print(f"{folder}: {gone} files deleted, {freed} bytes")
    else:
        for entry in entries:
            used = strftime("%Y-%m-%d %H:%M", localtime(entry.used))
            print(f"{used}  {entry.size:>9}  {shown(basename(entry.path))}")
        for entry in abandoned:
            print(f"unfinished        {entry.size:>9}  {shown(basename(entry.path))}")
        total = sum(entry.size for entry in (*entries, *abandoned))
        print(f"{folder}: {len(entries) + len(abandoned)} files, {total} bytes")
        if not cache.is_own:
            print(
                "nothing is kept there, as it holds other files; set JITVM_CACHE to another folder"
            )
    if left:
        raise Failure(f"{folder}: {left} files could not be deleted; are they yours?")
    return Exit.OK


def _tell_of_none(arguments: Namespace) -> int:
    """Nothing is kept, and that is no error."""
    if arguments.json:
        from json import dumps

        print(dumps({"folder": None, "files": [], "unfinished": [], "freed": 0}, indent=2))
    else:
        print("no code cache: there is no home folder; set JITVM_CACHE to a folder to have one")
    return Exit.OK
