"""The formats besides Protobuf: where each is, and how files of it are told.

`jitvm.wire` has an attribute of each name; `jitvm wire` reads files whose names end so. The face of
a format with files has what makes readers for the command line:

    of_file(path, schema, fields=, where=, errors=)     of a file, by the schema that somebody names
    of_schema(path)                                     of a schema, or of a file that has one

The page docs/add-a-format.md tells how to add another.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any


class Format:
    """A format.

    Attributes:
        name: of it in `jitvm.wire`.
        module: its face.
        suffixes: ends of the names of its files; none where they have no such.
        schemas: ends of the names of files with its schemas.
    """

    __slots__ = ("module", "name", "schemas", "suffixes")

    def __init__(
        self, name: str, folder: str, suffixes: tuple[str, ...] = (), schemas: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.module = f"jitvm.guests.wire.{folder}.face"
        self.suffixes = suffixes
        self.schemas = schemas

    @property
    def face(self) -> Any:
        """The module that people have as `jitvm.wire.NAME`."""
        from importlib import import_module

        return import_module(self.module)


FORMATS = {
    each.name: each
    for each in (
        Format("avro", "avro", (".avro",), (".avsc",)),
        Format("der", "der"),
        Format("msgpack", "messagepack", (".msgpack", ".mpk"), (".json",)),
    )
}
"""All of them, by their names."""


def format_of(path: str, *, schemas: bool = False) -> Format | None:
    """The format of a file, compressed or not, or None; that of one with a schema as well, if
    asked."""
    for end in (".gz", ".zst"):
        path = path.removesuffix(end)
    for each in FORMATS.values():
        if path.endswith((*each.suffixes, *(each.schemas if schemas else ()))):
            return each
    return None
