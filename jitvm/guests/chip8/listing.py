"""CHIP-8 as text and back: listings that people can read and jitvm can run.

    0200: 6A02       LD VA, 02       an address, its bytes, and anything after two spaces
    0202: A20A       LD I, 20A
    # a comment

`disassemble` writes them, `parse` reads them: only addresses and bytes count. Reachable
instructions are spelled out; everything else is shown as bytes, as a program does not distinguish
code from data. Instructions are named as in Cowgod's reference, and Octo's extensions in the same
style.
"""

from __future__ import annotations

from jitvm.guests.chip8.instructions import PROGRAM
from jitvm.platform import ProgramError

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = (
    "00E0 CLS", "00EE RET", "00Cn SCD {n}", "00Dn SCU {n}", "00FB SCR", "00FC SCL", "00FD EXIT",
    "00FE LOW", "00FF HIGH", "1nnn JP {nnn}", "2nnn CALL {nnn}", "3xnn SE V{x}, {nn}",
    "4xnn SNE V{x}, {nn}", "5xy0 SE V{x}, V{y}", "5xy2 LD [I], V{x}-V{y}", "5xy3 LD V{x}-V{y}, [I]",
    "6xnn LD V{x}, {nn}", "7xnn ADD V{x}, {nn}", "8xy0 LD V{x}, V{y}", "8xy1 OR V{x}, V{y}",
    "8xy2 AND V{x}, V{y}", "8xy3 XOR V{x}, V{y}", "8xy4 ADD V{x}, V{y}", "8xy5 SUB V{x}, V{y}",
    "8xy6 SHR V{x}, V{y}", "8xy7 SUBN V{x}, V{y}", "8xyE SHL V{x}, V{y}", "9xy0 SNE V{x}, V{y}",
    "Annn LD I, {nnn}", "Bnnn JP V0, {nnn}", "Cxnn RND V{x}, {nn}", "Dxyn DRW V{x}, V{y}, {n}",
    "Ex9E SKP V{x}", "ExA1 SKNP V{x}", "F000 LD I, {long}", "Fx01 PLANE {x}", "F002 AUDIO",
    "Fx07 LD V{x}, DT", "Fx0A LD V{x}, K", "Fx15 LD DT, V{x}", "Fx18 LD ST, V{x}",
    "Fx1E ADD I, V{x}", "Fx29 LD F, V{x}", "Fx30 LD HF, V{x}", "Fx33 LD B, V{x}", "Fx3A PITCH V{x}",
    "Fx55 LD [I], V0-V{x}", "Fx65 LD V0-V{x}, [I]", "Fx75 LD R, V0-V{x}", "Fx85 LD V0-V{x}, R",
)  # fmt: skip
_ROWS = [name.split(" ", 1) for name in NAMES]


def spell(memory: Sequence[int], address: int) -> tuple[str, int]:
    """The instruction at an address as text, and its size in bytes; others are shown as bytes."""
    byte = [memory[(address + i) & 0xFFFF] for i in range(4)]
    digits = f"{byte[0]:02X}{byte[1]:02X}"
    size = 4 if digits == "F000" else 2
    fields = {"x": digits[1], "y": digits[2], "n": digits[3], "nn": digits[2:], "nnn": digits[1:]}
    fields["long"] = f"{byte[2]:02X}{byte[3]:02X}"
    for pattern, text in _ROWS:
        if all(p.islower() or p == d for p, d in zip(pattern, digits, strict=True)):
            return text.format(**fields), size
    return f"DB {digits[:2]}, {digits[2:]}", size


def _reached(memory: Sequence[int], end: int) -> set[int]:
    """Addresses of instructions that control can reach, as far as jumps are constant."""
    found: set[int] = set()
    todo = [PROGRAM]
    while todo:
        at = todo.pop()
        if at in found or not PROGRAM <= at < end - 1:
            continue
        found.add(at)
        first, nnn = memory[at] >> 4, (memory[at] & 15) << 8 | memory[at + 1]
        text, size = spell(memory, at)
        if first in (1, 2):
            todo.append(nnn)
        if first not in (1, 11) and text not in ("RET", "EXIT"):
            todo.append(at + size)
        if first in (3, 4, 5, 9, 14):  # skips
            todo.append(at + size + spell(memory, at + size)[1])
    return found


def disassemble(data: bytes) -> str:
    """A program's whole listing."""
    memory = bytes(PROGRAM) + data + bytes(0x10000)
    end = PROGRAM + len(data)
    reached = _reached(memory, end)
    lines, at = [], PROGRAM
    while at < end:
        if at in reached:
            text, size = spell(memory, at)
        else:
            text, size = "", 1
            while size < 8 and at + size < end and at + size not in reached:
                size += 1
        digits = memory[at : min(at + size, end)].hex().upper()
        lines.append(f"{at:04X}: {digits:<16}  {text}".rstrip())
        at += size
    return "\n".join(lines) + "\n"


def parse(text: str, name: str) -> bytes:
    """The program of a listing.

    Raises:
        ProgramError: a line is none of a listing; the message says which and why.
    """
    data = bytearray()
    for number, line in enumerate(text.splitlines(), 1):
        rest = line.partition("#")[0].strip()
        if not rest:
            continue
        address, colon, digits = rest.partition(":")
        try:
            start = int(address, 16) - PROGRAM
            found = bytes.fromhex(digits.strip().split("  ")[0])
        except ValueError:
            start, found = -1, b""
        if not colon or not found or not 0 <= start <= 0x10000 - PROGRAM - len(found):
            raise ProgramError(
                f"{name}:{number}: is no line of a listing; take 0200: 6A02  and a comment"
            )
        data.extend(bytes(max(start + len(found) - len(data), 0)))
        data[start : start + len(found)] = found
    return bytes(data)
