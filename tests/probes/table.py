"""Write docs/emulator.md: where the local engine answers otherwise than AWS, by the probes.

python -m tests.probes.table
"""

from importlib import import_module
from itertools import groupby
from pathlib import Path

from tests.probes.probe import DOCS, PROBES, Probe

FILE = Path(__file__).parents[2] / "docs/emulator.md"
MODULES = (
    *("stepfunctions", "tasks", "dynamodb", "transactions", "s3", "links", "sqs", "eventbridge"),
    *("lambdas", "mappings", "secretsmanager"),
)
HEAD = """\
# What the local engine is asked, and what it answers

Written by `python -m tests.probes.table` from the questions in `tests/probes`, which `make probes`
puts to the engine that `local/engine.py` runs, with its corrections. Each links to the page that
says what AWS does. An answer that changes with another version of the engine fails its probe.
"""


def probes() -> list[Probe]:
    for module in MODULES:
        import_module(f"tests.probes.{module}")
    return sorted(PROBES, key=lambda probe: [it.service for it in PROBES].index(probe.service))


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def question(probe: Probe) -> str:
    return f"[{cell(probe.question)}]({DOCS}{probe.source})"


def differences(found: list[Probe]) -> list[str]:
    rows = ["| | on AWS | here | what covers it |", "| --- | --- | --- | --- |"]
    for probe in found:
        told = (cell(probe.aws), cell(probe.engine), cell(probe.covered))
        rows.append(f"| {probe.service}: {question(probe)} | {' | '.join(told)} |")
    return rows


def agreements(found: list[Probe]) -> list[str]:
    lines = []
    for service, its in groupby(found, key=lambda probe: probe.service):
        lines += ["", f"**{service}**", ""]
        lines += [f"- {question(probe)}: {cell(probe.aws)}" for probe in its]
    return lines


def text() -> str:
    differing = [probe for probe in probes() if probe.differs]
    agreeing = [probe for probe in probes() if not probe.differs]
    lines = [
        *(HEAD, f"## {len(differing)} differences", "", *differences(differing), ""),
        *(f"## {len(agreeing)} answers that are AWS's", *agreements(agreeing), ""),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
