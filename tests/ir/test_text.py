"""Text and graph are two forms of one thing."""

from __future__ import annotations

import pytest

from jitvm.engine.interpreter.cores import fast_graph, full_graph
from jitvm.engine.ir.text import TextError, parse, show
from jitvm.guests.uxn import UXN
from tests.ir.formed import SEEDS, graphs
from tests.ir.golden import files, read
from tests.toy.guest import TOY


@pytest.mark.parametrize("seed", SEEDS)
def test_regions_survive_their_text(seed: int) -> None:
    for texts in graphs(seed):
        for text in texts:
            assert show(parse(text)) == text


@pytest.mark.parametrize("guest", [UXN, TOY], ids=lambda guest: guest.name)
def test_handlers_survive_their_text(guest: object) -> None:
    for row in guest.opcodes:  # type: ignore[attr-defined]
        for graph in (fast_graph(guest, row, checked=True), full_graph(guest, row)):  # type: ignore[arg-type]
            text = show(graph)
            assert show(parse(text)) == text


def test_a_shared_exit_stays_one() -> None:
    graph = parse(
        'graph "g" words 32\nb0 entry:\n  guard #1 -> x0\n  guard #2 -> x0\n  leave x0\n'
        "x0: next - pc #1 pointers +0 +0 instructions 12\n"
    )
    first, second = graph.blocks[0].values
    assert first.exit is second.exit is graph.blocks[0].end
    assert first.exit is not None
    assert first.exit.instructions == 12


def test_link_constants_are_not_plain_ones() -> None:
    text = (
        'graph "g" words 32\nb0 entry:\n  leave x0\n'
        "x0: jump RETURN pc return#300 pointers -2 #4 slots 0@-4:2=#300\n"
    )
    graph = parse(text)
    end = graph.blocks[0].end
    assert end.pc.is_return_address  # type: ignore[union-attr]
    assert not end.slots[0][3].is_return_address  # type: ignore[union-attr]
    assert show(graph) == text


def test_golden_inputs_may_have_gaps_and_comments() -> None:
    for path in files("passes"):
        text = show(read(path).graph())
        assert show(parse(text)) == text


BAD = [
    ("", "line 0: a text begins with"),
    ("leave x0", "stands in no block"),
    ("b0 entry:\n  %0:8 = frobnicate #1", "is no operation"),
    ("b0 entry:\n  %0:8 = add #1, %9\n  open", "%9 is not defined"),
    ("b0 entry:\n  %0:8 = add #1, 9\n  open", "'9' is no operand"),
    ("b0 entry:\n  %0:8 = add #1, #4294967296\n  open", "needs more than 32 bits"),
    ("b0 entry:\n  goto b7", "b7 is not defined"),
    ("b0 entry:\n  leave x7", "x7 is not defined"),
    ("b0 entry:\n  goto x7", "x7 is not defined"),
    ("b0 entry:\n  branch #1, b0", "is no terminator"),
    ("b0 entry:\n  open\n  open", "two terminators"),
    ("b0 entry:\n  open\n  poll -> x0", "behind the terminator"),
    ("b0 entry:\n  open\nb0 again:\n  open", "b0 is defined twice"),
    ("b0 entry:\n  %0:8 = page #1\n  %0:8 = page #1", "%0 is defined twice"),
    ("b0 entry:\n  page #1", "page has a result"),
    ("b0 entry:\n  %0:0 = poll -> x0", "poll has no result"),
    ("b0 entry:\n  leave x0\nx0: away - pc #0 pointers", "'away' is no way to leave"),
]


@pytest.mark.parametrize(("body", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_text_is_told(body: str, message: str) -> None:
    text = f'graph "g" words 32\n{body}\n' if body else ""
    with pytest.raises(TextError, match="line ") as caught:
        parse(text)
    assert message in str(caught.value)


HEADS = ['graph "a\x01" words 32', 'graph "a" "b" words 32', 'graph "a" words 33', "graph words 32"]


@pytest.mark.parametrize("head", HEADS)
def test_a_bad_head_is_told(head: str) -> None:
    with pytest.raises(TextError, match="line 1: "):
        parse(f"{head}\nb0 entry:\n  open\n")


def test_a_number_that_has_no_end_is_told() -> None:
    with pytest.raises(TextError, match="line 3: "):
        parse(f'graph "g" words 32\nb0 entry:\n  %0:8 = page[{"9" * 5000}] #1\n')
