"""A guest's platform: what commands, profiler and dashboard need besides its description.

    Guest       what an instruction means                      jitvm.guest
    Platform    how programs are recognized and loaded, and
                the computer they run on                       this file
    Program     one program: bytes, labels, lines of source    this file
    Computer    a machine and its devices, with one program    computer, bare

A platform holds no state of a run; it can create any number of programs and computers. The minimum
is short:

    class Toy(Platform):
        name = "toy"
        suffixes = (".toy",)

        @property
        def guest(self) -> Guest:
            return TOY

        def computer(self, program, **options):
            return BareComputer(program, TOY, origin=0x100, output=0x18, **options)

    PLATFORM = Toy()

Everything else has a default, or is None for a guest that lacks it (see `tools`). A guest without a
platform gets `bare.BarePlatform`. `registry` finds platforms: those that ship with jitvm, those
that other packages install as entry points in the group ``jitvm.guests``, and ``module:NAME``.

| module      | contents                                                                   |
|-------------|----------------------------------------------------------------------------|
| registry    | the available platforms, and which of them a program belongs to            |
| tools       | assemblers, disassemblers and recorders of sessions, as commands use them  |
| language    | a language of sources, as editors need it                                  |
| computer    | the interface of a computer: running, showing and profiling it             |
| bare        | the default computer and platform                                          |
| callstacks  | who has called whom, found on a guest's stacks                             |
| probe       | what an instruction would do, and which opcodes call                       |
| device      | devices: what ports lead to                                                |
| evaluator   | running within limits: `Ending`, `LimitReached`, `Evaluator`               |
| frames      | the frame loop of a program with a screen                                  |
| screen      | the interface of a screen                                                  |
| sound       | the interface of a source of sound                                         |
| sessions    | errors raised by recorded sessions                                         |
| tape        | what comes from outside while a computer runs, to be had again             |
| events      | user input                                                                 |
| script      | user input as text                                                         |
| input       | standard input as it arrives                                               |
| output      | a program's standard output and standard error, through ports              |
| picture     | frames as PNG files                                                        |
| recording/  | recordings of a program's screen and sound                                 |
| widetext    | text that is not UTF-8                                                     |

Running a console program imports only this file and the modules it needs.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, BinaryIO

    from jitvm.engine.machine.machine import Tier
    from jitvm.engine.tables.params import Parameters
    from jitvm.engine.tables.place import Place
    from jitvm.guest import Guest
    from jitvm.platform.computer import Computer
    from jitvm.platform.language import Language
    from jitvm.platform.output import Closed, Stream
    from jitvm.platform.tools import Assembler, Diagnostic, Disassembler, Sessions


MOST_BYTES = 32 << 20
"""Bytes of the longest program that is read."""


class ProgramError(ValueError):
    """A program that cannot be read or is invalid; the message says which, why and what to do."""


class SourceError(ProgramError):
    """A source could not be assembled.

    Attributes:
        diagnostics: every error found, in order.
        hint: about all of them; empty if there is none.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], hint: str = "") -> None:
        self.diagnostics = tuple(diagnostics)
        self.hint = hint
        super().__init__(self.diagnostics, hint)

    def __str__(self) -> str:
        lines = [diagnostic.render() for diagnostic in self.diagnostics]
        return "\n".join([*lines, f"hint: {self.hint}"] if self.hint else lines)


class Program:
    """A loaded program.

    Args:
        data: its bytes.
        name: its file name, or a substitute for messages.
        labels: addresses by name, if known.

    Attributes:
        data, name: as given.
        platform: the platform it belongs to, if it was set; `jitvm.load` sets it.
    """

    __slots__ = ("_labels", "_sources", "data", "name", "platform")

    def __init__(
        self, data: bytes, name: str = "<program>", labels: Mapping[str, int] | None = None
    ) -> None:
        self.data = data
        self.name = name
        self.platform: Platform | None = None
        self._labels = dict(labels or {})
        self._sources: dict[str, list[str]] = {}

    @property
    def hint(self) -> str:
        """What somebody who runs it should know, such as that it was made for an older computer, in
        a sentence; empty if there is nothing."""
        return ""

    def place(self, address: int) -> Place:
        """A readable name for an address: the label at or before it, and a line of source.

        Raises:
            ProgramError: the file with its names is damaged.
        """
        from jitvm.engine.tables.place import Place

        before = [(at, name) for name, at in self._labels.items() if at <= address]
        at, label = max(before, key=lambda pair: pair[0], default=(0, ""))
        return Place(address, label, address - at)

    def instructions(self) -> Sequence[int]:
        """Addresses that the program's source has instructions at, not data, in order; empty if
        nobody knows."""
        return ()

    def address_of(self, label: str) -> int | None:
        """The address of a label; None if there is no such label.

        Raises:
            ProgramError: as for `place`.
        """
        return self._labels.get(label)

    def labels_at(self, address: int) -> tuple[str, ...]:
        """The labels at an address, in the order of their definition.

        Raises:
            ProgramError: as for `place`.
        """
        return tuple(name for name, at in self._labels.items() if at == address)

    def source(self, file: str) -> Sequence[str]:
        """The lines of a source file that a `Place` names; empty if it cannot be read."""
        if file not in self._sources:
            try:
                with open(file, encoding="utf-8", errors="replace") as text:
                    self._sources[file] = text.read().splitlines()
            except (OSError, ValueError):
                self._sources[file] = []
        return self._sources[file]


class Option:
    """An option of a platform, set by ``-G NAME=VALUE`` or as a keyword argument.

    Args:
        name: a Python name.
        about: one line of help, which includes the default.
        convert: converts text to a value.

    `convert` raises ValueError for an invalid text, with a message that says what is valid.
    """

    __slots__ = ("about", "convert", "name")

    def __init__(self, name: str, about: str, convert: Callable[[str], Any] = str) -> None:
        self.name = name
        self.about = about
        self.convert = convert


def truth(text: str) -> bool:
    """Convert an `Option` that is yes or no.

    Raises:
        ValueError: it is neither.
    """
    words = {"yes": True, "on": True, "1": True, "no": False, "off": False, "0": False}
    if text not in words:
        raise ValueError(f"{text} is neither yes nor no")
    return words[text]


def number(text: str) -> int:
    """Convert an `Option` that is a number, 0 or more, written as in Python: 256 or 0x100.

    Raises:
        ValueError: it is not such a number.
    """
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if value < 0:
        raise ValueError(f"{text} is no number like 256 or 0x100")
    return value


def port(text: str) -> int:
    """Convert an `Option` that is the number of a port.

    Raises:
        ValueError: it is none.
    """
    value = number(text)
    if value > 0xFF:
        raise ValueError(f"{text} is no port; these are 0 to 255")
    return value


def folder(text: str) -> str:
    """Convert an `Option` that is a folder, which exists.

    Raises:
        ValueError: it does not.
    """
    from os.path import isdir

    if not isdir(text):
        raise ValueError(f"{text} is not a folder; make it first or name another")
    return text


class Platform:
    """A guest with everything around it; see the head of this package.

    Attributes:
        name: its name for ``--guest`` and in messages; one word.
        about: one line for `jitvm guests`.
        suffixes: of its programs' files, with their dots, lower case.
        loading: options that `load` and `program` take.
        running: options that `computer` takes.
        assembler, disassembler, sessions: None if the guest has none.
    """

    name: str = ""
    about: str = ""
    suffixes: tuple[str, ...] = ()
    loading: tuple[Option, ...] = ()
    running: tuple[Option, ...] = ()
    assembler: Assembler | None = None
    disassembler: Disassembler | None = None
    sessions: Sessions | None = None

    @property
    def guest(self) -> Guest:
        """The bytecode's description."""
        raise NotImplementedError(f"platform {self.name}: has no guest")

    @property
    def language(self) -> Language | None:
        """The language of its sources, for editors, formatter and linter; None if it has none."""
        return None

    # -- programs ----------------------------------------------------------------------------

    def recognises(self, name: str, head: bytes) -> bool:
        """Whether a file certainly is a program of this guest, by its suffix or its first bytes.

        Args:
            name: of the file; empty for a stream.
            head: its first bytes, up to 4096; empty if it is not a regular file.
        """
        del head
        return bool(self.suffixes) and name.lower().endswith(self.suffixes)

    def accepts(self, name: str, head: bytes) -> bool:
        """Whether a file that no guest recognises for certain may be one of this guest; see
        `recognises`."""
        del name, head
        return False

    def load(self, path: str, **options: Any) -> Program:
        """Read a program from a file.

        Args:
            path: the file.
            options: some of `loading`.

        Raises:
            ProgramError: it cannot be read or is not a program.
        """
        try:
            with open(path, "rb") as file:
                return self.read(file, path, **options)
        except IsADirectoryError:
            raise ProgramError(f"{path}: is a folder; name a program in it") from None
        except FileNotFoundError:
            raise ProgramError(f"{path}: there is no such file; check the path") from None
        except OSError as error:
            raise ProgramError(f"{path}: cannot be read: {error.strerror}") from error

    def read(self, stream: BinaryIO, name: str, **options: Any) -> Program:
        """Read a program from a stream to its end; `name` is for messages.

        Raises:
            ProgramError: as for `load`.
        """
        try:
            data = stream.read(MOST_BYTES + 1)
        except OSError as error:
            raise ProgramError(f"{name}: cannot be read: {error.strerror}") from error
        if len(data) > MOST_BYTES:
            raise ProgramError(f"{name}: over {MOST_BYTES >> 20} MiB is no program")
        return self.program(data, name, **options)

    def program(self, data: bytes, name: str = "<program>", **options: Any) -> Program:
        """Make a program from its bytes.

        Raises:
            ProgramError: they are not a program.
        """
        del options
        return Program(data, name)

    # -- running -----------------------------------------------------------------------------

    def computer(
        self,
        program: Program,
        *,
        args: Iterable[str | bytes] = (),
        tier: Tier,
        params: Parameters | None = None,
        stdout: Stream | Closed | None = None,
        stderr: Stream | Closed | None = None,
        **options: Any,
    ) -> Computer:
        """Put a program on a new computer, before its first instruction.

        Args:
            program: as returned by `load`, `read` or `program`.
            args: its command line.
            tier: the execution tier.
            params: limits of the JIT; None to take them from the environment.
            stdout, stderr: binary streams for its output; None to capture it.
            options: some of `running`.

        Raises:
            ProgramError: it does not fit in memory.
            BlockError: the operating system refused the memory.
        """
        raise NotImplementedError(f"platform {self.name}: makes no computer")

    # -- looking at code ---------------------------------------------------------------------

    def files_of(self, path: str) -> Iterable[Path]:
        """The files that make up a program, including missing ones: `path`, and for a source all
        that it includes. A window reloads the program when one changes."""
        from pathlib import Path

        return (Path(path),)

    def spell(self, memory: Sequence[int], address: int, program: Program) -> tuple[str, int]:
        """The instruction at an address as text, and its size in bytes.

        Args:
            memory: the code space, or a copy.
            address: of its first byte.
            program: its labels may be used in place of numbers.
        """
        del program
        row = self.guest.opcodes[memory[address]]
        end = min(address + row.length, len(memory))
        operand = " ".join(f"{memory[at]:02x}" for at in range(address + 1, end))
        return f"{row.name} {operand}".rstrip(), row.length
