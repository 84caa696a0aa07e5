"""Plain values as text: None, bool, int, float, str, bytes, and tuples of these.

It is JSON. Bytes are in base64, in an object of their own; what is an array comes back as a tuple.
Nothing of it can be executed.
"""

from __future__ import annotations

import binascii
import json
from typing import TYPE_CHECKING, Any

from jitvm.platform.device import StateError

if TYPE_CHECKING:
    from jitvm.platform.device import Plain

_BYTES = "base64"


def dumped(value: Plain) -> bytes:
    """A value as text.

    Raises:
        StateError: it is not plain.
    """
    try:
        return json.dumps(value, default=_object, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise StateError(f"a device keeps what cannot be saved: {error}") from error


def parsed(text: bytes) -> Plain:
    """The value of a text.

    Raises:
        ValueError: it is none.
    """
    try:
        return _tuples(json.loads(text, object_hook=_value, parse_constant=_refuse))
    except RecursionError:
        raise ValueError("values are nested too deeply") from None


def _object(value: object) -> dict[str, str]:
    if isinstance(value, bytes | bytearray | memoryview):
        return {_BYTES: binascii.b2a_base64(value, newline=False).decode()}
    raise TypeError(f"a {type(value).__name__} is no plain value")


def _value(found: dict[str, Any]) -> Any:
    if list(found) == [_BYTES] and isinstance(found[_BYTES], str):
        return binascii.a2b_base64(found[_BYTES], strict_mode=True)
    return found


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
