"""Write the input files of the benchmark programs that read standard input.

The text is made of words from a fixed list, drawn by a linear congruential generator, so every
machine gets the same bytes and none of them need to be kept in the repository.

    python bench/inputs/generate.py DIRECTORY [NAME ...]

writes DIRECTORY/NAME for each NAME, or for all of them:

    prose.txt     1,000,000 bytes of words in lines of up to 72 columns
    assembly.txt    500,000 bytes of something like assembly source: labels, numbers, comments
    modules.txt     250,000 bytes of assembly source that can be assembled, in modules
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PROSE = """a an and as at be but by can come could day did do even for from get give good have
he her him his how if in into it its just know like look make many may more most much new no not
now of on one only or other our out over people say see she so some take than that the their them
then there these they thing think this time to two up use very want way we well what when which
who will with work would year you your machine interpreter stack arithmetic continuation"""

VERBS = "load store move compare branch call return shift rotate push pull increment"
NOUNS = "index total count limit buffer cursor pixel colour line column offset length"


class Lcg:
    """A 32-bit linear congruential generator; the constants are those of Numerical Recipes."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, bound: int) -> int:
        """Return a number from 0 to bound - 1, drawn from the generator's upper bits."""
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self.state >> 8) % bound


def prose_lines() -> Iterator[str]:
    """Yield lines of words without end."""
    words = PROSE.split()
    lcg, line = Lcg(2026), ""
    while True:
        word = words[lcg.below(len(words))]
        if lcg.below(9) == 0:
            word += ",.;"[lcg.below(3)]
        if len(line) + len(word) >= 72:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word


def assembly_lines() -> Iterator[str]:
    """Yield lines of made-up assembly source without end."""
    verbs, nouns = VERBS.split(), NOUNS.split()
    lcg = Lcg(64)
    while True:
        verb, noun = verbs[lcg.below(len(verbs))], nouns[lcg.below(len(nouns))]
        match lcg.below(6):
            case 0:
                yield f"{noun}{lcg.below(30)}:"
            case 1:
                yield f"\t{verb} {noun}{lcg.below(30)} {lcg.below(5000)}"
            case 2:
                yield f"\t{verb} {noun} ( the {nouns[lcg.below(len(nouns))]} {lcg.below(100)} )"
            case _:
                yield f"\t{verb} {noun}, {lcg.below(256)}"


def module_lines() -> Iterator[str]:
    """Yield modules of assembly source without end, each with labels, references and a full stop.

    A module has forty labels, and refers to its own only.
    """
    verbs, nouns = VERBS.split(), NOUNS.split()
    lcg = Lcg(1985)
    while True:
        labels = [f"{nouns[lcg.below(len(nouns))]}{number}" for number in range(40)]
        for label in labels:
            yield f"{label}:"
            for _ in range(1 + lcg.below(5)):
                verb = verbs[lcg.below(len(verbs))]
                if lcg.below(3):
                    yield f"\t{verb} ={labels[lcg.below(len(labels))]}"
                else:
                    yield f"\t{verb} ${lcg.below(256):02x} ( {nouns[lcg.below(len(nouns))]} )"
        yield "."


def take(lines: Iterator[str], size: int) -> bytes:
    """Return the first `size` bytes of the lines, the last of them a newline."""
    taken: list[str] = []
    length = 0
    while length < size:
        taken.append(next(lines) + "\n")
        length += len(taken[-1])
    return "".join(taken).encode()[: size - 1] + b"\n"


INPUTS: dict[str, Callable[[], bytes]] = {
    "prose.txt": lambda: take(prose_lines(), 1_000_000),
    "assembly.txt": lambda: take(assembly_lines(), 500_000),
    "modules.txt": lambda: take(module_lines(), 250_000),
}


def main(arguments: list[str]) -> int:
    """Write the named inputs into a directory, which is made if it is missing."""
    if not arguments:
        print("usage: generate.py DIRECTORY [NAME ...]", file=sys.stderr)
        return 2
    directory = Path(arguments[0])
    names = arguments[1:] or list(INPUTS)
    unknown = [name for name in names if name not in INPUTS]
    if unknown:
        print(
            f"generate.py: no input {unknown[0]!r}; there are {', '.join(INPUTS)}", file=sys.stderr
        )
        return 2
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        (directory / name).write_bytes(INPUTS[name]())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
