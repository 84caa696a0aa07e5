"""One running instance of a guest: its memory, its tiers, its connections to the host.

    machine = Machine(guest)                  with its own state, zeroed
    machine.state.spaces[0][0x100] = 0x80     all tiers and views see the same bytes
    machine.on_write(0x18, print)             a device
    machine.run(0x100)                        until the guest halts

Threads: one thread at a time runs a machine; `interrupt` and `take_output` may be called from any
other. Native tiers run without the interpreter lock, so machines on several threads run in
parallel.
"""

from __future__ import annotations

from _operator import index as any_whole

from jitvm.engine.host.notes import note, reason
from jitvm.engine.interpreter.installed import handlers_for
from jitvm.engine.machine.devices import WORD, Devices, check_function
from jitvm.engine.machine.native import NativeTier
from jitvm.engine.memory.block import Block, BlockError, Reservation
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.layout import Layout
from jitvm.guest import Ports, State, Stop
from jitvm.guest.light import StrEnum
from jitvm.guest.numbers import shortened, whole

TYPE_CHECKING = False  # known to type checkers; `typing` and `dataclasses` cost 15 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, ClassVar

    from jitvm.engine.interpreter.filters import Filter
    from jitvm.engine.interpreter.installed import Handlers
    from jitvm.engine.jit.jit import Jit
    from jitvm.engine.machine.devices import NativeFunction
    from jitvm.engine.machine.executor import Executor
    from jitvm.engine.tables.events import Listener
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest
    from jitvm.guest.marks import Marks
    from jitvm.guest.state import Reader, Writer

    Buffer = Any
    """An object that shows its memory (PEP 3118): bytes, bytearray, memoryview, array, mmap."""


class Tier(StrEnum):
    """What executes a machine's instructions."""

    REFERENCE = "reference"
    INTERPRETER = "interpreter"
    JIT = "jit"
    IR = "ir"
    """As JIT, but regions are interpreted as region IR: for debugging."""


class Snapshot:
    """A copy of a machine's whole guest-visible state, except windows and large spaces."""

    __slots__ = ("page", "pc", "pointers", "spaces", "stacks", "vector")

    def __init__(self, guest: Guest, state: State, vector: int) -> None:
        self.spaces = tuple(
            b"" if declared.is_attached else bytes(space)
            for declared, space in zip(guest.spaces, state.spaces, strict=True)
        )
        self.stacks = tuple(bytes(stack) for stack in state.stacks)
        self.page = bytes(state.ports.page)
        self.pointers = tuple(state.pointers)
        self.pc = state.pc
        self.vector = vector

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def changed(self, space: int, memory: memoryview) -> list[int]:
        """Addresses of a space where memory has another byte by now."""
        from _operator import ne
        from itertools import compress, count

        page, content, found = 4096, self.spaces[space], []
        for start in range(0, len(content), page):
            then, now = content[start : start + page], bytes(memory[start : start + page])
            if then != now:
                found += [start + at for at in compress(count(), map(ne, then, now))]
        return found


class Delivery:
    """How far `Machine.deliver` came: events begun, and why it returned."""

    __slots__ = ("begun", "stop")

    def __init__(self, begun: int, stop: Stop) -> None:
        self.begun = begun
        self.stop = stop

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Delivery) and (self.begun, self.stop) == (other.begun, other.stop)

    def __repr__(self) -> str:
        return f"Delivery(begun={self.begun}, stop={self.stop!r})"

    __hash__ = None  # type: ignore[assignment]


class Machine:
    """A guest with memory of its own.

    Args:
        guest: the bytecode's description.
        tier: what executes it; `Tier.REFERENCE` needs no LLVM. Default: the interpreter. Where
            the system allows no native code it is the reference all the same, which a
            `FallbackWarning` and the attribute `tier` say.
        jit: short for ``tier=Tier.JIT``.
        cache: where native code is kept between runs; None keeps none.
        params: limits of the JIT; default: `Parameters.from_environment()`.
        opcodes: those that programs begin with; handlers of others are made when they are first
            executed. Default: all there are.

    Raises:
        BlockError: the operating system refused the memory.
        DescriptionError: the guest breaks a rule of its description.
        ParameterError: the environment sets a limit that is none.
        ValueError: there is no such tier.
        TypeError: `cache` or `params` is something else.
    """

    made: ClassVar[Callable[[Machine], None] | None] = None
    """Told of each machine that is made: a profile of code that makes its own."""

    def __init__(
        self,
        guest: Guest,
        *,
        tier: Tier | None = None,
        jit: bool = False,
        cache: CodeCache | None = CodeCache(),  # noqa: B008  stateless
        params: Parameters | None = None,
        opcodes: Iterable[int] = range(256),
    ) -> None:
        self.guest = guest
        if tier is None:
            tier = Tier.JIT if jit else Tier.INTERPRETER
        tier = Tier(tier)
        _check_classes(cache, params)
        self.layout = Layout(guest)
        self.block = Block(self.layout)
        handlers = None if tier is Tier.REFERENCE else self._handlers(cache, opcodes)
        if handlers is None:
            tier = Tier.REFERENCE
            guest.check_semantics()
        self.tier = tier
        layout, view = self.layout, self.block.view
        self.state = State(
            spaces=tuple(
                memoryview(b"") if space.is_attached else view(at, space.size)
                for at, space in zip(layout.spaces, guest.spaces, strict=True)
            ),
            stacks=tuple(
                view(at, stack.size) for at, stack in zip(layout.stacks, guest.stacks, strict=True)
            ),
            ports=Ports(view(layout.ports, guest.ports)),
            pointers=[0] * len(guest.stacks),
        )
        self._attached: dict[int, memoryview] = {}
        for index, space in enumerate(guest.spaces):
            if space.large:
                self.attach(index, None)
        self._watched: frozenset[int] = frozenset()
        self._has_run = self._breaks = False
        self._marks: Marks | None = None
        self._told: Callable[[int, int], object] | None = None
        self._fields = {n: self.block.words(at, 1) for n, at in layout.fields.items()}
        self._histogram = self.block.words(layout.histogram, 256)
        self._executor = self._executor_of(handlers, params, cache)
        self._devices = Devices(self.block, self.state.ports, self._executor)
        if (tell := Machine.made) is not None:
            tell(self)

    def _handlers(self, cache: CodeCache | None, opcodes: Iterable[int]) -> Handlers | None:
        """What native tiers run on, or None if the system does not allow any."""
        why = "no memory that is shown twice"
        if self.block.is_mirrored:
            try:
                return handlers_for(self.guest, cache, opcodes)
            except BlockError as error:
                why = reason(error)
            except (ImportError, OSError, MemoryError) as error:
                why = f"no native code ({reason(error)})"
        note(why, "programs are interpreted in Python, slowly")
        return None

    def __repr__(self) -> str:
        at = f"pc={self.state.pc:#06x} stacks={self.state.pointers}"
        return f"<Machine {self.guest.name} {self.tier.value} {at}>"

    def _executor_of(
        self, handlers: Handlers | None, params: Parameters | None, cache: CodeCache | None
    ) -> Executor:
        """What executes it, by its tier."""
        if handlers is None:
            from jitvm.engine.machine.reference import ReferenceTier

            return ReferenceTier(self.block, self.state)
        native = _native_tier(self.tier)(self.block, self.state, handlers, cache)
        if self.tier in (Tier.JIT, Tier.IR):
            native.warm_up.start(params, cache)
        return native

    # -- views -------------------------------------------------------------------------------

    @property
    def memory(self) -> memoryview:
        """The code space, writable. After writing code from the host call `code_written`."""
        return self.state.spaces[self.guest.code_index]

    @property
    def page(self) -> memoryview:
        """The 256 bytes that ports remember, writable."""
        return self.state.ports.page

    @property
    def vector(self) -> int:
        """Where `deliver` starts the guest for each event; 0 for nowhere."""
        return self._fields["vector"][0]

    @vector.setter
    def vector(self, address: int) -> None:
        self._fields["vector"][0] = self._checked(address)

    def _checked(self, pc: int) -> int:
        return whole("an address of code", pc, 0, self.layout.size - 1)

    def attach(self, space: int, memory: Buffer | None) -> None:
        """Attach memory to a window or a large space, in place of what was there; between runs.

        Args:
            space: which; the index of a `Space` that is a window or large.
            memory: for a window what it shows, at most its size. It must not change while the guest
                runs, and is kept until something else is attached. For a large space writable
                memory of exactly ``space.mapped`` bytes. None: nothing, or new memory of 0.

        Raises:
            BlockError: the operating system refused the memory.
            TypeError: it is no contiguous memory, or for a large space read only.
            ValueError: it has another size, or the space is neither of the two.
        """
        index = whole("a space", space, 0, len(self.guest.spaces) - 1)
        declared = self.guest.spaces[index]
        if not declared.is_attached:
            raise ValueError(f"{declared.name} is neither a window nor a large space")
        if memory is None:
            view = _NOTHING if declared.window else Reservation(declared.mapped).view
        else:
            view = _contiguous(memory)
        if declared.window:
            view = view.toreadonly()
            if len(view) > declared.size:
                raise ValueError(
                    f"{declared.name} shows at most {declared.size} bytes, not {len(view)}"
                )
        elif view.readonly:
            raise TypeError(f"memory for {declared.name} is read only")
        elif len(view) != declared.mapped:
            raise ValueError(f"{declared.name} has {declared.mapped} bytes, not {len(view)}")
        before = self.state.spaces
        self.state.spaces = (*before[:index], view, *before[index + 1 :])
        from jitvm.engine.memory.shown import show

        if (words := self._attached.get(index)) is None:
            words = self._attached[index] = self.block.attached(index)
        show(view, words)

    # -- devices -----------------------------------------------------------------------------

    @property
    def data(self) -> int:
        """An address that native port functions find in the field ``data`` of the context; the
        machine itself makes nothing of it."""
        return self._fields["data"][0]

    @data.setter
    def data(self, address: int) -> None:
        self._fields["data"][0] = whole("data", address, 0, WORD)

    def on_read(self, port: int, reader: Reader | None) -> None:
        """Let `reader()` answer reads of a port (0 to 255) with a byte; None: nobody any more.

        It may read `state`; stack pointers that it sets are put back.

        Raises:
            TypeError: the port is no whole number, or the reader no function.
            ValueError: there is no such port.
        """
        self._devices.read_by(port, reader)

    def on_write(self, port: int, writer: Writer | None, *, quiet: bool = False) -> None:
        """Call `writer(byte)` after each write to a port (0 to 255).

        It may read and write `state`, including `state.pointers`, which are current.
        An exception it raises ends the run soon after this instruction and comes out of `run`.

        Args:
            port: its number.
            writer: the device; None: there is none any more.
            quiet: it looks at nothing but memory and ports, and changes nothing but ports (and
                what is its own). Compiled code then calls it at less cost.

        Raises:
            TypeError: the port is no whole number, or the writer no function.
            ValueError: there is no such port.
        """
        self._devices.write_to(port, writer, quiet=quiet)

    def on_read_native(self, port: int, function: NativeFunction) -> None:
        """Let a native function answer reads of a port; see `on_write_native`.

        Its result's low byte is what the guest reads.

        Raises:
            TypeError, ValueError: as there.
        """
        self._devices.read_natively(port, function)

    def on_write_native(self, port: int, function: NativeFunction, *, quiet: bool = False) -> None:
        """Call a native function after each write to a port, without the interpreter lock.

        Args:
            port: 0 to 255.
            function: a numba `cfunc`, or an address, of the C signature
                ``uint64 f(uint64 base, uint64 port, uint64 byte)``; `base` is the address of
                the code space, from which `Layout` tells where everything else is. It must not
                raise and not touch Python. Keep it alive as long as the machine.
            quiet: as for `on_write`.

        Raises:
            TypeError: the port is no whole number, or the function neither of the two.
            ValueError: there is no such port, or no such address.
        """
        self._devices.write_natively(port, function, quiet=quiet)

    def collect(self, *ports: int) -> None:
        """Gather bytes written to these ports, in order, for `take_output`; no host call each."""
        self._devices.collect(ports)

    def on_output_full(self, drain: Callable[[], None]) -> None:
        """Call `drain` when `take_output` is due because 65536 bytes have gathered."""
        self._executor.on_ring_full = drain

    def take_output(self) -> bytes:
        """Bytes gathered since the last call, as pairs (port, byte) in the order written.

        May be called from another thread while the guest runs.
        """
        written, ports = self.take_written()
        pairs = bytearray(2 * len(written))
        pairs[::2], pairs[1::2] = ports, written
        return bytes(pairs)

    def take_written(self) -> tuple[bytes, bytes]:
        """What `take_output` gives as two strings, which costs less: bytes, and their ports."""
        return self._devices.take_written()

    def code_written(self, address: int, size: int) -> None:
        """Tell that the host changed `size` bytes of the code space (wrapping at its end).

        Raises:
            TypeError: one of the two is no whole number.
            ValueError: `size` is negative.
        """
        address, size = any_whole(address), whole("size", size)
        self._executor.code_written(address, size)
        if self._told is not None:
            end = len(self.memory)
            if any((at - address) % end < size for at in self._watched):
                self._told(address % end, size)

    # -- running -----------------------------------------------------------------------------

    def run(self, pc: int | None = None, *, max_instructions: int | None = None) -> Stop:
        """Run from `pc` (default: where the last run stopped) until the guest halts.

        Args:
            pc: address to start at.
            max_instructions: stop exactly after this many, with `Stop.BUDGET`. From the first
                such run on compiled code counts what it executes, which costs some speed.

        Raises:
            TypeError: one of them is no whole number.
            ValueError: `pc` is outside the code space, or `max_instructions` negative.
            RuntimeError: it is running already.
            whatever a host function raised; the machine is left after that instruction.
        """
        self._begin_run()
        self.state.pc = self._checked(self.state.pc if pc is None else pc)
        return self._executor.run(_budget(max_instructions))

    def _begin_run(self) -> None:
        """Refuse to run what is being run; else note that it is run.

        Raises:
            RuntimeError: it is, by another thread or by this one, which it has called.
        """
        if self._executor.is_running:
            raise RuntimeError(
                "the machine is running: a function that it calls cannot run it, nor can a second "
                "thread"
            )
        self._has_run = True

    def step(self) -> Stop:
        """Execute one instruction at ``state.pc``: `Stop.BUDGET`, or `Stop.HALT` if it halts.

        Raises:
            ValueError: ``state.pc`` is outside the code space.
            RuntimeError: it is running already.
            whatever a host function raised.
        """
        self._begin_run()
        self._checked(self.state.pc)
        return self._executor.step()

    def deliver(
        self,
        data: bytes,
        *,
        port: int,
        stop_port: int,
        mark: tuple[int, int] | None = None,
        vector_port: int | None = None,
        max_instructions: int | None = None,
    ) -> Delivery:
        """Raise one event a byte: write it to a port and run from `vector` until halt.

        `mark` is another port and the byte it holds at each event. With `vector_port` each event
        runs from the address that this port and those behind it hold as it begins, in the guest's
        byte order, instead of from `vector`.

        Ends early, after the event at hand, when the byte of `stop_port` is not zero, or inside
        an event when the run is interrupted or `max_instructions` for all events together are
        done; `run()` then continues that event.

        Raises:
            TypeError: `data` is not bytes, or another argument no whole number.
            ValueError: there is no such port, or `max_instructions` is negative.
            RuntimeError: it is running already.
            whatever a host function raised.
        """
        self._begin_run()
        data = bytes(memoryview(data))
        port, stop_port = self._devices.port(port), self._devices.port(stop_port)
        mark_port, marked = mark or (port, 0)
        mark = self._devices.port(mark_port), whole("what is marked", marked, 0, 0xFF)
        if vector_port is not None:
            self._devices.port(self._devices.port(vector_port) + self.guest.address_bytes - 1)
        budget = _budget(max_instructions)
        return Delivery(*self._executor.deliver(data, port, stop_port, mark, budget, vector_port))

    def end_events(self) -> None:
        """Have the `deliver` at hand begin no further event; for functions that ports call."""
        self._executor.end_events()

    # -- marking what is executed ------------------------------------------------------------

    def mark(self) -> Marks:
        """Mark from now on what is executed, exactly; before the first run. The marks, which rise
        while the machine runs.

        Compiled code goes on at its speed: it is made of what was marked already, so it marks
        nothing. That of earlier runs is not used, nor is this one's kept.

        Raises:
            RuntimeError: the machine has run, is prepared, or is to stop at places.
            NativeError, ImportError, OSError, ArenaFull: the code that marks cannot be made.
        """
        from jitvm.guest.marks import Marks

        if self._has_run:
            raise RuntimeError("what is executed is marked from the first run on; mark before it")
        if self._breaks:
            raise RuntimeError("a machine that stops at places marks nothing; do one of the two")
        marks = Marks(self.guest)
        self._executor.mark(marks)
        self._marks = marks
        return marks

    # -- stopping at places ------------------------------------------------------------------

    def break_at(
        self,
        addresses: Iterable[int],
        opcodes: Iterable[int] = (),
        judge: Callable[[int], bool] | None = None,
        *,
        filters: Mapping[int, Filter] | None = None,
    ) -> None:
        """Stop before instructions, with `Stop.BREAK`; in place of those that were named before.

        Compiled code goes on at its speed everywhere else. Interpreted instructions are looked at
        one by one, and counted. Each run stops at them, also as its first instruction, unless
        `pass_break` was called; `step` does not look.

        Args:
            addresses: where instructions to stop at begin.
            opcodes: those of instructions to stop at, wherever they are.
            judge: called with the program counter before such an instruction, on the guest's
                thread, with the state as it is; whether to stop there. It may change memory,
                stacks and devices only between runs, and may not run the machine. None: always.
            filters: for some of the addresses a condition (`jitvm.engine.interpreter.filters`):
                where it does not hold, the judge would say no, and need not be asked.

        Raises:
            TypeError: one of them is no whole number, or the judge no function.
            ValueError: there is no such address or opcode.
            NativeError, ImportError, OSError, ArenaFull: the code that looks cannot be made.
            RuntimeError: the machine marks what it executes.
        """
        if self._marks is not None:
            raise RuntimeError("a machine that marks stops nowhere; do one of the two")
        check_function("judge", judge)
        where = frozenset(self._checked(at) for at in addresses)
        which = frozenset(whole("an opcode", code, 0, 0xFF) for code in opcodes)
        self._breaks = bool(where or which)
        self._executor.break_at(where, which, judge, filters or {})

    def pass_break(self) -> None:
        """Have the next `run` execute the instruction at ``state.pc``, also if it is one to stop
        at. Nothing if that run begins elsewhere."""
        self._executor.pass_break()

    def break_here(self) -> None:
        """Stop with `Stop.BREAK` after the instruction at hand; for functions that it calls:
        devices, and those that `watch_writes` and `watch_ports` tell. One that halts halts."""
        self._executor.break_here()

    def watch_writes(
        self, addresses: Iterable[int], told: Callable[[int, int], object] | None
    ) -> None:
        """Call a function when bytes of the code space have been written; instead of any before.

        It gets the address and the number of bytes. It is called for each byte that the guest
        stores, whether it changes or not, when that is in memory and the instruction not yet
        over: the pointers of ``state`` are not current. And once for bytes of which a device says
        that it wrote them (`code_written`). An error that it raises comes out of `run`.

        Raises:
            TypeError, ValueError: as for `break_at`.
        """
        check_function("function to tell", told)
        watched = frozenset(self._checked(at) for at in addresses)
        self._watched, self._told = watched, told if watched else None
        self._executor.watch_writes(watched, self._told)

    def watch_ports(
        self,
        reads: Iterable[int],
        writes: Iterable[int],
        told: Callable[[int, int, bool], object] | None,
    ) -> None:
        """Call a function after accesses to ports, whether they have devices or not; instead of any
        before.

        It gets the port, the byte that was read or written, and whether it was written. Compiled
        code is made again when other ports are watched.

        Raises:
            TypeError: one of them is no whole number, or `told` no function.
            ValueError: there is no such port.
        """
        check_function("function to tell", told)
        ports = self.state.ports
        ports.watched_reads = frozenset(self._devices.port(port) for port in reads)
        ports.watched_writes = frozenset(self._devices.port(port) for port in writes)
        ports.told = told
        self._executor.watch_ports()

    # -- interrupts, and the JIT -------------------------------------------------------------

    def interrupt(self) -> None:
        """Stop the running guest at its next instruction or loop; callable from any thread.

        Where none is running, the next run returns at once.
        """
        self._executor.interrupt()

    @property
    def begun(self) -> int:
        """Events that the last `deliver` has begun, also where it has raised something."""
        return self._executor.begun

    @property
    def native(self) -> NativeTier | None:
        """What executes it natively; None at the tier `reference`."""
        return self._executor if isinstance(self._executor, NativeTier) else None

    @property
    def jit(self) -> Jit | None:
        """The JIT, once it has begun: its regions and statistics."""
        return self._executor.jit

    def start_jit(self, params: Parameters) -> None:
        """Have a JIT that keeps to these limits made once the machine runs; while there is none."""
        native = self.native
        assert native is not None
        native.warm_up.start(params)

    def prepare(self, program: int | None = None) -> None:
        """Have what an earlier run has compiled of the program in memory from the start, where it
        is kept; before its first run. Else that comes when the program has run for a while, as most
        end sooner.

        Args:
            program: what tells it from others, 32 bits; default: a checksum of its bytes. One that
                differs a little each time is still the same by a number of its own: code is used
                only if the bytes are as they were.
        """
        self._has_run = True
        if self.native is not None:
            self.native.warm_up.prepare(program)

    def defer_jit(self, *, unfinished: bool = True) -> None:
        """Have what an earlier run has kept installed without a JIT, which is made when something
        else is hot; before the first run. For those who do not look at `jit` and hear no events:
        it takes a hundredth of the time.

        Args:
            unfinished: what is left to compile of it stays so, as commands leave that to a child;
                else a JIT is made for it once the machine has run for a while.
        """
        if self.native is not None:
            self.native.warm_up.defers_jit = self.tier is Tier.JIT
            self.native.warm_up.defers_unfinished = unfinished

    def have_jit(self) -> None:
        """Have the JIT that was deferred, for those who look at it after all; between runs."""
        if self.native is not None:
            self.native.warm_up.have_jit()

    def hurry_jit(self) -> None:
        """Have the JIT made with the first run, however short that is; before it."""
        if self.native is not None:
            self.native.warm_up.hurries = True

    def compile_rest(self) -> None:
        """Compile what was being compiled, and everything thoroughly, and keep it for later runs;
        between runs. What other machines of the process want compiled waits until it is done."""
        if self.native is not None:
            self.native.compile_rest()

    def change_params(self, params: Parameters) -> None:
        """Have the JIT, if there is one yet, go on with other limits; between runs, on the
        thread that runs the machine. What is compiled stays as it is."""
        self._executor.change_params(params)

    def listen(self, listener: Listener | None) -> None:
        """Call a function for all that the JIT does (`jitvm.engine.tables.events`); None: nobody.

        It is called on the guest's thread and on the compile thread, and must be quick.
        """
        self._executor.listen(listener)

    @property
    def listener(self) -> Listener | None:
        """Who is called; whoever takes the place should pass events on."""
        return self._executor.listener

    def on_stop(self, watcher: Callable[[int], None] | None) -> None:
        """Call a function with the program counter whenever native code was made to come back
        (`wake`), on the guest's thread, before it goes on; None: nobody. Memory, stacks and
        `state.pointers` are current then."""
        self._executor.on_stop = watcher

    def wake(self) -> None:
        """Have native code come back and go on at once; callable from any thread."""
        self._executor.wake()

    @property
    def executed(self) -> int:
        """Instructions executed so far; native tiers count only while `counting`, in runs with a
        budget, and after the first of those."""
        return self._executor.executed

    @property
    def executed_now(self) -> int:
        """`executed`, with what a native run at hand has done so far; from any thread.

        Right to a block of compiled code; a moment's too much while a run is ending.
        """
        return self._executor.executed_now

    @property
    def counting(self) -> bool:
        """Whether native tiers count every instruction, at some cost in speed."""
        return self._executor.counting

    @counting.setter
    def counting(self, on: bool) -> None:
        self._executor.counting = on

    @property
    def counting_interpreted(self) -> bool:
        """Whether, without `counting`, `executed` still counts what is not executed in regions.

        It costs little: only interpreted instructions are counted, regions are as they were.
        """
        return self._executor.counts_interpreted

    @counting_interpreted.setter
    def counting_interpreted(self, on: bool) -> None:
        self._executor.counts_interpreted = on

    @property
    def profiling(self) -> bool:
        """Whether instructions are counted by opcode; native tiers then count them as well."""
        return self._executor.profiling

    @profiling.setter
    def profiling(self, on: bool) -> None:
        self._executor.profiling = on

    def histogram(self) -> list[int]:
        """How often each of the 256 opcodes was executed while `profiling`."""
        return self._histogram.tolist()

    # -- snapshots ---------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Copy the guest-visible state; devices keep their own, and what is attached stays."""
        return Snapshot(self.guest, self.state, self.vector)

    def restore(self, snapshot: Snapshot) -> None:
        """Put a copied state back."""
        state = self.state
        changed = snapshot.changed(self.guest.code_index, self.memory)
        for declared, view, content in zip(
            self.guest.spaces, state.spaces, snapshot.spaces, strict=True
        ):
            if not declared.is_attached:
                view[:] = content
        for view, content in zip(state.stacks, snapshot.stacks, strict=True):
            view[:] = content
        self.page[:] = snapshot.page
        state.pointers[:] = snapshot.pointers
        state.pc = snapshot.pc
        self.vector = snapshot.vector
        for at in changed:
            self._executor.code_written(at, 1)


_NOTHING = memoryview(b"")


def _contiguous(memory: Buffer) -> memoryview:
    """The bytes of memory that lies in one piece.

    Raises:
        TypeError: it does not, or is no memory.
    """
    try:
        return memoryview(memory).cast("B")
    except TypeError as error:
        raise TypeError(f"what is attached is no memory in one piece: {error}") from None


def _check_classes(cache: object, params: object) -> None:
    """Refuse what is neither None nor of its class: it would be noticed far from here, or never."""
    if cache is not None and not isinstance(cache, CodeCache):
        raise TypeError(f"cache is a CodeCache, not {shortened(cache)}")
    if params is not None:
        from jitvm.engine.tables.params import Parameters

        if not isinstance(params, Parameters):
            raise TypeError(f"params is a Parameters, not {shortened(params)}")


def _native_tier(tier: Tier) -> type[NativeTier]:
    if tier is Tier.IR:
        from jitvm.engine.machine.ir import IrTier

        return IrTier
    return NativeTier


def _budget(instructions: int | None) -> int | None:
    return None if instructions is None else whole("max_instructions", instructions)
