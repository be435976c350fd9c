"""Tests of job ids with and without a provider."""

import pytest

from rushes.dialects.job_reference import read_reference
from rushes.errors import InvalidRequest, NotFound
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import BIFROST, OPENAI, VERBS, Caller, assert_refused


@pytest.mark.parametrize(
    ("raw", "job_id", "provider"),
    [
        ("job_1", "job_1", None),
        ("job_1:sandbox", "job_1", "sandbox"),
        ("job_1%3Asandbox", "job_1", "sandbox"),
        ("job_1%3asandbox", "job_1", "sandbox"),
        ("job%5F1:san%64box", "job_1", "sandbox"),
        ("job_1:a:b", "job_1", "a:b"),
        ("job_1:sandbox:sandbox", "job_1", "sandbox"),
        ("job_1%3Asandbox:sandbox", "job_1", "sandbox"),
        ("job_1:sandbox:sandbox:sandbox", "job_1", "sandbox"),
        ("job_1:sandbox:sandbox:b", "job_1", "sandbox:sandbox:b"),
        ("a" * 128, "a" * 128, None),
    ],
)
def test_read_reference_parses_provider_and_escapes(raw: str, job_id: str, provider: str | None):
    reference = read_reference(raw)
    assert (reference.job_id, reference.provider) == (job_id, provider)


@pytest.mark.parametrize(
    "raw",
    [
        "", ":", ":sandbox", "a/b", "a%2Fb", "..%2Fx", "a%253Asandbox", "a b", "a+b", "a\n",
        "a%0A", "a%00", "a#b", "%", "%ff", "a" * 129, "\u0661", "\U0001f600", "job_1%",
    ],
)  # fmt: skip
def test_read_reference_refuses_malformed_id_as_not_found(raw: str):
    with pytest.raises(NotFound):
        read_reference(raw)


@pytest.mark.parametrize("raw", ["job_1:", "job_1::", "job_1%3A"])
def test_read_reference_refuses_colon_without_provider(raw: str):
    with pytest.raises(InvalidRequest, match="must be id or id:provider"):
        read_reference(raw)


@pytest.mark.parametrize("suffix", ["", ":sandbox", "%3Asandbox", ":sandbox:sandbox"])
def test_job_is_found_with_and_without_its_provider(caller: Caller, base: str, suffix: str):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    for verb in VERBS:
        assert caller.request_job(verb, base, job_id + suffix).status in (200, 302)


def test_id_of_each_dialect_is_found_in_every_dialect(caller: Caller):
    job_ids = [caller.create(base).json["id"] for base in (BIFROST, OPENAI)]
    assert [":sandbox" in job_id for job_id in job_ids] == [True, False]
    for job_id in job_ids:
        for base in (BIFROST, OPENAI):
            assert caller.call("GET", f"{base}/{job_id}").status == 200


@pytest.mark.parametrize(("suffix", "status"), [(":nobody", 400), (":openai", 404), (":", 400)])
def test_job_is_not_found_at_another_provider(caller: Caller, base: str, suffix: str, status: int):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    for verb in VERBS:
        reply = caller.request_job(verb, base, job_id + suffix)
        assert_refused(reply, base, status, param="video_id")
