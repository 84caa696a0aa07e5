"""What there is to say about a word, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from jitvm.engine.tables.names import shown
from jitvm.guests.uxn.assembler.labels import is_hex
from jitvm.guests.uxn.assembler.source import Token
from jitvm.guests.uxn.encoding import opcode
from jitvm.guests.uxn.language.names import Names
from jitvm.guests.uxn.language.opcodes import opcode_help
from jitvm.guests.uxn.ports import PORTS, Port
from jitvm.platform.language import Kind

_MOST_WORDS = 60
"""Words of a macro's body that are shown."""
_MOST_COMMENT = 2000
"""Characters of a comment that are shown."""
_DEVICE = ("DEI", "DEO")


def about(names: Names, token: Token) -> str:
    """Markdown about a word outside of comments; empty if there is nothing to say."""
    text = token.text
    if found := names.of_token(token):
        return "\n\n---\n\n".join(about_name(names, each.full) for each in found[:3])
    byte = opcode(text)
    if byte is not None:
        return about_opcode(byte)
    digits = text[1:] if text[0] == "#" else text
    if is_hex(digits) and len(digits) in (2, 4):
        return _about_number(names, token, digits)
    if text[0] == '"' and len(text) > 1:
        return _about_text(text[1:])
    if text[0] in "|$" and is_hex(text[1:]):
        what = "continue at" if text[0] == "|" else "skip"
        return f"{what} {_spelled(text[1:])}"
    for each in names.reading.lambdas:
        if token.spot in (each.start.spot, each.end.spot):
            return f"anonymous label `{each.address:04x}`, behind the `}}`"
    for include, file in names.reading.includes:
        if include.spot == token.spot:
            return shown(file)
    return ""


def _about_text(text: str) -> str:
    try:
        size = len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return "text with a character that has no UTF-8 form"
    return f"text of {size} byte{'s' * (size > 1)}"


def about_opcode(byte: int) -> str:
    """Markdown about an opcode."""
    found = opcode_help(byte)
    lines = [f"```uxntal\n{found.name} {found.effect}\n```", found.meaning]
    lines += [f"`{mode[0]}`{mode[1:]}" for mode in found.modes]
    return "\n\n".join(lines)


def about_port(port: Port) -> str:
    """Markdown about a port."""
    what = "short" if port.size == 2 else "byte"
    return f"port `{port.address:02x}` **{port.full_name}**, a {what}: {port.about}"


def about_name(names: Names, full: str) -> str:
    """Markdown about a label or a macro."""
    definition = names.definitions.get(full)
    if definition is None:
        return f"`{shown(full)}` is not defined"
    reading = names.reading
    token = definition.token
    if definition.address is None:
        body = " ".join(word.text for word in definition.body[:_MOST_WORDS])
        more = " ..." if len(definition.body) > _MOST_WORDS else ""
        lines = [f"```uxntal\n%{shown(full)} {{ {shown(body)}{more} }}\n```"]
    else:
        behind = reading.comment_behind(token) or ""
        is_declared = behind and "\n" not in behind
        mark = "@" if token.text[0] == "@" else ""
        lines = [f"```uxntal\n{mark}{shown(full)} {shown(behind) if is_declared else ''}".rstrip()]
        lines[0] += "\n```"
        if port := names.port(full):
            lines.append(about_port(port))
        else:
            lines.append(_facts(names, full, definition.address))
    comment = reading.comment_above(token)
    if comment is not None:
        lines.append(_plain(comment))
    return "\n\n".join(lines)


def detail(names: Names, full: str) -> str:
    """A few words about a label or a macro."""
    definition = names.definitions[full]
    if definition.address is None:
        return "macro"
    if port := names.port(full):
        return f"port {port.address:02x}, {'short' if port.size == 2 else 'byte'}"
    behind = names.reading.comment_behind(definition.token) or ""
    return behind if 0 < len(behind) < 60 and "\n" not in behind else f"{definition.address:04x}"


def _facts(names: Names, full: str, address: int) -> str:
    uses = sum(not each.defines for each in names.of(full))
    what = {Kind.VARIABLE: "variable", Kind.PORT: "port"}.get(names.kind(full), "address")
    digits = f"{address:02x}" if address < 0x100 else f"{address:04x}"
    return f"{what} `{digits}`, {uses} use{'s' * (uses != 1)}"


def _about_number(names: Names, token: Token, digits: str) -> str:
    lines = [_spelled(digits)]
    port = PORTS.get(int(digits, 16)) if len(digits) == 2 else None
    following = _following(names, token)
    if port is not None and following is not None and following.text[:3] in _DEVICE:
        lines.append(about_port(port))
    return "\n\n".join(lines)


def _following(names: Names, token: Token) -> Token | None:
    end = token.offset + len(token.text)
    words = names.reading.words.get(token.source.key, [])
    from bisect import bisect_left

    at = bisect_left(words, end, key=lambda word: word.offset)
    return words[at] if at < len(words) else None


def _spelled(digits: str) -> str:
    """A number in other ways of writing it."""
    return " = ".join(_ways(digits))


def _ways(digits: str) -> Iterator[str]:
    value = int(digits, 16)
    yield f"`0x{digits}`"
    yield str(value)
    bits = 4 * len(digits)
    if len(digits) in (2, 4) and value >> (bits - 1):
        yield str(value - (1 << bits))
    if len(digits) <= 2:
        yield f"`{value:08b}`"
        if 0x20 < value < 0x7F:
            yield f"`{chr(value)}`" if value != 0x60 else "a backtick"
        elif value == 0x20:
            yield "a space"
        elif value == 0x0A:
            yield "a line feed"


def _plain(comment: str) -> str:
    """A comment without its parentheses, as text."""
    inside = comment[1:-1].strip()[:_MOST_COMMENT]
    lines = [" ".join(line.split()) for line in inside.splitlines()]
    return "\n".join(shown(line) for line in lines).replace("<", "\\<")
