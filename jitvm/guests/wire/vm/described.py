"""A VM that decodes: its spaces and its stack, around a table of instructions."""

from __future__ import annotations

from jitvm.guest import Guest, Opcode, Space
from jitvm.guests.wire.vm.operands import FRAME_STACK

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jitvm.guest import Core

    Meaning = Callable[[Core], None]


def decoding_guest(
    name: str,
    table: Mapping[str, tuple[Meaning, int]],
    nothing: Meaning,
    bits: tuple[int, int],
    sources: tuple[str, ...],
) -> Guest:
    """The VM of a table of instructions.

    Args:
        name: of the guest.
        table: functions and bytes of operands, by name, in the order of opcodes.
        nothing: what all other opcodes do.
        bits: of addresses in programs and in outputs.
        sources: files that say what instructions do.
    """
    pc_bits, output = bits

    def rows() -> tuple[Opcode, ...]:  # when somebody has to know what they do
        made = [Opcode(number, *row) for number, row in enumerate(_rows(table))]
        made += [Opcode(n, f"none-{n:02x}", nothing) for n in range(len(made), 256)]
        return tuple(made)

    spaces = (
        Space("code", 1 << pc_bits, code=True),
        Space("input", 1 << 32, window=True),
        Space("offsets", 1 << 32, window=True),
        Space("output", 1 << output, large=True),
        Space("state", 64),
    )
    made = Guest(
        name, rows, spaces, (FRAME_STACK,), pc_bits=pc_bits,
        word_bits=64, byte_order="little", version=f"{pc_bits} {output}",
    )  # fmt: skip
    made.sources = *sources, __file__
    return made


def _rows(table: Mapping[str, tuple[Meaning, int]]) -> list[tuple[str, Meaning, int]]:
    return [(name, *meaning) for name, meaning in table.items()]
