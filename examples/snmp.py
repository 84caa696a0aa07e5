"""SNMP messages as a table: what was asked of which device, and what it said.

python examples/snmp.py
"""

from __future__ import annotations

from jitvm.wire import der

# RFC 3416; messages of version 2c.
VALUE = der.choice(
    integer=der.integer(),
    text=der.octets(),
    nothing=der.null(),
    id=der.oid(),
    address=der.octets().implicit(0, "application"),
    counter=der.integer().implicit(1, "application"),
    gauge=der.integer().implicit(2, "application"),
    ticks=der.integer().implicit(3, "application"),
    counter64=der.integer(unsigned=True).implicit(6, "application"),
    no_such_object=der.null().implicit(0),
    no_such_instance=der.null().implicit(1),
    end_of_view=der.null().implicit(2),
)
PDU = der.sequence(
    request=der.integer(),
    error=der.integer(),
    index=der.integer(),
    bindings=der.sequence_of(der.sequence(name=der.oid(), value=VALUE)),
)
MESSAGE = der.sequence(
    version=der.integer(),
    community=der.octets(),
    data=der.choice(
        get=PDU.implicit(0), get_next=PDU.implicit(1), response=PDU.implicit(2),
        set=PDU.implicit(3), get_bulk=PDU.implicit(5), inform=PDU.implicit(6),
        trap=PDU.implicit(7),
    ),
)  # fmt: skip
IN_OCTETS = bytes((43, 6, 1, 2, 1, 2, 2, 1, 10))
"""1.3.6.1.2.1.2.2.1.10: bytes that came in, by interface."""


def value(tag: int, *parts: bytes) -> bytes:
    """A tag, a length below 128, and what is in it."""
    content = b"".join(parts)
    return bytes((tag, len(content))) + content


def whole(number: int) -> bytes:
    """A number from 0 up."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def response(number: int) -> bytes:
    """What a device with two interfaces says of their traffic."""
    octets = (number * 7919 % 2**31, number * 104729 % 2**31)
    bindings = [
        value(0x30, value(6, IN_OCTETS, bytes((port,))), value(0x41, whole(count)))
        for port, count in enumerate(octets, 1)
    ]
    pdu = value(
        0xA2, value(2, whole(number)), value(2, b"\0"), value(2, b"\0"), value(0x30, *bindings)
    )
    return value(0x30, value(2, b"\1"), value(4, b"public"), pdu)


def main() -> None:
    messages = [response(number) for number in range(10_000)]
    # Devices write lengths in more bytes than they need: ber=True takes that, too.
    table = der.reader(MESSAGE, fields=["data.response"], ber=True).read(messages)
    last = table.to_arrow().to_pylist()[-1]["data"]["response"]
    print(f"{len(table)} responses; the last one is to request {last['request']}:")
    for each in last["bindings"]:
        print(f"  {each['name']}  {each['value']['type']} {each['value']['counter']}")


if __name__ == "__main__":
    main()
