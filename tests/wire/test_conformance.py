"""What the conformance suite is answered with says all that was in the columns."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from jitvm import wire
from tests.wire.conformance import Subject, fill
from tests.wire.oracle import messages
from tests.wire.schemas import MESSAGES, described, generated, message


@pytest.mark.parametrize("name", MESSAGES)
def test_rows_are_the_message_again(name: str) -> None:
    given = messages(name, message(name), 20, seed=5)
    reader = wire.reader(generated(name), depth=1, extensions=True, unknown=True, wrappers=False)
    for data, row in zip(given, reader.read(given).to_pylist(), strict=True):
        made = generated(name)()
        fill(made, row)
        assert made == generated(name).FromString(data)


class Asked:
    """A request as the runner makes them."""

    def __init__(self, message_type: str, payload: bytes) -> None:
        self.message_type = message_type
        self.protobuf_payload = payload
        self.requested_output_format = 1

    def WhichOneof(self, _: str) -> str:
        return "protobuf_payload"


class Answer:
    """A response without a value."""

    parse_error: str | None = None
    runtime_error: str | None = None
    protobuf_payload: bytes | None = None


@pytest.mark.parametrize("data", [b"\x08\xff", b"\x07", b"\x0a\x05abc"])
def test_what_cannot_be_parsed_is_answered_so(data: bytes) -> None:
    files = descriptor_pb2.FileDescriptorSet.FromString(described("kinds"))
    answer: Any = Answer()
    Subject(files).answer(Asked("kinds.Leaf", data), answer)
    assert answer.parse_error
    assert answer.runtime_error is answer.protobuf_payload is None
