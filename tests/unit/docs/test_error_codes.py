"""The operations guide explains every error code that a job can have."""

import ast
import re
from collections.abc import Iterator

from local.packaging import ROOT
from rushes.errors import CorruptRecord, UpstreamError
from rushes.jobs.result import NOT_CREATED

TEXT = (ROOT / "docs/operations.md").read_text("utf-8")
PACKAGES = ("http", "jobs", "providers", "workflow")
OF_REQUESTS = {"content_expired", "no_content"}
"""Codes of responses to a client, not of jobs."""
OF_STATUSES = {"done"}
"""Of xAI: a status in place of a code."""


def classes(root: type[UpstreamError] = UpstreamError) -> Iterator[type[UpstreamError]]:
    for each in root.__subclasses__():
        if each.__module__ == "rushes.errors":
            yield each
        yield from classes(each)


def literals() -> Iterator[str]:
    """Yield the codes that are given at a raise statement or to a `JobError`."""
    for package in PACKAGES:
        for path in (ROOT / "layers/rushes/rushes" / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.keyword("code", ast.Constant(str(value))):
                        yield value
                    case _:
                        pass


def test_table_has_every_code_of_a_job():
    table = TEXT.partition("| `error.code` |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    explained = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    codes = {each.code for each in classes()} | set(literals()) | NOT_CREATED
    assert len(codes) > 15
    assert codes - OF_REQUESTS - OF_STATUSES - explained == set()


def test_code_of_a_corrupt_item_is_explained():
    assert f"`{CorruptRecord.code}`" in TEXT
