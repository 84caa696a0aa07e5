"""Errors of programs and sources, as the command line shows them."""

from __future__ import annotations

import sys

from jitvm.cli.exits import Failure
from jitvm.guests.uxn.varvara.rom import RomError

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from types import TracebackType

    from jitvm.engine.tables.place import Naming
    from jitvm.guests.uxn.assembler import Diagnostic
    from jitvm.guests.uxn.varvara.program import Program


class Reported:
    """Turns errors of loading and assembling, in a ``with`` block, into a `Failure`.

    Diagnostics of a source are printed in full before it.
    """

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Telling the assembler's error by its attribute saves importing the assembler for a ROM.
        diagnostics: tuple[Diagnostic, ...] = getattr(error, "diagnostics", ())
        if diagnostics:
            first, count = diagnostics[0], len(diagnostics)
            if count == 1 and not first.line:
                raise Failure(f"{first.file}: {first.message}") from error
            print(error, file=sys.stderr)
            raise Failure(
                f"{first.file}: {count} error{'s' * (count > 1)} in the source; "
                "nothing was assembled"
            ) from error
        if isinstance(error, RomError):
            raise Failure(str(error)) from error


def naming_for(program: Program) -> Naming:
    """Names of a program's addresses: of its source, or of a ``.sym`` file beside its ROM.

    Raises:
        Failure: that file is damaged.
    """
    from jitvm.guests.uxn.places import naming_of
    from jitvm.guests.uxn.symbols import SymbolFileError

    try:
        return naming_of(program)
    except SymbolFileError as error:
        raise Failure(str(error)) from error
