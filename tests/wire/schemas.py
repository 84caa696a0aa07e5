"""The schemas of these tests: compiled once, as messages of ours and as classes of Protobuf's."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from jitvm.guests.wire.protobuf.descriptors import Pool, files_of
from jitvm.guests.wire.protobuf.sources import compiled
from jitvm.guests.wire.schema import Message

PROTOS = Path(__file__).parent / "protos"
FILES = ("kinds", "old", "edition")
MESSAGES = (
    "kinds.Scalars", "kinds.Optional", "kinds.Repeated", "kinds.Nested", "kinds.Choice",
    "kinds.Maps", "kinds.Recursive", "kinds.Known", "old.Old", "edition.Edition",
)  # fmt: skip
"""What messages are made of in tests: all kinds of fields, in all forms."""


@cache
def described(name: str) -> bytes:
    """The FileDescriptorSet of one of `FILES`."""
    return compiled(PROTOS / f"{name}.proto")


@cache
def pool() -> Pool:
    """Our pool of all files, with extensions."""
    return Pool([file for name in FILES for file in files_of(described(name))], extensions=True)


@cache
def message(full_name: str) -> Message:
    """A message of ours."""
    return pool().message(full_name)


@cache
def _classes() -> Any:
    found = descriptor_pool.DescriptorPool()
    seen = set()
    for name in FILES:
        for file in descriptor_pb2.FileDescriptorSet.FromString(described(name)).file:
            if file.name not in seen:
                found.Add(file)
                seen.add(file.name)
    return found


@cache
def generated(full_name: str) -> Any:
    """Protobuf's class of a message."""
    return message_factory.GetMessageClass(_classes().FindMessageTypeByName(full_name))


def extensions(full_name: str) -> list[Any]:
    """Protobuf's descriptors of a message's extensions."""
    classes = _classes()
    return list(classes.FindAllExtensions(classes.FindMessageTypeByName(full_name)))
