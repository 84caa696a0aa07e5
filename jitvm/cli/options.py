"""Options that several commands share, and how their values are read.

declare    program, rest, guest, tier, settings, time_limit, top, max_instructions, files, clock,
           source
read       load, computer, watched, naming, platform_of, named, loading, running, include_root,
           parameters, folder, clock_of, stdin, input_file, script
"""

from __future__ import annotations

import sys

from jitvm.cli.exits import Failure
from jitvm.cli.values import positive
from jitvm.cli.values import settings as settings_of
from jitvm.engine.machine.machine import Tier

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace, _ActionsContainer
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any, BinaryIO

    from jitvm.cli.parser import Parser
    from jitvm.dashboard.computer import WatchedComputer
    from jitvm.engine.tables.params import Parameters
    from jitvm.engine.tables.place import Naming
    from jitvm.platform import Option, Platform, Program
    from jitvm.platform.computer import Computer
    from jitvm.platform.script import Script

TIERS = {
    Tier.REFERENCE: "Python integers, slow and plain",
    Tier.INTERPRETER: "native code, one function per opcode",
    Tier.JIT: "hot code compiled to native code",
    Tier.IR: "like jit, with regions interpreted instead of compiled, for debugging",
}


# -- declared ------------------------------------------------------------------------------------


def program(parser: Parser) -> None:
    """PROGRAM, and everything after it for the program."""
    parser.rest = ("program", "arguments")
    parser.add_argument("program", metavar="PROGRAM", help="its file, - for stdin")
    rest(parser)


def rest(parser: Parser) -> None:
    """Everything after PROGRAM."""
    from argparse import REMAINDER

    parser.add_argument(
        "arguments", metavar="ARGS", nargs=REMAINDER, help="arguments for the program"
    )


def guest(parser: Parser) -> None:
    """--guest and -G; read by `load`, `computer` and `platform_of`."""
    guest_alone(parser)
    parser.add_argument(
        "-G",
        dest="settings",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set an option of the guest, any number of times; `jitvm guests` lists them",
    )


def guest_alone(parser: Parser) -> None:
    """--guest; read by `named`."""
    parser.add_argument(
        "--guest",
        metavar="GUEST",
        help="the guest of the program: a name that `jitvm guests` lists, or module:NAME "
        "(default: recognized from the file)",
    )


def tier(group: _ActionsContainer) -> None:
    """--tier, --jit and --no-jit."""
    tiers = "; ".join(f"{tier}: {about}" for tier, about in TIERS.items())
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--tier",
        choices=[tier.value for tier in TIERS],
        default=Tier.JIT.value,
        help=f"default: %(default)s. {tiers}",
    )
    which.add_argument(
        "--jit", dest="tier", action="store_const", const=Tier.JIT.value, help="same as --tier jit"
    )
    which.add_argument(
        "--no-jit",
        dest="tier",
        action="store_const",
        const=Tier.INTERPRETER.value,
        help="same as --tier interpreter",
    )


def settings(group: _ActionsContainer) -> None:
    """-O NAME=VALUE; read by `parameters`."""
    group.add_argument(
        "-O",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a parameter of the JIT, any number of times; `jitvm params` lists them",
    )


def time_limit(
    group: _ActionsContainer,
    about: str = "stop after so many seconds",
    default: float | None = None,
) -> None:
    """--time-limit SECONDS."""
    kind = positive(float, "a number of seconds")
    group.add_argument("--time-limit", metavar="SECONDS", type=kind, default=default, help=about)


def top(group: _ActionsContainer, default: int) -> None:
    """--top N."""
    group.add_argument(
        "--top",
        metavar="N",
        type=positive(int, "a number of rows"),
        default=default,
        help="rows of each table (default: %(default)s)",
    )


def max_instructions(group: _ActionsContainer, when: str) -> None:
    """--max-instructions N; `when` ends the sentence that its help is."""
    group.add_argument(
        "--max-instructions",
        metavar="N",
        type=positive(int, "a whole number of instructions"),
        help=f"stop exactly after N instructions{when}",
    )


def files(group: _ActionsContainer) -> None:
    """--sandbox and --no-files; read by `folder`."""
    either = group.add_mutually_exclusive_group()
    either.add_argument("--sandbox", metavar="DIR", help="the folder its files are in (default: .)")
    either.add_argument("--no-files", action="store_true", help="give it no files at all")


def clock(group: _ActionsContainer) -> None:
    """--clock ISO8601; read by `clock_of`."""
    group.add_argument(
        "--clock",
        metavar="ISO8601",
        type=_moment,
        help="a fixed time, such as 2024-02-29T12:00, for runs that repeat",
    )


def _moment(text: str) -> datetime:
    from datetime import datetime

    try:
        return datetime.fromisoformat(text)
    except ValueError:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text} is not a time like 2024-02-29T12:00:00") from None


def source(group: _ActionsContainer) -> None:
    """--legacy and --include-root: how a source is read."""
    group.add_argument(
        "--legacy", action="store_true", help="accept the Uxntal of 2021 to 2023 in sources of Uxn"
    )
    group.add_argument(
        "--include-root", metavar="DIR", help="the only folder a source may include files from"
    )


# -- read ----------------------------------------------------------------------------------------


class Loaded:
    """A program and the platform it is of."""

    __slots__ = ("platform", "program")

    def __init__(self, platform: Platform, program: Program) -> None:
        self.platform = platform
        self.program = program


def load(arguments: Namespace) -> Loaded:
    """The program that PROGRAM names.

    Raises:
        Failure: it cannot be read or assembled, or is of no guest.
    """
    from jitvm.platform import ProgramError

    try:
        platform = platform_of(arguments)
        given = loading(arguments, platform)
        if arguments.program != "-":
            program = platform.load(arguments.program, **given)
        elif sys.stdin is None:
            raise Failure("standard input is closed; name a program or pipe one in")
        else:
            program = platform.read(sys.stdin.buffer, "<stdin>", **given)
        if program.hint:
            from jitvm.engine.tables.names import shown

            print(f"jitvm: hint: {shown(program.hint)}", file=sys.stderr, flush=True)
        return Loaded(platform, program)
    except ProgramError as error:
        from jitvm.cli.sources import failure

        raise failure(error) from error


def platform_of(arguments: Namespace) -> Platform:
    """The platform that --guest names, or whose PROGRAM is.

    Raises:
        Failure: there is no such guest.
        ProgramError: no guest knows the program.
    """
    from jitvm.platform import registry

    if arguments.guest is None:
        path: str = arguments.program
        return registry.of_stream() if path == "-" else registry.of_file(path)
    return named(arguments.guest)


def named(guest: str) -> Platform:
    """The platform that --guest names.

    Raises:
        Failure: there is no such guest.
    """
    from jitvm.platform import registry

    try:
        return registry.named(guest)
    except registry.GuestError as error:
        raise Failure(str(error)) from error


def computer(arguments: Namespace, loaded: Loaded, **given: Any) -> Computer:
    """A computer with a program, as the arguments say.

    Args:
        arguments: of the command.
        loaded: the program.
        given: what `Platform.computer` takes for all guests.

    Raises:
        Failure: as for `running`; or the program does not fit in, or the guest's description breaks
            a rule.
    """
    from jitvm.guest import DescriptionError
    from jitvm.platform import ProgramError

    platform = loaded.platform
    given |= running(arguments, platform)
    try:
        return platform.computer(loaded.program, **given)
    except (ProgramError, DescriptionError) as error:
        raise Failure(str(error)) from error


def watched(
    arguments: Namespace, name: str, stdin: bytes | None, *, debug: bool = False
) -> WatchedComputer:
    """The program that PROGRAM names, for the dashboard.

    Args:
        arguments: of the command.
        name: what it is called on the page.
        stdin: its standard input; None: typed on the page.
        debug: whether it is run by the debugger.

    Raises:
        Failure: as for `load` and `running`; or its labels are damaged, or its guest's description
            breaks a rule.
    """
    from jitvm.dashboard.computer import WatchedComputer
    from jitvm.guest import DescriptionError

    loaded = load(arguments)
    naming(loaded.program)
    guest = loaded.platform.guest
    if not guest.sources:  # else it ships with jitvm, whose tests have checked it
        try:
            guest.check_semantics()
        except DescriptionError as error:
            raise Failure(str(error)) from error
    kind: type[WatchedComputer] = WatchedComputer
    if debug:
        from jitvm.dashboard.debugged import DebuggedComputer

        kind = DebuggedComputer
    return kind(
        loaded.platform,
        loaded.program,
        name,
        args=arguments.arguments,
        stdin=stdin,
        options=running(arguments, loaded.platform),
    )


def naming(program: Program) -> Naming:
    """Names of a program's addresses.

    Raises:
        Failure: what they come from is damaged.
    """
    from jitvm.platform import ProgramError

    try:
        program.place(0)
    except ProgramError as error:
        raise Failure(str(error)) from error
    return program.place


def loading(arguments: Namespace, platform: Platform) -> dict[str, Any]:
    """Options for loading a program of a platform: flags of the command line, and -G.

    Raises:
        Failure: the platform has no such option, or its value makes no sense.
    """
    flags = {"legacy": arguments.legacy or None, "include_root": include_root(arguments)}
    return _chosen(arguments, platform, platform.loading, flags)


def running(arguments: Namespace, platform: Platform) -> dict[str, Any]:
    """Options for running a program of a platform, as keyword arguments.

    Raises:
        Failure: as for `loading`; or the folder of its files is none.
    """
    flags: dict[str, Any] = {"clock": clock_of(arguments)}
    has_files = any(option.name == "sandbox" for option in platform.running)
    if hasattr(arguments, "sandbox") and (has_files or arguments.sandbox is not None):
        flags["sandbox"] = folder(arguments)
    return _chosen(arguments, platform, platform.running, flags)


def _chosen(
    arguments: Namespace, platform: Platform, options: tuple[Option, ...], flags: dict[str, Any]
) -> dict[str, Any]:
    """Those options that were given."""
    names = {option.name for option in options}
    made = {name: value for name, value in flags.items() if value is not None or name == "sandbox"}
    for name in made.keys() - names:
        raise Failure(f"--{name.replace('_', '-')}: {platform.name} has no such option")
    given = _settings(arguments, platform)
    return made | {name: value for name, value in given.items() if name in names}


def _settings(arguments: Namespace, platform: Platform) -> dict[str, Any]:
    """What -G says."""
    known = {option.name: option for option in (*platform.loading, *platform.running)}
    made: dict[str, Any] = {}
    for word in arguments.settings:
        name, equals, value = word.partition("=")
        if not equals:
            raise Failure(f"-G {word}: takes NAME=VALUE; `jitvm guests` lists the names")
        if name not in known:
            raise Failure(f"-G {word}: {platform.name} has {', '.join(known) or 'no options'}")
        try:
            made[name] = known[name].convert(value)
        except ValueError as error:
            raise Failure(f"-G {word}: {error}") from error
    return made


def include_root(arguments: Namespace) -> str | None:
    """The folder that --include-root names.

    Raises:
        Failure: it is no folder.
    """
    from os.path import isdir

    name: str | None = arguments.include_root
    if name is not None and not isdir(name):
        raise Failure(f"--include-root {name}: is not a folder; name the one includes are in")
    return name


def stdin(arguments: Namespace) -> BinaryIO | None:
    """The program's standard input; None if there is none or the program came from it."""
    return None if arguments.program == "-" or sys.stdin is None else sys.stdin.buffer


def input_file(path: str | None) -> bytes | None:
    """All of the file that is a program's standard input, ``-`` for this command's own.

    Raises:
        Failure: it cannot be read.
    """
    if path is None:
        return None
    if path == "-" and sys.stdin is not None:
        return sys.stdin.buffer.read()
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"--input {path}: cannot be read: {error.strerror}") from error


def parameters(words: list[str]) -> Parameters | None:
    """What -O and the environment say; None if they say nothing, which saves an import.

    Read by commands, so that errors in them are reported before the program runs.

    Raises:
        Failure: there is no such parameter, or its value is out of range.
    """
    import os

    if not words and not any(
        name.startswith("JITVM_") and name != "JITVM_CACHE" for name in os.environ
    ):
        return None
    from jitvm.engine.tables.params import ParameterError, Parameters

    try:
        return Parameters.from_environment().changed(settings_of(words))
    except ParameterError as error:
        raise Failure(str(error)) from error


def folder(arguments: Namespace) -> str | None:
    """The folder that holds the program's files, as an absolute path; None with --no-files.

    Raises:
        Failure: it is no folder.
    """
    if arguments.no_files:
        return None
    from os.path import abspath, isdir

    name = arguments.sandbox or "."
    if not isdir(name):
        raise Failure(f"--sandbox {name}: is not a folder; make it first or name another")
    try:
        return abspath(name)
    except OSError:
        raise Failure("the current folder is gone; change to another first") from None


def clock_of(arguments: Namespace) -> Callable[[], datetime] | None:
    """The clock that --clock sets; None for the host's."""
    moment: datetime | None = getattr(arguments, "clock", None)
    return None if moment is None else lambda: moment


def script(path: str | None) -> Script | None:
    """What the user of a screen does, from the file that --input names.

    Raises:
        Failure: it cannot be read or has an error.
    """
    if path is None:
        return None
    from jitvm.platform.script import ScriptError, load_script

    try:
        return load_script(path)
    except ScriptError as error:
        raise Failure(str(error)) from error
