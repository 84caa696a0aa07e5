"""The statements that random programs are made of.

A `Grammar` writes lines of Uxntal. Statements leave both stacks as they found them (but for the
few whose point it is not to), so programs run for a while and mean something; expressions push
one byte or one short. What makes it hard for a compiler is in the forms: a counter may live on
either stack, in the zero page or inside an instruction; a call may be immediate, absolute,
relative or through a table; values travel over the return stack; stores hit operands, opcodes and
code that was just generated.

    statement(depth)   one of `STATEMENTS`, by the weights of the profile
    function(depth)    a function that takes a byte and gives one

Each line stands for itself, so a shrinker may take lines out. Labels are unique numbers.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from tests.fuzz.expressions import ARRAYS, BINARY, BYTES, COMPARE, SHORTS, Expressions

FARAWAY = (0x00C0, 0x9000, 0xFEFF, 0xFFFD)
"""Where generated code is put: zero page, RAM, across a page, across the end of memory."""


class Grammar(Expressions):
    """Writes random statements.

    Args:
        rng: where chance comes from.
        weights: how much more often than usual each statement appears, by its name.
    """

    def __init__(self, rng: random.Random, weights: Mapping[str, float]) -> None:
        super().__init__(rng)
        self._statements = [getattr(self, f"_{name}") for name in STATEMENTS]
        self._weights = [STATEMENTS[name] * weights.get(name, 1.0) for name in STATEMENTS]

    # -- statements: stores and output -------------------------------------------------------

    def statement(self, depth: int) -> None:
        """Emit one random statement; `depth` is how many more may be nested in it."""
        if self.chance(15):
            place = self.label("at")
            self.places.append(place)
            self.emit(f"@{place}")
        self.rng.choices(self._statements, self._weights)[0](depth)

    def body(self, depth: int, most: int = 4) -> None:
        """Emit some statements, one step further in."""
        self._indent += 1
        for _ in range(self.rng.randint(1, most)):
            self.statement(depth)
        self._indent -= 1

    def _assign(self, _: int) -> None:
        form = self.rng.randrange(7)
        if form < 2:
            self.emit(f"{self.byte()} .{self.one(*BYTES)} STZ")
        elif form == 2:
            self.emit(f"{self.short()} .{self.one(*SHORTS)} STZ2")
        elif form == 3:
            self.emit(f"{self.byte()} ;{self.one(*BYTES, *ARRAYS)} STA")
        elif form == 4:
            self.emit(f"{self.short()} .{self.one(*BYTES)} STZ2")
        elif form == 5:
            name = self.one(*BYTES)
            self.emit(f".{name} LDZk {self.one('INC', '#03 ADD', 'DUP ADD')} SWP STZ")
        else:
            name = self.one(*SHORTS)
            self.emit(f".{name} LDZ2k {self.one('INC2', 'DUP2 ADD2', '#0101 SUB2')} ROT STZ2")

    def _variable(self, _: int) -> None:
        """Store to an operand, near or far, whole or a half of it."""
        if self.variables and self.chance(50):
            name = self.rng.choice(self.variables)
            self.emit(f"{self.byte()} {self.one(f';{name} STA', f',{name} STR')}")
        elif self.wide_variables:
            name = self.rng.choice(self.wide_variables)
            if self.chance(70):
                self.emit(f"{self.short()} {self.one(f';{name} STA2', f',{name} STR2')}")
            else:
                self.emit(f"{self.byte()} ;{name} {self.one('', 'INC2 ')}STA")

    def _array(self, _: int) -> None:
        array = self.one(*ARRAYS)
        if self.chance(70):
            self.emit(f"{self.byte()} #00 {self._index()} ;{array} ADD2 STA")
        else:
            self.emit(f"{self.short()} #00 {self._index()} ;{array} ADD2 STA2")

    def _computed_zero(self, _: int) -> None:
        """A computed store into the zero page, where cells live."""
        self.emit(f"{self.byte(1)} .{self.one(*BYTES)} .zb0 LDZ #07 AND ADD STZ")

    def _overlap(self, _: int) -> None:
        """Neighbouring bytes as bytes and as shorts, one after the other."""
        first = self.rng.randrange(len(BYTES) - 1)
        low, high = BYTES[first], BYTES[first + 1]
        for _ in range(self.rng.randint(2, 4)):
            self.emit(self.one(
                f".{high} LDZ .zs0 LDZ2 ADD ADD .zs0 STZ", f".{low} LDZ2 .zs1 LDZ2 ADD2 .zs1 STZ2",
                f"{self.short(1)} .{low} STZ2", f"{self.byte(1)} .{high} STZ",
                f"{self.byte(1)} ;{low} STA", f";{low} LDA2 .zs1 LDZ2 EOR2 .zs1 STZ2",
                f".{low} LDZk INC SWP STZ", f".{high} LDZ .{low} STZ",
            ))  # fmt: skip

    def _edge(self, _: int) -> None:
        """Accesses that wrap at the end of the zero page or of memory."""
        self.emit(self.one(
            f"{self.short(1)} #ff STZ2", f"{self.short(1)} #ffff STA2",
            f"{self.short(1)} .zb0 LDZ #01 AND #ff ADD STZ2",
            f"{self.short(1)} #00 .zb0 LDZ #01 AND #fffe ADD2 STA2",
            f"{self.byte(1)} #ffff STA", f"#ff LDZ2 .{self.one(*SHORTS)} STZ2",
        ))  # fmt: skip

    def _output(self, _: int) -> None:
        self.emit(self.one(
            f"{self.byte()} #18 DEO", f"{self.byte()} #19 DEO", f"{self.short()} #18 DEO2",
            f"{self.short()} #22 DEO2", f"{self.short()} #17 DEO2", f"{self.byte()} #20 DEO",
        ))  # fmt: skip

    def _computed_port(self, _: int) -> None:
        mask, base = self.rng.choice([("03", "18"), ("07", "20"), ("0f", "80")])
        port = f"{self.byte(1)} #{mask} AND #{base} ADD"
        self.emit(self.one(
            f"{self.byte(1)} {port} DEO", f"{self.short(1)} {port} DEO2",
            f"{port} DEI .{self.one(*BYTES)} STZ", f"{port} DEI2 .{self.one(*SHORTS)} STZ2",
        ))  # fmt: skip

    # -- statements: control -----------------------------------------------------------------

    def _if(self, depth: int) -> None:
        if not depth:
            return self._assign(0)
        over = self.label("if")
        form = self.rng.randrange(3)
        if form == 0:
            self.emit(f"{self.flag()} ?{over}")
        elif form == 1:
            self.emit(f"{self.flag()} ;{over} JCN2")
        else:
            self.emit(f"{self.flag()} ,{over} JCN")
        self.body(depth - 1, 3)
        self.emit(f"@{over}")
        return None

    def _if_else(self, depth: int) -> None:
        if not depth:
            return self._assign(0)
        other, end = self.label("else"), self.label("end")
        self.emit(f"{self.flag()} {self.one(f'?{other}', f';{other} JCN2', f',{other} JCN')}")
        self.body(depth - 1, 3)
        self.emit(self.one(f"!{end}", f";{end} JMP2", f",{end} JMP"), f"@{other}")
        self.body(depth - 1, 3)
        self.emit(f"@{end}")
        return None

    def _times(self, depth: int) -> int:
        """How often a loop goes round: short ones inside, long ones outside."""
        if depth >= 2 and self.chance(20):
            return self.rng.choice((100, 200, 255))
        return self.rng.choice((2, 3, 5, 9, 17, 40))

    def _loop(self, depth: int) -> None:
        """A counted loop; the counter is on a stack, in the zero page, or in an instruction."""
        if not depth:
            return self._assign(0)
        top, times = self.label("loop"), self._times(depth)
        back = self.one(f"?{top}", f";{top} JCN2", f",{top} JCN")
        form = self.rng.randrange(6)
        if form == 0:
            self.emit("#00", f"@{top}")
            self.body(depth - 1)
            self.emit(f"INC DUP #{times:02x} NEQ {back}", "POP")
        elif form == 1:
            self.emit("LITr 00", f"@{top}")
            self.body(depth - 1)
            self.emit(f"INCr STHkr #{times:02x} NEQ {back}", "POPr")
        elif form == 2:
            self.emit("LIT2r 0000", f"@{top}")
            self.body(depth - 1)
            self.emit(f"INC2r STH2kr #{times:04x} NEQ2 {back}", "POP2r")
        elif form == 3:
            counter = self.label("count")
            self.emit(f"#{times:02x} ;{counter} STA", f"@{top}")
            self.body(depth - 1)
            self.emit(f"[ LIT @{counter} 00 ] #01 SUB DUP ;{counter} STA {back}")
        elif form == 4:
            self.emit(f"#{65536 - times:04x}", f"@{top}")
            self.body(depth - 1)
            self.emit(f"INC2 ORAk {back}", "POP2")
        else:
            self.emit(f"#{times:02x}00", f"@{top}")
            self.body(depth - 1)
            self.emit(f"INC GTHk {back}", "POP2")
        return None

    def _while(self, depth: int) -> None:
        """A loop that ends on data, or when its fuel is used up."""
        if not depth:
            return self._assign(0)
        top, end = self.label("while"), self.label("done")
        self.emit(f"#{self._times(depth):02x}", f"@{top}", f"{self.flag()} ?{end}")
        self.body(depth - 1)
        self.emit(f"#01 SUB DUP ?{top}", f"@{end}", "POP")
        return None

    def _sweep(self, _: int) -> None:
        """A pointer goes over memory by even steps, up or down, to an end that is known or not."""
        top, out = self.label("sweep"), self.label("swept")
        step = self.rng.choice((1, 1, 1, 2, 2, 3, 64, -1, -2))
        near = self.one(*(f";{name}" for name in ARRAYS), "#a000", "#a000", "#ff20")
        if self.places and self.chance(5):
            near = f";{self.rng.choice(self.places)}"
        length = f"#{(step * self.rng.choice((3, 8, 9, 20, 40))) & 0xFFFF:04x}"
        self.emit(f"{near} {length} ADD2 .zs2 STZ2")
        end = self.one(f"{near} {length} ADD2", ".zs2 LDZ2")
        if step > 0 and self.chance(20):
            self.emit(f"#{step:04x} .zs1 STZ2")
            add = ".zs1 LDZ2 ADD2"
        else:
            add = f"#{step:04x} ADD2" if step > 0 else f"#{-step:04x} SUB2"
        self.emit(near, f"@{top}")
        for _ in range(self.rng.randint(1, 2)):
            self.emit("  " + self.one(
                f"STH2k {self.byte(1)} STH2r STA", f"STH2k {self.short(1)} STH2r STA2",
                "LDAk .zb1 LDZ ADD .zb1 STZ", "LDA2k .zs0 LDZ2 ADD2 .zs0 STZ2",
                "LDAk STH DUP2 #0007 ADD2 STHr ROT ROT STA", f"LDAk {self.number()} EQU ?{out}",
                "LDA2k OVR2 #0003 SUB2 STA2",
            ))  # fmt: skip
        until = "NEQ2" if self.chance(60) else "LTH2" if step > 0 else "GTH2"
        self.emit(f"  {add} DUP2 {end} {until} ?{top}", f"@{out} POP2")

    def _byte_sweep(self, _: int) -> None:
        """A byte counts up, perhaps past its end, and is an address or a part of one."""
        top, first = self.label("bytes"), self.rng.choice((0x00, 0x20, 0xE0, 0xF0, 0xF8))
        last = (first + self.rng.choice((3, 9, 12, 20))) & 0xFF
        self.emit(f"#{first:02x}", f"@{top}")
        self.emit("  " + self.one(
            "DUP #14 ADD #00 SWP LDA .zb1 LDZ ADD .zb1 STZ",
            "DUP #f8 ADD LDZ .zb2 LDZ EOR .zb2 STZ",
            "DUP #20 SUB #00 SWP LDA .zb3 STZ", f"#00 OVR ;{self.one(*ARRAYS)} ADD2 LDA .zb1 STZ",
            "DUP #3f AND #00 SWP ;ar0 ADD2 STH2k LDA INC STH2r STA", "DUP #f0 ADD LDZ2 .zs1 STZ2",
        ))  # fmt: skip
        until = f"NEQ ?{top}" if first > last or self.chance(70) else f"LTH ?{top}"
        self.emit(f"  INC DUP #{last:02x} {until}", "POP")

    def _vary_stack(self, _: int) -> None:
        """A loop that leaves the stack higher or lower each time round, perhaps past its end."""
        top, times = self.label("drift"), self.rng.choice((3, 20, 100, 200))
        step = self.one("#01", "POP", "#0203", "LITr 05", "POPr", "STH", "STHr", "DUP", "DUPr")
        counter = self.label("count")
        self.emit(f"#{times:02x} ;{counter} STA", f"@{top}", f"  {step}")
        self.emit(f"[ LIT @{counter} 00 ] #01 SUB DUP ;{counter} STA ?{top}")

    # -- statements: calls -------------------------------------------------------------------

    def function(self, depth: int) -> str:
        """A new function that takes a byte and gives one, or an old one."""
        if len(self.functions) > 5 or (self.functions and self.chance(40)):
            return self.rng.choice(self.functions)
        name = self.label("fn")
        kept, self.lines = self.lines, [f"@{name}"]
        indent, self._indent = self._indent, 1
        form = self.rng.randrange(5)
        if form == 0:
            self.emit(f"{self.byte(1)} {self.one(*BINARY)}")
        elif form == 1:
            self.emit("STH")
            self.body(max(depth - 1, 0), 2)
            self.emit(f"STHr {self.number()} {self.one(*BINARY)}")
        elif form == 2:
            done = self.label("ret")
            self.emit(f"DUP {self.number()} GTH ?{done}", f"#03 {self.one(*BINARY)}")
            self.emit("JMP2r", f"@{done}", "INC")
        elif form == 3 and self.functions:
            other = self.rng.choice(self.functions)
            self.emit(self.one("INC", "#07 EOR", "DUP MUL"))
            self.emit(self.one(f"!{other}", f";{other} JMP2"))
        else:
            self.body(max(depth - 1, 0), 2)
            self.emit("INC")
        self.emit("JMP2r")
        self.later.append(self.lines)
        self.lines, self._indent = kept, indent
        self.functions.append(name)
        return name

    def _call_statement(self, depth: int) -> None:
        name = self.function(depth)
        self.emit(f"{self.byte(1)} {self.call(name)} .{self.one(*BYTES)} STZ")

    def _table_call(self, depth: int) -> None:
        """A call through a table of functions."""
        table, names = self.label("table"), [self.function(depth) for _ in range(4)]
        self.later.append([f"@{table} {' '.join('=' + name for name in names)}"])
        how = self.one("LDA2 JSR2", "LDA2 STH2 STH2r JSR2")
        self.emit(
            f"{self.byte(1)} #00 {self.flag()} #03 AND DUP ADD ;{table} ADD2 {how} "
            f".{self.one(*BYTES)} STZ"
        )

    def _table_jump(self, depth: int) -> None:
        """A switch: a jump through a table to one of some arms that meet again."""
        if not depth:
            return self._assign(0)
        table, end = self.label("table"), self.label("end")
        arms = [self.label("arm") for _ in range(self.rng.choice((2, 4)))]
        self.later.append([f"@{table} {' '.join('=' + arm for arm in arms)}"])
        self.emit(f"#00 {self.flag()} #{len(arms) - 1:02x} AND DUP ADD ;{table} ADD2 LDA2 JMP2")
        for arm in arms:
            self.emit(f"@{arm}")
            self.body(depth - 1, 2)
            self.emit(f"!{end}")
        self.emit(f"@{end}")
        return None

    def _recurse(self, _: int) -> None:
        """Fibonacci, a three-way recursion, a line of calls, two functions that call each other."""
        name, done = self.label("rec"), self.label("base")
        form = self.rng.randrange(4)
        if form == 0:
            self.later.append([
                f"@{name} DUP #02 LTH ?{done} DUP #01 SUB {self.call(name)}",
                f"  SWP #02 SUB {self.call(name)} {self.one(*BINARY)} JMP2r",
                f"@{done} {self.one('INC', '.zb0 LDZ ADD', '')} JMP2r",
            ])  # fmt: skip
            depth = self.rng.randrange(3, 13)
        elif form == 1:
            self.later.append([
                f"@{name} DUP ?{done} JMP2r",
                f"@{done} #01 SUB DUP {name} OVR {name} {self.one(*BINARY)}",
                f"  OVR {name} {self.one(*BINARY)} NIP JMP2r",
            ])  # fmt: skip
            depth = self.rng.randrange(2, 7)
        elif form == 2:
            # deeper than the return stack: after 128 levels the oldest addresses are gone
            stop = self.label("stop")
            self.later.append([
                f"@{name} DUP #00 EQU ?{done} #01 SUB {self.call(name)}",
                f"@{done} .fuel LDZ2k INC2 ROT STZ2 .fuel LDZ2 #0300 GTH2 ?{stop} INC JMP2r",
                f"@{stop} BRK",
            ])  # fmt: skip
            depth = self.rng.choice((5, 30, 60, 100, 126, 140, 250))
        else:
            other = self.label("rec")
            self.later.append([
                f"@{name} DUP ?{done} #aa EOR JMP2r @{done} #01 SUB !{other}",
                f"@{other} DUP ?{done}-2 #55 EOR JMP2r @{done}-2 #01 SUB {name} INC JMP2r",
            ])  # fmt: skip
            depth = self.rng.choice((3, 10, 40))
        self.emit(f"#{depth:02x} {name} .{self.one(*BYTES)} STZ")

    def _return_data(self, depth: int) -> None:
        """Values kept on the return stack around something else."""
        wide = self.chance(50)
        mode = "2" if wide else ""
        self.emit(f"{self.short(1) if wide else self.byte(1)} STH{mode}")
        self.body(max(depth - 1, 0), 2)
        change = self.one(
            f"INC{mode}r", f"STH{mode}kr STH{mode} ADD{mode}r", f"DUP{mode}r POP{mode}r", ""
        )
        into = f".{self.one(*SHORTS)} STZ2" if wide else f".{self.one(*BYTES)} STZ"
        self.emit(f"{change} STH{mode}r {into}".strip())

    # -- statements: code that changes -------------------------------------------------------

    def _slot(self, _: int) -> None:
        """An opcode that may be overwritten with another that takes and gives as much."""
        name = self.label("op")
        self.slots.append(name)
        into = f".{self.one(*BYTES)} STZ"
        self.emit(f"{self.byte(1)} {self.byte(1)} @{name} {self.one(*BINARY)} {into}")
        if self.chance(50):
            self._patch_slot(0)

    def _patch_slot(self, _: int) -> None:
        """Overwrite such an opcode: always, or now and then, always the same or another."""
        if not self.slots:
            return
        name = self.rng.choice(self.slots)
        if self.chance(40):
            code = f"LIT {self.one(*BINARY, *COMPARE)}"
        else:
            code = self.one("#18 .zb0 LDZ #01 AND ADD", "#1c .rnd LDZ #03 AND #02 NEQ ADD")
        store = self.one(f";{name} STA", f",{name} STR")
        if self.chance(40):
            over = self.label("skip")
            self.emit(f"{self.flag()} ?{over} {code} {store} @{over}")
        else:
            self.emit(f"{code} {store}")

    def _patch_target(self, depth: int) -> None:
        """A jump or call whose target is an operand that is stored to."""
        if self.chance(50) or not depth:
            names = self.function(depth), self.function(depth)
            at = self.label("to")
            self.emit(f";{names[0]} ;{names[1]} {self.flag()} ?{{ SWP2 }} POP2 ;{at} STA2")
            self.emit(f"{self.byte(1)} [ LIT2 @{at} ={names[0]} ] JSR2 .{self.one(*BYTES)} STZ")
            return
        arm, end, at = self.label("arm"), self.label("end"), self.label("to")
        self.emit(f";{arm} ;{end} {self.flag()} ?{{ SWP2 }} POP2 ;{at} STA2")
        self.emit(f"[ LIT2 @{at} ={end} ] JMP2", f"@{arm}")
        self.body(depth - 1, 2)
        self.emit(f"@{end}")

    def _immediate_patch(self, _: int) -> None:
        """An immediate call whose distance is overwritten."""
        names = self.function(0), self.function(0)
        at = self.label("call")
        self.emit(f";{self.rng.choice(names)} ;{at} #0003 ADD2 SUB2 ;{at} INC2 STA2")
        self.emit(f"{self.byte(1)} @{at} {names[0]} .{self.one(*BYTES)} STZ")

    def _generate(self, _: int) -> None:
        """Write a routine into memory, or a part of it anew, and call it."""
        address = self.rng.choice(FARAWAY)
        code = ["#80", self.byte(1), f"LIT {self.one(*BINARY)}", "#6c"]
        form = self.rng.randrange(3)
        over = self.label("made")
        if form == 0:
            self.emit(f".made LDZ ?{over}", "  #01 .made STZ")
        elif form == 1:
            self.emit(f"{self.flag()} .made LDZ AND ?{over}", "  #01 .made STZ")
        parts = list(enumerate(code))
        if form == 2 and self.chance(50):
            self.rng.shuffle(parts)
        for offset, part in parts:
            self.emit(f"  {part} #{(address + offset) & 0xFFFF:04x} STA")
        self.emit(f"@{over} {self.byte(1)} #{address:04x} JSR2 .{self.one(*BYTES)} STZ")

    def _zero_page_code(self, _: int) -> None:
        """A routine in the zero page, copied there two bytes at a time, with its own variable."""
        self.emit("#a0ff #e0 STZ2 #0118 #e2 STZ2 #6c #e4 STZ")
        if self.chance(50):
            self.emit(f"{self.short(1)} #e1 STZ2")
        self.emit(f"{self.byte(1)} {self.byte(1)} #00e0 JSR2 .{self.one(*SHORTS)} STZ2 POP")

    def _wild_store(self, _: int) -> None:
        """A store whose address is computed, near code and variables inside it."""
        labels = [*self.places, *self.variables, *self.wide_variables, *self.slots, "ar0"]
        near = self.rng.choice(labels)
        value = self.one("#01", "#21", "#82", "#18", "#80", self.byte(0))
        offset = f"#00 .zb0 LDZ #{self.rng.choice((0, 1, 3, 7)):02x} AND"
        self.emit(f"{value} {offset} ;{near} {self.one('ADD2', 'SWP2 SUB2')} STA")

    def _host_patch(self, _: int) -> None:
        """A device writes to memory: a variable, an opcode, or the next instruction."""
        targets = [f";{name}" for name in (*self.slots, *self.variables, *self.wide_variables)]
        targets += [";zb0", ";zs0", ";ar0"]
        target = self.rng.choice(targets)
        byte = f"LIT {self.one(*BINARY)}" if target[1:] in self.slots else self.byte(0)
        self.emit(self.one(
            f"{target} #64 DEO2 {byte} #66 DEO", f"{target} #64 DEO2 #67 DEI .zb1 STZ",
            ";zb0 #64 DEO2 .rnd LDZ #68 DEO", f"{target} #64 DEO2 {byte} {byte} #65 DEO2",
        ))  # fmt: skip

    def _pointers(self, _: int) -> None:
        """Read stack pointers, and set them to what they are or to something else and back."""
        self.emit(self.one(
            "#04 DEI .zb3 STZ", "#05 DEI .zb3 STZ", "#04 DEI2 .zs2 STZ2", "#05 DEI #05 DEO",
            "#04 DEI #01 SUB #04 DEO", "#03 DEI2 .zs1 STZ2", "#04 DEIk .zb2 STZ POP",
            "LITr 04 DEIr STHr .zb2 STZ", "#77 #05 DEI INC #05 DEO #05 DEI #01 SUB #05 DEO POP",
            "#11 #22 #04 DEI #02 SUB #04 DEO",
        ))  # fmt: skip

    def _fault(self, _: int) -> None:
        self.emit(f"{self.flag()} #6e DEO")

    def _break(self, _: int) -> None:
        over = self.label("on")
        self.emit(f"{self.flag()} ?{over} {self.flag()} ?{over} BRK @{over}")

    def _chaos(self, _: int) -> None:
        """Any opcode at all."""
        code = self.rng.randrange(1, 256)
        self.emit(f"{code:02x} ( chaos )")


STATEMENTS: dict[str, float] = {
    "assign": 12, "variable": 6, "array": 4, "computed_zero": 2, "overlap": 2, "edge": 1,
    "output": 3, "computed_port": 1, "if": 6, "if_else": 6, "loop": 12, "while": 4,
    "sweep": 2, "byte_sweep": 1,
    "vary_stack": 0.5, "call_statement": 6, "table_call": 2, "table_jump": 2, "recurse": 1.5,
    "return_data": 4, "slot": 1, "patch_slot": 1, "patch_target": 1, "immediate_patch": 0.5,
    "generate": 1, "zero_page_code": 0.5, "wild_store": 0.5, "host_patch": 0.7,
    "pointers": 0.7, "fault": 0.1, "break": 0.1, "chaos": 0.1,
}  # fmt: skip
"""Statements by name, with how often they appear."""
