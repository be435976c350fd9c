"""Findings of the rule sets, and those that are accepted with a reason."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Finding(NamedTuple):
    rule: str
    resource: str
    """Logical id."""


@dataclass(frozen=True)
class Accepted:
    """`*` in a rule or a resource stands for any text."""

    reason: str
    rules: tuple[str, ...]
    resources: tuple[str, ...]

    def accepts(self, finding: Finding) -> bool:
        return any(matches(rule, finding.rule) for rule in self.rules) and any(
            matches(resource, finding.resource) for resource in self.resources
        )

    def unused(self, findings: Iterable[Finding]) -> Iterator[str]:
        """Yield the rules and resources without a finding that this entry accepts."""
        own = [finding for finding in findings if self.accepts(finding)]
        for rule in self.rules:
            if not any(matches(rule, finding.rule) for finding in own):
                yield rule
        for resource in self.resources:
            if not any(matches(resource, finding.resource) for finding in own):
                yield resource


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None


def read_accepted(file: Path) -> list[Accepted]:
    entries = tomllib.loads(file.read_text())["accepted"]
    return [
        Accepted(entry["reason"], tuple(entry["rules"]), tuple(entry["resources"]))
        for entry in entries
    ]


def problems(findings: Iterable[Finding], accepted: Iterable[Accepted]) -> Iterator[str]:
    """Yield the findings without a reason, and the reasons without a finding."""
    found, entries = sorted(set(findings)), list(accepted)
    for finding in found:
        if not any(entry.accepts(finding) for entry in entries):
            yield f"{finding.resource}: {finding.rule}"
    for entry in entries:
        for text in entry.unused(found):
            yield f"accepted.toml: no finding for {text!r} ({entry.reason})"
