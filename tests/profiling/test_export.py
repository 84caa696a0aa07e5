"""Exporters against the documents of their formats, and against the profile they are of."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from jitvm.profiling import Profile
from jitvm.profiling.export import FORMATS, chrome_trace, collapsed, jsonl, openmetrics, speedscope
from jitvm.profiling.report import report
from tests.jit.programs import PROGRAMS
from tests.profiling.rig import CALLS, profiled

NUMBER = {"type": "number"}
INDEX = {"type": "integer", "minimum": 0}
_PROFILE: dict[str, Any] = {
    "type": {"type": "string"},
    "name": {"type": "string"},
    "unit": {
        "enum": ["none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"],
    },
    "startValue": NUMBER,
    "endValue": NUMBER,
}  # fmt: skip
SPEEDSCOPE = {
    # After speedscope's file-format-spec.ts.
    "type": "object",
    "required": ["$schema", "shared", "profiles"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": "https://www.speedscope.app/file-format-schema.json"},
        "shared": {
            "type": "object",
            "required": ["frames"],
            "properties": {
                "frames": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "additionalProperties": False,
                        "properties": {
                            "name": {"type": "string"},
                            "file": {"type": "string"},
                            "line": NUMBER,
                            "col": NUMBER,
                        },
                    },
                }
            },
        },
        "profiles": {
            "type": "array",
            "items": {
                "oneOf": [
                    {
                        "type": "object",
                        "required": [*_PROFILE, "samples", "weights"],
                        "additionalProperties": False,
                        "properties": {
                            **_PROFILE,
                            "type": {"const": "sampled"},
                            "samples": {
                                "type": "array", "items": {"type": "array", "items": INDEX},
                            },
                            "weights": {"type": "array", "items": NUMBER},
                        },
                    },
                    {
                        "type": "object",
                        "required": [*_PROFILE, "events"],
                        "additionalProperties": False,
                        "properties": {
                            **_PROFILE,
                            "type": {"const": "evented"},
                            "events": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["type", "frame", "at"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "type": {"enum": ["O", "C"]},
                                        "frame": INDEX,
                                        "at": NUMBER,
                                    },
                                },
                            },
                        },
                    },
                ],
            },
        },
        "name": {"type": "string"},
        "activeProfileIndex": INDEX,
        "exporter": {"type": "string", "pattern": "^[^@]+@[^@]+$"},
    },
}  # fmt: skip
_EVENT = {
    "type": "object",
    "required": ["name", "ph", "pid"],
    "properties": {
        "name": {"type": "string"},
        "cat": {"type": "string"},
        "ts": {"type": "number", "minimum": 0},
        "pid": {"type": "integer"},
        "tid": {"type": "integer"},
        "args": {"type": "object"},
    },
}
CHROME: dict[str, Any] = {
    # After "Trace Event Format": what each phase needs besides.
    "type": "object",
    "required": ["traceEvents"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "traceEvents": {
            "type": "array",
            "items": {
                "allOf": [_EVENT],
                "oneOf": [
                    {
                        "required": ["ts", "dur", "tid"],
                        "properties": {"ph": {"const": "X"}, "dur": {"minimum": 0}},
                    },
                    {
                        "required": ["ts", "tid", "s"],
                        "properties": {"ph": {"const": "i"}, "s": {"enum": ["g", "p", "t"]}},
                    },
                    {
                        "required": ["ts", "args"],
                        "properties": {
                            "ph": {"const": "C"}, "args": {"additionalProperties": NUMBER},
                        },
                    },
                    {
                        "required": ["args"],
                        "properties": {
                            "ph": {"const": "M"},
                            "name": {"enum": ["process_name", "thread_name"]},
                            "args": {"required": ["name"]},
                        },
                    },
                ],
            },
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=["calls", "self-modifying"])
def profile(request: pytest.FixtureRequest) -> Profile:
    if request.param == "calls":
        return profiled(CALLS)
    return profiled(PROGRAMS["generated code, rewritten now and then"], budget=200_000)


def check(content: object, schema: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator(schema).validate(content)


def test_speedscope(profile: Profile) -> None:
    content = json.loads(speedscope(profile))
    check(content, SPEEDSCOPE)
    frames = content["shared"]["frames"]
    assert [each["unit"] for each in content["profiles"]][:2] == ["seconds", "none"]
    for each in content["profiles"][:-1]:
        assert len(each["samples"]) == len(each["weights"])
        assert sum(each["weights"]) == pytest.approx(each["endValue"] - each["startValue"])
        assert all(index < len(frames) for stack in each["samples"] for index in stack)
    counted = content["profiles"][1]["endValue"]
    assert counted == pytest.approx(profile.instructions, abs=100), "but for rounding"
    assert any(frame.get("file") == "test.tal" and frame["line"] > 0 for frame in frames)


def test_the_speedscope_schema_can_fail(profile: Profile) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    content = json.loads(speedscope(profile))
    content["profiles"][0]["unit"] = "hours"
    with pytest.raises(jsonschema.ValidationError):
        check(content, SPEEDSCOPE)


def test_chrome_trace(profile: Profile) -> None:
    content = json.loads(chrome_trace(profile))
    check(content, CHROME)
    rows = content["traceEvents"]
    compiles = [row for row in rows if row["name"].startswith("compile ")]
    assert len(compiles) == len(profile.compiles)
    for row, compiled in zip(compiles, profile.compiles, strict=True):
        assert row["dur"] == pytest.approx(1e6 * compiled.seconds)
        assert row["name"] == f"compile {compiled.label}"
    last = [row for row in rows if row["ph"] == "C"][-1]
    assert last["args"]["regions"] == sum(not row.removed for row in profile.regions)
    assert all(row["ts"] <= 1e6 * profile.seconds for row in rows if "ts" in row)


def test_collapsed_stacks(profile: Profile) -> None:
    text = collapsed(profile)
    assert text
    total = 0
    for line in text.splitlines():
        assert re.fullmatch(r"[^;]+(;[^;]+)* [1-9][0-9]*", line)
        total += int(line.rpartition(" ")[2])
    native = sum(
        int(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("native;")
    )
    assert native == pytest.approx(profile.tiers[0].instructions, abs=100)
    assert total <= (profile.instructions or 0) + 100


def test_json_lines(profile: Profile) -> None:
    lines = [json.loads(line) for line in jsonl(profile).splitlines()]
    assert lines[0]["kind"] == "profile"
    assert lines[0]["instructions"] == profile.instructions
    rows = [line for line in lines if line["kind"] == "row"]
    events = [line for line in lines[1:] if line["kind"] != "row"]
    assert [line["kind"] for line in events] == [each.event.kind for each in profile.events]
    assert all(line["at"] >= 0 and line["label"] for line in events)
    assert len([row for row in rows if row["table"] == "exits"]) == len(profile.exits)


def test_open_metrics(profile: Profile) -> None:
    text = openmetrics(profile)
    assert text.endswith("# EOF\n")
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    tiers = {
        sample.labels["tier"]: sample.value for sample in families["jitvm_instructions"].samples
    }
    assert sum(tiers.values()) == profile.instructions
    exits = {s.labels["reason"]: s.value for s in families["jitvm_exits"].samples}
    assert sum(exits.values()) == sum(row.times for row in profile.exits)
    assert families["jitvm_state_seconds"].unit == "seconds"
    assert families["jitvm_native_ratio"].type == "gauge"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_labels_with_odd_characters_break_nothing(name: str) -> None:
    profile = profiled('|0100 #0000 @a;b"c\\ INC2 DUP2 #1000 LTH2 ?a;b"c\\ BRK')
    text = FORMATS[name](profile)
    if name in ("chrome-trace", "speedscope"):
        json.loads(text)
    elif name == "collapsed":
        assert any(line.startswith("native;region #1 a,b") for line in text.splitlines())


def test_the_report_is_one_file_that_asks_for_nothing(profile: Profile) -> None:
    page = report(profile)
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", page)
    assert "default-src 'none'" in page
    for row in profile.labels[:5]:
        assert row.label in page
    assert (
        page.count("<svg") == page.count("</svg>") in (3, 4)
    )  # call stacks, if there was time for a sample
    assert page.count("<table>") == page.count("</table>") >= 5


def test_the_report_escapes_labels() -> None:
    page = report(profiled("|0100 #0000 @<script>alert INC2 DUP2 #1000 LTH2 ?<script>alert BRK"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
