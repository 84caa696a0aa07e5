"""Sessions with editors: on standard input and output, or on a port of this computer.

The port is that of the loopback interface: nobody from outside can have programs run here.
"""

from __future__ import annotations

import socket
import sys
from threading import Thread
from typing import TYPE_CHECKING

from jitvm.debugger.dap.adapter import Adapter
from jitvm.debugger.dap.messages import FramingError, RequestError, Writer, read_message

if TYPE_CHECKING:
    from typing import BinaryIO

ADDRESS = "127.0.0.1"


def serve(source: BinaryIO, target: BinaryIO) -> int:
    """Have one session; what the command ends with."""
    writer = Writer(target)
    adapter = Adapter(writer)
    failed: list[str] = []

    def read() -> None:
        try:
            while not adapter.is_over:
                try:
                    message = read_message(source)
                except RequestError as error:
                    writer.event("output", category="stderr", output=f"{error}\n")
                    continue
                adapter.take(message)
                if message is None or message.get("command") == "disconnect":
                    return  # Python must not end while a thread waits for its standard input
        except FramingError as error:
            failed.append(str(error))
            adapter.take(None)
        except (OSError, ValueError):  # closed under it
            adapter.take(None)

    Thread(target=read, name="jitvm-dap", daemon=True).start()
    adapter.work()
    if failed:
        print(f"jitvm: error: {failed[0]}", file=sys.stderr)
        return 1
    return 0


def listen(port: int) -> int:
    """Have sessions, one after the other, until the command is ended.

    Raises:
        OSError: the port is taken, or cannot be had.
    """
    with socket.create_server((ADDRESS, port)) as server:
        print(f"listening on {ADDRESS}:{server.getsockname()[1]}", file=sys.stderr, flush=True)
        while True:
            connection, _ = server.accept()
            source, target = connection.makefile("rb"), connection.makefile("wb")
            with connection, source, target:
                serve(source, target)
