"""Sessions and input scripts somebody crafted: one line says what is wrong, whatever they hold."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from jitvm.cli.exits import Exit
from jitvm.cli.main import main
from jitvm.guests.uxn.varvara import session as session_module
from jitvm.guests.uxn.varvara.session import Session
from jitvm.platform.script import load_script, parse_script
from jitvm.platform.sessions import SessionError

_HEAD = {"session": 1, "jitvm": "0", "rom": "0", "args": [], "files": True, "sound": False}
_END = {"end": 1, "state": 0}


def _load(
    folder: Path, *, head: object = _HEAD, frame: object = None, end: object = _END
) -> Session:
    parts = [part for part in (head, frame, end) if part]
    lines = [part if isinstance(part, str) else json.dumps(part) for part in parts]
    data = "".join(f"{line}\n" for line in lines).encode()
    path = folder / "crafted.jsonl"
    path.write_bytes(data + b'{"check": %d}\n' % zlib.crc32(data))
    return Session.load(path)


def test_a_good_one_is_read(tmp_path: Path) -> None:
    assert _load(tmp_path, frame={"frame": 1, "events": ["press A"]}).length == 1


@pytest.mark.parametrize(
    "part",
    [
        {"head": "[" * 100_000},
        {"frame": "[" * 100_000},
        {"end": "[" * 100_000},
        {"head": {**_HEAD, "args": 1}},
        {"head": {**_HEAD, "args": [1]}},
        {"end": {"end": None, "state": 0}},
        {"end": [1]},
        {"frame": [1]},
        {"frame": {"frame": -1}},
        {"frame": {"frame": 1e300}},
        {"frame": {"frame": 1, "events": [1]}},
        {"frame": {"frame": 1, "events": 1}},
        {"frame": {"frame": 1, "clock": [[2024, 1, 29, 0, 0, 0, 0, 1, 0], 10**12]}},
        {"frame": {"frame": 1, "clock": [["a"] * 9]}},
        {"frame": {"frame": 1, "clock": [[1]]}},
        {"frame": {"frame": 1, "files": [[7, "read 1", 1, ""]]}},
        {"frame": {"frame": 1, "files": [[0, 1, 1, ""]]}},
        {"frame": {"frame": 1, "files": [[0, "read 1", 1 << 40, ""]]}},
        {"frame": {"frame": 1, "files": [1]}},
        {"frame": {"frame": 1, "picture": {}}},
    ],
    ids=lambda part: str(part)[:60],
)
def test_a_crafted_one_is_refused_in_one_line(tmp_path: Path, part: dict[str, object]) -> None:
    with pytest.raises(SessionError) as caught:
        _load(tmp_path, **part)
    assert "\n" not in str(caught.value)


def test_a_script_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "bom.txt"
    path.write_bytes(b"\xef\xbb\xbf1 key a\n")
    assert load_script(path) == parse_script("1 key a\n")


def test_a_file_without_an_end_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_SIZE", 1000)
    (tmp_path / "s").write_bytes(bytes(1001))
    for path in ("/dev/zero", str(tmp_path / "s")):
        with pytest.raises(SessionError, match=f"{path}: is longer than"):
            Session.load(path)


def test_an_error_does_not_repeat_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s"
    path.write_text(json.dumps({"session": "9" * 100_000}) + "\n")
    program = tmp_path / "a.rom"
    program.write_bytes(b"\0")
    assert main(["run", "--replay", str(path), str(program)]) == Exit.USAGE
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert len(error) < 6000
    assert "is a session of version 999" in error
    assert error.endswith("reads version 1\n")
