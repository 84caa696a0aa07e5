"""What is kept of messages, as Protobuf's own package has it: the judge of projections."""

from __future__ import annotations

from random import Random
from typing import Any

from jitvm.guests.wire.project.selection import Fate, Part
from jitvm.guests.wire.schema import Field, Kind, Message
from tests.wire.schemas import extensions


def prune(made: Any, part: Part) -> None:
    """Clear what is not kept in one of Protobuf's messages."""
    known = {f"[{each.full_name}]": each for each in extensions(made.DESCRIPTOR.full_name)}
    for field in part.message.fields:
        fate = part.fates[field.number]
        extension = known.get(field.name)
        if extension is not None:
            if fate is Fate.DROP:
                made.ClearExtension(extension)
            elif fate is Fate.ENTER and made.HasExtension(extension):  # a single message
                prune(made.Extensions[extension], part.inner(field))
            continue
        name = field.name.lower() if field.kind is Kind.GROUP else field.name
        name = name if hasattr(made, name) else field.name
        if fate is Fate.DROP or (fate is Fate.ENTER and not part.inner(field).is_written):
            made.ClearField(name)
        elif fate is Fate.ENTER:
            _entered(made, name, field, part.inner(field))


def _entered(made: Any, name: str, field: Field, part: Part) -> None:
    inner = getattr(made, name)
    if field.is_map:
        value = part.by_number[2]
        fate = part.fates[2]
        for key in list(inner):
            if value.message is not None and fate is Fate.ENTER:
                prune(inner[key], part.inner(value))
            elif value.message is not None and fate is Fate.DROP:
                inner[key].Clear()
            elif fate is Fate.DROP:
                inner[key] = type(inner[key])()
    elif field.is_repeated:
        for each in inner:
            prune(each, part)
    elif made.HasField(name):
        prune(inner, part)


def some_paths(message: Message, random: Random, share: float = 0.3, depth: int = 3) -> list[str]:
    """Paths at random; of required fields and keys none."""
    found = []
    for field in message.fields:
        if field.is_required or (message.is_map_entry and field.number == 1):
            continue
        if random.random() < share:
            found.append(field.name)
        elif depth and field.message is not None and random.random() < 0.7:
            inner = some_paths(field.message, random, share, depth - 1)
            found += [f"{field.name}.{each}" for each in inner]
    return found
