"""`cli/error_codes.toml` explains every error code, pause and disabled webhook endpoint."""

import re
from collections.abc import Iterator

import pytest

from cli.error_codes import error_codes
from cli.webhooks import BY_OPERATOR
from local.packaging import ROOT
from rushes import errors
from rushes.api.webhooks.endpoint_service import BY_OWNER
from rushes.jobs.pause import PauseReason
from rushes.jobs.result import NOT_CREATED
from tests.error_code_literals import error_code_literals

SOURCES = ROOT / "layers/rushes/rushes"
NOT_CODES = {"done"}
"""A status of xAI in place of a code."""
ABSTRACT = {errors.RushesError, errors.ServerError, errors.LimitReached, errors.CorruptConfig}
"""Classes with the code `internal_error`."""
KNOWN = error_codes()


def classes(root: type[errors.RushesError] = errors.RushesError) -> Iterator[type]:
    yield root
    for each in root.__subclasses__():
        if each.__module__.startswith("rushes."):
            yield from classes(each)


def test_every_code_is_explained():
    codes = {each.code for each in classes()} | set(error_code_literals(SOURCES)) | NOT_CREATED  # type: ignore[attr-defined]
    assert len(codes) > 50
    assert codes - NOT_CODES - set(KNOWN.codes) == set()


def test_no_code_is_explained_that_does_not_exist():
    text = "\n".join(path.read_text("utf-8") for path in SOURCES.rglob("*.py"))
    assert [code for code in KNOWN.codes if f'"{code}"' not in text] == []


@pytest.mark.parametrize("each", [each for each in classes() if each not in ABSTRACT])
def test_status_is_that_of_the_error(each: type[errors.RushesError]):
    if not issubclass(each, errors.UpstreamError):
        assert KNOWN.codes[each.code].http_status == each.http_status
        assert "request" in KNOWN.codes[each.code].where


def test_every_pause_is_explained():
    assert {reason.value for reason in PauseReason} | {"newer_release"} == set(KNOWN.pauses)


def test_every_reason_of_a_disabled_endpoint_is_explained():
    source = (SOURCES / "webhooks/attempt_result.py").read_text("utf-8")
    automatic = set(re.findall(r'_disabled\(\w+, \w+, "(\w+)"\)', source))
    assert automatic | {BY_OWNER, BY_OPERATOR} == set(KNOWN.webhooks)


@pytest.mark.parametrize("code", KNOWN.codes)
def test_texts_are_sentences(code: str):
    found = KNOWN.codes[code]
    for text in (found.cause, found.client, found.operator):
        assert re.fullmatch(r"[A-Z`].+\.|None\.", text), text
        assert len(text.split()) < 30, text
    assert found.where
    assert ("request" in found.where) == (found.http_status is not None)


def test_wait_reasons_have_what_an_operator_does():
    for code, found in KNOWN.codes.items():
        if "wait" in found.where:
            assert found.operator != "None.", code
            assert found.commands, code
