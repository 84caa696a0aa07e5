"""An editor, as far as the Debug Adapter Protocol sees it: a scripted client."""

from __future__ import annotations

import json
import socket
from threading import Thread
from typing import Any

from jitvm.debugger.dap.messages import read_message
from jitvm.debugger.dap.server import serve
from tests.clock import HANGS

Json = dict[str, Any]


class Editor:
    """One session with an adapter on another thread.

    Attributes:
        told: events that nobody has waited for.
        code: what the session has ended with.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(HANGS)
        self._ours = ours
        self._source, self._target = ours.makefile("rb"), ours.makefile("wb")
        self._number = 0
        self.told: list[Json] = []
        self.code: int | None = None

        def work() -> None:
            with theirs, theirs.makefile("rb") as source, theirs.makefile("wb") as target:
                self.code = serve(source, target)

        self._thread = Thread(target=work, daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self._target.write(data)
        self._target.flush()

    def post(self, command: str, **arguments: object) -> int:
        """A request, whose answer is not waited for; its number."""
        self._number += 1
        message = {
            "seq": self._number, "type": "request", "command": command, "arguments": arguments,
        }  # fmt: skip
        data = json.dumps(message).encode()
        self.send(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        return self._number

    def read(self) -> Json:
        """The next message."""
        message = read_message(self._source)
        assert message is not None
        return message

    def answer(self, number: int) -> Json:
        """The answer to a request."""
        while (message := self.read())["type"] != "response":
            self.told.append(message)
        assert message["request_seq"] == number
        return message

    def ask(self, command: str, **arguments: object) -> Json:
        """What a request gives, which succeeds."""
        reply = self.answer(self.post(command, **arguments))
        assert reply["success"], reply
        body: Json = reply.get("body", {})
        return body

    def refused(self, command: str, **arguments: object) -> str:
        """Why a request is refused."""
        reply = self.answer(self.post(command, **arguments))
        assert not reply["success"], reply
        return str(reply["message"])

    def event(self, name: str) -> Json:
        """The next event of a name."""
        while True:
            for told in self.told:
                if told["event"] == name:
                    self.told.remove(told)
                    body: Json = told.get("body", {})
                    return body
            message = self.read()
            assert message["type"] == "event", message
            self.told.append(message)

    def launch(self, program: str, **arguments: object) -> None:
        """Begin a session that stops on entry."""
        self.ask("initialize", adapterID="jitvm")
        self.ask("launch", program=program, stopOnEntry=True, **arguments)
        self.event("initialized")
        self.ask("configurationDone")
        assert self.event("stopped")["reason"] == "entry"

    def move(self, command: str, **arguments: object) -> Json:
        """Have the program move; why it stopped."""
        self.ask(command, threadId=1, **arguments)
        return self.event("stopped")

    def line(self) -> int:
        """Of the innermost frame."""
        return int(self.ask("stackTrace", threadId=1)["stackFrames"][0]["line"])

    def end(self) -> int | None:
        """Disconnect; what the session has ended with."""
        self.post("disconnect")
        return self.close()

    def close(self) -> int | None:
        """No more requests; what the session has ended with."""
        self._ours.shutdown(socket.SHUT_WR)
        self._thread.join(HANGS)
        for each in (self._source, self._target, self._ours):
            each.close()
        return self.code
