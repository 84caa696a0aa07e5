"""What is on the desk: open texts, the programs they belong to, and analyses of these.

    lib.tal  --mains-->  game.tal, demo.tal  --read-->  an Analysis each, kept until a file changes

Analyses are made on one thread, so the editor's messages are read meanwhile; a change tells the
thread to stop reading what is stale, and the next request waits for a new analysis. Everything that
asks an analysis runs on that thread, too: it is never used by two at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from jitvm.lsp.positions import Lines
from jitvm.platform import SourceError
from jitvm.platform.language import Analysis, Cancelled, Finding, Language, Workspace

MOST_MAINS = 8
"""Programs that a file is looked at in, if it is part of several."""
MOST_PROGRAMS = 32
"""Programs whose names are looked through in a search of the workspace."""
_ATTEMPTS = 100
"""Changes that a request waits for the end of."""

T = TypeVar("T")


class Program:
    """A main source, and what is known about it.

    Attributes:
        language: its language.
        analysis: of the texts as they are; None if it has to be made.
        reading: the analysis on its way, and the list that stops it.
        findings: of the last analysis, by file.
        files: of the last analysis.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self.analysis: Analysis | None = None
        self.reading: tuple[asyncio.Future[Analysis | None], list[bool]] | None = None
        self.files: frozenset[str] = frozenset()


class Desk:
    """Open texts and analyses; see the head of the file. Used on the event loop's thread.

    Args:
        languages: of all sources there may be; the first is that of files of no known suffix.
        folders: of the workspace.
        options: for `Language.read`.
        encoding: what columns of positions count.
    """

    def __init__(
        self,
        languages: Sequence[Language],
        folders: Sequence[str] = (),
        options: dict[str, Any] | None = None,
        encoding: str = "utf-16",
    ) -> None:
        self.texts: dict[str, str] = {}
        self._languages = languages
        self._options = options or {}
        self._encoding = encoding
        self._thread = ThreadPoolExecutor(1, "analysis")
        self._programs: dict[str, Program] = {}
        self._mains: dict[str, tuple[str, ...]] = {}
        self._lines: dict[str, Lines] = {}
        self._folders: tuple[str, ...] = ()
        self._workspaces: dict[str, Workspace] = {}
        self.set_folders(folders)

    def close(self) -> None:
        """Stop what is being done."""
        for program in self._programs.values():
            self._stop(program)
        self._thread.shutdown(wait=True)

    def set_folders(self, folders: Sequence[str]) -> None:
        """Set the folders of the workspace."""
        self._folders = tuple(folders)
        self._workspaces = {each.name: each.workspace(folders) for each in self._languages}
        self.forget()

    def language(self, file: str) -> Language:
        """The language of a file, by its suffix."""
        lower = file.lower()
        for language in self._languages:
            if lower.endswith(language.suffixes):
                return language
        return self._languages[0]

    # -- texts -------------------------------------------------------------------------------

    def put(self, file: str, text: str) -> None:
        """A file is open, or was changed."""
        before = self.texts.get(file)
        self.texts[file] = text
        workspace = self._workspaces[self.language(file).name]
        if before is None or workspace.is_moved(before, text):
            self._mains.clear()
        self._stale(file, before is None)

    def drop(self, file: str) -> None:
        """A file was closed: what is on disk counts."""
        self.texts.pop(file, None)
        self.forget()

    def forget(self) -> None:
        """Files on disk were changed."""
        self._mains.clear()
        for program in self._programs.values():
            self._stop(program)

    def _stale(self, file: str, is_new: bool) -> None:
        """Stop and forget analyses that a file is part of, or may be."""
        for main, program in self._programs.items():
            if is_new or file == main or file in program.files or program.reading is not None:
                self._stop(program)

    @staticmethod
    def _stop(program: Program) -> None:
        program.analysis = None
        if program.reading is not None:
            program.reading[1].append(True)
            program.reading = None

    def lines(self, file: str, text: str) -> Lines:
        """The lines of a file's text."""
        known = self._lines.get(file)
        if known is None or (known.text is not text and known.text != text):
            known = self._lines[file] = Lines(text, self._encoding)
        return known

    # -- analyses ----------------------------------------------------------------------------

    async def run(self, work: Callable[[], T]) -> T:
        """Do something with an analysis, on its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def mains(self, file: str) -> tuple[str, ...]:
        """The main sources of the programs that a file is part of."""
        found = self._mains.get(file)
        if found is None:
            workspace = self._workspaces[self.language(file).name]
            texts = dict(self.texts)
            found = tuple(await self.run(lambda: workspace.mains(file, texts)))[:MOST_MAINS]
            self._mains[file] = found
        return found

    async def analysis(self, main: str) -> Analysis | None:
        """The program that a source begins, as it is now; None if it cannot be read."""
        program = self._programs.get(main)
        if program is None:
            program = self._programs[main] = Program(self.language(main))
        for _ in range(_ATTEMPTS):
            if program.analysis is not None:
                return program.analysis
            if program.reading is None:
                stop: list[bool] = []
                reading = asyncio.ensure_future(self._read(program, main, stop))
                program.reading = (reading, stop)
            future, stop = program.reading
            try:
                analysis = await asyncio.shield(future)
            except Cancelled:
                continue
            if not stop:
                program.reading = None
                program.analysis = analysis
                if analysis is None:
                    return None
                program.files = frozenset(analysis.files)
        return None

    async def _read(self, program: Program, main: str, stop: list[bool]) -> Analysis | None:
        texts, folders = dict(self.texts), self._folders

        def work() -> Analysis | None:
            if stop:
                raise Cancelled
            folder = next((each for each in folders if main.startswith(f"{each}/")), ".")
            try:
                return program.language.read(
                    main, texts=texts, folder=folder, stop=stop, **self._options
                )
            except SourceError:
                return None

        return await self.run(work)

    async def of_file(self, file: str) -> list[Analysis]:
        """Analyses of all programs that a file is part of, as far as they can be read."""
        found = [await self.analysis(main) for main in await self.mains(file)]
        good = [each for each in found if each is not None and file in each.files]
        if not good:
            alone = await self.analysis(file)
            good = [alone] if alone is not None and file in alone.files else []
        return good

    async def findings(self, analysis: Analysis) -> Sequence[Finding]:
        """What there is to tell about a program."""
        return await self.run(analysis.findings)

    async def everything(self) -> list[Analysis]:
        """Analyses of the programs in the workspace, up to a limit."""
        mains: dict[str, None] = {}
        for workspace in self._workspaces.values():
            for source in await self.run(partial(workspace.sources, dict(self.texts))):
                mains |= dict.fromkeys(await self.mains(source))
                if len(mains) >= MOST_PROGRAMS:
                    break
        found = [await self.analysis(main) for main in list(mains)[:MOST_PROGRAMS]]
        return [each for each in found if each is not None]
