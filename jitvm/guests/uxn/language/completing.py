"""Words that may be meant, by what is there of them.

The first character says what can follow: behind a rune there are labels, behind ``~`` files, and a
word without one is an opcode, a macro, or the call of a label.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from jitvm.guests.uxn.encoding import MNEMONICS
from jitvm.guests.uxn.language.helping import about_name, about_opcode, about_port, detail
from jitvm.guests.uxn.language.names import Names
from jitvm.guests.uxn.language.opcodes import opcode_help
from jitvm.guests.uxn.ports import PORTS, device_names, header
from jitvm.guests.uxn.sourcefiles import SOURCE_SUFFIX
from jitvm.platform.language import Completion, Kind, Span

_REFERENCES = ",_.-;=?!|$"
_IMMEDIATE = ("JCI", "JMI", "JSI")
_MOST_FILES = 200
_ZERO_PAGE = ".-"


def completions(names: Names, file: str, offset: int) -> tuple[Span, list[Completion]]:
    """See `jitvm.platform.language.Analysis`."""
    text = names.reading.sources[file].text
    start = offset
    while start and text[start - 1] > " ":
        start -= 1
    end = offset
    while end < len(text) and text[end] > " ":
        end += 1
    prefix = text[start:offset]
    comment = names.reading.comment_at(file, start)
    if comment is not None and comment[0] < start:
        return Span(file, start, end), []
    scope = names.reading.scope_at(file, start)
    found = [each for each in _meant(names, file, prefix, scope) if each.text.startswith(prefix)]
    return Span(file, start, end), found


def _meant(names: Names, file: str, prefix: str, scope: str) -> Iterator[Completion]:
    rune = prefix[:1]
    if rune == "~":
        yield from _files(names, file, prefix[1:])
    elif rune in ("|", "@") and len(prefix) == 1:
        yield from _devices(rune, names)
    elif rune in ("?", "!") or (rune and rune in _REFERENCES):
        yield from _labels(names, rune, scope)
        if rune in _ZERO_PAGE:
            yield from _ports(names, rune)
    elif rune not in tuple('@&%#"('):
        yield from _labels(names, "", scope)
        yield from _opcodes(prefix)


def _labels(names: Names, rune: str, scope: str) -> Iterator[Completion]:
    """Labels, those of the scope by their short names first."""
    short = f"{scope}/"
    for full, definition in names.definitions.items():
        kind = names.kind(full)
        if definition.address is None and rune:
            continue
        if rune in ("?", "!", "") and kind in (Kind.PORT, Kind.VARIABLE):
            continue
        about = partial(about_name, names, full)
        if full.startswith(short):
            mark = "&" if rune else "/"
            text = f"{rune}{mark}{full[len(short) :]}"
            yield Completion(text, kind, detail(names, full), about)
            if rune:
                yield Completion(f"{rune}/{full[len(short) :]}", kind, detail(names, full), about)
        yield Completion(f"{rune}{full}", kind, detail(names, full), about)


def _ports(names: Names, rune: str) -> Iterator[Completion]:
    """Ports that no label names yet."""
    for port in PORTS.values():
        if port.full_name not in names.definitions:
            what = f"port {port.address:02x}, not declared here"
            yield Completion(f"{rune}{port.full_name}", Kind.PORT, what, partial(about_port, port))


def _devices(rune: str, names: Names) -> Iterator[Completion]:
    """Declarations of devices."""
    for device in device_names():
        line = header(device)
        if device not in names.definitions:
            text = line if rune == "|" else line.partition(" ")[2]
            yield Completion(text, Kind.PORT, f"the ports of {device}")


def _opcodes(prefix: str) -> Iterator[Completion]:
    """Opcodes; in all their modes once their three letters are there."""
    for byte, name in enumerate(MNEMONICS):
        if name in _IMMEDIATE or (len(prefix) < 3 and len(name) > 3) or name[:3] < prefix[:3]:
            continue
        if name.startswith(prefix):
            yield Completion(
                name, Kind.OPCODE, opcode_help(byte).effect, partial(about_opcode, byte)
            )
        elif name[:3] == prefix[:3] and len(prefix) > 3 and set(prefix[3:]) <= set(name[3:]):
            # Modes come in any order.
            rest = "".join(mode for mode in name[3:] if mode not in prefix[3:])
            yield Completion(
                prefix + rest, Kind.OPCODE, opcode_help(byte).effect, partial(about_opcode, byte)
            )


def _files(names: Names, file: str, prefix: str) -> Iterator[Completion]:
    """Sources and folders, as far as the path is there."""
    folder, _, _ = prefix.rpartition("/")
    base = os.path.join(names.reading.sources[file].folder, folder)
    if ".." in folder.split("/") or os.path.isabs(folder):
        return
    try:
        entries = sorted(os.scandir(base), key=lambda entry: entry.name)[:_MOST_FILES]
    except OSError:
        return
    for entry in entries:
        if any(char <= " " for char in entry.name) or entry.name.startswith("."):
            continue
        text = f"~{folder}{'/' * bool(folder)}{entry.name}"
        if entry.is_dir():
            yield Completion(f"{text}/", Kind.FILE, "folder")
        elif entry.name.endswith(SOURCE_SUFFIX):
            yield Completion(text, Kind.FILE, "source")
