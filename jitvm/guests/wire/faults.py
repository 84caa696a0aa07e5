"""What can be wrong with a message: one row a fault, whoever finds it.

Decoders tell a fault as numbers, ``(row, offset, fault, column)``: the message, counted from the
first of the batch; the byte in it; the row of this table; and the `Column.index` of the field, or
of the message around it where the field has no column.

That a value is of another wire type than its field is no fault but an unknown field, as Protobuf
has it.
"""

from __future__ import annotations

from enum import IntEnum

from jitvm.engine.tables.names import shown


class MessagesError(ValueError):
    """Messages that cannot be taken as they are; the message says why and what to do."""


class SchemaError(ValueError):
    """A schema that cannot be had; the message says which, why and what to do, in one line."""

    def __init__(self, text: str) -> None:
        super().__init__(shown(text))


class StreamError(ValueError):
    """A stream that cannot be opened or read; the message says which, why and what to do."""


class TableError(ValueError):
    """Columns that no messages can be made of; the message says which, why and what to do."""


class WhereError(ValueError):
    """A condition that cannot be tested; the message says what of it, why and what to do."""


class Fault(IntEnum):
    """What is wrong with a message."""

    TRUNCATED = 1
    VARINT = 2
    NUMBER = 3
    WIRE_TYPE = 4
    LENGTH = 5
    GROUP = 6
    DEPTH = 7
    UTF8 = 8
    FRAME = 9
    SIZE = 10
    NULL = 11
    COUNT = 12
    BRANCH = 13
    SYMBOL = 14
    RANGE = 15
    FLAG = 16
    CONSTANT = 17
    REST = 18
    LOST = 19
    TAG = 20
    FORM = 21
    CONTENT = 22
    KIND = 23


ABOUT = {
    Fault.TRUNCATED: "the message ends in the middle of a value",
    Fault.VARINT: "a varint is longer than it may be: ten bytes, five for tags and lengths",
    Fault.NUMBER: "a tag has a field number that does not exist (0, or more than 2**29 - 1)",
    Fault.WIRE_TYPE: "a tag has the wire type 6 or 7, which do not exist",
    Fault.LENGTH: "a length reaches past the end of the message around it",
    Fault.GROUP: "a group ends that did not begin, or does not end",
    Fault.DEPTH: "messages are nested too deep",
    Fault.UTF8: "a string is not valid UTF-8",
    Fault.FRAME: "what frames the message is wrong, so nothing behind it can be read either",
    Fault.SIZE: "the message is larger than it may be: 2 GiB, as in Protobuf",
    Fault.NULL: "the message is null",
    Fault.COUNT: "a list has more elements than there are bytes left",
    Fault.BRANCH: "a union has no such branch",
    Fault.SYMBOL: "the enum has no such symbol",
    Fault.RANGE: "the number does not fit the type of the field",
    Fault.FLAG: "a boolean is neither 0 nor 1",
    Fault.CONSTANT: "bytes that are always the same are others",
    Fault.REST: "bytes are left behind the value",
    Fault.LOST: "the record is in a block behind one that cannot be read, and nobody knows where",
    Fault.TAG: "another tag is expected here",
    Fault.FORM: "a length is not written as DER has it: in as few bytes as can be, up to five",
    Fault.CONTENT: "the bytes are no value of the type",
    Fault.KIND: "a value of another type is expected here",
}
"""One line about each."""
ERRORS = ("raise", "null", "skip")
"""What becomes of messages that cannot be read."""
FRAMINGS = ("none", "varint", "confluent")
"""What is in front of each message: nothing, its length, Confluent's header."""
MAX_DEPTH = 100
"""Messages and groups that may be in each other, unknown groups included; as in Protobuf's own
libraries."""


class Misfit(IntEnum):
    """What is wrong with a value that a message is to have."""

    REQUIRED = 1
    ELEMENT = 2
    RANGE = 3
    UTF8 = 4
    NAME = 5
    NUMBER = 6
    ONEOF = 7
    SIZE = 8
    TYPE = 9


ABOUT_MISFITS = {
    Misfit.REQUIRED: "the field is required, and its value is null",
    Misfit.ELEMENT: "a null in a list or map, which have none in Protobuf",
    Misfit.RANGE: "the number does not fit the type of the field",
    Misfit.UTF8: "the string is not valid UTF-8",
    Misfit.NAME: "the enum, or oneof, has no such name",
    Misfit.NUMBER: "the enum is closed, and has no such number",
    Misfit.ONEOF: "of a oneof at most one member is set, and it is the one that is named",
    Misfit.SIZE: "the message would be larger than it may be: 2 GiB, as in Protobuf",
    Misfit.TYPE: "the value is of another type than the field",
}
"""One line about each."""
