"""The plug-in for pytest: guest programs are tests, and coverage of them is collected.

Files ``test_*.tal`` (the option `jitvm_files` of pytest's configuration) are collected; each is a
test, or several with ``--jitvm-tier``. What is expected of them: `jitvm.coverage.guestfiles`.

pytest imports this file wherever jitvm is installed, so it imports nothing of jitvm itself before
there is something to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from jitvm.coverage.results import Coverage

TIERS = ("reference", "interpreter", "jit", "ir")
DATA_FILE = ".jitvm-coverage"
TIME_LIMIT = 60.0
_SENT = "jitvm_coverage"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line and of the configuration."""
    group = parser.getgroup("jitvm", "guest programs as tests (jitvm)")
    group.addoption(
        "--jitvm-tier",
        action="append",
        choices=(*TIERS, "all"),
        help="what executes guest programs, any number of times; default: jit",
    )
    group.addoption(
        "--jitvm-coverage",
        metavar="FILE",
        nargs="?",
        const=DATA_FILE,
        help=f"write coverage of guest sources (default: {DATA_FILE}) and print a table; "
        "`jitvm coverage html FILE` makes a page of it",
    )
    group.addoption(
        "--jitvm-time-limit",
        metavar="SECONDS",
        type=float,
        default=TIME_LIMIT,
        help="seconds that a guest program may take (default: %(default)s)",
    )
    parser.addini("jitvm_files", "names of guest programs that are tests", "args", ["test_*.tal"])


def pytest_configure(config: pytest.Config) -> None:
    """Have a place for coverage, if it is wanted."""
    if config.getoption("--jitvm-coverage") is not None:
        from jitvm.coverage.results import Coverage

        config.stash[_COVERAGE] = Coverage()


_COVERAGE = pytest.StashKey["Coverage"]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A guest program that is a test."""
    patterns: list[str] = parent.config.getini("jitvm_files")
    if any(fnmatch(file_path.name, pattern) for pattern in patterns):
        file: pytest.Collector = GuestFile.from_parent(parent, path=file_path)
        return file
    return None


class GuestFile(pytest.File):
    """A guest program: a test for each tier."""

    def collect(self) -> Iterable[pytest.Item]:
        """The tests."""
        tiers: list[str] = self.config.getoption("--jitvm-tier") or ["jit"]
        if "all" in tiers:
            tiers = list(TIERS)
        for tier in dict.fromkeys(tiers):
            yield GuestTest.from_parent(self, name=tier, tier=tier)


class GuestTest(pytest.Item):
    """A guest program at one tier."""

    def __init__(self, *, tier: str, **given: Any) -> None:
        super().__init__(**given)
        self.tier = tier

    def runtest(self) -> None:
        """Run it.

        Raises:
            Unexpected, ExpectationError, ProgramError, OSError: as `guestfiles.run`.
        """
        from jitvm.coverage.guestfiles import run
        from jitvm.engine.machine.machine import Tier

        coverage = self.config.stash.get(_COVERAGE, None)
        run(self.path, Tier(self.tier), coverage, self.config.getoption("--jitvm-time-limit"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong with the program; nobody wants to see how that was found."""
        from jitvm.coverage.guestfiles import ExpectationError, Unexpected
        from jitvm.coverage.results import CoverageError
        from jitvm.platform import ProgramError

        if excinfo.errisinstance((Unexpected, ExpectationError, ProgramError, CoverageError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is."""
        return self.path, None, f"{self.path.name}[{self.tier}]"


# -- coverage ------------------------------------------------------------------------------------


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write coverage, or send it to the process that does (pytest-xdist)."""
    coverage = session.config.stash.get(_COVERAGE, None)
    if coverage is None:
        return
    from jitvm.coverage.results import to_bytes

    data = to_bytes(coverage)
    sent = getattr(session.config, "workeroutput", None)
    if sent is not None:
        sent[_SENT] = data.decode()
    else:
        Path(session.config.getoption("--jitvm-coverage")).write_bytes(data)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has ended: take in its coverage."""
    coverage = node.config.stash.get(_COVERAGE, None)
    data = getattr(node, "workeroutput", {}).get(_SENT)
    if coverage is not None and data is not None:
        from jitvm.coverage.results import from_bytes

        coverage.add(from_bytes(data.encode(), "what a worker sent"))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print a table."""
    coverage = config.stash.get(_COVERAGE, None)
    if coverage is None:
        return
    for line in _table(coverage, config):
        terminalreporter.write_line(line)


def _table(coverage: Coverage, config: pytest.Config) -> Iterator[str]:
    from jitvm.coverage.text import table

    yield ""
    yield from table(coverage, missing=True).splitlines()
    yield f"written to {config.getoption('--jitvm-coverage')}"
