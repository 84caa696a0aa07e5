"""Certificates, those that this system trusts and spoiled ones, as asn1crypto has them."""

from __future__ import annotations

import random
import runpy
import ssl
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
from asn1crypto import core

from jitvm.guests.wire.der import face as der
from tests.wire.ders import tlv, written

EXAMPLE = Path(__file__).parents[2] / "examples" / "certificates.py"
TYPE: der.Type = runpy.run_path(str(EXAMPLE))["CERTIFICATE"]


def made(number: int) -> bytes:
    """A certificate that nobody signed."""
    rng = random.Random(number)
    algorithm = {"algorithm": "1.2.840.113549.1.1.11", "parameters": tlv(5)}
    name = [
        [{"type": f"2.5.4.{kind}", "value": ("text", f"{what} {number}")}]
        for kind, what in ((6, "XX"), (10, "company"), (3, "host"))
    ]
    begin = datetime(2020, 1 + number % 12, 1 + number % 28)
    tbs = {
        "version": 2, "serial": b"\1" + rng.randbytes(15), "signature": algorithm,
        "issuer": name[:2], "subject": name,
        "validity": {"not_before": begin, "not_after": begin.replace(year=2051)},
        "key": {"algorithm": algorithm, "bits": rng.randbytes(270)},
        "issuer_id": None, "subject_id": rng.randbytes(3) if number % 2 else None,
        "extensions": [
            {"id": f"2.5.29.{n}", "critical": bool(n & 1), "value": tlv(4, rng.randbytes(n))}
            for n in (14, 15, 17, 19)[: number % 5]
        ] or None,
    }  # fmt: skip
    return written(TYPE, {"tbs": tbs, "algorithm": algorithm, "signature": rng.randbytes(256)})


@cache
def certificates() -> tuple[bytes, ...]:
    trusted = ssl.create_default_context().get_ca_certs(binary_form=True)
    return (*map(made, range(40)), *trusted[:40])


class Algorithm(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [
        ("algorithm", core.ObjectIdentifier),
        ("parameters", core.Any, {"optional": True}),
    ]


class Attribute(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [("type", core.ObjectIdentifier), ("value", core.Any)]


class Part(core.SetOf):  # type: ignore[misc]
    _child_spec = Attribute


class Name(core.SequenceOf):  # type: ignore[misc]
    _child_spec = Part


class Moment(core.Choice):  # type: ignore[misc]
    _alternatives: ClassVar[list[Any]] = [("utc", core.UTCTime), ("general", core.GeneralizedTime)]


class Validity(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [("not_before", Moment), ("not_after", Moment)]


class Key(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [("algorithm", Algorithm), ("bits", core.OctetBitString)]


class Extension(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [
        ("id", core.ObjectIdentifier), ("critical", core.Boolean, {"default": False}),
        ("value", core.OctetString),
    ]  # fmt: skip


class Extensions(core.SequenceOf):  # type: ignore[misc]
    _child_spec = Extension


class ToBeSigned(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [
        ("version", core.Integer, {"explicit": 0, "default": 0}), ("serial", core.Integer),
        ("signature", Algorithm), ("issuer", Name), ("validity", Validity), ("subject", Name),
        ("key", Key), ("issuer_id", core.OctetBitString, {"implicit": 1, "optional": True}),
        ("subject_id", core.OctetBitString, {"implicit": 2, "optional": True}),
        ("extensions", Extensions, {"explicit": 3, "optional": True}),
    ]  # fmt: skip


class Certificate(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [
        ("tbs", ToBeSigned),
        ("algorithm", Algorithm),
        ("signature", core.OctetBitString),
    ]


def by_oracle(data: bytes) -> dict[str, Any]:
    """Some of a certificate."""
    found = Certificate.load(data, strict=True)
    tbs = found["tbs"]
    return {
        "version": tbs["version"].native,
        "serial": tbs["serial"].native,
        "algorithm": found["algorithm"]["algorithm"].native,
        "issuer": [[each["type"].native for each in part] for part in tbs["issuer"]],
        "not_before": tbs["validity"]["not_before"].native,
        "not_after": tbs["validity"]["not_after"].native,
        "subject": [[each["type"].native for each in part] for part in tbs["subject"]],
        "key": tbs["key"]["algorithm"]["algorithm"].native,
        "bits": tbs["key"]["bits"].native,
        "ids": [tbs[name].native for name in ("issuer_id", "subject_id")],
        "extensions": [
            (each["id"].native, each["critical"].native, each["value"].native)
            for each in tbs["extensions"]
        ],
        "signature": found["signature"].native,
    }  # fmt: skip


def by_us(row: dict[str, Any]) -> dict[str, Any]:
    """The same of a row."""
    tbs = row["tbs"]
    return {
        "version": tbs["version"],
        "serial": int.from_bytes(tbs["serial"], "big", signed=True),
        "algorithm": row["algorithm"]["algorithm"],
        "issuer": [[each["type"] for each in part] for part in tbs["issuer"]],
        "not_before": tbs["validity"]["not_before"],
        "not_after": tbs["validity"]["not_after"],
        "subject": [[each["type"] for each in part] for part in tbs["subject"]],
        "key": tbs["key"]["algorithm"]["algorithm"],
        "bits": tbs["key"]["bits"],
        "ids": [tbs[name] for name in ("issuer_id", "subject_id")],
        "extensions": [
            (each["id"], each["critical"], each["value"]) for each in tbs["extensions"] or []
        ],
        "signature": row["signature"],
    }


def test_all_of_them() -> None:
    table = der.reader(TYPE).read(list(certificates()))
    rows = table.to_arrow().to_pylist()
    for data, row in zip(certificates(), rows, strict=True):
        assert by_us(row) == by_oracle(data)


@pytest.mark.parametrize("seed", range(2))
def test_spoiled_ones(seed: int) -> None:
    """What is taken, asn1crypto takes, and sees the same in it."""
    rng = random.Random(seed)
    spoiled = [_spoiled(rng.choice(certificates()), rng) for _ in range(300)]
    table = der.reader(TYPE, errors="skip").read(spoiled)
    wrong = {error.row for error in table.errors}
    assert len(table) + len(wrong) == len(spoiled)
    taken = [data for number, data in enumerate(spoiled) if number not in wrong]
    assert len(wrong) > 10
    assert len(taken) > 10
    for data, row in zip(taken, table.to_arrow().to_pylist(), strict=True):
        assert by_us(row) == by_oracle(data)


def _spoiled(data: bytes, rng: random.Random) -> bytes:
    """A certificate in which a few bytes are others, missing or more."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at] = rng.choice((0, 1, 2, 0x30, 0x31, 0x7F, 0x80, 0x81, 0x82, 0xFF))
        elif kind == 2:
            del changed[at : at + rng.choice((1, 1, 7))]
        else:
            changed[at:at] = rng.randbytes(rng.choice((1, 1, 5)))
    return bytes(changed)
