"""What a batch came to, in numbers that can be added up, and as the table that people read."""

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.scenarios import KINDS, SWEEP

OUTCOMES = ("completed", "failed", "unknown", "cancelled", "no job")
PROMISES = (
    "lost jobs",
    "extra jobs",
    "duplicate creates",
    "wrong files",
    "endings without their event",
    "unknown outcomes not labelled",
    "failures without a reason",
    "answers that contradict each other",
    "errors that are not ours",
)


@dataclass
class Report:
    jobs: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    """For each kind of fault, the outcomes of the jobs that it struck, and `injected`."""
    broken: dict[str, list[str]] = field(default_factory=dict)
    """For each promise that was broken, by whom."""

    def breaks(self, promise: str, detail: str) -> None:
        assert promise in PROMISES, promise
        self.broken.setdefault(promise, []).append(detail)

    def struck(self, kind: str, times: int, outcome: str) -> None:
        row = self.kinds.setdefault(kind, Counter())
        row["injected"] += times
        row["jobs"] += 1
        row[outcome] += 1

    def add(self, other: "Report") -> None:
        self.jobs += other.jobs
        self.totals += other.totals
        for kind, row in other.kinds.items():
            self.kinds.setdefault(kind, Counter()).update(row)
        for promise, details in other.broken.items():
            self.broken.setdefault(promise, []).extend(details)

    def table(self) -> str:
        head = f"{'kind of fault':<42}{'injected':>9}{'jobs':>7}"
        lines = [head + "".join(f"{outcome:>11}" for outcome in OUTCOMES)]
        for name in (*KINDS, *(kind.name for kind in SWEEP)):
            row = self.kinds.get(name, Counter())
            line = f"{name:<42}{row['injected']:>9}{row['jobs']:>7}"
            lines.append(line + "".join(f"{row[outcome]:>11}" for outcome in OUTCOMES))
        return "\n".join([*lines, "", *self._sums()])

    def _sums(self) -> list[str]:
        lines = [f"{self.jobs} clients' jobs"]
        lines += [f"  {count:>7} {name}" for name, count in sorted(self.totals.items())]
        lines.append("promises broken")
        lines += [f"  {len(self.broken.get(name, ())):>7} {name}" for name in PROMISES]
        for promise, details in self.broken.items():
            lines += [f"{promise}: {detail}" for detail in details[:8]]
        return lines
