"""What became native of a program, told by its labels: for programs whose labels are its parts."""

from __future__ import annotations

from jitvm.profiling.explanation import Explanation

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.machine.explain import ExitReport, RegionReport


class LabelledExplanation(Explanation):
    """An `Explanation` whose list tells which labels each region passes.

    Attributes:
        unlisted: labels that are left out.
    """

    unlisted: tuple[str, ...] = ()

    def list_text(self) -> str:
        """All regions: what they pass, in the order of the program, and what left them."""
        lines = []
        for report in self.regions:
            lines.append(
                f"{self._name(report.start)}: {', '.join(self.passed(report)) or 'no label'}"
            )
            lines += [
                f"{exit_.times:>12,} times left to {self._target(exit_)}: {exit_.what}"
                for exit_ in report.exits
                if exit_.times
            ]
        return "\n".join(lines) or super().list_text()

    def passed(self, report: RegionReport) -> list[str]:
        """The labels that a region passes, up to a colon, each once."""
        labels = (self._program.place(at).label for at in report.instructions)
        found = dict.fromkeys(label.partition(":")[0] for label in labels)
        return [each for each in found if each not in ("", *self.unlisted)]

    def _target(self, exit_: ExitReport) -> str:
        return "another place" if exit_.target is None else self._name(exit_.target)
