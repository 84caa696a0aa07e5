"""Certificates as a table: who issued them, until when, for which names.

python examples/certificates.py                 those that this system trusts
python examples/certificates.py bundle.pem      those of a file
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

from jitvm.wire import der

# RFC 5280, as far as most of it is concerned.
ALGORITHM = der.sequence(algorithm=der.oid(), parameters=der.any().optional())
ATTRIBUTE = der.sequence(
    type=der.oid(),
    value=der.choice(text=der.text(), other=der.any()),
)
NAME = der.sequence_of(der.set_of(ATTRIBUTE))
EXTENSION = der.sequence(id=der.oid(), critical=der.boolean().default(False), value=der.octets())
CERTIFICATE = der.sequence(
    tbs=der.sequence(
        version=der.integer().explicit(0).default(0),
        serial=der.number(),
        signature=ALGORITHM,
        issuer=NAME,
        validity=der.sequence(not_before=der.time(), not_after=der.time()),
        subject=NAME,
        key=der.sequence(algorithm=ALGORITHM, bits=der.bits()),
        issuer_id=der.bits().implicit(1).optional(),
        subject_id=der.bits().implicit(2).optional(),
        extensions=der.sequence_of(EXTENSION).explicit(3).optional(),
    ),
    algorithm=ALGORITHM,
    signature=der.bits(),
)
COMMON_NAME = "2.5.4.3"


def common_name(name: list[list[dict[str, object]]]) -> str:
    """The common name in a name, or all of it."""
    attributes = [each for part in name for each in part]
    texts = {str(each["type"]): each["value"]["text"] or "?" for each in attributes}  # type: ignore[index]
    return texts.get(COMMON_NAME) or ", ".join(texts.values())


def main(paths: list[str]) -> None:
    if paths:
        certificates = [each for path in paths for each in der.from_pem(Path(path).read_bytes())]
    else:
        certificates = ssl.create_default_context().get_ca_certs(binary_form=True)
    reader = der.reader(
        CERTIFICATE,
        fields=["tbs.subject", "tbs.validity", "tbs.key.algorithm.algorithm"],
        errors="skip",
    )
    table = reader.read(certificates)
    for row in table.to_arrow().to_pylist():
        tbs = row["tbs"]
        until = tbs["validity"]["not_after"]
        print(f"{until:%Y-%m-%d}  {tbs['key']['algorithm']['algorithm']:22}", end="  ")
        print(common_name(tbs["subject"]))
    print(f"{len(table)} certificates", *(f"not read: {error}" for error in table.errors), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
