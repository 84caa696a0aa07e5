"""What semantic functions may not do: each mistake is the same DescriptionError at every tier."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator
from enum import CONFORM, STRICT, IntEnum, IntFlag
from functools import singledispatch
from itertools import permutations
from numbers import Integral
from typing import Any

import numpy as np
import pytest

from jitvm.engine.interpreter.making import make_unit
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guest import Core, DescriptionError, Guest, Opcode, Space, Stack
from jitvm.guests.uxn import UXN

Meaning = Callable[[Core], None]

STACK, TINY = 0, 1
RAM, CELLS = 0, 1
WORDS_32: dict[str, Any] = {
    "spaces": (Space("ram", 0x10000, code=True), Space("cells", 16)),
    "stacks": (Stack("data", 16), Stack("tiny", 2)),
    "ports": 256,
}
kept: list[Any] = []
calls: list[int] = []


def guest(meaning: Any, operand_size: int = 0, **changed: Any) -> Guest:
    """A guest whose opcode 0x17 is named ADD and means this; all others halt."""

    def halt(core: Core) -> None:
        core.halt()

    rows = [Opcode(code, f"op{code:02x}", halt) for code in range(256)]
    rows[0x17] = Opcode(0x17, "ADD", meaning, operand_size)
    return Guest("calc", tuple(rows), **{**WORDS_32, **changed})


def refused(made: Guest) -> str:
    """What every tier says against a guest; it says it again when it is asked again."""
    texts = []
    for tier in (Tier.REFERENCE, Tier.INTERPRETER, Tier.JIT, Tier.IR, Tier.REFERENCE):
        with pytest.raises(DescriptionError) as caught:
            Machine(made, tier=tier, cache=None)
        texts.append(str(caught.value))
    for architecture in (None, "aarch64"):
        with pytest.raises(DescriptionError) as caught:
            make_unit(made, architecture=architecture)
        texts.append(str(caught.value))
    assert len(set(texts)) == 1
    assert texts[0].startswith("guest calc, opcode 0x17 ADD: ")
    assert "\n" not in texts[0]
    return texts[0].removeprefix("guest calc, opcode 0x17 ADD: ")


def pop(core: Core) -> Any:
    return core.pop(STACK, 1)


def never_ends(core: Core) -> None:
    while True:
        core.push(STACK, 1, 1)
        core.pop(STACK, 1)


def recurses(core: Core) -> None:
    recurses(core)


def raises(_: Core) -> None:
    raise LookupError("no such thing")


def exits(_: Core) -> None:
    raise SystemExit(3)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def raising(error: Exception) -> Meaning:
    def meaning(_: Core) -> None:
        raise error

    return meaning


async def yields_late(core: Core) -> AsyncIterator[None]:
    core.push(STACK, 1, 1)
    yield


def swallows(core: Core) -> None:
    try:
        if pop(core):
            core.halt()
    except Exception:
        core.push(STACK, 1, 1)


def yields(core: Core) -> Iterator[None]:
    core.push(STACK, 1, 1)
    yield


async def waits(core: Core) -> None:
    core.push(STACK, 1, 1)


def returns_number(_: Core) -> int:
    return 5


def returns_word(core: Core) -> Any:
    return core.pop(STACK, 1)


def counts(core: Core) -> None:
    calls.append(1)
    core.push(STACK, len(calls), 1)


def draws(core: Core) -> None:
    core.push(STACK, random.getrandbits(30), 4)


def keeps_word(core: Core) -> None:
    kept.append(pop(core))
    core.push(STACK, kept[0], 1)


def keeps_core(core: Core) -> None:
    kept.append(core)
    kept[0].push(STACK, 1, 1)


def sets_attribute(core: Any) -> None:
    core.depth = 1


def reserves(core: Core) -> None:
    core.reserve(STACK, 1)


def reads_reserved(core: Core) -> None:
    core.reserve(STACK, 1)
    core.pop(STACK, 1)


def wrong_arity() -> None:
    """Takes no core."""


def deletes(core: Any) -> None:
    del core.pc


def pushes_sized(size: Any) -> Callable[[Any], object]:
    return lambda core: core.push(STACK, 1, size)


def loads_sized(size: Any) -> Callable[[Any], object]:
    return lambda core: core.load(RAM, 0, size)


def loads_within(within: Any) -> Callable[[Any], object]:
    return lambda core: core.load(CELLS, 0, 1, within=within)


TRUTH = "asked Python whether a word is true; use select or jump_if"
NUMBER = "words cannot do this: be an index, a range or the argument of int or float"
TEXT = "asked Python for the text of a word"
DIVISION = "words cannot do this: / // % divmod; use divide"
OTHERS = "words cannot do this: they know + - * & | ^ << >> and comparisons"
MASK = "of a word whose high bits are not known; mask it first"
COLLECTION = "took a word for a collection or a function"

WORDS: dict[str, tuple[Callable[[Any], object], str]] = {
    "if": (lambda o: 1 if pop(o) else 2, TRUTH),
    "and": (lambda o: pop(o) and 3, TRUTH),
    "or": (lambda o: pop(o) or 3, TRUTH),
    "not": (lambda o: not pop(o), TRUTH),
    "bool": (lambda o: bool(pop(o)), TRUTH),
    "chain": (lambda o: 0 < pop(o) < 5, TRUTH),
    "max": (lambda o: max(pop(o), 3), TRUTH),
    "sorted": (lambda o: sorted([pop(o), pop(o)]), TRUTH),
    "in a list": (lambda o: pop(o) in [1, 2], TRUTH),
    "any": (lambda o: any([pop(o)]), TRUTH),
    "int": (lambda o: int(pop(o)), NUMBER),
    "float": (lambda o: float(pop(o)), NUMBER),
    "complex": (lambda o: complex(pop(o)), NUMBER),
    "range": (lambda o: list(range(pop(o))), NUMBER),
    "index": (lambda o: [1, 2][pop(o)], NUMBER),
    "slice": (lambda o: b"12"[: pop(o)], NUMBER),
    "hex": (lambda o: hex(pop(o)), NUMBER),
    "bytes": (lambda o: bytes(2)[pop(o)], NUMBER),
    "chr": (lambda o: chr(pop(o)), NUMBER),
    "key": (lambda o: {1: 2}[pop(o)], "used a word as a key of a dict or in a set"),
    "set": (lambda o: {pop(o)}, "used a word as a key of a dict or in a set"),
    "hash": (lambda o: hash(pop(o)), "used a word as a key of a dict or in a set"),
    "str": (lambda o: str(pop(o)), TEXT),
    "repr": (lambda o: repr(pop(o)), TEXT),
    "format": (lambda o: f"{pop(o):02x}", TEXT),
    "percent": (lambda o: "%s" % pop(o), TEXT),  # noqa: UP031
    "len": (lambda o: len(pop(o)), COLLECTION),
    "iter": (lambda o: list(pop(o)), COLLECTION),
    "unpack": (lambda o: [*pop(o)], COLLECTION),
    "item": (lambda o: pop(o)[0], COLLECTION),
    "contains": (lambda o: 1 in pop(o), COLLECTION),
    "call": (lambda o: pop(o)(), COLLECTION),
    "//": (lambda o: pop(o) // 2, DIVISION),
    "%": (lambda o: pop(o) % 2, DIVISION),
    "/": (lambda o: pop(o) / 2, DIVISION),
    "1 //": (lambda o: 1 // pop(o), DIVISION),
    "1 %": (lambda o: 1 % pop(o), DIVISION),
    "1 /": (lambda o: 1 / pop(o), DIVISION),
    "divmod": (lambda o: divmod(pop(o), 2), DIVISION),
    "**": (lambda o: pop(o) ** 2, OTHERS),
    "2 **": (lambda o: 2 ** pop(o), OTHERS),
    "@": (lambda o: pop(o) @ pop(o), OTHERS),
    "+word": (lambda o: +pop(o), OTHERS),
    "abs": (lambda o: abs(pop(o)), OTHERS),
    "round": (lambda o: round(pop(o)), OTHERS),
    "-word": (lambda o: -pop(o), "unary -; write 0 - word"),
    "~": (lambda o: ~pop(o), "~; write word ^ 0xff"),
    "attribute": (lambda o: pop(o).bit_length(), "asked a word for 'bit_length'"),
    "+ float": (lambda o: pop(o) + 1.5, "add of 1.5; take a word or an int"),
    "float +": (lambda o: 1.5 + pop(o), "add of 1.5; take a word or an int"),
    "+ text": (lambda o: pop(o) + "x", "add of 'x'; take a word or an int"),
    "list *": (lambda o: [1] * pop(o), "mul of [1]; take a word or an int"),
    "== None": (lambda o: pop(o) == None, "eq of None; take a word or an int"),  # noqa: E711
    "!= text": (lambda o: pop(o) != "x", "ne of 'x'; take a word or an int"),
    "+ huge": (lambda o: pop(o) + (1 << 40), "add of 1099511627776, which does not fit"),
    "& huge": (lambda o: pop(o) & ((1 << 33) - 1), "which does not fit into 32-bit words"),
    "- huge": (lambda o: pop(o) + -(1 << 32), "which does not fit into 32-bit words"),
    "+ endless": (lambda o: pop(o) + (1 << 90_000), "add of something of class int"),
    "== -1": (lambda o: pop(o) == -1, "eq with -1, which no unsigned word can be"),
    "< huge": (lambda o: pop(o) < 1 << 32, "lt with 4294967296, which no unsigned word"),
    "< unmasked": (lambda o: (pop(o) - 1) < 5, f"lt {MASK}"),
    "> unmasked": (lambda o: pop(o) > (pop(o) - 1), f"lt {MASK}"),
    "== negative mask": (lambda o: ((pop(o) - 1) & -2) == 5, f"eq {MASK}"),
    "== full sum": (lambda o: (o.pop(0, 4) + o.pop(0, 4)) == 5, f"eq {MASK}"),
    "== zero less one": (lambda o: ((pop(o) & 0) - 1) == 5, f"eq {MASK}"),
    "== signed": (lambda o: o.signed(pop(o), 1) == 5, f"eq {MASK}"),
    ">> unmasked": (lambda o: (pop(o) - 1) >> 1, f"shr {MASK}"),
    ">> word": (lambda o: pop(o) >> pop(o), "shr by up to 255 bits of a 32-bit word"),
    "<< word": (lambda o: pop(o) << pop(o), "shl by up to 255 bits of a 32-bit word"),
    "<< 32": (lambda o: pop(o) << 32, "shl by up to 32 bits of a 32-bit word"),
    "<< -1": (lambda o: pop(o) << -1, "shl by up to -1 bits of a 32-bit word"),
    "<< unmasked": (lambda o: pop(o) << (pop(o) - 1), f"shl {MASK}"),
    "1 << word": (lambda o: 1 << pop(o), "shl by up to 255 bits of a 32-bit word"),
}


@singledispatch
def dispatched(_: object) -> int:
    return 2


@dispatched.register
def _of_int(_: int) -> int:
    return 1


CLASS = "does push with something else where words are numbers, as they are for the reference inter"
CLASSES: dict[str, tuple[Callable[[Any], object], str]] = {
    "isinstance": (lambda o: 1 if isinstance(pop(o), int) else 2, CLASS),
    "isinstance of many": (lambda o: 1 if isinstance(pop(o), str | int) else 2, CLASS),
    "number": (lambda o: 1 if isinstance(pop(o), Integral) else 2, CLASS),
    "match": (lambda o: matched(pop(o)), CLASS),
    "singledispatch": (lambda o: dispatched(pop(o)), CLASS),
    "type": (lambda o: 1 if type(pop(o)) is int else 2, CLASS),
    "identity": (lambda o: 1 if pop(o) is pop(o) else 2, CLASS),
    "not done": (lambda o: isinstance(pop(o), int) or o.port_in(1), "does push and not port_in"),
    "also done": (lambda o: o.port_in(1) if isinstance(pop(o), int) else 1, "does port_in and not"),
    "numpy +": (lambda o: np.uint8(3) + pop(o), "add of "),
    "+ numpy": (lambda o: pop(o) + np.uint8(3), "add of "),
    "numpy ==": (lambda o: np.uint8(3) == pop(o), "eq of "),
    "numpy &": (lambda o: np.int64(3) & pop(o), "and of "),
    "array +": (lambda o: (np.array([1, 2]) + pop(o))[0], "add of "),
    "number that wraps +": (lambda o: Wraps(3) + pop(o), CLASS),
    "+ number that wraps": (lambda o: pop(o) + Wraps(3), CLASS),
    "flag that drops bits": (lambda o: pop(o) | Dropping.A, CLASS),
    "flag that raises": (lambda o: Strict.A ^ pop(o), "raises ValueError where words are numbers"),
}
"""What is the same for words, but not for the ints that they are for the reference interpreter."""


def matched(word: object) -> int:
    match word:
        case int():
            return 1
    return 2


class Wraps(int):
    """A number of eight bits."""

    def __add__(self, other: int) -> int:
        total = int.__add__(self, other)
        return NotImplemented if total is NotImplemented else Wraps(total & 0xFF)

    __radd__ = __add__


class Number(IntEnum):
    ONE = 1


class Kept(IntFlag):
    A = 1
    B = 2


class Dropping(IntFlag, boundary=CONFORM):
    A = 1


class Strict(IntFlag, boundary=STRICT):
    A = 1


CALLS: dict[str, tuple[Callable[[Any], object], str]] = {
    **{
        f"size {size!r}": (
            pushes_sized(size),
            f"a word of {size!r} bytes; take 1, 2 or 4",
        )
        for size in (0, 3, 5, 16, -1)
    },
    **{
        f"size {size!r}": (
            loads_sized(size),
            f"load: a size of {size!r}; take an int that is known",
        )
        for size in (True, 2.0, None, "1")
    },
    "size 8": (lambda o: o.pop(STACK, 8), "a word of 8 bytes; take 1, 2 or 4 (word_bits is 32)"),
    "size a word": (lambda o: o.push(STACK, 1, pop(o)), "push: a size of a word"),
    "signed size": (lambda o: o.signed(pop(o), 3), "a word of 3 bytes"),
    "no stack": (lambda o: o.push(2, 0, 1), "push: there is no stack 2; the guest has 0 (data), 1"),
    "stack -1": (lambda o: o.pop(-1, 1), "pop: there is no stack -1"),
    "stack name": (lambda o: o.pop("data", 1), "pop: a stack 'data'; take an int"),
    "stack a word": (lambda o: o.pop(pop(o), 1), "pop: a stack a word; take an int"),
    "no space": (
        lambda o: o.store(3, 0, 1, 1),
        "store: there is no space 3; the guest has 0",
    ),
    "space -1": (lambda o: o.load(-1, 0, 1), "load: there is no space -1"),
    "space None": (lambda o: o.load(None, 0, 1), "load: a space None; take an int"),
    "address": (lambda o: o.load(RAM, 1.0, 1), "load: an address of 1.0; take a word or an int"),
    "address huge": (lambda o: o.load(RAM, 1 << 40, 1), "which does not fit into 32-bit words"),
    **{
        f"within {within!r}": (
            loads_within(within),
            f"load: within {within!r}; take a power of two up to the 16 bytes of cells",
        )
        for within in (0, 3, 32, -16)
    },
    "within a word": (lambda o: o.store(CELLS, 0, 1, 1, pop(o)), "store: within a word; take an"),
    "push float": (lambda o: o.push(STACK, 1.5, 1), "push of 1.5; take a word or an int"),
    "push text": (lambda o: o.push(STACK, "x", 1), "push of 'x'; take a word or an int"),
    "push None": (lambda o: o.push(STACK, None, 1), "push of None; take a word or an int"),
    "push core": (lambda o: o.push(STACK, o, 1), "push of "),
    "put float": (lambda o: o.put(STACK, 1.5, 1), "put of 1.5; take a word or an int"),
    "store list": (lambda o: o.store(RAM, 0, [1], 1), "store of [1]; take a word or an int"),
    "port 256": (lambda o: o.port_in(256), "port_in: there is no port 256; take 0 to 255"),
    "port -1": (lambda o: o.port_out(-1, 0), "port_out: there is no port -1; take 0 to 255"),
    "port text": (lambda o: o.port_out("1", 0), "port_out: a port of '1'; take a word or an int"),
    "port byte": (lambda o: o.port_out(1, b"1"), "port_out of b'1'; take a word or an int"),
    "port order": (lambda o: (o.port_out(1, 2), o.port_in(1)), "a port is read after one was"),
    "jump text": (lambda o: o.jump("start"), "jump of 'start'; take a word or an int"),
    "jump twice": (lambda o: (o.jump(1), o.jump(2)), "an instruction jumps at most once"),
    "jump and if": (lambda o: (o.jump(1), o.jump_if(1, 2)), "an instruction jumps at most once"),
    "jump_if": (lambda o: o.jump_if(pop(o) - 1, 2), f"jump_if {MASK}"),
    "jump_if None": (lambda o: o.jump_if(None, 2), "jump_if of None; take a word or an int"),
    "select": (lambda o: o.select(pop(o) - 1, 2, 3), f"select {MASK}"),
    "select text": (lambda o: o.select(pop(o), "a", 3), "select of 'a'; take a word or an int"),
    "divide": (lambda o: o.divide(pop(o) - 1, 2, 0), f"div {MASK}"),
    "divisor": (lambda o: o.divide(2, pop(o) - 1, 0), f"div {MASK}"),
    "by_zero": (lambda o: o.divide(2, pop(o), -1), "divide with -1, which no unsigned word can"),
    "by_zero word": (lambda o: o.divide(2, 2, pop(o)), "divide: by_zero is a word; take an int"),
    "load order": (lambda o: (o.store(CELLS, 0, 1, 1), o.load(CELLS, 0, 1)), "a load follows a st"),
    "operand order": (lambda o: (o.store(RAM, 0, 1, 1), o.operand(0, 1)), "a load follows a store"),
    "operand -1": (lambda o: o.operand(-1, 1), "operand: 1 bytes at -1 are outside of the instr"),
    "operand 2": (lambda o: o.operand(2, 1), "operand: 1 bytes at 2 are outside of the instructi"),
    "operand 1, 2": (
        lambda o: o.operand(1, 2),
        "operand: 2 bytes at 1 are outside of the instr",
    ),
    "operand word": (lambda o: o.operand(pop(o), 1), "operand: an offset of a word; take an int"),
    "peek 0": (lambda o: o.peek(STACK, 0, 1), "peek: 1 bytes at depth 0 lie above the pointer"),
    "peek 1, 2": (lambda o: o.peek(STACK, 1, 2), "peek: 2 bytes at depth 1 lie above the pointer"),
    "peek -4": (lambda o: o.peek(STACK, -4, 4), "peek: 4 bytes at depth -4 lie above the pointer"),
    "peek deep": (lambda o: o.peek(STACK, 17, 1), "peek: reaches over 17 bytes of stack data"),
    "peek word": (lambda o: o.peek(STACK, pop(o), 1), "peek: a depth of a word; take an int"),
    "pops": (lambda o: [o.pop(STACK, 4) for _ in range(5)], "pop: reaches over 20 bytes of stack"),
    "pushes": (lambda o: [o.push(TINY, 1, 1) for _ in range(9)], "push: reaches over 9 bytes of"),
    "missing": (lambda o: o.pish(STACK, 1, 1), "asked its core for 'pish'; did you mean 'push'?"),
    "private": (lambda o: o.state, "asked its core for 'state'"),
    "arguments": (lambda o: o.load(RAM, 0), "raised TypeError: core.load() missing 1 required"),
    "arguments more": (lambda o: o.halt(1), "raised TypeError: core.halt() takes 1 positional"),
    "keyword": (lambda o: o.pop(stak=0, size=1), "raised TypeError: core.pop() got an unexpected"),
}

FUNCTIONS: dict[str, tuple[Any, str]] = {
    "never ends": (never_ends, "does more than 4096 things; does a loop of it never end?"),
    "recursion": (recurses, "raised RecursionError"),
    "raises": (raises, "raised LookupError: no such thing"),
    "raises lines": (raising(ValueError("a\nb\x1b[31m")), "raised ValueError: a b [31m"),
    "raises much": (raising(ValueError("x" * 9999)), f"raised ValueError: {'x' * 200}..."),
    "raises nothing": (raising(ValueError()), "raised ValueError"),
    "raises what fails": (raising(Unprintable()), "raised Unprintable"),
    "raises ours": (raising(DescriptionError("my own")), "raised DescriptionError: my own"),
    "exits": (exits, "raised SystemExit: 3"),
    "swallows": (swallows, TRUTH),
    "generator": (yields, "is a generator; take a function without yield, async and await"),
    "generator that waits": (yields_late, "is a async_generator; take a function without yield"),
    "core": (lambda core: core, "returns CheckingCore "),
    "coroutine": (waits, "is a coroutine; take a function without yield, async and await"),
    "returns": (returns_number, "returns int 5; a semantic function returns nothing"),
    "returns word": (returns_word, "returns a word; a semantic function returns nothing"),
    "counts": (counts, "does something else each time it is called"),
    "draws": (draws, "does something else each time it is called"),
    "keeps word": (keeps_word, "push of a word kept from another instruction"),
    "keeps core": (keeps_core, "kept its core and used it after it had returned"),
    "sets attribute": (sets_attribute, "raised AttributeError: "),
    "deletes": (deletes, "raised AttributeError: "),
    "reserves": (reserves, "reserves 1 bytes of stack data and does not put them"),
    "reads reserved": (reads_reserved, "pop: reads what was reserved on stack data; put it first"),
    "arity": (wrong_arity, "raised TypeError: wrong_arity() takes 0 positional arguments"),
}


def goes_on(core: Core) -> None:
    core.switch(pop(core), {}, halts)
    core.push(STACK, 1, 1)


def shares_a_word(core: Core) -> None:
    def gives(core: Core) -> None:
        kept.append(pop(core))

    core.switch(pop(core), {0: gives}, lambda core: core.push(STACK, kept[-1], 1))


def breaks_a_rule_in_a_case(core: Core) -> None:
    core.switch(pop(core), {0: lambda core: core.jump_if(pop(core) - 1, 0)}, halts)


def loads_late_in_a_case(core: Core) -> None:
    core.store(CELLS, 0, 1, 1)
    core.switch(1, {0: lambda core: core.push(STACK, core.load(CELLS, 0, 1), 1)}, halts)


def halts(core: Core) -> None:
    core.halt()


SWITCHES = {
    "goes on": (goes_on, "goes on behind its switch; a switch is the last thing"),
    "shares": (shares_a_word, "push of a word kept from another case of the switch"),
    "case": (breaks_a_rule_in_a_case, "jump_if of a word whose high bits are not known"),
    "late": (loads_late_in_a_case, "a load follows a store to the same space; load first"),
    "list": (lambda core: core.switch(1, [halts], halts), "cases are a dict of functions"),
    "number": (lambda core: core.switch(1, {-1: halts}, halts), "which no unsigned word can be"),
    "text": (lambda core: core.switch(1, {"a": halts}, halts), "a case of 'a'; take an int"),
    "function": (lambda core: core.switch(1, {1: 2}, halts), "a case is a function of a core"),
    "otherwise": (lambda core: core.switch(1, {}, None), "a case is a function of a core"),
    "high bits": (lambda core: core.switch(pop(core) - 1, {}, halts), "switch of a word whose"),
    "returns": (lambda core: core.switch(1, {1: returns_number}, halts), "returns int 5"),
    "reserves": (lambda core: core.switch(1, {1: reserves}, halts), "reserves 1 bytes"),
    "beyond": (lambda core: core.push(STACK, core.beyond(7, 2), 2), "take some of the 8 that"),
    "before": (lambda core: core.push(STACK, core.beyond(-1, 1), 1), "take some of the 8 that"),
    "no step": (lambda core: core.push(STACK, core.beyond(0, 3), 2), "a word of 3 bytes"),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_what_switches_are_not(name: str) -> None:
    meaning, message = SWITCHES[name]
    kept.clear()
    assert message in refused(guest(meaning))


def test_cases_are_part_of_the_digest() -> None:
    def switched(case: int) -> str:
        return guest(lambda core: core.switch(pop(core), {case: halts}, never)).check_semantics()

    def never(core: Core) -> None:
        core.jump(0)

    assert switched(1) != switched(2)


def test_a_stack_reserved_before_a_switch_is_put_in_each_case() -> None:
    def puts(core: Core) -> None:
        core.put(STACK, 1, 1)

    def meaning(core: Core) -> None:
        core.reserve(STACK, 1)
        core.switch(core.load(CELLS, 0, 1), {0: puts}, puts)

    guest(meaning).check_semantics()


@pytest.mark.parametrize("name", WORDS)
def test_what_words_are_not(name: str) -> None:
    expression, message = WORDS[name]

    def meaning(core: Core) -> None:
        core.push(STACK, expression(core), 1)

    assert message in refused(guest(meaning))


@pytest.mark.parametrize("name", CLASSES)
def test_words_have_no_class(name: str) -> None:
    expression, message = CLASSES[name]

    def meaning(core: Core) -> None:
        core.push(STACK, expression(core), 2)

    assert message in refused(guest(meaning))


def test_cases_of_a_switch_have_no_class_to_ask_for() -> None:
    def asks(core: Core) -> None:
        core.push(STACK, 1 if isinstance(pop(core), int) else 2, 1)

    def ends(core: Core) -> None:
        if isinstance(pop(core), int):
            core.halt()

    for case, message in ((asks, CLASS), (ends, "also does halt where words are numbers")):
        for cases in ({1: halts, 2: case}, {}):
            made = guest(lambda core, c=cases, f=case: core.switch(pop(core), c, f))
            assert message in refused(made)


def test_constants_may_be_members_of_enumerations() -> None:
    def meaning(core: Core) -> None:
        word = core.pop(STACK, 1)
        core.push(STACK, (Kept.A | word) ^ (word & Kept.B) | (word << Number.ONE) | True, 1)

    made, results = guest(meaning), []
    for tier in (Tier.REFERENCE, Tier.INTERPRETER, Tier.IR):
        machine = Machine(made, tier=tier, cache=None)
        machine.memory[0] = 0x17
        machine.state.stacks[STACK][0] = 0xC6
        machine.state.pointers[STACK] = 1
        machine.run(0)
        results.append(machine.state.stacks[STACK][0])
    assert results == [((1 | 0xC6) ^ (0xC6 & 2) | 0xC6 << 1 | 1) & 0xFF] * 3


@pytest.mark.parametrize("name", CALLS)
def test_what_cores_do_not_do(name: str) -> None:
    call, message = CALLS[name]

    def meaning(core: Core) -> None:
        call(core)

    assert message in refused(guest(meaning, operand_size=2))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_functions_are_not(name: str) -> None:
    meaning, message = FUNCTIONS[name]
    kept.clear()
    assert message in refused(guest(meaning))


def test_the_cause_is_kept() -> None:
    with pytest.raises(DescriptionError) as caught:
        guest(raises).check_semantics()
    assert isinstance(caught.value.__cause__, LookupError)


def test_guests_without_ports_have_none() -> None:
    def reads(core: Core) -> None:
        core.push(STACK, core.port_in(1), 1)

    def writes(core: Core) -> None:
        core.port_out(1, 2)

    assert "port_in: the guest has no ports; declare ports=256" in refused(guest(reads, ports=0))
    assert "port_out: the guest has no ports; declare" in refused(guest(writes, ports=0))


def test_guests_without_stacks_have_none() -> None:
    assert "pop: there is no stack 0; the guest has none" in refused(guest(pop, stacks=()))


def test_a_word_of_another_opcode_is_refused() -> None:
    """In the second round, where there is one to take."""
    taken: list[Any] = []

    def gives(core: Core) -> None:
        taken.append(core.pop(STACK, 1))

    def takes(core: Core) -> None:
        core.push(STACK, taken[0] if taken else 0, 1)

    rows = list(guest(takes).opcodes)
    rows[0x18] = Opcode(0x18, "GIVE", gives)
    assert "push of a word kept from another" in refused(Guest("calc", tuple(rows), **WORDS_32))


@pytest.mark.parametrize("order", list(permutations((0x20, 0x17, 0x30))))
def test_what_is_left_for_another_opcode_is_found(order: tuple[int, ...]) -> None:
    """A prefix that sets a variable, one that clears it, and who looks: wherever they are."""
    wide = [False]

    def sets(_: Core) -> None:
        wide[0] = True

    def clears(_: Core) -> None:
        wide[0] = False

    def looks(core: Core) -> None:
        core.push(STACK, 1, 2 if wide[0] else 1)

    rows = list(guest(looks).opcodes)
    for code, meaning in zip(order, (sets, clears, looks), strict=True):
        rows[code] = Opcode(code, f"X{code}", meaning)
    made = Guest("calc", tuple(rows), **WORDS_32)
    for tier in (Tier.INTERPRETER, Tier.REFERENCE, Tier.JIT):
        with pytest.raises(DescriptionError, match="does something else each time it is called"):
            Machine(made, tier=tier, cache=None)


def test_a_prefix_that_whoever_looks_clears_is_found() -> None:
    wide = [False]

    def sets(_: Core) -> None:
        wide[0] = True

    def looks(core: Core) -> None:
        core.push(STACK, 1, 2 if wide[0] else 1)
        wide[0] = False

    rows = list(guest(looks).opcodes)
    rows[0x10] = Opcode(0x10, "WIDE", sets)
    with pytest.raises(DescriptionError, match="0x17 ADD: does something else each time"):
        Machine(Guest("calc", tuple(rows), **WORDS_32), tier=Tier.REFERENCE)


def test_a_lambda_may_end_in_words() -> None:
    guest(lambda core: core.pop(STACK, 1)).check_semantics()
    guest(lambda core: (core.pop(STACK, 1), core.push(STACK, 1, 1))).check_semantics()
    with pytest.raises(DescriptionError, match="returns int 5"):
        guest(lambda _: 5).check_semantics()


def test_lists_are_taken_as_they_are() -> None:
    rows = list(guest(lambda core: core.halt()).opcodes)
    made = Guest("calc", rows, list(WORDS_32["spaces"]), list(WORDS_32["stacks"]))  # type: ignore
    rows.clear()
    assert isinstance(made.opcodes, tuple)
    assert (len(made.opcodes), len(made.spaces), len(made.stacks)) == (256, 2, 2)


def test_shipped_guests_keep_the_rules() -> None:
    UXN.check_semantics()
