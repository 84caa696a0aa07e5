"""Uxntal as a language for editors, the formatter and the linter: `jitvm.platform.language`.

| module     | contents                                                          |
|------------|-------------------------------------------------------------------|
| reading    | a project, read by the assembler, with all that happened          |
| names      | which words name what                                             |
| helping    | what there is to say about a word                                 |
| completing | words that may be meant                                           |
| outline    | names of a file, folds, colours                                   |
| hinting    | what is shown between the words                                   |
| fixing     | what can be done about errors and warnings                        |
| renaming   | other names for labels and macros                                 |
| project    | all of these, as an editor asks                                   |
| workspace  | which sources begin a program                                     |
| effects    | stack effects that routines declare                               |
| shapes     | what opcodes do to the stacks, by their semantic functions        |
| walking    | routines against what they declare                                |
| rules      | what can be said against a program                                |
| remembering | outcomes of walks, kept from one keystroke to the next          |
| formatting | the formatter                                                     |
| opcodes    | what opcodes do, for people                                       |

The language itself: docs/uxntal.md. What the rules say: docs/editors.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from jitvm.guests.uxn.assembler import most_left, read_main
from jitvm.guests.uxn.assembler.limits import MAX_ERRORS
from jitvm.guests.uxn.assembler.source import SourceFile
from jitvm.guests.uxn.language.hinting import HINTS
from jitvm.guests.uxn.language.project import Project
from jitvm.guests.uxn.language.reading import Reading, read
from jitvm.guests.uxn.language.remembering import Memory
from jitvm.guests.uxn.language.rules import RULES
from jitvm.guests.uxn.language.workspace import Workspace
from jitvm.guests.uxn.sourcefiles import SOURCE_SUFFIX


class Uxntal:
    """The language; see `jitvm.platform.language.Language`."""

    name = "uxntal"
    suffixes: tuple[str, ...] = (SOURCE_SUFFIX,)
    rules: Mapping[str, str] = RULES
    hints: Mapping[str, str] = HINTS
    triggers = ";,.!?_-=~|@&/"

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}

    def formatted(self, text: str, name: str) -> str:
        """A source, formatted."""
        from jitvm.guests.uxn.language.formatting import formatted

        return formatted(SourceFile(name, text, os.curdir))

    def read(
        self,
        path: str,
        *,
        texts: Mapping[str, str],
        folder: str = os.curdir,
        stop: Sequence[object] = (),
        **options: Any,
    ) -> Project:
        """Read a project; `options` as for the assembler. Without `legacy` the dialect is found
        out."""
        legacy, root = options.get("legacy"), options.get("include_root")
        resolved = os.path.realpath(path) if path not in texts else path
        text = texts.get(resolved)
        content: str | bytes = read_main(path) if text is None else text
        base = os.path.dirname(path) or os.curdir

        memory = self._memories.setdefault(resolved, Memory())

        def again(newer: Mapping[str, str], old: bool, most: int = MAX_ERRORS) -> Reading:
            source = SourceFile.of(path, newer.get(resolved, content), base, resolved)
            return read(
                source,
                {**texts, **newer},
                root=root,
                here=folder,
                legacy=old,
                stop=stop,
                files=memory.files,
                most_errors=most,
            )

        reading = again({}, bool(legacy))
        if legacy is None and reading.errors and (most := most_left(reading.errors)) >= 0:
            older = again({}, True, most + 1)
            if len(older.errors) <= most:
                reading = older
        return Project(reading, lambda newer: again(newer, reading.legacy), memory)

    def workspace(self, folders: Sequence[str]) -> Workspace:
        """Folders to look for sources in."""
        return Workspace(folders)
