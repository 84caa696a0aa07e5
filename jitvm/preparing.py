"""Writes the files that `jitvm.prepared` reads, at the end of a process that missed them."""

from __future__ import annotations

from _frozen_importlib_external import SourceFileLoader, cache_from_source
from marshal import dumps
from zlib import adler32

from jitvm.engine.host.part import is_part, write_whole
from jitvm.engine.memory.cachefolder import claim, default_folder
from jitvm.prepared import GROUPS, MAGIC, PREPARED, WITH, file_of, key_of, name_of, path_of


def prepare() -> None:
    """Write the groups that were missing; failing to is no error."""
    missing, PREPARED.missing = PREPARED.missing, []
    folder = default_folder()
    try:
        if folder is None or not claim(folder, is_part):
            return
        with_them = [more for head in missing for more in WITH.get(head, ())]
        for head in dict.fromkeys(missing + with_them):
            if (content := content_of(head)) is not None:
                write_whole(f"{folder}/{file_of(head)}", content, 0o600)
    except OSError:
        return


def content_of(head: str) -> bytes | None:
    """The file of a group, of its sources as they are now; None while they are edited.

    Raises:
        OSError: one of them is not there.
    """
    key, members = key_of(head), []
    for file in GROUPS[head].split():
        name, path = name_of(file), path_of(file)
        try:
            code = SourceFileLoader(name, path).get_code(name)
        except (ImportError, SyntaxError):
            return None
        members.append((cache_from_source(path), code))
    if key_of(head) != key:
        return None
    rest = len(key).to_bytes(4, "little") + key + dumps(members)
    return MAGIC + adler32(rest).to_bytes(4, "little") + rest
