"""What people import as `jitvm.wire.der`: ASN.1 types declared in Python, and readers of DER.

from jitvm.wire import der

Reading = der.sequence(sensor=der.oid(), at=der.time(), value=der.integer().optional())
table = der.reader(Reading).read(values)      a list of bytes, an Arrow array, a file of values
"""

from __future__ import annotations

from jitvm.guests.wire.der.reading import DerReader
from jitvm.guests.wire.der.types import (
    Type,
    any,
    bits,
    boolean,
    choice,
    enumerated,
    integer,
    null,
    number,
    octets,
    oid,
    sequence,
    sequence_of,
    set,
    set_of,
    text,
    time,
)
from jitvm.guests.wire.faults import MessagesError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DerReader",
    "Type",
    "any",
    "bits",
    "boolean",
    "choice",
    "enumerated",
    "from_pem",
    "integer",
    "null",
    "number",
    "octets",
    "oid",
    "reader",
    "sequence",
    "sequence_of",
    "set",
    "set_of",
    "text",
    "time",
]


def reader(
    type: Type,
    *,
    fields: Sequence[str] | None = None,
    where: str | None = None,
    errors: str = "raise",
    ber: bool = False,
) -> DerReader:
    """A reader of values of one type; it may be kept, pickled, and used on several threads.

    Args:
        type: what the values are.
        fields: paths of the columns to make, as ``["tbs.serial"]``; None for all. What is not
            asked for is passed over without being looked into.
        where: a condition on fields outside of lists, as ``"tbs.version == 2"``: only rows for
            which it is true are kept.
        errors: what becomes of values that cannot be decoded: ``"raise"``; ``"skip"``, which
            leaves them out; ``"null"``, which has a row of nulls for each. What was left out or is
            null is in `Table.errors`.
        ber: whether values may be written in any way that BER has: lengths in more bytes than they
            need, or none at all, strings made of parts. They are written anew first, in Python,
            and bytes in errors are counted in what that gives; files are read whole.

    Raises:
        SchemaError: types are nested more than a hundred deep.
        ColumnError: `fields` names what is not there, or there are too many columns.
        WhereError: the condition cannot be tested.
    """
    return DerReader(type, fields=fields, where=where, errors=errors, ber=ber)


def from_pem(data: bytes | str, label: str = "CERTIFICATE") -> list[bytes]:
    """The values in a file of PEM, as bundles of certificates are.

    Args:
        data: what is in the file.
        label: of the values to take: what stands behind ``BEGIN``.

    Raises:
        MessagesError: one of them does not end, or is not written in base 64.
    """
    from binascii import Error, a2b_base64

    text = data if isinstance(data, str) else data.decode("latin-1")
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    found: list[bytes] = []
    for piece in text.split(begin)[1:]:
        body, mark, _ = piece.partition(end)
        if not mark:
            raise MessagesError(f"{label} {len(found)} does not end: {end} is missing")
        try:
            found.append(a2b_base64("".join(body.split()), strict_mode=True))
        except (Error, ValueError) as error:
            raise MessagesError(f"{label} {len(found)} is not in base 64: {error}") from None
    return found
