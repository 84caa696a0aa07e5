"""Names: which are valid, how scopes qualify them, and where each was defined.

    @a/b     defines a/b and makes `a` the scope: the part before the first slash
    &c       defines a/c and leaves the scope alone
    &c  /c   in a reference, mean a/c

Before the first ``@`` the scope is ``on-reset``. Lambdas define ``λ00``, ``λ01``... in the order
they are opened and belong to no scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jitvm.guests.uxn.assembler.limits import MAX_NAME
from jitvm.guests.uxn.assembler.source import SourceFile, Token
from jitvm.guests.uxn.encoding import opcode
from jitvm.guests.uxn.symbols import PROGRAM_START

FIRST_SCOPE = "on-reset"
RUNES = '|$@&,_.-;=!?#"%~:/()[]{}'
"""Characters that begin a word of their own kind, so no name can begin with one."""

_HEX = re.compile(r"[0-9a-f]+")


def is_hex(text: str) -> bool:
    """Tell whether a word reads as a number: lower-case hexadecimal digits only."""
    return _HEX.fullmatch(text) is not None


def name_fault(name: str, any_word: bool) -> str | None:
    """Return what keeps a word from being the name of a label or macro, or None if it may be.

    With `any_word` it only has to be there and be short enough: so in the old dialect, and for a
    sublabel, whose full name has a slash in it and so cannot be taken for anything else.
    """
    if not name:
        return "a name is missing"
    if len(name) > MAX_NAME:
        return f"the name is longer than {MAX_NAME} characters"
    if any_word:
        return None
    if is_hex(name):
        return f"`{name}` reads as a number: all its characters are hexadecimal digits"
    if opcode(name) is not None:
        return f"`{name}` is an opcode"
    if name[0] in RUNES:
        return f"a name cannot begin with `{name[0]}`"
    return None


class Label:
    """A defined label. `used` is set by the first reference or padding that names it."""

    __slots__ = ("address", "name", "token", "used")

    def __init__(self, name: str, address: int, token: Token) -> None:
        self.name = name
        self.address = address
        self.token = token
        self.used = False


class LabelTable:
    """Labels by full name in definition order, and the scope that completes short names."""

    def __init__(self) -> None:
        self.labels: dict[str, Label] = {}
        self.scope = FIRST_SCOPE
        self._refused: set[str] = set()

    def full_name(self, name: str) -> str:
        """Complete ``&name`` and ``/name`` with the scope; leave other names alone."""
        return f"{self.scope}/{name[1:]}" if name[:1] in ("&", "/") else name

    def enter(self, name: str) -> None:
        """Make the part of a name before its first slash the scope."""
        self.scope = name.partition("/")[0]

    def define(self, name: str, address: int, token: Token) -> Label | None:
        """Add a label; when the name is taken return the label that has it, and add nothing."""
        taken = self.labels.get(name)
        if taken is None:
            self.labels[name] = Label(name, address & 0xFFFF, token)
        return taken

    def refuse(self, name: str) -> None:
        """Remember a name whose definition was an error, so its uses are not errors as well."""
        self._refused.add(name)

    def was_refused(self, name: str) -> bool:
        """Tell whether the name had a definition that was an error."""
        return name in self._refused

    def use(self, name: str) -> Label | None:
        """Look up a full name and mark the label as used."""
        label = self.labels.get(name)
        if label is not None:
            label.used = True
        return label

    def unused(self, top: SourceFile) -> list[Label]:
        """Return labels of the main source that nothing uses.

        Nothing refers to them, nor to their sublabels, and the program does not start there.
        Capitalised names, usually devices, are exempt, and so are those of included files:
        a library offers more than one program takes.
        """
        parents = {label.name.rpartition("/")[0] for label in self.labels.values() if label.used}
        return [
            label
            for label in self.labels.values()
            if not label.used
            and not "A" <= label.name[0] <= "Z"
            and label.address != PROGRAM_START
            and label.name not in parents
            and label.token.source is top
        ]


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the closest known word, or an empty string."""
    if len(name) > MAX_NAME:
        return ""
    # Only a failing run needs it, and it takes as long to import as this package.
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"did you mean `{close[0]}`?" if close else ""
