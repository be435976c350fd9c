"""Figures of a batch, which can be added up and printed as a table."""

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.scenarios import FAULT_KINDS, SWEEP

OUTCOMES = ("completed", "failed", "unknown", "cancelled", "no job")
INVARIANTS = (
    "lost jobs",
    "extra jobs",
    "duplicate creates",
    "wrong files",
    "terminal writes without their event",
    "unknown outcomes not reported",
    "failures without a cause",
    "contradicting answers",
    "unexpected exceptions",
)


@dataclass
class Report:
    jobs: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    """By kind of fault: the outcomes of its jobs, and the number of injections."""
    violations: dict[str, list[str]] = field(default_factory=dict)
    """Details by violated invariant."""

    def violation(self, invariant: str, detail: str) -> None:
        assert invariant in INVARIANTS, invariant
        self.violations.setdefault(invariant, []).append(detail)

    def injected(self, kind: str, times: int, outcome: str) -> None:
        row = self.kinds.setdefault(kind, Counter())
        row["injected"] += times
        row["jobs"] += 1
        row[outcome] += 1

    def add(self, other: "Report") -> None:
        self.jobs += other.jobs
        self.totals += other.totals
        for kind, row in other.kinds.items():
            self.kinds.setdefault(kind, Counter()).update(row)
        for invariant, details in other.violations.items():
            self.violations.setdefault(invariant, []).extend(details)

    def table(self) -> str:
        head = f"{'kind of fault':<42}{'injected':>9}{'jobs':>7}"
        lines = [head + "".join(f"{outcome:>11}" for outcome in OUTCOMES)]
        for name in (*FAULT_KINDS, *(kind.name for kind in SWEEP)):
            row = self.kinds.get(name, Counter())
            line = f"{name:<42}{row['injected']:>9}{row['jobs']:>7}"
            lines.append(line + "".join(f"{row[outcome]:>11}" for outcome in OUTCOMES))
        return "\n".join([*lines, "", *self._sums()])

    def _sums(self) -> list[str]:
        lines = [f"{self.jobs} jobs"]
        lines += [f"  {count:>7} {name}" for name, count in sorted(self.totals.items())]
        lines.append("violations")
        lines += [f"  {len(self.violations.get(name, ())):>7} {name}" for name in INVARIANTS]
        for invariant, details in self.violations.items():
            lines += [f"{invariant}: {detail}" for detail in details[:8]]
        return lines
