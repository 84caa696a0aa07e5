"""``jitvm coverage``: what it counts, writes, prints and ends with."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.cli.exits import Exit
from jitvm.coverage.results import load

SOURCE = """( tells whether it has an argument )
%out { #18 DEO }
|0100
	#17 DEI ?args
	;no !say
@args
	;yes
@say ( text* -- )
	LDAk DUP ?{ POP POP2 #800f DEO BRK }
	out INC2 !say
@no "none 0a 00
@yes
	"some 0a
	00
@never
	BRK
"""
LINES = {4, 5, 7, 9, 10, 16}
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.tal").write_text(SOURCE)


def lcov(path: str = "coverage.lcov") -> list[str]:
    """The lines of a tracefile."""
    return Path(path).read_text().splitlines()


def test_lines_that_have_instructions_count_and_data_does_not(capfdbinary: object) -> None:
    del capfdbinary
    assert main(["coverage", "run", "a.tal"]) == 0
    (file,) = load(".jitvm-coverage").files.values()
    assert set(file.lines) == LINES
    assert {line for line in file.lines if file.is_hit(line)} == {4, 5, 9, 10}
    assert file.ways(4) == [(True, True, False)]
    assert file.ways(9) == [(True, True, True)]
    assert file.is_partial(4)
    assert not file.is_partial(5)
    assert list(file.missing()) == [(7, 7), (16, 16)]


def test_the_program_runs_as_ever(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["coverage", "run", "a.tal", "--version"]) == 0
    assert capfdbinary.readouterr().out == b"some\n"


def test_every_tier_tells_the_same() -> None:
    found = []
    for tier in ("reference", "interpreter", "jit", "ir"):
        assert main(["coverage", "run", "--tier", tier, "a.tal"]) == 0
        found.append(Path(".jitvm-coverage").read_bytes())
    assert len(set(found)) == 1


def test_runs_are_merged(capfd: Capture) -> None:
    assert main(["coverage", "run", "--data-file", "one", "a.tal"]) == 0
    assert main(["coverage", "run", "--data-file", "two", "a.tal", "x"]) == 0
    assert main(["coverage", "run", "a.tal"]) == 0
    assert main(["coverage", "run", "-a", "a.tal", "x"]) == 0
    assert main(["coverage", "combine", "one", "two", "-o", "both"]) == 0
    assert Path("both").read_bytes() == Path(".jitvm-coverage").read_bytes()
    capfd.readouterr()
    assert main(["coverage", "report", "-m", "both"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[1].split() == ["a.tal", "6", "1", "4", "0", "90%", "16"]
    assert main(["coverage", "report", "--fail-under", "95", "both"]) == Exit.USAGE
    assert "in total, less than --fail-under 95" in capfd.readouterr().err
    assert main(["coverage", "report", "--fail-under", "90", "both"]) == 0


def test_lcov() -> None:
    assert main(["coverage", "run", "a.tal"]) == 0
    assert main(["coverage", "lcov"]) == 0
    assert lcov() == [
        "TN:", "SF:a.tal", "BRDA:4,0,0,1", "BRDA:4,0,1,0", "BRDA:9,0,0,1", "BRDA:9,0,1,1",
        "BRF:4", "BRH:3", "DA:4,1", "DA:5,1", "DA:7,0", "DA:9,1", "DA:10,1", "DA:16,0",
        "LF:6", "LH:4", "end_of_record",
    ]  # fmt: skip


def test_cobertura() -> None:
    assert main(["coverage", "run", "a.tal"]) == 0
    assert main(["coverage", "xml"]) == 0
    root = ET.parse("coverage.xml").getroot()
    assert (root.get("lines-valid"), root.get("branches-covered")) == ("6", "3")
    lines = {each.get("number"): each for each in root.iter("line")}
    assert set(lines) == {str(line) for line in LINES}
    assert lines["4"].get("condition-coverage") == "50% (1/2)"
    assert [each.attrib for each in lines["4"].iter("condition")] == [
        {"number": "0", "type": "jump", "coverage": "50%"},
    ]
    _follows(root)
    assert lines["16"].get("hits") == "0"


CHILDREN = {
    "coverage": ["sources", "packages"], "sources": ["source"], "packages": ["package"],
    "package": ["classes"], "classes": ["class"], "class": ["methods", "lines"],
    "methods": [], "lines": ["line"], "line": ["conditions"], "conditions": ["condition"],
    "source": [], "condition": [],
}  # fmt: skip
RATES = ["line-rate", "branch-rate", "complexity"]
ATTRIBUTES = {
    "coverage": [
        *RATES, "lines-covered", "lines-valid", "branches-covered", "branches-valid", "version",
        "timestamp",
    ],
    "package": ["name", *RATES],
    "class": ["name", "filename", *RATES],
    "condition": ["number", "type", "coverage"],
}  # fmt: skip


def _follows(element: ET.Element) -> None:
    """Check a part of a report against what coverage-04.dtd says of its element."""
    allowed = CHILDREN[element.tag]
    found = [child.tag for child in element]
    assert set(found) <= set(allowed), element.tag
    assert found == sorted(found, key=allowed.index), element.tag
    if element.tag in ATTRIBUTES:
        assert set(element.attrib) == set(ATTRIBUTES[element.tag]), element.tag
    elif element.tag == "line":
        assert {"number", "hits"} <= set(element.attrib)
        assert set(element.attrib) <= {"number", "hits", "branch", "condition-coverage"}
    for child in element:
        _follows(child)


def test_the_page_shows_opcodes_and_tabs() -> None:
    Path("a.tal").write_text(SOURCE.replace("has an", "has\tan"))
    assert main(["coverage", "run", "a.tal"]) == 0
    assert main(["coverage", "html"]) == 0
    page = Path("coverage.html").read_text()
    assert "has\tan" in page
    (opcodes,) = load(".jitvm-coverage").opcodes.values()
    assert {int(each, 16) for each in re.findall('class="on">(..)<', page)} == opcodes
    assert len(re.findall("<span( class=.on.)?>..</span>", page)) == 256


def test_the_page_tells_what_is_missing_and_loads_nothing() -> None:
    Path("a.tal").write_text(SOURCE.replace("has an", "<script>"))
    assert main(["coverage", "run", "a.tal"]) == 0
    assert main(["coverage", "html"]) == 0
    page = Path("coverage.html").read_text()
    assert "branch never jumped" in page
    assert '<tr class="no"><td>16</td>' in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    Path("a.tal").write_text(SOURCE)
    assert main(["coverage", "html"]) == 0
    assert "has changed since" in Path("coverage.html").read_text()


def test_a_source_that_changed_is_not_merged(capfd: Capture) -> None:
    assert main(["coverage", "run", "a.tal"]) == 0
    Path("a.tal").write_text(SOURCE + "( more )\n")
    assert main(["coverage", "run", "-a", "a.tal"]) == Exit.USAGE
    assert "a.tal: the source changed between the runs" in capfd.readouterr().err


@pytest.mark.parametrize(
    "data", ["", "{}", "[]", '{"format": "jitvm coverage 1", "files": {"a": 1}, "opcodes": {}}']
)
def test_files_that_are_none(data: str, capfd: Capture) -> None:
    Path("x").write_text(data)
    assert main(["coverage", "report", "x"]) == Exit.USAGE
    assert capfd.readouterr().err.startswith("jitvm: error: x: is no file of coverage")
    assert main(["coverage", "report"]) == Exit.USAGE
    assert ".jitvm-coverage: cannot be read" in capfd.readouterr().err
