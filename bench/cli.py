"""The command line of ``python -m bench``.

Exit statuses: 0; 1 when a run failed or wrote other output than it should; 2 for a request that
cannot be served; 130 for Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

from bench import catalogue, whole
from bench.catalogue import BenchError, Program
from bench.ctwin import TwinRunner
from bench.measure import Conditions, Row, measure, steps
from bench.processes import CommandRunner, UxnWasmRunner, uxn_wasm_folder
from bench.report import Bar, Lines, conditions_line, print_about, print_report, write_json
from bench.runners import Runner
from bench.tiers import (
    AgainJitRunner,
    ColdCache,
    ColdJitRunner,
    InterpreterRunner,
    JitRunner,
    ReferenceRunner,
)

USUAL = ("interpreter", "jit", "jit-cold", "jit-again", "uxn.wasm", "c-O2")

DESCRIPTION = "Time Uxn programs on the tiers of jitvm and on what they compete with."
EPILOG = """\
examples:
  python -m bench                                    all programs, the usual runners
  python -m bench --only fib,tak --rounds 9 --json fib.json
  python -m bench --runners interpreter,uxn.wasm     two runners
  python -m bench --rom game.rom --rom wc.tal --stdin notes.txt --args '-l'
  python -m bench --rom life.rom --frames 100
  python -m bench --whole-process --only hello,rot13
  python -m bench --command other='other-emulator {rom}'

The baseline is always measured as well. Runs of all runners take turns.
"""


class Status(IntEnum):
    """What the command ends with."""

    OK = 0
    PROBLEM = 1
    USAGE = 2
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class _Own:
    """One --rom with the --stdin, --args and --frames that follow it."""

    rom: Path
    stdin: Path | None = None
    args: tuple[str, ...] = ()
    frames: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the arguments ask for and print it."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has said why
        return Status.USAGE if stop.code else Status.OK
    try:
        return _serve(options)
    except BenchError as error:
        print(f"bench: error: {error}", file=sys.stderr)
        return Status.USAGE
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return Status.INTERRUPTED


def _serve(options: argparse.Namespace) -> Status:
    if options.json is not None and not options.json.absolute().parent.is_dir():
        raise BenchError(f"--json {options.json}: there is no such folder; make it first")
    if options.sandbox is not None and not options.sandbox.is_dir():
        raise BenchError(f"--sandbox {options.sandbox}: is not a folder; make it first")
    baseline = options.baseline or (whole.NO_JIT if options.whole_process else "interpreter")
    with tempfile.TemporaryDirectory(prefix="jitvm-bench-") as folder:
        runners = _runners(options, baseline, Path(folder))
        programs = _programs(options)
        sandbox = None if options.sandbox is None else options.sandbox.resolve()
        conditions = Conditions(options.rounds, Path(folder) / "jobs", sandbox, options.timeout)
        rows = _measure(programs, runners, conditions)
    problems = [problem for row in rows for problem in row.problems()]
    if options.json is not None:
        try:
            write_json(rows, options.json)
        except OSError as error:
            problems.append(f"--json {options.json}: cannot be written: {error.strerror}")
    try:
        _print(rows, runners, baseline)
        sys.stdout.flush()
    except OSError as error:
        problems.append(f"the table cannot be written: {error.strerror}")
        # What is left in the buffer would fail once more when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    for problem in problems:
        print(f"bench: error: {problem}", file=sys.stderr)
    return Status.PROBLEM if problems else Status.OK


def _print(rows: list[Row], runners: list[Runner], baseline: str) -> None:
    """A table of the runners, of whole processes, or both where more than these were measured."""
    names = {runner.name for runner in runners}
    if names == set(whole.WHOLE):
        print(conditions_line())
        print_about(rows, runners, sys.stdout)
    else:
        print_report(rows, runners, baseline, sys.stdout)
    if names.issuperset(whole.WHOLE):
        whole.print_whole(rows, sys.stdout)


def _measure(programs: list[Program], runners: list[Runner], conditions: Conditions) -> list[Row]:
    if not sys.stderr.isatty():
        return measure(programs, runners, conditions, Lines())
    bar = Bar(steps(len(programs), len(runners), conditions.rounds))
    try:
        return measure(programs, runners, conditions, bar)
    finally:
        bar.close()


# -- what is asked for ---------------------------------------------------------------------------


def _programs(options: argparse.Namespace) -> list[Program]:
    own = [catalogue.load_own(row.rom, row.stdin, row.args, row.frames) for row in options.rom]
    names = options.only if options.only is not None else () if own else catalogue.names()
    return catalogue.with_distinct_names([*map(catalogue.load, names), *own])


def _runners(options: argparse.Namespace, baseline: str, folder: Path) -> list[Runner]:
    caches = ColdCache(folder / "caches")
    builtin: list[Runner] = [
        ReferenceRunner(),
        InterpreterRunner(),
        JitRunner(caches),
        ColdJitRunner(caches),
        AgainJitRunner(caches),
        UxnWasmRunner(options.uxn_wasm or uxn_wasm_folder()),
        TwinRunner(),
        *whole.runners(whole.RunCache(folder / "runs")),
    ]
    there = {runner.name: runner for runner in [*builtin, *options.command]}
    usual = whole.WHOLE if options.whole_process else USUAL
    wanted = [*(options.runners or usual), *(runner.name for runner in options.command)]
    names = list(dict.fromkeys([*wanted, *_missing(baseline, wanted)]))
    for name in names:
        if name not in there:
            raise BenchError(f"there is no runner {name!r}; there are {', '.join(there)}")
    return [there[name] for name in names]


def _missing(baseline: str, wanted: list[str]) -> list[str]:
    return [] if baseline in wanted else [baseline]


def _all() -> list[str]:
    """The runners of the two defaults."""
    return list(dict.fromkeys([*USUAL, *whole.WHOLE]))


# -- arguments -----------------------------------------------------------------------------------


class _AddRom(argparse.Action):
    """Begins a program of one's own."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - what argparse calls it with
        namespace: argparse.Namespace,
        value: object,
        option: str | None = None,  # noqa: ARG002
    ) -> None:
        namespace.rom = [*namespace.rom, _Own(Path(str(value)))]


class _ChangeRom(argparse.Action):
    """Adds to the last program of one's own."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        value: object,
        option: str | None = None,
    ) -> None:
        if not namespace.rom:
            parser.error(f"{option} belongs to the --rom before it; there is none")
        *others, last = namespace.rom
        namespace.rom = [*others, replace(last, **{self.dest: value})]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_argument_group("programs")
    what.add_argument(
        "--only", metavar="NAME[,NAME]", type=_names, help="these programs of the benchmark"
    )
    what.add_argument(
        "--rom",
        metavar="FILE",
        action=_AddRom,
        default=[],
        help="a ROM or Uxntal source of your own, any number of times; the benchmark's programs "
        "are then left out, except those named by --only",
    )
    what.add_argument(
        "--stdin",
        metavar="FILE",
        type=Path,
        action=_ChangeRom,
        default=argparse.SUPPRESS,
        help="standard input of the --rom before it (default: none)",
    )
    what.add_argument(
        "--args",
        metavar="'WORD ...'",
        type=_words,
        action=_ChangeRom,
        default=argparse.SUPPRESS,
        help="arguments of the --rom before it, quoted as for a shell; write --args='-x' when "
        "they begin with a dash",
    )
    what.add_argument(
        "--frames",
        metavar="N",
        type=_count,
        action=_ChangeRom,
        default=argparse.SUPPRESS,
        help="the --rom before it has a screen; run so many frames of it, without a display",
    )
    what.add_argument(
        "--sandbox", metavar="DIR", type=Path, help="where the programs' files are (default: none)"
    )
    how = parser.add_argument_group("runners")
    how.add_argument(
        "--runners",
        metavar="NAME[,NAME]",
        type=_names,
        help=f"what to run them on: reference, {', '.join(_all())} (default: {','.join(USUAL)})",
    )
    how.add_argument(
        "--whole-process",
        action="store_true",
        help="time `jitvm run` from start to end: the default of --runners is then "
        f"{','.join(whole.WHOLE)}, that of --baseline {whole.NO_JIT}",
    )
    how.add_argument(
        "--command",
        metavar="NAME='COMMAND {rom}'",
        type=_command,
        action="append",
        default=[],
        help="another emulator, any number of times; its whole process is timed",
    )
    how.add_argument(
        "--baseline", metavar="NAME", help="what ratios refer to (default: interpreter)"
    )
    how.add_argument(
        "--uxn-wasm", metavar="DIR", type=Path, help="where bench/install_uxn_wasm.py installed it"
    )
    how.add_argument(
        "--rounds", metavar="N", type=_count, default=5, help="timed runs (default: %(default)s)"
    )
    how.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=300.0,
        help="give up a run after so long (default: %(default)g)",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to a file")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _command(text: str) -> CommandRunner:
    name, _, command = text.partition("=")
    words = _words(command)
    if not name or not words:
        raise argparse.ArgumentTypeError(f"{text!r} is not like NAME='COMMAND {{rom}}'")
    found = shutil.which(words[0])
    if found is None:
        raise argparse.ArgumentTypeError(f"{words[0]}: there is no such command")
    return CommandRunner(name, (str(Path(found).absolute()), *words[1:]))


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 0 to a million")
    return number
