"""Protobuf's own conformance suite, its half that decodes, judged by its own runner.

    python -m tests.wire.conformance RUNNER INCLUDE [--rows N] [--depth N]

RUNNER is the program `conformance_test_runner` and INCLUDE the folder with its ``.proto`` files, as
Protobuf's sources build them and as packages of it ship them; neither is part of this project. The
runner starts this file as the program under test and asks it to read messages:

    request ──> payload, N times in a batch ──> reader.read ──> rows, which must be equal
            <── what Protobuf's package writes of a message that has the values of the row

So a value that is lost or changed on the way to the columns is a failed case, as is a message that
is taken and must not be. What the suite asks of JSON and text is skipped, both as input; what has a
message as input may have JSON as output. The exit status is that of the runner.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from jitvm import wire
from jitvm.guests.wire.protobuf.sources import compiled

SOURCES = (
    "conformance/conformance.proto",
    "google/protobuf/test_messages_proto3.proto",
    "google/protobuf/test_messages_proto2.proto",
    "google/protobuf/test_messages_proto3_editions.proto",
    "google/protobuf/test_messages_proto2_editions.proto",
    "google/protobuf/test_messages_edition2023.proto",
)
"""What the suite asks in, and the messages it asks about."""
PROTOBUF, JSON = 1, 2
"""Formats of an answer."""
UNKNOWN = "_unknown"


class Subject:
    """Answers what the runner asks."""

    def __init__(
        self, described: descriptor_pb2.FileDescriptorSet, rows: int = 3, depth: int = 1
    ) -> None:
        pool = descriptor_pool.DescriptorPool()
        for file in described.file:
            pool.Add(file)
        self._pool = pool
        self._schema = described.SerializeToString()
        self._rows = rows
        self._depth = depth
        self._readers: dict[str, wire.Reader] = {}

    def class_of(self, name: str) -> Any:
        """A message class of Protobuf's package."""
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(name))

    def answer(self, asked: Any, answer: Any) -> None:
        """Fill in the response to a request."""
        if asked.message_type == "conformance.FailureSet":
            answer.protobuf_payload = b""
            return
        if asked.WhichOneof("payload") != "protobuf_payload":
            answer.skipped = "only messages are read"
            return
        if asked.requested_output_format not in (PROTOBUF, JSON):
            answer.skipped = "not written"
            return
        try:
            made = self._read(asked.message_type, asked.protobuf_payload)
        except wire.DecodeError as error:
            answer.parse_error = str(error)
            return
        except Exception as error:
            answer.runtime_error = f"{type(error).__name__}: {error}"
            return
        try:
            if asked.requested_output_format == PROTOBUF:
                answer.protobuf_payload = made.SerializeToString()
            else:
                answer.json_payload = json_format.MessageToJson(made, descriptor_pool=self._pool)
        except (ValueError, TypeError, json_format.SerializeToJsonError) as error:
            answer.serialize_error = str(error)

    def _read(self, name: str, payload: bytes) -> Any:
        if name not in self._readers:
            self._readers[name] = wire.reader(
                self._schema, name, depth=self._depth, extensions=True, unknown=True, wrappers=False
            )
        rows = self._readers[name].read([payload] * self._rows).to_pylist()
        if any(repr(row) != repr(rows[0]) for row in rows):
            raise ValueError("equal messages gave different rows")
        made = self.class_of(name)()
        fill(made, rows[0])
        return made


def fill(made: Any, row: dict[str, Any]) -> None:
    """Give a message of Protobuf's package the values of a row."""
    fields = {field.name: field for field in made.DESCRIPTOR.fields}
    pool = made.DESCRIPTOR.file.pool
    for each in pool.FindAllExtensions(made.DESCRIPTOR):
        fields[f"[{each.full_name}]"] = each
    members = {oneof.name for oneof in made.DESCRIPTOR.oneofs}
    for name, value in row.items():
        if name == UNKNOWN:
            made.MergeFromString(value)
        elif value is not None and name not in members:
            _set(made, fields[name], value)


def _set(made: Any, field: Any, value: Any) -> None:
    target = made.Extensions if field.is_extension else None
    if field.is_repeated:
        if not value:
            return
        items = target[field] if target is not None else getattr(made, field.name)
        if field.message_type is None:
            items.extend(value)
        elif field.message_type.GetOptions().map_entry:
            _set_map(items, field.message_type.fields_by_name["value"], value)
        else:
            for each in value:
                _set_message(items.add(), each)
    elif field.message_type is not None:
        inner = target[field] if target is not None else getattr(made, field.name)
        inner.SetInParent()
        _set_message(inner, value)
    elif target is not None:
        target[field] = value
    elif field.has_presence or value:
        setattr(made, field.name, value)
    elif field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        setattr(made, field.name, value)  # minus zero is not the default


def _set_map(items: Any, inner: Any, value: dict[Any, Any]) -> None:
    for key, each in value.items():
        if inner.message_type is None:
            items[key] = each
        else:
            _set_message(items[key], each)


def _set_message(made: Any, value: Any) -> None:
    """From a row, or from the bytes of what is nested too deep to have columns."""
    if isinstance(value, bytes):
        made.MergeFromString(value)
    else:
        fill(made, value)


def described(include: Path) -> descriptor_pb2.FileDescriptorSet:
    """All messages of the suite."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for source in SOURCES:
        found = descriptor_pb2.FileDescriptorSet.FromString(compiled(include / source, [include]))
        for file in found.file:
            files.setdefault(file.name, file)
    return descriptor_pb2.FileDescriptorSet(file=files.values())


def serve(subject: Subject) -> None:
    """Answer until the runner has no more to ask: each message behind its length in 4 bytes."""
    request = subject.class_of("conformance.ConformanceRequest")
    response = subject.class_of("conformance.ConformanceResponse")
    asked, told = sys.stdin.buffer, sys.stdout.buffer
    while head := asked.read(4):
        answer = response()
        try:
            subject.answer(request.FromString(asked.read(int.from_bytes(head, "little"))), answer)
        except DecodeError as error:
            answer.runtime_error = str(error)
        data = answer.SerializeToString()
        told.write(len(data).to_bytes(4, "little") + data)
        told.flush()


def main() -> int:
    """Start the runner, or be what it starts."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.wire.conformance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runner", help="the program conformance_test_runner")
    parser.add_argument("include", type=Path, help="the folder of its .proto files")
    parser.add_argument("--rows", type=int, default=3, help="how often each is read in a batch")
    parser.add_argument(
        "--depth", type=int, default=1, help="how often types nest in themselves as columns"
    )
    parser.add_argument("--testee", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.testee:
        serve(Subject(described(arguments.include), arguments.rows, arguments.depth))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "testee"
        script.write_text(
            f"#!/bin/sh\nexec '{sys.executable}' -m tests.wire.conformance --testee "
            f"--rows {arguments.rows} --depth {arguments.depth} "
            f"'{arguments.runner}' '{arguments.include}'\n"
        )
        script.chmod(0o700)
        command = [arguments.runner, "--enforce_recommended", str(script)]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
