"""What the JIT made of a machine's program, as plain data: regions, their code, their exits.

keep_text(machine)            before running: have the JIT keep its texts
regions(machine)              afterwards: a report on each region, the most travelled first
why_none(machine)             why there is none, and what to do about it
why_not(machine, address)     why an address is not native, and what to do about it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitvm.engine.ir.text import show
from jitvm.engine.machine.inspect import assembly_lines
from jitvm.engine.tables.reasons import Reason

if TYPE_CHECKING:
    from jitvm.engine.jit.compiled import Installed
    from jitvm.engine.jit.jit import Jit
    from jitvm.engine.machine.machine import Machine


@dataclass(frozen=True, slots=True)
class ExitReport:
    """One way out of a region. `target` is None if it is computed."""

    reason: str
    target: int | None
    times: int
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class RegionReport:
    """A region that is installed.

    Attributes:
        start: the guest address where it begins.
        entries: other addresses where it is entered.
        instructions: guest instructions by address, with how many copies of each it has.
        travel: how often its instructions were seen while recording.
        code_bytes: size of its machine code.
        seconds: time spent forming it, writing LLVM text, and in LLVM.
        exits: ways out, the most taken first.
        limits: limits that cut it, by reason.
        ir, llvm: its texts.
        speed: how LLVM made its code, see `Compiler.compile`.
    """

    start: int
    entries: tuple[int, ...]
    instructions: dict[int, int]
    travel: int
    code_bytes: int
    seconds: tuple[float, float, float]
    exits: tuple[ExitReport, ...]
    limits: tuple[ExitReport, ...]
    ir: str
    llvm: str
    speed: int


@dataclass(frozen=True, slots=True)
class Absence:
    """Why an address is not native: what is known, and what its author can do."""

    what: str
    advice: str


def keep_text(machine: Machine, given: Mapping[str, str | int]) -> None:
    """Have a machine's JIT keep texts and compile while the guest waits, so that everything that
    became hot is there in the end. To be called before the first run, at tier `jit`.

    Args:
        given: parameters to change, besides those of the environment.

    Raises:
        ParameterError: one of them does not exist or is out of range.
    """
    from jitvm.engine.tables.params import Parameters

    fixed: dict[str, str | int] = {"keep_text": 1, "background": 0}
    params = Parameters.from_environment().changed({**given, **fixed})
    machine.start_jit(params)


def regions(machine: Machine) -> list[RegionReport]:
    """Reports of all installed regions, the most travelled first."""
    jit = _jit(machine)
    reports = [_report(jit, installed) for installed in jit.regions.values()]
    return sorted(reports, key=lambda report: -report.travel)


def assembly(report: RegionReport) -> str:
    """The machine code of a region as assembly, without directives.

    Raises:
        NativeError: LLVM refused its text.
    """
    lines = assembly_lines(report.llvm, report.speed)
    return "".join(f"{line}\n" for line in lines)


def why_none(machine: Machine) -> Absence:
    """What kept all of a program from being native, when there is no region."""
    jit = _jit(machine)
    hot, statistics = jit.params.hot, jit.statistics
    if not statistics.recordings:
        return Absence(
            f"no place in it was jumped to {hot} times, which makes one hot",
            "run it longer, give it input, or lower the parameter `hot`",
        )
    refused = [Reason[name].value for name, _ in statistics.refused.most_common()]
    if refused:
        return Absence(
            f"what became hot was not compiled: {'; '.join(reason.what for reason in refused)}",
            refused[0].advice,
        )
    return Absence(
        "what was recorded ended before a loop was seen in it, or was overwritten",
        "run it longer, or give it more input",
    )


def why_not(machine: Machine, address: int) -> Absence:
    """What keeps an address that no region covers from being native."""
    jit = _jit(machine)
    for installed in jit.regions.values():
        for exit_ in _exits(jit, installed):
            if exit_.target == address:
                return Absence(
                    f"the region at {installed.start:04x} ends here, {exit_.times} times so far: "
                    f"{exit_.what}",
                    exit_.advice,
                )
    if address not in jit.planner.learned.edges:
        return Absence(
            "it was not executed while hot code was recorded",
            f"nothing, if it runs seldom; else lower the parameter `hot` ({jit.params.hot} jumps)",
        )
    refused = [Reason[name].value.what for name, _ in jit.statistics.refused.most_common()]
    what = "it was recorded, but is part of no loop that was compiled"
    return Absence(
        f"{what}: {'; '.join(refused)}" if refused else what,
        "nothing, if it runs seldom; else raise `window`, so that one recording sees more",
    )


def _jit(machine: Machine) -> Jit:
    jit = machine.jit
    assert jit is not None
    return jit


def _report(jit: Jit, installed: Installed) -> RegionReport:
    compiled = installed.compiled
    region = compiled.region
    return RegionReport(
        start=region.start,
        entries=tuple(jit.regions.entries_of(installed)),
        instructions=dict(sorted(region.nodes.items())),
        travel=sum(map(jit.planner.learned.travel, region.nodes)),
        code_bytes=len(compiled.machine_code),
        seconds=compiled.seconds,
        exits=tuple(sorted(_exits(jit, installed), key=lambda exit_: -exit_.times)),
        limits=tuple(
            ExitReport(reason.name, None, travel, reason.value.what, reason.value.advice)
            for reason, travel in region.limits.items()
        ),
        ir="" if region.ir is None else show(region.ir),
        llvm=compiled.llvm,
        speed=compiled.speed,
    )


def _exits(jit: Jit, installed: Installed) -> list[ExitReport]:
    compiled = installed.compiled
    return [
        ExitReport(name, target, times, Reason[name].value.what, Reason[name].value.advice)
        for (name, target), times in zip(
            compiled.exits, jit.regions.times_left(installed), strict=True
        )
    ]
