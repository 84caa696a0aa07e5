"""Messages as they come: what becomes of bad ones.

A message that is no message is answered by an error and forgotten: text that is not JSON, a request
that misses what it needs or comes too early, a length that nobody would send.
"""

from __future__ import annotations

import io
import os
import re
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import FeatureRequestError, JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from jitvm.engine.host.signals import ENDING

MOST_BYTES = 64 << 20
"""Bytes of the longest message that is read; a longer one is skipped."""
_LONGEST_LINE = 1 << 16
_LENGTH = re.compile(rb"Content-Length:[ \t]*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_NOT_INITIALIZED = -32002


class Heads(io.RawIOBase):
    """A stream of messages in which a bad head costs no more than its own message.

    Where a head has no length that makes sense, what follows is looked through for the next one.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readline(self, size: int | None = -1, /) -> bytes:
        """A line of a head, as pygls wants it: blank, with a length, or with anything else."""
        del size
        line = self._stream.readline(_LONGEST_LINE)
        found = _LENGTH.search(line)
        if found is not None and int(found[1]) <= MOST_BYTES:
            return b"Content-Length: %d\r\n" % int(found[1])
        return line if not line.strip() else b"Other: head\r\n"

    def read(self, size: int = -1, /) -> bytes:
        """A message."""
        return self._stream.read(size)


class Protocol(LanguageServerProtocol):
    """pygls's protocol, which answers bad requests as well."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Make a message of what was read.

        Raises:
            JsonRpcException: it is none; if it is a request, it was answered.
        """
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._refuse(data["id"], error.to_response_error())
                error.args = ("answered",)
            raise

    def handle_message(self, message: Any) -> None:
        """Handle a message, or say why it is not handled."""
        number, method = getattr(message, "id", None), getattr(message, "method", None)
        if number is not None and method is not None:
            if self._shutdown:
                self._refuse(number, lsp.ResponseError(_INVALID_REQUEST, "the server is shut down"))
                return
            if self._workspace is None and method != lsp.INITIALIZE:
                self._refuse(number, lsp.ResponseError(_NOT_INITIALIZED, "initialize comes first"))
                return
            if self._workspace is not None and method == lsp.INITIALIZE:
                self._refuse(number, lsp.ResponseError(_INVALID_REQUEST, "it is initialized"))
                return
        super().handle_message(message)

    def refuse_unknown(self, code: int, message: str) -> None:
        """Answer what has no number, or one that cannot be read."""
        error = {"code": code, "message": message}
        self._send_data({"jsonrpc": self.VERSION, "id": None, "error": error})

    def _refuse(self, number: Any, error: lsp.ResponseError) -> None:
        self._send_response(number, None, error)


class Server(LanguageServer):
    """pygls's server, which tells of errors without opening windows in the editor."""

    protocol: Protocol

    def shutdown(self) -> None:
        """End; at once after a signal, as the thread that waits for messages cannot be told."""
        if ENDING.number:
            os._exit(128 + ENDING.number)
        super().shutdown()  # type: ignore[no-untyped-call]

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Answer what is no message; log the rest."""
        if source is JsonRpcException and error.args != ("answered",):
            is_text = isinstance(error, (ValueError, RecursionError))
            code = _PARSE_ERROR if is_text else _INVALID_REQUEST
            self.protocol.refuse_unknown(code, f"this is no message: {type(error).__name__}")
        elif source is not FeatureRequestError and error.args != ("answered",):
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, str(error)))
