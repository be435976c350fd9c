"""Run the targets of the Makefile in their small forms."""

import re
from collections.abc import Mapping
from pathlib import Path

from local.packaging import ROOT
from tests.e2e.programs import run

SMALL_FORMS = {
    "bench": (
        "bench SMALL=1",
        r"hottest key[\s\S]*p95 ratio[\s\S]*rejected key \(401\)[\s\S]*flood[\s\S]*ratio \d",
    ),
    "simulate": ("simulate SEEDS=200", r"violations +0\b"),
    "faults": ("faults JOBS=20", "0 lost jobs"),
    "chaos": ("chaos JOBS=8", r"jobs accepted +8\b"),
    "webhook-soak": ("webhook-soak JOBS=8", ""),
    "matrix": ("matrix SMALL=1", r"\| openai_compatible \|"),
    "mutants": ("mutants ONLY='store: a finished job'", "the tests caught 1 of 1"),
    "corpora": ("corpora SMALL=1", r"keys +\d"),
    "schemathesis": ("schemathesis SMALL=1", r"\d+ cases in"),
    "docs": ("docs", r"\d+ pages"),
    "vendors": ("vendors VENDOR=openai", r"openai +2 +2 +0 +\d+ +0 "),
    "audit": ("audit", r"skipped|\d vulnerabilities"),
    "clean": ("clean", ""),
    "help": ("help", "make check"),
}
"""Arguments of make by target, and a pattern of the expected output."""
LONG = frozenset({"bench", "chaos", "webhook-soak"})
"""Targets that take minutes: other files run them, so that they run beside the rest."""


def make(arguments: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    return run(f"make --no-print-directory {arguments}", folder, environment)


def check_small_form(target: str, folder: Path) -> None:
    arguments, expected = SMALL_FORMS[target]
    assert re.search(expected, make(arguments, folder))
