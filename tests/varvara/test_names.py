"""What `jitvm` offers by name, to people, notebooks and type checkers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jitvm

LOOP = "|0100 #0000 &loop INC2 DUP2 ?&loop POP2 BRK"


def test_every_public_error_says_what_it_is() -> None:
    errors = [getattr(jitvm, name) for name in jitvm.__all__ if name.endswith("Error")]
    assert len(errors) >= 12
    for error in errors:
        assert issubclass(error, Exception)
        assert error.__doc__


def test_a_type_checker_knows_the_names_and_no_others(tmp_path: Path) -> None:
    source = tmp_path / "names.py"
    source.write_text(
        "import jitvm\n"
        "from jitvm import Word, DescriptionError\n"
        "from jitvm.guest import Core\n"
        "from jitvm import Wurd\n"
        "jitvm.lood\n"
        "from jitvm.guest import Gues\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if "names.py" in line]
    assert [line.split(":")[1] for line in found] == ["4", "5", "6"], done.stdout


def test_people_can_read_what_is_printed() -> None:
    result = jitvm.run(jitvm.assemble(LOOP).rom)
    assert repr(result) == "<Result exit, exit code 0: stdout b'', stderr b''>"
    assert "(1,000 bytes)" in repr(
        jitvm.Result(0, result.ending, b"a" * 1000, b"", result.computer)
    )
    assert repr(jitvm.UXN) == "<Guest uxn 1: ram[65536] wst[256] rst[256], 256 ports>"
    machine = jitvm.Machine(jitvm.UXN, tier=jitvm.Tier.REFERENCE)
    machine.state.pc = 0x100
    assert repr(machine) == "<Machine uxn reference pc=0x0100 stacks=[0, 0]>"


def test_a_notebook_shows_a_profile_as_tables() -> None:
    assert repr(jitvm.Profile()) == "<Profile of no machine yet>"
    with jitvm.profile(mode="exact") as profile:
        jitvm.run(jitvm.assemble(LOOP).rom)
    assert "of all instructions were executed in native code" in repr(profile)
    page = profile._repr_html_()
    assert page.count("<table>") == page.count("</table>") > 1
    assert "<h2>time of the guest" in page
