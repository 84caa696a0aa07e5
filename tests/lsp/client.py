"""An editor, as the server sees one: messages through a pipe, in this process or to another.

with Editor(folder) as editor:
    editor.open("a.tal", "|0100 BRK")
    editor.diagnostics("a.tal")
    editor.ask("textDocument/hover", "a.tal", "BRK")
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from jitvm.guests.uxn.language import Uxntal
from jitvm.lsp import deferred
from tests.clock import HANGS


class Refused(Exception):
    """The server has answered with an error."""


class Wire:
    """Messages to and from a server; `incoming` is a queue, None at the end."""

    def __init__(self, to_server: IO[bytes], from_server: IO[bytes]) -> None:
        self._to, self._from = to_server, from_server
        self.incoming: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            length = 0
            while (line := self._from.readline()).strip():
                name, _, value = line.decode().partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            if not line:
                break
            self.incoming.put(json.loads(self._from.read(length)))
        self.incoming.put(None)

    def send(self, message: object) -> None:
        """Send a message."""
        self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, body: bytes, head: bytes | None = None) -> None:
        """Send anything with a head."""
        head = b"Content-Length: %d" % len(body) if head is None else head
        self._to.write(head + b"\r\n\r\n" + body)
        self._to.flush()

    def close(self) -> None:
        """Send no more, and see the end."""
        self._to.close()
        self._reader.join(HANGS)
        self._from.close()


class Editor:
    """An editor with a folder of sources."""

    def __init__(self, folder: Path, wire: Wire | None = None, **options: Any) -> None:
        self.folder = folder
        self.options = options
        self.texts: dict[str, str] = {}
        self.published: dict[str, list[Any]] = {}
        self.others: list[dict[str, Any]] = []
        self.good: bool | None = None
        self._number = 0
        self._versions = 0
        self._server: threading.Thread | None = None
        self.wire = wire or self._start()

    def _start(self) -> Wire:
        """Serve on a thread of this process, with the types that `jitvm lsp` has."""
        deferred.load()
        from jitvm.lsp.server import serve

        there, to_server = os.pipe()
        from_server, back = os.pipe()
        stdin, stdout = os.fdopen(there, "rb"), os.fdopen(back, "wb")

        def work() -> None:
            self.good = serve([Uxntal()], stdin, stdout)
            stdin.close()
            if not stdout.closed:
                stdout.close()

        self._server = threading.Thread(target=work, daemon=True)
        self._server.start()
        return Wire(os.fdopen(to_server, "wb"), os.fdopen(from_server, "rb"))

    def __enter__(self) -> Editor:
        self.capabilities = self.request(
            "initialize",
            {
                "processId": None,
                "capabilities": self.options.pop("capabilities", {}),
                "workspaceFolders": [{"uri": self.folder.as_uri(), "name": "it"}],
                "rootUri": None,
                "initializationOptions": self.options or None,
            },
        )["capabilities"]
        self.notify("initialized", {})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.request("shutdown", None)
            self.notify("exit", None)
        self.close()
        if kind is None:
            assert self.good is not False

    def close(self) -> None:
        """Go away."""
        self.wire.close()
        if self._server is not None:
            self._server.join(HANGS)
            assert not self._server.is_alive()

    # -- messages ----------------------------------------------------------------------------

    def notify(self, method: str, params: object) -> None:
        """Tell something."""
        self.wire.send({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, method: str, params: object) -> int:
        """Ask something; return its number."""
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self.wire.send(message)
        return self._number

    def request(self, method: str, params: object) -> Any:
        """Ask something and wait for the answer."""
        return self.answer(self.send(method, params))

    def answer(self, number: int | None) -> Any:
        """Wait for an answer.

        Raises:
            Refused: it is an error.
        """
        found = self.until(lambda message: "method" not in message and message["id"] == number)
        if "error" in found:
            raise Refused(found["error"]["code"], found["error"]["message"])
        return found["result"]

    def outcome(self, number: int) -> int:
        """Wait for an answer; the code of its error, 0 if it is none."""
        try:
            self.answer(number)
        except Refused as refused:
            code: int = refused.args[0]
            return code
        return 0

    def until(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Take messages until one is it; diagnostics are kept."""
        while True:
            message = self.wire.incoming.get(timeout=HANGS)
            assert message is not None, "the server has gone"
            if message.get("method") == "textDocument/publishDiagnostics":
                self.published[message["params"]["uri"]] = message["params"]["diagnostics"]
            elif not is_it(message):
                self.others.append(message)
            if is_it(message):
                return message

    # -- texts -------------------------------------------------------------------------------

    def uri(self, name: str) -> str:
        """The address of a file in the folder."""
        return (self.folder / name).as_uri()

    def open(self, name: str, text: str | None = None) -> None:
        """Open a file, with what is on disk or another text."""
        self.texts[name] = (self.folder / name).read_text() if text is None else text
        self._versions += 1
        document = {"uri": self.uri(name), "languageId": "uxntal", "version": self._versions}
        self.notify(
            "textDocument/didOpen", {"textDocument": {**document, "text": self.texts[name]}}
        )

    def change(self, name: str, text: str) -> None:
        """Type."""
        self.texts[name] = text
        self._versions += 1
        self.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": self.uri(name), "version": self._versions},
                "contentChanges": [{"text": text}],
            },
        )

    def close_file(self, name: str) -> None:
        """Close a file."""
        del self.texts[name]
        self.notify("textDocument/didClose", {"textDocument": {"uri": self.uri(name)}})

    def diagnostics(self, name: str) -> list[Any]:
        """Wait for those of the file's newest version."""
        version, uri = self._versions, self.uri(name)

        def is_it(message: dict[str, Any]) -> bool:
            params = message.get("params") or {}
            return (
                message.get("method") == "textDocument/publishDiagnostics"
                and params.get("uri") == uri
                and params.get("version") == version
            )

        found: list[Any] = self.until(is_it)["params"]["diagnostics"]
        return found

    # -- places ------------------------------------------------------------------------------

    def place(self, name: str, mark: str) -> dict[str, Any]:
        """Where a piece of text is; a `^` in it is the cursor, else it is at its beginning."""
        text = self.texts[name]
        at = text.index(mark.replace("^", "")) + max(0, mark.find("^"))
        line = text.count("\n", 0, at)
        column = text[text.rfind("\n", 0, at) + 1 : at]
        return {
            "textDocument": {"uri": self.uri(name)},
            "position": {"line": line, "character": len(column.encode("utf-16-le")) // 2},
        }

    def ask(self, method: str, name: str, mark: str = "", **more: Any) -> Any:
        """Ask about a place, or about a file."""
        where = self.place(name, mark) if mark else {"textDocument": {"uri": self.uri(name)}}
        return self.request(method, {**where, **more})

    def shown(self, locations: list[Any]) -> list[str]:
        """Locations as ``file:line:column text``."""
        found = []
        for location in locations:
            name = location["uri"].rpartition("/")[2]
            start, end = location["range"]["start"], location["range"]["end"]
            text = self.texts.get(name) or (self.folder / name).read_text()
            line = text.split("\n")[start["line"]]
            word = line[start["character"] : end["character"]]
            found.append(f"{name}:{start['line'] + 1}:{start['character'] + 1} {word}")
        return found
