"""Coverage in forms of other tools: tracefiles of LCOV, XML of Cobertura.

Executions are not counted, so a line has one or none. A branch is a word of the source with two
ways: 0 goes on, 1 jumps.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from jitvm.coverage.results import Coverage, FileCoverage, Totals


def lcov(coverage: Coverage) -> str:
    """A tracefile, as `genhtml` and most services take it."""
    return "\n".join(_records(coverage)) + "\n"


def _records(coverage: Coverage) -> Iterator[str]:
    for path, file in coverage.by_name():
        totals = file.totals
        yield "TN:"
        yield f"SF:{path}"
        for line in sorted(file.lines):
            for number, (executed, *ways) in enumerate(file.ways(line)):
                for way, taken in enumerate(ways):
                    yield f"BRDA:{line},{number},{way},{int(taken) if executed else '-'}"
        yield f"BRF:{totals.ways}"
        yield f"BRH:{totals.hit_ways}"
        yield from (f"DA:{line},{int(file.is_hit(line))}" for line in sorted(file.lines))
        yield f"LF:{totals.lines}"
        yield f"LH:{totals.hit_lines}"
        yield "end_of_record"


def cobertura(coverage: Coverage, timestamp: int) -> str:
    """XML that follows Cobertura's coverage-04.dtd.

    Args:
        coverage: what was executed.
        timestamp: seconds since 1970.
    """
    root = Element("coverage", _rates(coverage.totals, whole=True))
    root.set("version", "jitvm")
    root.set("timestamp", str(timestamp))
    SubElement(SubElement(root, "sources"), "source").text = "."
    rates = _rates(coverage.totals)
    package = SubElement(SubElement(root, "packages"), "package", {"name": ".", **rates})
    classes = SubElement(package, "classes")
    for path, file in coverage.by_name():
        _class(classes, path, file)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    kind = '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'
    return f'<?xml version="1.0" ?>\n{kind}\n{text}\n'


def _rates(totals: Totals, *, whole: bool = False) -> dict[str, str]:
    def rate(hit: int, all_: int) -> str:
        return f"{hit / all_ if all_ else 1:.4f}"

    found = {
        "line-rate": rate(totals.hit_lines, totals.lines),
        "branch-rate": rate(totals.hit_ways, totals.ways),
        "complexity": "0",
    }
    if whole:
        found |= {
            "lines-covered": str(totals.hit_lines),
            "lines-valid": str(totals.lines),
            "branches-covered": str(totals.hit_ways),
            "branches-valid": str(totals.ways),
        }
    return found


def _class(classes: Element, path: str, file: FileCoverage) -> None:
    """A source is a class without methods."""
    rates = _rates(file.totals)
    shown = SubElement(classes, "class", {"name": path, "filename": path, **rates})
    SubElement(shown, "methods")
    lines = SubElement(shown, "lines")
    for line in sorted(file.lines):
        facts = {"number": str(line), "hits": str(int(file.is_hit(line)))}
        each = SubElement(lines, "line", facts)
        if ways := file.ways(line):
            taken, all_ = sum(on + jumped for _, on, jumped in ways), 2 * len(ways)
            each.set("branch", "true")
            each.set("condition-coverage", f"{100 * taken // all_}% ({taken}/{all_})")
            conditions = SubElement(each, "conditions")
            for number, (_, on, jumped) in enumerate(ways):
                share = f"{50 * (on + jumped)}%"
                facts = {"number": str(number), "type": "jump", "coverage": share}
                SubElement(conditions, "condition", facts)
        else:
            each.set("branch", "false")
