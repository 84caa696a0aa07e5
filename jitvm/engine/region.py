"""Forming a region: from recorded edges to one graph.

A *node* is an instruction in a context:

    (pc, distance of each stack pointer from its place at entry, return addresses on the stacks)

The last part inlines calls: a return address that a call pushed is known, so the jump back to it
is a plain edge. Where two edges reach the same node they join; so nested loops, both arms of a
branch and inlined callees are one graph. What is reached with several distances of the pointers,
as the handlers of an interpreter whose stack is the guest's own, is copied for some of them
(`depths`), for fewer where the region grows too large.

Forming follows recorded edges only, the most travelled first, until a limit; every other way is
an exit. Straight runs of nodes share a block. A node that a second edge reaches becomes a *join*:
a block whose parameters are the stack entries and cells known there. Which nodes are joins, how
their stacks are split into words and which cells they carry is found by trying: whenever an edge
needs more than a join offers, the join is extended and the whole attempt repeated. Attempts are
cheap (some microseconds an instruction), and everything only grows, so it ends.

    attempt 1   discover nodes, joins            attempt 2, 3   the same with better joins

Source of the idea: trace trees and LuaJIT's loops, turned into a graph because Uxn programs are
made of small calls, and a line of instructions cannot hold two arms of a branch.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from jitvm.engine.ir import Block, Branch, Exit, Goto, Graph, Leave, Op, Value
from jitvm.engine.params import Parameters
from jitvm.engine.reasons import Reason
from jitvm.engine.record import Record, fresh
from jitvm.engine.regioncore import Assumptions, RegionCore, RegionState, Room, World
from jitvm.engine.virtual import VirtualStack, in_range
from jitvm.guest import Guest

Edges = Mapping[int, Mapping[int, int]]
"""How often control was seen to go from one address to another."""

Links = tuple[tuple[int, int, int], ...]
"""(stack, offset, return address) of each return address pending on a stack."""

Node = tuple[int, tuple[int, ...], Links]
"""An instruction in a context, as (pc, distances of the stack pointers, return addresses); see the
head of this file. The context alone says nothing else, and there are thousands."""

MAX_ATTEMPTS = 40
UNEVEN = 8
"""A branch is even while the way that is gone less has more than this part of the travel."""


class Join(Record):
    """What a join's parameters are: entry sizes of each stack from its bottom up, and cells."""

    sizes: list[list[int]]
    cells: dict[int, int]
    room: Room


class Region(Record):
    """A formed region: its graph, what it assumes, and what it covers.

    Attributes:
        start: the guest address where it is entered.
        nodes: guest instructions in it, copies counted, by address.
        limits: limits that cut it, with how much recorded travel each cut off.
        loops: how many joins in it close a loop.
        attempts: how often it was tried until all joins fitted.
        cuts: addresses where it was cut because it grew too large, with their travel.
        returns: addresses of jumps back to whoever called before it was entered.
    """

    start: int
    graph: Graph
    assumptions: Assumptions
    nodes: dict[int, int] = fresh(dict)
    limits: dict[Reason, int] = fresh(dict)
    cuts: dict[int, int] = fresh(dict)
    returns: set[int] = fresh(set)

    attempts: int = 1
    loops: int = 0

    @property
    def size(self) -> int:
        """Guest instructions, copies counted."""
        return sum(self.nodes.values())


class RegionFormer:
    """Forms one region.

    Args:
        guest, world: the bytecode, and what is known of the machine.
        edges: recorded control flow.
        opcodes: recorded opcodes of each address, for addresses whose opcode is rewritten.
        params: limits.
        room: what the entry makes sure of; further away, instructions do so themselves.
        links: where other regions begin: it leaves for them instead of copying what they hold,
            if it would grow too large otherwise.
    """

    def __init__(
        self,
        guest: Guest,
        world: World,
        edges: Edges,
        opcodes: Edges,
        params: Parameters,
        room: Room | None = None,
        links: frozenset[int] = frozenset(),
    ) -> None:
        self.guest = guest
        self.world = world
        self.edges = edges
        self.opcodes = opcodes
        self.params = params
        self.links = links
        self.is_linking = False
        self.depths = params.depths
        self.room = room or tuple((1 << 16, 1 << 16) for _ in guest.stacks)
        self.loops: set[Node] = set()
        self._joins: dict[Node, Join] = {}
        self._join_pcs = self._merging_addresses()

    def _merging_addresses(self) -> set[int]:
        """Addresses that control was seen to reach from more than one place."""
        sources: dict[int, int] = {}
        for followers in self.edges.values():
            for target in followers:
                sources[target] = sources.get(target, 0) + 1
        return {target for target, count in sources.items() if count > 1}

    def form(self, start: int) -> Region | None:
        """The region entered at `start`, or None where its joins do not settle."""
        if any(start in followers for followers in self.edges.values()):
            self._join_pcs.add(start)  # that edge is the second one, as there is the entry
        for count in range(1, MAX_ATTEMPTS + 1):
            attempt = Attempt(self, start)
            try:
                attempt.build()
            except _TooLarge:
                self._joins.clear()
                self.loops.clear()
                continue
            attempt.region.attempts = count
            attempt.region.loops = len(self.loops)
            if not attempt.changed:
                return attempt.region
        return None

    def is_join(self, node: Node) -> bool:
        return node[0] in self._join_pcs or node in self._joins

    def join_of(self, node: Node, state: RegionState) -> Join:
        """The join at a node, made after the first state that reaches it."""
        join = self._joins.get(node)
        if join is None:
            join = self._joins[node] = Join([[] for _ in self.guest.stacks], {}, state.room)
        self._extend(join, state)
        return join

    def _extend(self, join: Join, state: RegionState) -> bool:
        """Let a join offer what a state knows; whether that is more than it did."""
        room = tuple(
            (min(a, c), min(b, d))
            for (a, b), (c, d) in zip(join.room, state.room, strict=True)
        )
        more = room != join.room
        join.room = room
        for sizes, stack in zip(join.sizes, state.stacks, strict=True):
            missing = sum(size for _, size in stack.entries) - sum(sizes)
            if missing > 0:
                sizes[:0] = _bottom_sizes(stack, missing)
                more = True
        left = self.params.cells - len(join.cells)
        for at, (_, size) in state.cells.items():
            if at not in join.cells and left > 0:
                join.cells[at] = size
                left -= 1
                more = True
        return more

    def needs_more(self, node: Node, state: RegionState) -> bool:
        """Extend a join that already has a block; the attempt must be repeated if it grew."""
        return self._extend(self._joins[node], state)

    def make_join(self, node: Node) -> None:
        self._joins.setdefault(node, Join([[] for _ in self.guest.stacks], {}, self.room))


class _TooLarge(Exception):
    """A region reached its limit of instructions, but may be formed again with fewer copies of
    what other stack depths reach, or with links."""


def _bottom_sizes(stack: VirtualStack, count: int) -> list[int]:
    """Sizes of the lowest entries of a stack that cover `count` bytes."""
    sizes: list[int] = []
    for _, size in stack.entries:
        if count <= 0:
            break
        sizes.append(min(size, count))
        count -= size
    return sizes


class Attempt:
    """One try at a graph; `changed` says that joins were extended and it must be repeated."""

    def __init__(self, former: RegionFormer, start: int) -> None:
        self.former = former
        self.guest = former.guest
        self.graph = Graph(self.guest.word_bits, f"region {start:04x}")
        self.region = Region(start, self.graph, Assumptions())
        self.core = RegionCore(self.guest, self.graph, former.world, self.region.assumptions)
        self.changed = False
        self._blocks: dict[Node, Block] = {}
        self._joined: dict[Node, RegionState] = {}
        self._placed: set[Node] = set()
        self._todo: list[tuple[int, int, Node, Block, RegionState]] = []
        # Stack depths where a place in the program was met: an address, and calls to return to.
        self._tops: dict[int | tuple[int, ...], set[tuple[int, ...]]] = {}
        self._low = [0] * len(self.guest.stacks)
        self._high = [0] * len(self.guest.stacks)

    # -- the whole ---------------------------------------------------------------------------

    def build(self) -> None:
        entry = self.graph.block
        stacks = [
            VirtualStack(self.graph, i, self.guest.byte_order == "big")
            for i in range(len(self.guest.stacks))
        ]
        state = RegionState(stacks, {}, self.former.room)
        body = self.graph.new_block("start")
        self.graph.block = body
        body.end = self._edge(self.region.start, state, 1 << 30)
        while self._todo:
            _, _, node, block, state = heapq.heappop(self._todo)
            self.graph.block = block
            self._run(node, state)
        self.graph.block = entry
        self._guard_entry()
        entry.end = Goto(body)
        self._find_loops(entry)

    def _find_loops(self, entry: Block) -> None:
        """Have the joins that close a loop look for interrupts: targets of retreating edges."""
        nodes = {id(block): node for node, block in self._blocks.items()}
        open_: set[int] = set()
        done: set[int] = set()
        path: list[tuple[Block, list[Goto]]] = [(entry, entry.targets())]
        open_.add(id(entry))
        while path:
            block, ways = path[-1]
            if not ways:
                path.pop()
                open_.discard(id(block))
                done.add(id(block))
                continue
            target = ways.pop().block
            if id(target) in open_:
                node = nodes[id(target)]
                if node not in self.former.loops:
                    self._close_loop(node, target)
            elif id(target) not in done:
                open_.add(id(target))
                path.append((target, target.targets()))

    def _close_loop(self, node: Node, block: Block) -> None:
        """A join turned out to close a loop: poll there.

        All is done again where what the poll gives back has to be counted, or where the join was
        none yet when its block was begun.
        """
        self.former.loops.add(node)
        state = self._joined.get(node)
        if state is None or self.former.world.charging:
            self.changed = True
        else:
            block.values.insert(0, self._poll(node, state))

    def _poll(self, node: Node, state: RegionState) -> Value:
        poll = Value(self.graph, Op.POLL)
        poll.exit = self.core.leave(
            state, self.graph.const(node[0]), Leave.NEXT, Reason.POLL
        )
        return poll

    def _guard_entry(self) -> None:
        graph = self.graph
        zero = RegionState(
            [VirtualStack(graph, i, True) for i in range(len(self.guest.stacks))],
            {},
            self.former.room,
        )
        exit_ = self.core.leave(
            zero, graph.const(self.region.start), Leave.NEXT, Reason.ENTRY
        )
        for index, declared in enumerate(self.guest.stacks):
            extent = VirtualStack(graph, index, True)
            down, up = self.former.room[index]
            extent.low = max(self._low[index], -down)
            extent.high = min(self._high[index], up)
            enough = in_range(graph, extent, declared.size)
            if enough is not None:
                graph.guard(enough, exit_)
        # Regions may go round among themselves without a loop in any of them.
        graph.add(Op.POLL).exit = self.core.leave(
            zero, graph.const(self.region.start), Leave.NEXT, Reason.POLL
        )

    # -- edges -------------------------------------------------------------------------------

    def _node(self, pc: int, state: RegionState) -> Node:
        links: Links = ()
        tops = []
        for stack in state.stacks:
            tops.append(stack.top)
            links += stack.links
        return pc, tuple(tops), links

    def _limit(self, node: Node) -> Reason | None:
        """The limit that forbids going on at a node, if one does."""
        params = self.former.params
        pc, tops, links = node
        depth = params.depth
        for top in tops:
            if top > depth or top < -depth:
                return Reason.DEPTH
        former = self.former
        place = (pc, *[link[2] for link in links]) if links else pc
        depths = self._tops.get(place)
        if depths is None:
            self._tops[place] = {tops}
        elif tops not in depths:
            if len(depths) >= former.depths:
                return Reason.DRIFT
            depths.add(tops)
        if links:
            if len(links) > params.inline:
                return Reason.RECURSION
            last = links[-1][2]
            if sum([link[2] == last for link in links]) > params.recursion:
                return Reason.RECURSION
        if len(self._placed) >= params.nodes:
            if self._shrinks():
                raise _TooLarge
            return Reason.NODES
        if former.is_linking and self._placed and pc in former.links:
            return Reason.LINK
        return None

    def _shrinks(self) -> bool:
        """Allow fewer copies, or else links; whether that changes what is there already."""
        former = self.former
        if former.depths > 1:
            most = max(map(len, self._tops.values()))
            former.depths = max(min(former.depths, most) - 1, 1)
            if most > 1:
                return True
        if not former.is_linking:
            former.is_linking = True
            links = former.links
            return any(node[0] in links for node in (*self._placed, *self._blocks))
        return False

    def _edge(self, pc: int, state: RegionState, travel: int) -> Goto | Exit:
        """Where control goes on at `pc`: into a block, new or known, or out."""
        node = self._node(pc, state)
        if node in self._placed or node in self._blocks:
            return self._known_edge(node, state)
        limit = self._limit(node)
        if limit is not None:
            limits = self.region.limits
            limits[limit] = limits.get(limit, 0) + travel
            if limit is Reason.NODES:
                self.region.cuts[pc] = self.region.cuts.get(pc, 0) + travel
            return self.core.leave(state, self.graph.const(pc), Leave.JUMP, limit)
        if not self.former.is_join(node):
            block = self.graph.new_block()
            self._push(travel, node, block, state)
            return Goto(block)
        join = self.former.join_of(node, state)
        args, inside, block = self._enter_join(join, state)
        self._joined[node] = inside.copy()
        self._push(travel, node, block, inside)
        return Goto(block, args)

    def _push(self, travel: int, node: Node, block: Block, state: RegionState) -> None:
        self._blocks[node] = block
        heapq.heappush(self._todo, (-travel, len(self.graph.blocks), node, block, state))

    def _known_edge(self, node: Node, state: RegionState) -> Goto | Exit:
        """An edge to a node that has a place already: a loop or a join."""
        former = self.former
        if node not in self._blocks or not former.is_join(node) or node not in former._joins:
            former.make_join(node)
            self.changed = True
            return self.core.leave(state, self.graph.const(node[0]), Leave.JUMP, Reason.BRANCH)
        if former.needs_more(node, state):
            self.changed = True
        block = self._blocks[node]
        return Goto(block, self._arguments(former._joins[node], state, block))

    # -- joins -------------------------------------------------------------------------------

    def _enter_join(
        self, join: Join, state: RegionState
    ) -> tuple[list[Value], RegionState, Block]:
        """Make a join's block: arguments of the edge that reaches it first, state inside."""
        graph = self.graph
        block = graph.new_block("join")
        inside = state.copy()
        args = []
        for sizes, stack, inner in zip(join.sizes, state.stacks, inside.stacks, strict=True):
            entries = stack.split(sizes)
            inner.adopt(entries)
            for index, (word, size) in enumerate(entries):
                if word.link:
                    continue
                args.append(word)
                inner.entries[index] = (graph.param(block, 8 * size), size)
        inside.room = join.room
        inside.cells = {}
        for at, size in join.cells.items():
            args.append(self.core.cell(state, at, size))
            inside.cells[at] = (graph.param(block, 8 * size), size)
            self.region.assumptions.cells.update(range(at, at + size))
        return args, inside, block

    def _arguments(self, join: Join, state: RegionState, block: Block) -> list[Value]:
        """What a later edge passes to a join's parameters."""
        args = []
        for sizes, stack in zip(join.sizes, state.stacks, strict=True):
            args += [word for word, _ in stack.split(sizes) if not word.link]
        args += [self.core.cell(state, at, size) for at, size in join.cells.items()]
        return args if not self.changed else args[: len(block.params)]

    # -- a block -----------------------------------------------------------------------------

    def _run(self, node: Node, state: RegionState) -> None:
        """Place instructions from a node on until control parts or joins."""
        charge = self._begin_charge(node, state)
        self._run_block(node, state)
        self._end_charge(charge)

    def _begin_charge(self, node: Node, state: RegionState) -> Value | None:
        """Have a block pay for its instructions before it executes them, where that is counted.

        A block that the budget does not cover leaves to the counting interpreter, which stops at
        the right instruction.
        """
        core, graph = self.core, self.graph
        core.begin_block()
        if not self.former.world.charging:
            return None
        charge = graph.add(Op.CHARGE)
        charge.exit = core.leave(state, graph.const(node[0]), Leave.NEXT, Reason.BUDGET)
        core.refunds.clear()
        return charge

    def _end_charge(self, charge: Value | None) -> None:
        """Set what the block pays, and what exits inside of it give back."""
        core = self.core
        if charge is None:
            return
        charge.imm = (core.executed,)
        for exit_, executed in core.refunds:
            exit_.instructions = core.executed - executed

    def _run_block(self, node: Node, state: RegionState) -> None:
        core, graph = self.core, self.graph
        if node in self.former.loops:
            graph.block.values.append(self._poll(node, state))
        former, placed, nodes = self.former, self._placed, self.region.nodes
        memory, written = former.world.memory, former.world.written
        while True:
            pc = node[0]
            placed.add(node)
            nodes[pc] = nodes.get(pc, 0) + 1
            if pc in written:
                graph.block.end = self._decode(node, state)
                return
            core.bake(pc)
            self._execute(pc, memory[pc], state)
            if core.halted or core.outcome is not None:
                graph.block.end = self._part(pc, state)
                return
            following = self._node(core.following, state)
            if (
                former.is_join(following)
                or following in placed
                or following in self._blocks
                or self._limit(following) is not None
            ):
                graph.block.end = self._edge(following[0], state, self._travel(pc))
                return
            node = following

    def _execute(self, pc: int, opcode: int, state: RegionState) -> None:
        core = self.core
        core.begin(self.guest.opcodes[opcode], pc, state)
        core.row.semantics(core)
        core.finish()
        self._measure(state)

    def _decode(self, node: Node, state: RegionState) -> Goto | Branch | Exit:
        """An opcode that the guest rewrites: compare with those seen, as for a computed jump.

        Where the region itself wrote it, the cell knows it and nothing is compared.
        """
        graph, core, pc = self.graph, self.core, node[0]
        opcode = core.opcode_cell(state, pc)
        seen = self.former.opcodes.get(pc, {})
        ranked = sorted(seen, key=lambda op: -seen[op])[: self.former.params.ways]
        if opcode.constant is not None:
            ranked = [opcode.constant]
        end: Goto | Exit = core.leave(state, graph.const(pc), Leave.NEXT, Reason.REWRITTEN)
        first = graph.block
        for code in reversed(ranked):
            variant = graph.block = graph.new_block("variant")
            inside = state.copy()
            before = core.executed, core.refunds
            charge = self._begin_charge(node, inside)
            self._execute(pc, code, inside)
            graph.block.end = self._part(pc, inside)
            self._end_charge(charge)
            core.executed, core.refunds = before
            test = graph.block = graph.new_block("test")
            test.end = Branch(opcode == code, Goto(variant), end)
            end = Goto(test)
        graph.block = first
        return end

    def _measure(self, state: RegionState) -> None:
        low, high = self._low, self._high
        for stack in state.stacks:
            index = stack.index
            if stack.low < low[index]:
                low[index] = stack.low
            if stack.high > high[index]:
                high[index] = stack.high

    def _travel(self, pc: int, target: int | None = None) -> int:
        followers = self.former.edges.get(pc, {})
        return sum(followers.values()) if target is None else followers.get(target, 0)

    # -- where control parts -----------------------------------------------------------------

    def _part(self, pc: int, state: RegionState) -> Goto | Branch | Exit:
        """Where control goes behind the instruction just executed."""
        core, outcome = self.core, self.core.outcome
        if core.halted:
            return core.leave(state, core.next_pc, Leave.HALT, Reason.HALT)
        if outcome is None:
            return self._edge(core.following, state, self._travel(pc))
        if outcome.condition is None:
            return self._jump(pc, outcome.target, state)
        known = outcome.condition.constant
        if known is not None:
            if known:
                return self._jump(pc, outcome.target, state)
            return self._edge(self.core.following, state, self._travel(pc))
        target = outcome.target.constant
        following = self.core.following
        if target is None:
            return self._branch_to_computed(pc, outcome.condition, outcome.target, state)
        went, stayed = self._travel(pc, target), self._travel(pc, following)
        yes = self._way(target, state, went)
        no = self._way(following, state, stayed)
        is_even = min(went, stayed) * UNEVEN > went + stayed
        return Branch(outcome.condition, yes, no, is_even=is_even)

    def _way(self, target: int, state: RegionState, travel: int) -> Goto | Exit:
        """One way of a branch: followed where it was recorded."""
        if travel == 0:
            return self.core.leave(
                state, self.graph.const(target), Leave.JUMP, Reason.BRANCH
            )
        block = self.graph.block
        between = self.graph.new_block("edge")
        self.graph.block = between
        between.end = self._edge(target, state.copy(), travel)
        self.graph.block = block
        return Goto(between)

    def _branch_to_computed(
        self, pc: int, condition: Value, target: Value, state: RegionState
    ) -> Branch:
        following = self.core.following
        no = self._way(following, state, self._travel(pc, following))
        block, graph = self.graph.block, self.graph
        taken = graph.block = graph.new_block("taken")
        taken.end = self._jump(pc, target, state)
        graph.block = block
        return Branch(condition, Goto(taken), no)

    def _jump(self, pc: int, target: Value, state: RegionState) -> Goto | Branch | Exit:
        """Jump to a constant, or compare with the recorded targets."""
        known = target.constant
        if known is not None:
            return self._edge(known, state, self._travel(pc))
        params = self.former.params
        followers = self.former.edges.get(pc, {})
        ranked = sorted(followers, key=lambda to: -followers[to])
        reason = Reason.TARGET
        if target.op is Op.SLOT:
            # To whoever called before the region was entered: in a recursion that is itself.
            self.region.returns.add(pc)
            ranked = [to for to in ranked if to in self.region.nodes][: params.returns]
            reason = Reason.RETURN
        ranked = ranked[: params.ways]
        graph = self.graph
        end: Goto | Exit = self.core.leave(state, target, Leave.JUMP, reason)
        first = graph.block
        for to in reversed(ranked):
            test = graph.block = graph.new_block("test")
            test.end = Branch(target == to, self._way(to, state, followers[to]), end)
            end = Goto(test)
        graph.block = first
        return end
