"""Listings: what instructions are called, and that they are the program that they were made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.guests.chip8.listing import disassemble, parse, spell
from jitvm.platform import ProgramError
from jitvm.platform.registry import of_file

EXAMPLES = Path(__file__).parents[2] / "examples"

NAMES = """
00E0 CLS              00EE RET              00C3 SCD 3            00D4 SCU 4
00FB SCR              00FC SCL              00FD EXIT             00FE LOW
00FF HIGH             1234 JP 234           2345 CALL 345         3412 SE V4, 12
4512 SNE V5, 12       5670 SE V6, V7        5672 LD [I], V6-V7    5763 LD V7-V6, [I]
6A0B LD VA, 0B        7A0B ADD VA, 0B       8AB0 LD VA, VB        8AB1 OR VA, VB
8AB2 AND VA, VB       8AB3 XOR VA, VB       8AB4 ADD VA, VB       8AB5 SUB VA, VB
8AB6 SHR VA, VB       8AB7 SUBN VA, VB      8ABE SHL VA, VB       9AB0 SNE VA, VB
ABCD LD I, BCD        B123 JP V0, 123       C0FF RND V0, FF       D125 DRW V1, V2, 5
E39E SKP V3           E3A1 SKNP V3          F301 PLANE 3          F002 AUDIO
F307 LD V3, DT        F30A LD V3, K         F315 LD DT, V3        F318 LD ST, V3
F31E ADD I, V3        F329 LD F, V3         F330 LD HF, V3        F333 LD B, V3
F33A PITCH V3         F355 LD [I], V0-V3    F365 LD V0-V3, [I]    F375 LD R, V0-V3
F385 LD V0-V3, R      00E1 DB 00, E1        8AB8 DB 8A, B8        FFFF DB FF, FF
"""


@pytest.mark.parametrize(
    "row", [row for line in NAMES.splitlines() for row in line.split("  ") if row.strip()]
)
def test_names(row: str) -> None:
    code, name = row.strip().split(" ", 1)
    assert spell(bytes.fromhex(code) + bytes(0x10000), 0) == (name, 2)


def test_the_long_one() -> None:
    assert spell(bytes.fromhex("F000BEEF") + bytes(0x10000), 0) == ("LD I, BEEF", 4)
    assert spell(bytes(0xFFFF) + b"\x6a" + bytes([0]), 0xFFFF) == ("LD VA, 00", 2)


def test_code_is_told_from_data() -> None:
    text = disassemble(bytes.fromhex("3001 1208 A20A 00FD 2206 F0 90 90"))
    assert text.splitlines() == [
        "0200: 3001              SE V0, 01",
        "0202: 1208              JP 208",
        "0204: A20A              LD I, 20A",
        "0206: 00FD              EXIT",
        "0208: 2206              CALL 206",
        "020A: F090              DB F0, 90",
        "020C: 90",
    ]


@given(st.binary(min_size=1, max_size=300))
def test_a_listing_is_its_program(data: bytes) -> None:
    assert parse(disassemble(data), "a.hex8") == data


def test_only_addresses_and_bytes_count() -> None:
    text = "# a comment\n\n0204: 12 04  JP 204   # again\n 200: 6A02\n0202:00E0"
    assert parse(text, "a.hex8").hex() == "6a0200e01204"


@pytest.mark.parametrize(
    "line", ["0100: 00E0", "0200: 00E", "0200 00E0", "0200:", "FFFF: 00E0", "JP 200", "-200: 00"]
)
def test_what_is_no_line(line: str) -> None:
    with pytest.raises(ProgramError, match=r"^a\.hex8:2: is no line of a listing; take 0200: 6A02"):
        parse(f"0200: 00E0\n{line}\n", "a.hex8")


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.hex8")), ids=lambda file: file.name)
def test_the_words_in_examples_are_those_of_the_disassembler(file: Path) -> None:
    platform = of_file(str(file))
    memory = bytes(0x200) + platform.load(str(file)).data + bytes(8)
    for line in file.read_text().splitlines():
        address, _, rest = line.partition(": ")
        words = rest.partition("  ")[2].split("  ")[0].strip()
        if line[:1] in "#" or not words:
            continue
        assert spell(memory, int(address, 16))[0] in (words, words.replace("dot", "2C2")) or any(
            words.startswith(each) for each in ("JP ", "CALL ", "LD I, ")
        )


def jitvm(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jitvm", *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )


def test_commands(tmp_path: Path) -> None:
    (tmp_path / "a.ch8").write_bytes(bytes.fromhex("6105 7001 D011 1202"))
    ran = jitvm(
        "run",
        "--headless",
        "--frames",
        "5",
        "--screenshot",
        "a.png",
        "-G",
        "speed=40",
        "a.ch8",
        cwd=tmp_path,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    listed = jitvm("dis", "a.ch8", "-o", "a.hex8", cwd=tmp_path)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert (tmp_path / "a.hex8").read_text().startswith("0200: 6105")
    profiled = jitvm("profile", "--exact", "--headless", "--frames", "40", "a.hex8", cwd=tmp_path)
    assert profiled.returncode == 0
    assert "instructions were executed in native code" in profiled.stdout
    wrong = jitvm("run", "--headless", "-G", "machine=pong", "a.ch8", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "pong is none of chip8, superchip, xochip" in wrong.stderr
