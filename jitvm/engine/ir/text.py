"""Region IR as text, both ways: ``show(parse(text)) == text`` for every text `show` wrote.

    graph "region 0114" words 32
    b0 entry:
      %0:8 = pointer[0]
      %1:1 = le #2, %0
      guard %1 -> x0
      goto b1(#0, %0)
    b1 join(%2:16, %3:8):                      a block: number, label, parameters
      %4:0 = add %2, #1                        result:bits = operation[static] operands
      store[0,1,65536] #32, %4                 operations without a result
      branch %3, b1(%2, %3), x1                terminators: goto, branch, toss (a branch that
                                               goes either way about equally often), leave
    x0: next ENTRY pc #276 pointers +0 +0      an exit: kind, reason, where to, stack pointers
    x1: jump RETURN pc return#300 pointers -2 %3 slots 0@-4:2=%2 0@-2:2=#7 instructions 12

    #7         a constant, in its user              return#300   one that a return may jump to
    +2 -1      pointers: bytes to add; %3 or #3 there: the new index
    0@-4:2=%2  slots: stack 0, from 4 bytes below the pointer at entry, 2 bytes, the word
    ;          a comment, up to the end of the line

Values and exits are numbered in textual order, blocks keep their numbers. An exit that is used in
several places is printed once, as it is one exit in the graph.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Leave, Value
from jitvm.engine.ir.ops import BY_NAME, WITHOUT_RESULT, Op


class TextError(ValueError):
    """A text that is no region IR; the message tells the line and what is wrong with it."""


# -- printing ------------------------------------------------------------------------------------


def show(graph: Graph) -> str:
    """A graph as text, with a newline at its end; gives values and exits their numbers."""
    return _Printer(graph).text()


class _Printer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._exits: list[Exit] = []
        self._exit_numbers: dict[int, int] = {}
        self._names: dict[int, str] = {}
        number = 0
        for block in graph.blocks:
            for value in (*block.params, *block.values):
                if value.op not in WITHOUT_RESULT:
                    self._names[id(value)] = f"%{number}"
                    value.number = number
                    number += 1

    def text(self) -> str:
        graph = self.graph
        lines = [f"graph {json.dumps(graph.where)} words {graph.word_bits}"]
        for block in graph.blocks:
            lines.append(self._head(block))
            lines += [f"  {self._value(value)}" for value in block.values]
            lines.append(f"  {self._end(block)}")
        lines += [f"x{i}: {self._exit(e)}" for i, e in enumerate(self._exits)]
        return "\n".join(lines) + "\n"

    def _head(self, block: Block) -> str:
        params = ", ".join(f"{self._name(p)}:{p.bits}" for p in block.params)
        label = f" {block.label}" if block.label else ""
        return f"b{block.number}{label}{f'({params})' if params else ''}:"

    def _name(self, value: Value) -> str:
        if value.op is Op.CONST:
            return f"{'return' * value.is_return_address}#{value.imm[0]}"
        return self._names.get(id(value), "%?")

    def _value(self, value: Value) -> str:
        head = value.op.value
        if value.op not in WITHOUT_RESULT:
            head = f"{self._name(value)}:{value.bits} = {head}"
        if value.imm:
            head += f"[{','.join(map(str, value.imm))}]"
        if value.args:
            head += " " + ", ".join(map(self._name, value.args))
        return head if value.exit is None else f"{head} -> {self._exit_name(value.exit)}"

    def _exit_name(self, exit_: Exit) -> str:
        number = self._exit_numbers.setdefault(id(exit_), len(self._exits))
        if number == len(self._exits):
            self._exits.append(exit_)
        return f"x{number}"

    def _end(self, block: Block) -> str:
        end = block.end
        if isinstance(end, Branch):
            ways = f"{self._way(end.yes)}, {self._way(end.no)}"
            keyword = "toss" if end.is_even else "branch"
            return f"{keyword} {self._name(end.condition)}, {ways}"
        if isinstance(end, Goto):
            return f"goto {self._way(end)}"
        return "open" if end is None else f"leave {self._way(end)}"

    def _way(self, way: Goto | Exit) -> str:
        if isinstance(way, Exit):
            return self._exit_name(way)
        args = ", ".join(map(self._name, way.args))
        return f"b{way.block.number}{f'({args})' if args else ''}"

    def _exit(self, exit_: Exit) -> str:
        words = [exit_.kind.value, exit_.reason or "-", "pc", self._name(exit_.pc), "pointers"]
        words += [f"{p:+}" if isinstance(p, int) else self._name(p) for p in exit_.pointers]
        if exit_.slots:
            words.append("slots")
            words += [f"{i}@{at}:{size}={self._name(word)}" for i, at, size, word in exit_.slots]
        if exit_.instructions:
            words += ["instructions", str(exit_.instructions)]
        return " ".join(words)


# -- parsing -------------------------------------------------------------------------------------

_GRAPH = re.compile(r'graph (".*") words (32|64)')
_BLOCK = re.compile(r"b(\d+)(?: ([\w-]+))?(?:\((.*)\))?:")
_PARAM = re.compile(r"%(\d+):(\d+)")
_EXIT = re.compile(r"x(\d+): (\w+) ([\w-]+) pc (\S+) pointers(.*)")
_SLOT = re.compile(r"(\d+)@(-?\d+):(\d+)=(\S+)")
_VALUE = re.compile(
    r"(?:%(?P<name>\d+):(?P<bits>\d+) = )?(?P<op>[a-z_]+)(?:\[(?P<imm>[-\d,]*)\])?"
    r"(?: (?P<args>[%#\w, ]+?))?(?: -> x(?P<exit>\d+))?"
)
_WAY = re.compile(r"(?:x(\d+)|b(\d+)(?:\((.*?)\))?)")
_BRANCHES = ("branch", "toss")
_ENDS = ("goto", *_BRANCHES, "leave", "open")


def parse(text: str) -> Graph:
    """The graph of a text.

    Raises:
        TextError: the text is no region IR.
    """
    return _Parser(text).graph


@dataclass(slots=True)
class _Lines:
    """A block and the lines that fill it, which may name what comes later."""

    block: Block
    values: list[tuple[int, Value, re.Match[str]]] = field(default_factory=list)
    end: tuple[int, str] | None = None


class _Parser:
    """First makes every block, value and exit, then connects them."""

    def __init__(self, text: str) -> None:
        self._line = 0
        self._values: dict[str, Value] = {}
        self._blocks: dict[str, _Lines] = {}
        self._exits: dict[str, Exit] = {}
        self._exit_lines: list[tuple[int, Exit, re.Match[str]]] = []
        try:
            self._parse(text)
        except TextError:
            raise
        except ValueError as error:  # of a name or a number
            raise self._error(str(error)) from None

    def _parse(self, text: str) -> None:
        lines = self._read(text)
        head = _GRAPH.fullmatch(next(lines, ""))
        if head is None:
            raise self._error('a text begins with: graph "name" words 32, or words 64')
        self.graph = Graph(int(head[2]), json.loads(head[1]))
        self.graph.blocks.clear()
        for line in lines:
            self._declare(line)
        self._connect()

    def _read(self, text: str) -> Iterator[str]:
        for number, line in enumerate(text.splitlines(), 1):
            self._line = number
            code = line.partition(";")[0].strip()
            if code:
                yield code

    def _error(self, message: str) -> TextError:
        return TextError(f"line {self._line}: {message}")

    # -- first: what there is ----------------------------------------------------------------

    def _declare(self, line: str) -> None:
        if (match := _EXIT.fullmatch(line)) is not None:
            self._declare_exit(match)
        elif (match := _BLOCK.fullmatch(line)) is not None:
            self._declare_block(match)
        elif not self._blocks:
            raise self._error(f"{line!r} stands in no block")
        elif line.split()[0] in _ENDS:
            lines = self._last()
            if lines.end is not None:
                raise self._error(f"b{lines.block.number} has two terminators")
            lines.end = self._line, line
        else:
            self._declare_value(line)

    def _last(self) -> _Lines:
        return next(reversed(self._blocks.values()))

    def _declare_block(self, match: re.Match[str]) -> None:
        number, label, params = match.groups()
        if number in self._blocks:
            raise self._error(f"b{number} is defined twice")
        block = Block(int(number), label or "")
        self.graph.blocks.append(block)
        self._blocks[number] = _Lines(block)
        for word in params.split(", ") if params else ():
            param = _PARAM.fullmatch(word)
            if param is None:
                raise self._error(f"{word!r} is no parameter like %3:16")
            self._define(param[1], self.graph.param(block, int(param[2])))

    def _declare_value(self, line: str) -> None:
        match, lines = _VALUE.fullmatch(line), self._last()
        op = None if match is None else BY_NAME.get(match["op"])
        if match is None or op is None:
            raise self._error(f"{line!r} is no operation")
        if lines.end is not None:
            raise self._error(f"{line!r} stands behind the terminator of its block")
        if (match["name"] is None) != (op in WITHOUT_RESULT):
            raise self._error(f"{op} has {'no' if match['name'] else 'a'} result")
        imm = tuple(int(word) for word in match["imm"].split(",")) if match["imm"] else ()
        value = Value(self.graph, op, imm=imm, bits=int(match["bits"] or 0))
        if match["name"] is not None:
            self._define(match["name"], value)
        lines.block.values.append(value)
        lines.values.append((self._line, value, match))

    def _define(self, name: str, value: Value) -> None:
        if name in self._values:
            raise self._error(f"%{name} is defined twice")
        self._values[name] = value

    def _declare_exit(self, match: re.Match[str]) -> None:
        number, kind, reason = match[1], match[2], match[3]
        if number in self._exits:
            raise self._error(f"x{number} is defined twice")
        if kind not in list(Leave):
            raise self._error(f"{kind!r} is no way to leave; take one of {', '.join(Leave)}")
        placeholder = self.graph.const(0)
        exit_ = Exit(placeholder, (), kind=Leave(kind), reason="" if reason == "-" else reason)
        self._exits[number] = exit_
        self._exit_lines.append((self._line, exit_, match))

    # -- then: what it refers to -------------------------------------------------------------

    def _connect(self) -> None:
        for lines in self._blocks.values():
            for line, value, match in lines.values:
                self._line = line
                value.args = tuple(self._operands(match["args"]))
                if match["exit"] is not None:
                    value.exit = self._exit(match["exit"])
            if lines.end is not None:
                self._line, text = lines.end
                self._end(lines.block, text)
        for line, exit_, match in self._exit_lines:
            self._line = line
            exit_.pc = self._operand(match[4])
            self._fill_exit(exit_, match[5])
        if self.graph.blocks:
            self.graph.block = self.graph.blocks[-1]

    def _operand(self, word: str) -> Value:
        if word.startswith("%"):
            if word[1:] not in self._values:
                raise self._error(f"{word} is not defined")
            return self._values[word[1:]]
        mark, _, number = word.partition("#")
        if mark not in ("", "return") or not number.isdecimal():
            raise self._error(f"{word!r} is no operand: take %3, #3 or return#3")
        if not self.graph.holds(int(number)):
            raise self._error(f"{word} needs more than {self.graph.word_bits} bits")
        return self.graph.return_address(int(number)) if mark else self.graph.const(int(number))

    def _operands(self, words: str | None) -> list[Value]:
        return [self._operand(word) for word in words.split(", ")] if words else []

    def _exit(self, number: str) -> Exit:
        if number not in self._exits:
            raise self._error(f"x{number} is not defined")
        return self._exits[number]

    def _end(self, block: Block, text: str) -> None:
        keyword, _, rest = text.partition(" ")
        if keyword == "open":
            return
        condition, _, ways = rest.partition(", ") if keyword in _BRANCHES else ("", "", rest)
        found = [self._way(match) for match in _WAY.finditer(ways)]
        spelled = ", ".join(match[0] for match in _WAY.finditer(ways))
        if spelled != ways or len(found) != (2 if keyword in _BRANCHES else 1):
            raise self._error(f"{text!r} is no terminator")
        if keyword in _BRANCHES:
            is_even = keyword == "toss"
            block.end = Branch(self._operand(condition), *found, is_even=is_even)
            return
        if isinstance(found[0], Exit) != (keyword == "leave"):
            raise self._error(f"{keyword} to {ways}: goto takes a block, leave an exit")
        block.end = found[0]

    def _way(self, match: re.Match[str]) -> Goto | Exit:
        exit_number, block_number, args = match.groups()
        if exit_number is not None:
            return self._exit(exit_number)
        if block_number not in self._blocks:
            raise self._error(f"b{block_number} is not defined")
        return Goto(self._blocks[block_number].block, self._operands(args))

    def _fill_exit(self, exit_: Exit, text: str) -> None:
        pointers: list[int | Value] = []
        slots: list[tuple[int, int, int, Value]] = []
        words = iter(text.split())
        for word in words:
            if word == "instructions":
                exit_.instructions = int(next(words, "0"))
            elif (slot := _SLOT.fullmatch(word)) is not None:
                stack, at, size = (int(slot[i]) for i in (1, 2, 3))
                slots.append((stack, at, size, self._operand(slot[4])))
            elif re.fullmatch(r"[+-]\d+", word):
                pointers.append(int(word))
            elif word != "slots":
                pointers.append(self._operand(word))
        exit_.pointers, exit_.slots = tuple(pointers), tuple(slots)
