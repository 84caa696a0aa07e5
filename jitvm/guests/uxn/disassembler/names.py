"""Names for the addresses of a listing.

Symbols come first and keep their names if Uxntal allows them; a name it does not allow is adjusted,
and a name that is defined twice gets its address appended. Every other address that is referred to
gets a generated name:

    on-reset         0x0100                 vector_XXXX   latched by a device
    sub_XXXX         called                 data_XXXX     read, written or pointed to
    scope/loop_XXXX  jumped to from below   scope/skip_XXXX   jumped to from above
    scope/var_XXXX   an operand used as a variable

Device ports that are used and have no symbol get their Varvara names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jitvm.guests.uxn.assembler.labels import name_fault
from jitvm.guests.uxn.assembler.limits import MAX_NAME
from jitvm.guests.uxn.disassembler.flow import Flow, Form, Kind, Role
from jitvm.guests.uxn.ports import PORTS
from jitvm.guests.uxn.symbols import PROGRAM_START, SymbolTable, is_lambda

_UNPRINTABLE = re.compile("[\x00-\x20\x7f\ud800-\udfff]")
_PREFIXES = {Kind.DATA: "data", Kind.CALL: "sub", Kind.VECTOR: "vector"}
_LOCAL_PREFIXES = {Kind.LOOP: "loop", Kind.SKIP: "skip"}


@dataclass(slots=True)
class Names:
    """Every label of a listing."""

    at: dict[int, list[str]] = field(default_factory=dict)
    """Names defined at an address, in the order they are written."""
    _taken: dict[str, int] = field(default_factory=dict)

    def add(self, address: int, name: str) -> None:
        """Define a name, mended if it is not one or is taken; the same one twice counts once."""
        name = _mend(name)
        while name in self._taken:
            if self._taken[name] == address:
                return
            name += f"_{address:04x}"
        self._taken[name] = address
        self.at.setdefault(address, []).append(name)

    def is_free(self, name: str) -> bool:
        """Tell whether a name is not defined yet."""
        return name not in self._taken

    def reference(self, address: int, form: Form) -> str | None:
        """Return the name an operand should use for an address, or None to write a number.

        Below 0x0100 a port and a variable may share an address; by custom devices are the
        capitalised ones.
        """
        names = self.at.get(address)
        if not names:
            return None
        if form in (Form.PORT, Form.ZERO_PAGE):
            wants_capital = form is Form.PORT
            return next((n for n in names if ("A" <= n[0] <= "Z") == wants_capital), None)
        return next((n for n in names if "/" not in n), names[0])


def choose_names(flow: Flow, symbols: SymbolTable) -> Names:
    """Name every symbol, and every target and port of a program that has no symbol."""
    names = Names()
    given: dict[int, list[str]] = {}
    for symbol in symbols:
        given.setdefault(symbol.address, []).append(symbol.name)
    if PROGRAM_START not in given:
        given[PROGRAM_START] = ["on-reset"]
    scope = ""
    for address in sorted({*given, *flow.targets}):
        for name in given.get(address, ()):
            if is_lambda(name) and scope:
                name = f"{scope}/{name}"
            names.add(address, name)
        if address not in given:
            names.add(address, _generated(flow, address, scope))
        scope = names.at[address][-1].partition("/")[0]
    _name_ports(flow, names)
    return names


def _generated(flow: Flow, address: int, scope: str) -> str:
    kind = flow.targets[address]
    local = _LOCAL_PREFIXES.get(kind)
    if kind is Kind.DATA and flow.in_rom(address) and flow.roles[address] == Role.OPERAND:
        local = "var"
    if local is None:
        return f"{_PREFIXES[kind]}_{address:04x}"
    name = f"{local}_{address:04x}"
    return f"{scope}/{name}" if scope and flow.in_rom(address) else name


def _name_ports(flow: Flow, names: Names) -> None:
    ports = {use.target for use in flow.uses.values() if use.form is Form.PORT}
    for port in sorted(ports):
        row = PORTS.get(port)
        if row is None or names.reference(port, Form.PORT) is not None:
            continue
        if names.is_free(row.full_name):
            names.add(port, row.full_name)


def _mend(name: str) -> str:
    """Return the name if Uxntal allows it, else the closest that is allowed."""
    name = _UNPRINTABLE.sub("_", name)[: MAX_NAME // 2]
    if name_fault(name, any_word=False):
        name = f"label_{name}"
    return name
