"""jitvm: run guest bytecode at native speed.

    import jitvm

    result = jitvm.run("hello.tal")             run a program to its end
    result.stdout, result.exit_code

    computer = jitvm.load("hello.rom")          or keep the computer
    computer.start()
    computer.feed(b"some input")

    computer = jitvm.load("game.rom")           one with a screen
    computer.run_frames(60)
    computer.screen.pixels

    jitvm.run("a.toy", guest="toyvm:TOY")       a program of any guest
    print(jitvm.explain("life.tal"))            what the JIT made of a program

Names are imported when they are first used, so ``import jitvm`` costs almost nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm import events, wire
    from jitvm.engine.codegen.native import NativeError
    from jitvm.engine.host.notes import FallbackWarning
    from jitvm.engine.machine.machine import Machine, Snapshot, Tier
    from jitvm.engine.memory.block import BlockError
    from jitvm.engine.tables.params import ParameterError, Parameters
    from jitvm.facade import Result, dashboard, explain, load, profile, record, run
    from jitvm.guest import Core, DescriptionError, Guest, Opcode, Space, Stack, Stop, Word
    from jitvm.guests.uxn import UXN
    from jitvm.guests.uxn.assembler import AssemblyError, assemble, assemble_file
    from jitvm.guests.uxn.disassembler import disassemble
    from jitvm.guests.uxn.symbols import SymbolFileError
    from jitvm.guests.uxn.varvara import Computer, Ending, LimitReached, RomError
    from jitvm.guests.uxn.varvara.recorder import Recorder
    from jitvm.guests.uxn.varvara.replayer import Replayer
    from jitvm.guests.uxn.varvara.session import Session
    from jitvm.platform import Option, Platform, Program, ProgramError, SourceError
    from jitvm.platform.bare import BareComputer, BarePlatform
    from jitvm.platform.input import InputError
    from jitvm.platform.output import OutputError
    from jitvm.platform.recording import Recording, RecordingError
    from jitvm.platform.registry import GuestError
    from jitvm.platform.script import Script, ScriptError, load_script, parse_script
    from jitvm.platform.sessions import DivergedError, SessionError
    from jitvm.profiling import Profile, ProfileError
    from jitvm.version import __version__

_HOMES = {
    "BlockError": "jitvm.engine.memory.block",
    "Machine": "jitvm.engine.machine.machine",
    "Snapshot": "jitvm.engine.machine.machine",
    "Tier": "jitvm.engine.machine.machine",
    "NativeError": "jitvm.engine.codegen.native",
    "FallbackWarning": "jitvm.engine.host.notes",
    "ParameterError": "jitvm.engine.tables.params",
    "Parameters": "jitvm.engine.tables.params",
    "Result": "jitvm.facade",
    "dashboard": "jitvm.facade",
    "explain": "jitvm.facade",
    "load": "jitvm.facade",
    "profile": "jitvm.facade",
    "record": "jitvm.facade",
    "run": "jitvm.facade",
    "Core": "jitvm.guest",
    "DescriptionError": "jitvm.guest",
    "Guest": "jitvm.guest",
    "Opcode": "jitvm.guest",
    "Space": "jitvm.guest",
    "Stack": "jitvm.guest",
    "Stop": "jitvm.guest",
    "Word": "jitvm.guest",
    "GuestError": "jitvm.platform.registry",
    "Platform": "jitvm.platform",
    "Program": "jitvm.platform",
    "ProgramError": "jitvm.platform",
    "SourceError": "jitvm.platform",
    "BareComputer": "jitvm.platform.bare",
    "BarePlatform": "jitvm.platform.bare",
    "Option": "jitvm.platform",
    "UXN": "jitvm.guests.uxn",
    "AssemblyError": "jitvm.guests.uxn.assembler",
    "assemble": "jitvm.guests.uxn.assembler",
    "assemble_file": "jitvm.guests.uxn.assembler",
    "disassemble": "jitvm.guests.uxn.disassembler",
    "Computer": "jitvm.guests.uxn.varvara",
    "Ending": "jitvm.guests.uxn.varvara",
    "LimitReached": "jitvm.guests.uxn.varvara",
    "RomError": "jitvm.guests.uxn.varvara",
    "SymbolFileError": "jitvm.guests.uxn.symbols",
    "InputError": "jitvm.platform.input",
    "OutputError": "jitvm.platform.output",
    "Recorder": "jitvm.guests.uxn.varvara.recorder",
    "Recording": "jitvm.platform.recording",
    "RecordingError": "jitvm.platform.recording",
    "DivergedError": "jitvm.platform.sessions",
    "Replayer": "jitvm.guests.uxn.varvara.replayer",
    "Script": "jitvm.platform.script",
    "ScriptError": "jitvm.platform.script",
    "load_script": "jitvm.platform.script",
    "parse_script": "jitvm.platform.script",
    "Session": "jitvm.guests.uxn.varvara.session",
    "SessionError": "jitvm.platform.sessions",
    "Profile": "jitvm.profiling",
    "ProfileError": "jitvm.profiling",
    "__version__": "jitvm.version",
}
"""Where each public name lives."""

__all__ = [
    "UXN",
    "AssemblyError",
    "BareComputer",
    "BarePlatform",
    "BlockError",
    "Computer",
    "Core",
    "DescriptionError",
    "DivergedError",
    "Ending",
    "FallbackWarning",
    "Guest",
    "GuestError",
    "InputError",
    "LimitReached",
    "Machine",
    "NativeError",
    "Opcode",
    "Option",
    "OutputError",
    "ParameterError",
    "Parameters",
    "Platform",
    "Profile",
    "ProfileError",
    "Program",
    "ProgramError",
    "Recorder",
    "Recording",
    "RecordingError",
    "Replayer",
    "Result",
    "RomError",
    "Script",
    "ScriptError",
    "Session",
    "SessionError",
    "Snapshot",
    "SourceError",
    "Space",
    "Stack",
    "Stop",
    "SymbolFileError",
    "Tier",
    "Word",
    "__version__",
    "assemble",
    "assemble_file",
    "dashboard",
    "disassemble",
    "events",
    "explain",
    "load",
    "load_script",
    "parse_script",
    "profile",
    "record",
    "run",
    "wire",
]


if not TYPE_CHECKING:
    from jitvm.prepared import install

    install()
    del install

    # To a type checker it would say that any name exists.

    def __getattr__(name: str) -> object:
        """Import a public name on its first use."""
        import sys

        if name in ("events", "wire"):
            __import__(f"jitvm.{name}")  # `importlib` is a module more
            return sys.modules[f"jitvm.{name}"]
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'jitvm' has no attribute {name!r}")
        __import__(home)
        value: object = getattr(sys.modules[home], name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
