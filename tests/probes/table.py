"""Write docs/emulator.md from the probes: `python -m tests.probes.table`."""

from importlib import import_module
from itertools import groupby
from pathlib import Path

from tests.probes.probe import DOCS, PROBES, Probe

FILE = Path(__file__).parents[2] / "docs/emulator.md"
MODULES = (
    *(
        "stepfunctions",
        "tasks",
        "dynamodb",
        "transactions",
        "item_permissions",
        "s3",
        "links",
        "sqs",
        "eventbridge",
    ),
    *("lambdas", "mappings", "secretsmanager", "gateway", "cors"),
)
HEAD = """\
# The local engine compared with AWS

`python -m tests.probes.table` writes this page from `tests/probes`. `make probes` runs the probes
against the engine of `local/engine.py`, with its corrections. Each links to the AWS documentation.
If an answer changes with a new version of the engine, its probe fails.
"""


def probes() -> list[Probe]:
    for module in MODULES:
        import_module(f"tests.probes.{module}")
    return sorted(
        PROBES, key=lambda probe: [other.service for other in PROBES].index(probe.service)
    )


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def question(probe: Probe) -> str:
    return f"[{cell(probe.question)}]({DOCS}{probe.source})"


def differences(found: list[Probe]) -> list[str]:
    rows = ["| question | AWS | local engine | covered by |", "| --- | --- | --- | --- |"]
    for probe in found:
        result = (cell(probe.aws), cell(probe.engine), cell(probe.covered))
        rows.append(f"| {probe.service}: {question(probe)} | {' | '.join(result)} |")
    return rows


def agreements(found: list[Probe]) -> list[str]:
    lines = []
    for service, group in groupby(found, key=lambda probe: probe.service):
        lines += ["", f"**{service}**", ""]
        lines += [f"- {question(probe)}: {cell(probe.aws)}" for probe in group]
    return lines


def text() -> str:
    differing = [probe for probe in probes() if probe.differs]
    agreeing = [probe for probe in probes() if not probe.differs]
    lines = [
        *(HEAD, f"## {len(differing)} differences", "", *differences(differing), ""),
        *(f"## {len(agreeing)} answers equal to AWS's", *agreements(agreeing), ""),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
