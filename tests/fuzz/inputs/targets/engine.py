"""Files of the code cache, regions kept in them, parameters of the JIT, and IR as text."""

from __future__ import annotations

import zlib
from functools import cache as once
from pathlib import Path

from jitvm.engine.ir.graph import Graph
from jitvm.engine.ir.text import TextError, parse, show
from jitvm.engine.ir.verify import VerifyError, verify
from jitvm.engine.jit import image, kept
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory import cache
from jitvm.engine.memory.arena import ALIGNMENT
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.tables.params import ParameterError, Parameters
from jitvm.guests.uxn import UXN
from tests.engine.keptexample import SPACE, encoded, example, numbers_of
from tests.fuzz.inputs.targets.target import Refused, Target, text_of

IR = Path(__file__).parents[3] / "ir" / "passes"

_KEY = b"key"
_CODE = cache._encode("key", CachedCode(b"code", {"f": 2, "g": 0}))
_BODY = _CODE[len(cache.MAGIC) + 4 :]


def _cache(data: bytes, _: Path) -> None:
    """With a right checksum: as it is, and behind a right key; one of these has to be taken."""
    bodies = (data, cache._field(_KEY) + data)
    found = [
        cache._decode("key", cache.MAGIC + zlib.crc32(body).to_bytes(4, "little") + body)
        for body in bodies
    ]
    for code in filter(None, found):
        assert all(0 <= offset <= len(code.machine_code) for offset in code.symbols.values())
    if not any(found):
        raise Refused


def _regions(data: bytes, _: Path) -> None:
    """Whatever is taken can be kept, and is the same then."""
    before = b"code" + bytes(ALIGNMENT - 4)
    symbols = {"image": ALIGNMENT, "numbers": ALIGNMENT}
    found = kept.decode(CachedCode(before + data, symbols), SPACE)
    if found is None:
        raise Refused
    again = kept.decode(encoded(found), SPACE)
    assert again is not None
    assert encoded(again).machine_code == encoded(found).machine_code


def _examples() -> tuple[bytes, ...]:
    return (numbers_of(encoded(example())).tobytes(),)


def _image(data: bytes, _: Path) -> None:
    """Whatever is taken can be installed, and leaves all beyond the machine's tables alone."""
    before = b"code" + bytes(ALIGNMENT - 4)
    symbols = {"image": ALIGNMENT, "numbers": ALIGNMENT + len(data)}
    found = image.decode(CachedCode(before + data, symbols), SPACE)
    if found is None:
        raise Refused
    machine = _machine()
    native = machine.native
    assert native is not None
    found.knows(machine.state)
    found.fits(machine.memory)
    counted = native.handlers.address("counted")
    assert found.install(machine.block, counted)
    assert found.code is not None
    words = machine.block.words(machine.layout.code, machine.layout.size)
    entered = {word for word in words.tolist() if word != counted}
    assert all(0 <= word - found.code.address < ALIGNMENT for word in entered)


@once
def _machine() -> Machine:
    return Machine(UXN, tier=Tier.JIT)


def _images() -> tuple[bytes, ...]:
    code = encoded(example())
    return (code.machine_code[code.symbols["image"] : code.symbols["numbers"]],)


def _parameters(data: bytes, _: Path) -> None:
    """A line for -O, or for the environment where its name begins like one of these."""
    name, _equals, value = text_of(data).partition("=")
    if name.startswith("JITVM_"):
        Parameters.from_environment({name: value})
    else:
        Parameters().changed({name: value})


@once
def _graphs() -> tuple[bytes, ...]:
    files = sorted(IR.glob("*.ir"))
    return tuple(show(_of(each)).encode() for each in files[::4])


def _of(path: Path) -> Graph:
    return parse(path.read_text())


def _ir(data: bytes, _: Path) -> None:
    """Whatever is read has a text that is read alike; its rules are looked at."""
    graph = parse(text_of(data))
    text = show(graph)
    assert show(parse(text)) == text
    verify(graph, UXN)


ENGINE = {
    "cache": Target(lambda: (_BODY, _BODY[4 + len(_KEY) :]), _cache, (Refused,)),
    "regions": Target(_examples, _regions, (Refused,)),
    "images": Target(_images, _image, (Refused,)),
    "parameters": Target(
        lambda: (b"hot=2", b"JITVM_HOT=5", b"window=4096"), _parameters, (ParameterError,),
        words=(b"JITVM_", b"HOT", b"hot", b"=", b"1_0", b"\xd9\xa5", b"99999999999"),
    ),
    "ir": Target(_graphs, _ir, (TextError, VerifyError)),
}  # fmt: skip
"""By name."""
