"""What became of a program's hot code, as text for people and as plain data.

    explanation = Explanation(machine, program, platform)
    explanation.regions             reports of all regions, the most travelled first
    print(explanation)              the requested one, stage by stage; or why there is none

Stages are guest code, exits with their counts, region IR, LLVM IR and assembly. LLVM IR is
available if the JIT was set to keep texts (the parameter `keep_text`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jitvm.engine.machine.explain import assembly, regions, why_none, why_not
from jitvm.engine.machine.inspect import Inspector
from jitvm.engine.tables.names import shown
from jitvm.guest.light import cached_property

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.engine.machine.explain import Absence, RegionReport
    from jitvm.engine.machine.inspect import Machine
    from jitvm.platform import Platform, Program

STAGES = ("guest", "exits", "ir", "llvm", "asm")
"""What is shown of a region, in this order."""
_UNKEPT = "not kept; run it with the parameter keep_text=1\n"


class Explanation:
    """What a machine's JIT made of its program, or why it made nothing of it.

    Args:
        machine: what has run, at a tier with a JIT.
        program: whose labels are shown.
        platform: spells instructions.
        address: what is asked about: an address or a label; None for the hottest region.
        stages: some of `STAGES`.

    Attributes:
        address: what is asked about, as a number.
        regions: reports of all regions, the most travelled first.

    Raises:
        ValueError: the machine has no JIT or has not run; or there is no such label or stage.
    """

    def __init__(
        self,
        machine: Machine,
        program: Program,
        platform: Platform,
        address: int | str | None = None,
        stages: Iterable[str] = STAGES,
    ) -> None:
        if not Inspector(machine).has_jit:
            raise ValueError(
                f"nothing to explain: {machine!r} has no JIT yet; make it with tier=Tier.JIT, and "
                "run it for some milliseconds"
            )
        self._machine = machine
        self._program = program
        self._platform = platform
        self._stages = tuple(stages)
        for stage in self._stages:
            if stage not in STAGES:
                raise ValueError(f"there is no stage {stage}; take some of {', '.join(STAGES)}")
        self.address = None if address is None else find(program, platform, address)
        self.regions: list[RegionReport] = regions(machine)

    @cached_property
    def region(self) -> RegionReport | None:
        """The region entered at the address, else the most travelled one that contains it."""
        if self.address is None:
            return self.regions[0] if self.regions else None
        inside = [report for report in self.regions if self.address in report.instructions]
        return next((r for r in inside if r.start == self.address), inside[0] if inside else None)

    @cached_property
    def absence(self) -> Absence | None:
        """Why there is no such region, and what to do; None if there is one."""
        if self.region is not None:
            return None
        if self.address is None:
            return why_none(self._machine)
        return why_not(self._machine, self.address)

    def _name(self, address: int) -> str:
        return str(self._program.place(address))

    # -- for people --------------------------------------------------------------------------

    def __str__(self) -> str:
        if self.region is None:
            return self._absence_text()
        parts = [self._headline(self.region)]
        parts += [
            f"\n-- {stage} {'-' * (76 - len(stage))}\n{text}"
            for stage, text in self.texts().items()
        ]
        return "\n".join(part.removesuffix("\n") for part in parts)

    def texts(self) -> dict[str, str]:
        """The texts of the region by stage; none if there is no region."""
        report = self.region
        if report is None:
            return {}
        return {stage: self._text(stage, report) for stage in self._stages}

    def list_text(self) -> str:
        """All regions, a line each; or why there are none."""
        if not self.regions:
            absence = why_none(self._machine)
            return f"no region: {absence.what}\nwhat to do: {absence.advice}"
        return "\n".join(
            f"{report.start:04x}  {self._name(report.start):<24}"
            f"{sum(report.instructions.values()):>6} instructions  "
            f"left {sum(exit_.times for exit_ in report.exits)} times"
            for report in self.regions
        )

    def _text(self, stage: str, report: RegionReport) -> str:
        match stage:
            case "guest":
                return self._guest_code(report)
            case "exits":
                return self._exits(report)
            case "ir":
                return report.ir
            case "llvm":
                return report.llvm or _UNKEPT
        return assembly(report) if report.llvm else _UNKEPT

    def _guest_code(self, report: RegionReport) -> str:
        """The instructions of a region in the order of memory, with labels; gaps are marked."""
        lines, following = [], -1
        for address, copies in report.instructions.items():
            if address != following and following >= 0:
                lines.append("      ...")
            lines += [f"@{shown(name)}" for name in self._program.labels_at(address)]
            text, size = self._platform.spell(self._machine.memory, address, self._program)
            mark = ">" if address in (report.start, *report.entries) else " "
            times = f"  ({copies} copies)" if copies > 1 else ""
            lines.append(f"{mark} {address:04x}  {text}{times}")
            following = address + size
        return "\n".join(lines) + "\n"

    def _exits(self, report: RegionReport) -> str:
        lines = []
        for exit_ in report.exits:
            target = "computed" if exit_.target is None else self._name(exit_.target)
            lines.append(f"{exit_.times:>9}  {exit_.reason:<10} to {target:<20} {exit_.what}")
        lines += [
            f"    limit  {limit.reason:<10} {limit.what}; {limit.advice}" for limit in report.limits
        ]
        return "\n".join(lines) + "\n"

    def _headline(self, report: RegionReport) -> str:
        form, text, llvm = (1000 * seconds for seconds in report.seconds)
        others = ", ".join(self._name(at) for at in report.entries)
        also = f"entered at {others}, too\n" if others else ""
        return (
            f"region at {report.start:04x} ({self._name(report.start)}): "
            f"{sum(report.instructions.values())} instructions, {report.code_bytes} bytes of code\n"
            f"{also}made in {form + text + llvm:.1f} ms: {form:.1f} forming, "
            f"{text:.1f} writing LLVM IR, {llvm:.1f} in LLVM"
        )

    def _absence_text(self) -> str:
        if self.address is None:
            return self.list_text()
        absence = self.absence
        assert absence is not None
        return (
            f"{self.address:04x} ({self._name(self.address)}) is not native: {absence.what}\n"
            f"what to do: {absence.advice}"
        )

    # -- for programs ------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """The region with its texts, or why there is none, as plain data."""
        if self.region is not None:
            return {**self._facts(self.region), **self.texts()}
        assert self.absence is not None
        return {"address": self.address, "native": False, **asdict(self.absence)}

    def list_dict(self) -> dict[str, Any]:
        """All regions, or why there are none, as plain data."""
        if self.regions:
            return {"regions": [self._facts(report) for report in self.regions]}
        absence = why_none(self._machine)
        return {"regions": [], "why": absence.what, "advice": absence.advice}

    def _facts(self, report: RegionReport) -> dict[str, Any]:
        facts = asdict(report)
        facts["label"] = self._name(report.start)
        for stage in ("ir", "llvm"):
            del facts[stage]
        return facts


def find(program: Program, platform: Platform, text: int | str) -> int:
    """The address that is meant by a label, or by a hexadecimal number as text.

    Raises:
        ValueError: it is neither, or no address of the guest.
    """
    if isinstance(text, str):
        label = program.address_of(text.removeprefix("@"))
        if label is not None:
            return label
        try:
            address = int(text, 16)
        except ValueError:
            address = -1
    else:
        address = text
    if not 0 <= address < platform.guest.code_space.size:
        raise ValueError(f"{text} is neither a label of the program nor an address like 0x0143")
    return address
