"""The operations guide explains every error code that a job can have."""

import re
from collections.abc import Iterator

from local.packaging import ROOT
from rushes.errors import CorruptRecord, UpstreamError
from rushes.jobs.result import NOT_CREATED
from tests.error_code_literals import error_code_literals

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


def test_table_has_every_code_of_a_job():
    table = TEXT.partition("| `error.code` |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    explained = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    folders = [ROOT / "layers/rushes/rushes" / package for package in PACKAGES]
    literals = {code for folder in folders for code in error_code_literals(folder)}
    codes = {each.code for each in classes()} | literals | NOT_CREATED
    assert len(codes) > 15
    assert codes - OF_REQUESTS - OF_STATUSES - explained == set()


def test_code_of_a_corrupt_item_is_explained():
    assert f"`{CorruptRecord.code}`" in TEXT
