"""Measures the language server: from the start of its process to the first diagnostics, and a
keystroke at a time.

    python -m bench.lsp [--lines 2000] [--keys 60]

The project is generated: a main source that includes a library of each tenth of its lines, with
declared stack effects everywhere, branches, loops, variables, comments. A second one has a main
source of all these lines, and includes two libraries more. A keystroke changes one character in the
middle of one file, in turns so that the program has an error and has none, and is over when the
diagnostics of that version arrive. What is told is the server's processor time, of
all its threads, and the least of it, which other work on the computer changes least; and the time
on the clock, which is what an editor sees. `parts` tells where it goes: imports, reading, rules.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FILES = 10
ROUTINE = """\
( reads {n} bytes )
@routine-{n} ( addr* count -- sum )
\tSTH #0000 ,&sum STR2
\t&loop ( addr* -- )
\t\tLDAk #{byte:02x} EQU ?{{ LDAk helper-{n} POP }}
\t\tLDAk #00 SWP ,&sum LDR2 ADD2 ,&sum STR2
\t\tINC2 LITr 01 SUBr STHkr ?&loop
\tPOPr POP2 ,&sum LDR2 ADD JMP2r
\t&sum $2

@helper-{n} ( a -- b )
\tDUP #40 GTH ?{{ INC JMP2r }}
\tPOP #{byte:02x} JMP2r

"""


def write_project(folder: Path, lines: int, files: int = FILES, own: float = 0) -> list[Path]:
    """Write a project of about so many lines; return its files, the main one first.

    Args:
        folder: for its files.
        lines: of all files.
        files: how many there are.
        own: the main file's share of the lines; 0 for the same as that of all others.
    """
    size = ROUTINE.count("\n")
    count = max(files, lines // size)
    folder.mkdir(exist_ok=True)
    main = folder / "main.tal"
    libraries = [folder / f"library{number}.tal" for number in range(files - 1)]
    head = "|10 @Console &vector $2 &read $5 &type $1 &write $1 &error $1\n\n|0100\n\n"
    calls = "\n".join(f"\t;data #04 routine-{n} POP" for n in range(count))
    includes = "\n".join(f"~{library.name}" for library in libraries)
    parts = [ROUTINE.format(n=n, byte=n % 256) for n in range(count)]
    first = round(own * count) or len(parts[::files])
    shares = [parts[:first], *(parts[first + at :: files - 1] for at in range(files - 1))]
    body = f"{head}@on-reset ( -> )\n{calls}\n\tBRK\n\n" + "".join(shares[0])
    main.write_text(f"{body}{includes}\n\n@data 01 02 03 04\n")
    for library, share in zip(libraries, shares[1:], strict=True):
        library.write_text("".join(share))
    return [main, *libraries]


class Server:
    """A server's process, with messages through its pipes."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "jitvm", "lsp"]
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self._folder = folder
        self._send("initialize", {
            "processId": None, "rootUri": folder.as_uri(), "capabilities": {},
        }, 1)  # fmt: skip
        self._send("initialized", {})

    def processor(self) -> float:
        """Seconds of processor time so far, of all threads."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def open(self, file: Path) -> None:
        """Open a file."""
        self._send("textDocument/didOpen", {"textDocument": {
            "uri": file.as_uri(), "languageId": "uxntal", "version": 0, "text": file.read_text(),
        }})  # fmt: skip

    def change(self, file: Path, text: str, version: int) -> None:
        """Change a file."""
        self._send("textDocument/didChange", {
            "textDocument": {"uri": file.as_uri(), "version": version},
            "contentChanges": [{"text": text}],
        })  # fmt: skip

    def told(self, file: Path, version: int) -> list[Any]:
        """Wait for the diagnostics of a version."""
        while True:
            message = self._receive()
            params = message.get("params") or {}
            if params.get("uri") == file.as_uri() and params.get("version") == version:
                found: list[Any] = params["diagnostics"]
                return found

    def close(self) -> None:
        """End it."""
        self._send("shutdown", None, 2)
        self._send("exit", None)
        self._process.wait(30)

    def _send(self, method: str, params: object, number: int | None = None) -> None:
        message: dict[str, object] = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while (line := self._process.stdout.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            raise SystemExit("the server has gone")
        found: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return found


def first(files: list[Path]) -> tuple[float, float, Server]:
    """Processor time and time until the first diagnostics; the server that gave them."""
    server = Server(files[0].parent)
    server.open(files[0])
    found = server.told(files[0], 0)
    if found:
        raise SystemExit(f"the project has findings: {found[:2]}")
    return server.processor(), time.perf_counter() - server.began, server


def keystrokes(server: Server, file: Path, count: int) -> list[tuple[float, float]]:
    """Processor time and time of each keystroke, from the change to its diagnostics."""
    server.open(file)
    server.told(file, 0)
    text = file.read_text()
    at = text.index("INC2", len(text) // 2)
    taken = []
    for version in range(1, count + 1):
        changed = text if version % 2 == 0 else f"{text[:at]}x{text[at:]}"
        before, began = server.processor(), time.perf_counter()
        server.change(file, changed, version)
        server.told(file, version)
        taken.append((server.processor() - before, time.perf_counter() - began))
    return taken


PARTS = """
import sys, time
began = time.process_time()
import jitvm.cli.main
from jitvm.guests.uxn.language import Uxntal
own = time.process_time()
from jitvm.lsp import deferred
deferred.load()
types = time.process_time()
import jitvm.lsp.server
imported = time.process_time()
analysis = Uxntal().read(sys.argv[1], texts={}, folder=".")
read = time.process_time()
analysis.findings()
found = time.process_time()
print(own - began, types - own, imported - types, read - imported, found - read)
"""


def parts(file: Path) -> list[float]:
    """Processor time of imports of jitvm, of lsprotocol, of pygls, of reading, of the rules."""
    command = [sys.executable, "-c", PARTS, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--lines", type=int, default=2000)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = write_project(Path(name), arguments.lines)
        count = sum(file.read_text().count("\n") for file in files)
        large = write_project(Path(name) / "large", 12 * arguments.lines // 10, 3, 10 / 12)
        starts, keys, larger = [], [], []
        for number in range(arguments.rounds):
            processor, elapsed, server = first(files)
            starts.append((processor, elapsed))
            keys += keystrokes(server, files[1 + number % (FILES - 1)], arguments.keys)
            server.close()
            server = first(large)[2]
            larger += keystrokes(server, large[0], arguments.keys)
            server.close()
        large_lines = large[0].read_text().count("\n")
        where = [parts(files[0]) for _ in range(arguments.rounds)]
    print(f"{count} lines in {len(files)} files; medians, milliseconds")
    lines = f"in {large_lines} lines"
    told = (("first diagnostics", starts), ("keystroke", keys), (f"  {lines}", larger))
    for name, rows in told:
        processor, elapsed = _medians(rows)
        least = 1000 * min(row[0] for row in rows)
        print(f"{name:18} processor {processor:6.1f}, least {least:6.1f}   clock {elapsed:6.1f}")
    names = ("jitvm", "lsprotocol", "pygls and server", "reading", "rules")
    for name, taken in zip(names, _medians(where), strict=True):
        print(f"  {name:28} {taken:6.1f}")


def _medians(rows: list[Any]) -> list[float]:
    return [1000 * statistics.median(column) for column in zip(*rows, strict=True)]


if __name__ == "__main__":
    main()
