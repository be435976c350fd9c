"""Violated invariants of a run."""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

MAX_EXAMPLES = 20


@dataclass
class Violations:
    violations: Counter[str] = field(default_factory=Counter)
    """Number of violations by invariant."""
    examples: list[str] = field(default_factory=list)

    def violation(self, invariant: str, example: str) -> None:
        self.violations[invariant] += 1
        self.examples.append(f"{invariant}: {example}")

    def print_and_exit(self, figures: Mapping[str, object], *invariants: str) -> NoReturn:
        """Print figures and violations; exit with 1 if there are any.

        The named invariants are printed even if they hold.
        """
        counts = {invariant: self.violations[invariant] for invariant in invariants}
        for name, value in {**figures, **counts, **self.violations}.items():
            print(f"{name:<55} {value}")
        print(*self.examples[:MAX_EXAMPLES], sep="\n")
        sys.exit(1 if self.violations else 0)
