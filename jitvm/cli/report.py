"""The output of ``jitvm run --stats`` and ``--json`` at the end of a run."""

from __future__ import annotations

from jitvm.engine.tables.names import shown

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace

    from jitvm.platform.computer import Computer
    from jitvm.platform.evaluator import Ending

    Fact = str | int | float


def report(arguments: Namespace, computer: Computer, ending: Ending, seconds: float) -> None:
    """Write the facts of a run to standard error, as a table or as one line of JSON.

    Raises:
        OutputError: it cannot be written.
    """
    facts = _facts(arguments, computer, ending, seconds)
    if arguments.json:
        from json import dumps

        text = dumps(facts)
    else:
        text = "\n".join(f"{name.replace('_', ' '):<20} {_shown(f)}" for name, f in facts.items())
    computer.output.message(text + "\n")


def _facts(
    arguments: Namespace, computer: Computer, ending: Ending, seconds: float
) -> dict[str, Fact]:
    count = computer.machine.executed
    facts: dict[str, Fact] = {
        "program": shown(arguments.program),
        "tier": computer.machine.tier.value,
        "ending": ending.value,
        "exit_code": computer.exit_code,
        "instructions": count,
        "seconds": round(seconds, 6),
        "ns_per_instruction": round(1e9 * seconds / count, 3) if count else 0.0,
    }
    if "frames" in computer.__dict__:  # made when the first one is asked for
        frames = computer.frames.number
        facts |= {"frames": frames, "frames_per_second": round(frames / seconds, 1)}
    return facts


def _shown(fact: Fact) -> str:
    return f"{fact:,}" if isinstance(fact, int) else str(fact)
