"""One attempt at a region's graph; `jitvm.engine.region.forming` explains why there are several.

A *node* is an instruction in a context (see `Node`). An attempt starts with one, follows recorded
control flow from node to node, the most travelled first, and emits what each instruction does:

    entry            guards: headroom of the stacks, interrupts
      | pc = a?      other entries, each with guards of its own, leading to their joins
    start ---------- body: one block for each straight-line run of nodes
      |
    _edge(pc, state, travel)     control continues at `pc` with stacks and cells as in `state`
      |
      |- the node is placed     -> _edge_to_placed  to its join (a loop, or ways that meet)
      |- a limit forbids it     -> an exit, with the limit as its reason
      |- several ways lead here -> _enter_join   a block with parameters, its state made of these
      '- else                   -> a block that only this edge leads to
                                     |
                                   _todo, a heap by travel --> _run: instruction after instruction,
                                                               until control splits or joins
    _part            what an instruction decided: fall through, jump, branch, halt
      |- _jump       to a constant: an edge; to a value: compared with the targets recorded there
      |- _way        one arm of a branch: an edge if it was ever taken, else an exit
      '- _decode     an opcode that the guest rewrites: compared with those seen, each a variant

`_close_loop` comes last: only when all edges exist is it known which joins are targets of
retreating edges; these poll for interrupts.

What is where
    _blocks    the block of each node that starts one, done or in `_todo`
    _joined    the state at the start of each join, for entries and polls
    _sketch    what was placed and reached, for the `Economy` to judge when it gets too large
    _low, _high  how far instructions reached into the stacks, which the entry checks

Invariants
 1. A node is placed once. A second edge to it needs a join; if there is none, or its join does not
    offer what this state needs, it is created or extended, and `changed` is set.
 2. A `changed` attempt is not used. It is completed all the same, to find as much as possible of
    what the next one needs; only, arguments may not match parameters (`_arguments`).
 3. A state belongs to one block. Where control splits, each way but the last gets a copy.
 4. A state knows its return addresses: a call is an edge, and so is its return. They are
    forgotten at the entry of a shared callee, which returns by comparison.
 5. An exit leaves before its instruction has had any effect, or after all of it; what an
    instruction decides comes before what it does (`jitvm.engine.region.core`).
 6. The `Forming`, which outlives the attempt, is never written to from here: it is informed of
    joins, loops and sizes, and decides.

Rules of thumb: what changes the order of blocks or edges changes every region, so compare LLVM
texts before and after; `JITVM_DUMP=folder` writes each graph, `jitvm explain` shows one with its
program.
"""

from __future__ import annotations

from _heapq import heappop, heappush

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Leave, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.ir.stacks import VirtualStack, in_range
from jitvm.engine.region.core import RegionCore, RegionState
from jitvm.engine.region.economy import Sketch
from jitvm.engine.region.forming import Forming
from jitvm.engine.region.region import Join, Node, Region, ReturnAddresses, TooLarge
from jitvm.engine.region.world import Assumptions, Headroom
from jitvm.engine.tables.reasons import Reason


def form(forming: Forming, start: int) -> Region | None:
    """The region entered at `start`, or None if its joins do not settle."""
    forming.begin(start)
    for count in range(1, forming.params.attempts + 1):
        attempt = Attempt(forming, start)
        try:
            attempt.build()
        except TooLarge:
            forming.begin_again()
            continue
        if attempt.core.stores_anywhere and forming.doubts(attempt.region.assumptions):
            forming.begin_again()
            continue
        attempt.region.attempts = count
        attempt.region.loops = len(forming.loops)
        if not attempt.changed:
            return attempt.region
    return None


class Attempt:
    """One try at a graph; `changed` says that joins were extended and it must be repeated."""

    def __init__(self, forming: Forming, start: int) -> None:
        self.forming = forming
        self.guest = forming.guest
        self.graph = Graph(self.guest.word_bits, f"region {start:04x}", forming.params)
        self.region = Region(start, self.graph, Assumptions())
        self.core = RegionCore(
            self.guest, self.graph, forming.world, self.region.assumptions, frozenset(forming.plain)
        )
        self.changed = False
        self._blocks: dict[Node, Block] = {}
        self._joined: dict[Node, RegionState] = {}
        self._sketch = Sketch(self._blocks.keys())
        self._placed = self._sketch.placed
        self._todo: list[tuple[int, int, Node, Block, RegionState]] = []
        self._low = [0] * len(self.guest.stacks)
        self._high = [0] * len(self.guest.stacks)

    # -- the whole ---------------------------------------------------------------------------

    def build(self) -> None:
        entry = self.graph.block
        state = RegionState(self._untouched(), {}, self.forming.headroom)
        body = self.graph.new_block("start")
        self.graph.block = body
        body.end = self._edge(self.region.start, state, 1 << 30)
        while self._todo:
            _, _, node, block, state = heappop(self._todo)
            self.graph.block = block
            self._run(node, state)
        self.graph.block = entry
        self._enter_elsewhere()
        self._guard_entry(self.region.start, self.forming.headroom)
        self.graph.block.end = Goto(body)
        self._find_loops(entry)

    # -- entries -----------------------------------------------------------------------------

    def _enter_elsewhere(self) -> None:
        """Have a region that is too large for copies entered at its most travelled joins, too.

        Such an entry reads from memory what its join carries, so loops lose by it: nothing is
        invariant that another entry may have changed.
        """
        graph, forming = self.graph, self.forming
        if not forming.economy.shared:
            return
        for node in self._inner_nodes():
            pc, tops, _ = node
            join, target = forming.join_at(node), self._blocks[node]
            assert join is not None
            here = graph.pure(Op.PC, bits=self.guest.pc_bits) == pc
            test, inner, following = graph.block, graph.new_block("inner"), graph.new_block("test")
            test.end = Branch(here, Goto(inner), Goto(following))
            graph.block = inner
            self._guard_entry(pc, join.headroom, tops)
            state = RegionState(self._untouched(tops), {}, join.headroom)
            graph.block.end = Goto(target, self._arguments(join, state, target))
            graph.block = following
            self.region.entries[pc] = tops

    def _inner_nodes(self) -> list[Node]:
        """Joins to enter the region at: one for an address, without calls to return from."""
        found: dict[int, Node] = {}
        for node in self._joined:
            pc, _, return_addresses = node
            if not return_addresses and pc != self.region.start:
                found.setdefault(pc, node)
        arrivals = self.forming.arrivals
        often = sorted((pc for pc in found if arrivals[pc]), key=lambda pc: -arrivals[pc])
        return [found[pc] for pc in often[: self.forming.params.entries]]

    def _untouched(self, tops: tuple[int, ...] = ()) -> list[VirtualStack]:
        """Stacks that hold what memory holds, with the pointers moved by so much."""
        big = self.guest.byte_order == "big"
        stacks = [VirtualStack(self.graph, i, big) for i in range(len(self.guest.stacks))]
        for stack, top in zip(stacks, tops, strict=False):
            stack.top = stack.bottom = top
        return stacks

    def _guard_entry(self, pc: int, headroom: Headroom, tops: tuple[int, ...] = ()) -> None:
        """Make sure of the headroom that is relied on from an entry on, and of the pointers that
        the start would have had to have. And poll for interrupts: regions may go round among
        themselves without a loop in any of them."""
        graph, core = self.graph, self.core
        untouched = RegionState(self._untouched(tops), {}, headroom)
        exit_ = core.leave(untouched, graph.const(pc), Leave.NEXT, Reason.ENTRY)
        for extent, declared in zip(untouched.stacks, self.guest.stacks, strict=True):
            index = extent.index
            down, up = headroom[index]
            extent.low = min(max(self._low[index], -down), extent.top, 0)
            extent.high = max(min(self._high[index], up), extent.top, 0)
            enough = in_range(graph, extent, declared.size)
            if enough is not None:
                graph.guard(enough, exit_)
        graph.add(Op.POLL).exit = core.leave(untouched, graph.const(pc), Leave.NEXT, Reason.POLL)

    # -- loops -------------------------------------------------------------------------------

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
                if node not in self.forming.loops:
                    self._close_loop(node, target)
            elif id(target) not in done:
                open_.add(id(target))
                path.append((target, target.targets()))

    def _close_loop(self, node: Node, block: Block) -> None:
        """A join turned out to close a loop: poll there.

        All is done again where what the poll gives back has to be counted, or if the join was
        none yet when its block was begun.
        """
        self.forming.close_loop(node)
        state = self._joined.get(node)
        if state is None or self.forming.world.charging:
            self.changed = True
        else:
            block.values.insert(0, self._poll(node, state))

    def _poll(self, node: Node, state: RegionState) -> Value:
        poll = Value(self.graph, Op.POLL)
        poll.exit = self.core.leave(state, self.graph.const(node[0]), Leave.NEXT, Reason.POLL)
        return poll

    # -- edges -------------------------------------------------------------------------------

    def _node(self, pc: int, state: RegionState) -> Node:
        return_addresses: ReturnAddresses = ()
        tops = []
        for stack in state.stacks:
            tops.append(stack.top)
            return_addresses += stack.return_addresses
        return pc, tuple(tops), return_addresses

    def _limit(self, node: Node) -> Reason | None:
        """The limit that forbids going on at a node, if one does."""
        params = self.forming.params
        pc, tops, return_addresses = node
        if self.forming.world.is_broken(pc):
            return Reason.BREAK
        if self.forming.world.is_new(pc):
            return Reason.BRANCH
        depth = params.depth
        for top, stack in zip(tops, self.guest.stacks, strict=True):
            if abs(top) > depth or abs(top) > stack.size:
                return Reason.DEPTH
        economy = self.forming.economy
        place = (pc, *[each[2] for each in return_addresses]) if return_addresses else pc
        depths = self._sketch.tops.get(place)
        if depths is None:
            self._sketch.tops[place] = {tops}
        elif tops not in depths:
            if len(depths) >= economy.depths:
                return Reason.DRIFT
            depths.add(tops)
        if return_addresses:
            if len(return_addresses) > params.inline:
                return Reason.RECURSION
            last = return_addresses[-1][2]
            if sum([each[2] == last for each in return_addresses]) > params.recursion:
                return Reason.RECURSION
        if len(self._placed) >= params.nodes:
            if economy.gives_up(self._sketch):
                raise TooLarge
            return Reason.NODES
        if self._placed and economy.leaves_for(pc):
            return Reason.LINK
        return None

    def _edge(self, pc: int, state: RegionState, travel: int) -> Goto | Exit:
        """Where control goes on at `pc`: into a block, new or known, or out."""
        if pc in self.forming.economy.shared:
            for stack in state.stacks:
                stack.forget_return_addresses()
        node = self._node(pc, state)
        if node in self._placed or node in self._blocks:
            return self._edge_to_placed(node, state)
        limit = self._limit(node)
        if limit is not None:
            limits = self.region.limits
            limits[limit] = limits.get(limit, 0) + travel
            if limit is Reason.NODES:
                self.region.cuts[pc] = self.region.cuts.get(pc, 0) + travel
            return self.core.leave(state, self.graph.const(pc), Leave.JUMP, limit)
        if not self.forming.is_join(node):
            block = self.graph.new_block()
            self._push(travel, node, block, state)
            return Goto(block)
        join = self.forming.join_of(node, state)
        args, inside, block = self._enter_join(join, state)
        self._joined[node] = inside.copy()
        self._push(travel, node, block, inside)
        return Goto(block, args)

    def _push(self, travel: int, node: Node, block: Block, state: RegionState) -> None:
        self._blocks[node] = block
        heappush(self._todo, (-travel, len(self.graph.blocks), node, block, state))

    def _edge_to_placed(self, node: Node, state: RegionState) -> Goto | Exit:
        """An edge to a node that has a place already: a loop or a join."""
        forming = self.forming
        join = forming.join_at(node)
        if node not in self._blocks or join is None:
            forming.make_join(node)
            self.changed = True
            return self.core.leave(state, self.graph.const(node[0]), Leave.JUMP, Reason.BRANCH)
        if forming.needs_more(node, state):
            self.changed = True
        block = self._blocks[node]
        return Goto(block, self._arguments(join, state, block))

    # -- joins -------------------------------------------------------------------------------

    def _enter_join(self, join: Join, state: RegionState) -> tuple[list[Value], RegionState, Block]:
        """Make a join's block: arguments of the edge that reaches it first, state inside."""
        graph = self.graph
        block = graph.new_block("join")
        inside = state.copy()
        args = []
        for sizes, stack, inner in zip(join.sizes, state.stacks, inside.stacks, strict=True):
            words = stack.split(sizes)
            inner.adopt(words)
            for index, (word, size) in enumerate(words):
                if word.is_return_address:
                    continue
                args.append(word)
                inner.words[index] = (graph.param(block, 8 * size), size)
        inside.headroom = join.headroom
        inside.cells = {}
        for at, size in join.cells.items():
            args.append(self.core.cell(state, at, size))
            inside.cells[at] = (graph.param(block, 8 * size), size)
            if at < self.guest.code_space.size:
                self.region.assumptions.cells.update(range(at, at + size))
        return args, inside, block

    def _arguments(self, join: Join, state: RegionState, block: Block) -> list[Value]:
        """What a later edge passes to a join's parameters."""
        args = []
        for sizes, stack in zip(join.sizes, state.stacks, strict=True):
            args += [word for word, _ in stack.split(sizes) if not word.is_return_address]
        args += [self.core.cell(state, at, size) for at, size in join.cells.items()]
        return args if not self.changed else args[: len(block.params)]

    # -- a block -----------------------------------------------------------------------------

    def _run(self, node: Node, state: RegionState) -> None:
        """Place instructions from a node on until control parts or joins."""
        charge = self._begin_charge(node, state)
        self._run_block(node, state)
        self._end_charge(charge)

    def _begin_charge(self, node: Node, state: RegionState) -> Value | None:
        """Have a block pay for its instructions before it executes them, if that is counted.

        A block that the budget does not cover leaves to the counting interpreter, which stops at
        the right instruction.
        """
        core, graph = self.core, self.graph
        core.begin_block()
        if not self.forming.world.charging:
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
        if node in self.forming.loops:
            graph.block.values.append(self._poll(node, state))
        forming, placed, nodes = self.forming, self._placed, self.region.nodes
        memory, written = forming.world.memory, forming.world.written
        while True:
            BACKGROUND.step()
            pc = node[0]
            placed.add(node)
            nodes[pc] = nodes.get(pc, 0) + 1
            if pc in written:
                graph.block.end = self._decode(node, state)
                return
            core.bake(pc)
            if not self._execute(pc, memory[pc], state):
                return
            if core.halted or core.outcome is not None:
                graph.block.end = self._part(pc, state)
                return
            following = self._node(core.following, state)
            if (
                forming.is_join(following)
                or following in placed
                or following in self._blocks
                or self._limit(following) is not None
            ):
                graph.block.end = self._edge(following[0], state, self._travel(pc))
                return
            node = following

    def _execute(self, pc: int, opcode: int, state: RegionState) -> bool:
        """Place an instruction, or leave before one that cannot be placed; whether it was."""
        core = self.core
        if self.forming.world.is_new_opcode(opcode):
            here = self.graph.const(pc)
            self.graph.block.end = core.leave(state, here, Leave.NEXT, Reason.BRANCH)
            return False
        core.begin(self.guest.opcodes[opcode], pc, state)
        core.row.semantics(core)
        if not core.finish():
            if core.computes_port and pc not in core.plain:
                self.forming.plain.add(pc)
                self.changed = True
            self.graph.block.end = core.retry(core.refusal or Reason.DEVICE)
            return False
        self._measure(state)
        return True

    def _decode(self, node: Node, state: RegionState) -> Goto | Branch | Exit:
        """An opcode that the guest rewrites: compare with those seen, as for a computed jump.

        Where the region itself wrote it, the cell knows it and nothing is compared.
        """
        graph, core, pc = self.graph, self.core, node[0]
        opcode = core.opcode_cell(state, pc)
        seen = self.forming.opcodes.get(pc, {})
        ranked = sorted(seen, key=lambda op: -seen[op])[: self.forming.params.ways]
        if opcode.constant is not None:
            ranked = [opcode.constant]
        broken = self.forming.world.break_opcodes
        ranked = [code for code in ranked if code not in broken]
        end: Goto | Exit = core.leave(state, graph.const(pc), Leave.NEXT, Reason.REWRITTEN)
        first = graph.block
        for code in reversed(ranked):
            variant = graph.block = graph.new_block("variant")
            inside = state.copy()
            before = core.executed, core.refunds
            charge = self._begin_charge(node, inside)
            if self._execute(pc, code, inside):
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
        followers = self.forming.edges.get(pc, {})
        return sum(followers.values()) if target is None else followers.get(target, 0)

    # -- where control parts -----------------------------------------------------------------

    def _part(self, pc: int, state: RegionState) -> Goto | Branch | Exit:
        """Where control goes after the instruction just executed."""
        core, outcome = self.core, self.core.outcome
        if core.halted:
            return core.leave(state, core.continues(), Leave.HALT, Reason.HALT)
        if outcome is None:
            return self._edge(core.following, state, self._travel(pc))
        if outcome.condition is None:
            return self._jump(pc, outcome.target, state)
        constant = outcome.condition.constant
        target = outcome.target.constant
        following = self.core.following
        if constant is not None:
            if self._is_new_way(pc, target if constant else following):
                return self._retreat(pc)
            if constant:
                return self._jump(pc, outcome.target, state)
            return self._edge(following, state, self._travel(pc))
        if target is None:
            return self._branch_to_computed(pc, outcome.condition, outcome.target, state)
        went, stayed = self._travel(pc, target), self._travel(pc, following)
        yes = self._way(target, state, went)
        no = self._way(following, state, stayed)
        is_even = min(went, stayed) * self.forming.params.even > went + stayed
        return Branch(outcome.condition, yes, no, is_even=is_even)

    def _way(self, target: int, state: RegionState, travel: int) -> Goto | Exit:
        """One way of a branch: followed if it was recorded."""
        if self._is_new_way(self.core.address_here, target):
            return self._retreat(self.core.address_here)
        if travel == 0:
            return self.core.leave(state, self.graph.const(target), Leave.JUMP, Reason.BRANCH)
        block = self.graph.block
        between = self.graph.new_block("edge")
        self.graph.block = between
        between.end = self._edge(target, state.copy(), travel)
        self.graph.block = block
        return Goto(between)

    def _is_new_way(self, pc: int, target: int | None) -> bool:
        """Whether the instruction at hand is a branch of which it is yet to be marked that it goes
        to a place; None: wherever."""
        world, outcome = self.forming.world, self.core.outcome
        if outcome is None or outcome.condition is None:
            return False
        if target is None:
            return world.has_new_way(pc)
        return world.is_new_way(pc, jumps=target != self.core.following)

    def _retreat(self, pc: int) -> Exit:
        """Leave before a branch that goes a way which is yet to be marked: the interpreter does so.

        Through the code table, so that it is noticed where that happens often; but not to where
        this region may be entered, as nothing would ever be executed then.
        """
        is_entry = pc == self.region.start or bool(self.forming.economy.shared)
        return self.core.retreat(Leave.NEXT if is_entry else Leave.JUMP)

    def _branch_to_computed(
        self, pc: int, condition: Value, target: Value, state: RegionState
    ) -> Branch:
        following = self.core.following
        no = self._way(following, state, self._travel(pc, following))
        block, graph = self.graph.block, self.graph
        taken = graph.block = graph.new_block("taken")
        taken.end = self._jump(pc, target, state, following)
        graph.block = block
        return Branch(condition, Goto(taken), no)

    def _jump(
        self, pc: int, target: Value, state: RegionState, without: int = -1
    ) -> Goto | Branch | Exit:
        """Jump to a constant, or compare with the recorded targets, `without` one that was reached
        otherwise."""
        constant = target.constant
        if constant is not None:
            self._sketch.callees[self.core.following] = constant
            return self._edge(constant, state, self._travel(pc))
        params = self.forming.params
        followers = self.forming.edges.get(pc, {})
        ranked = sorted((to for to in followers if to != without), key=lambda to: -followers[to])
        reason = Reason.TARGET
        if target.op is Op.SLOT:
            # To whoever called before the region was entered: in a recursion that is itself.
            self.region.returns.add(pc)
            ranked = [to for to in ranked if to in self.region.nodes][: params.returns]
            reason = Reason.RETURN
        ranked = ranked[: params.ways]
        graph = self.graph
        end: Goto | Exit
        if self._is_new_way(pc, None):
            end = self._retreat(pc)
        else:
            end = self.core.leave(state, target, Leave.JUMP, reason)
        first = graph.block
        for to in reversed(ranked):
            test = graph.block = graph.new_block("test")
            is_there = self.core.goes_to(target, to)
            test.end = Branch(is_there, self._way(to, state, followers[to]), end)
            end = Goto(test)
        graph.block = first
        return end
