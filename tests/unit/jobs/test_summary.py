"""Summaries of jobs: their amounts, the prompt's beginning, and what a deletion takes away."""

from collections.abc import Callable

import pytest

from rushes.jobs.job import Job
from rushes.jobs.labels import Labels
from rushes.jobs.request import GenerationRequest
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import PROMPT_CHARACTERS, fold, summary_of

NOW = 1_800_000_000.0
FAILURE = JobError(code="upstream_failed", message="no")


def new_job(prompt: str = "a fox", estimate: float | None = 0.5) -> Job:
    return Job(
        id="job_1",
        account="demo",
        dialect="native",
        key_id="0123",
        labels=Labels(tags={"team": "ads"}, metadata={"private": "yes"}, user="u1"),
        provider="fal",
        upstream_model="one",
        model="fal/one",
        request=GenerationRequest(model="sora-2", prompt=prompt),
        created_at=NOW,
        updated_at=NOW,
        deadline_at=NOW + 600,
        cost=estimate,
        estimate=estimate,
    )


def finish(job: Job, status: JobStatus, error: JobError | None = None) -> Job:
    return job.finished(NOW + 9, JobOutcome(status=status, error=error), "execution", 60)


def complete(job: Job) -> Job:
    return finish(job, JobStatus.COMPLETED)


ENDINGS: dict[str, tuple[Callable[[Job], Job], tuple[float, float, float]]] = {
    "by the estimate": (complete, (0.5, 0.5, 0.0)),
    "cheaper": (lambda job: complete(job.generated(NOW, (), 0.2)), (0.5, 0.2, 0.3)),
    "dearer": (lambda job: complete(job.generated(NOW, (), 0.9)), (0.5, 0.9, 0.0)),
    "failed, not billed": (
        lambda job: finish(job, JobStatus.FAILED, FAILURE),
        (0.5, 0.0, 0.5),
    ),
    "cancelled, perhaps billed": (
        lambda job: finish(job.submitting(NOW, 60), JobStatus.CANCELLED),
        (0.5, 0.5, 0.0),
    ),
    "failed over": (
        lambda job: complete(
            job.failed_over(
                NOW, FAILURE, model="k/two", provider="k", upstream_model="two", cost=2.0
            )
        ),
        (2.0, 2.0, 0.0),
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_estimate_is_settled_or_refunded_at_the_end(ending: str):
    end, expected = ENDINGS[ending]
    open_job = summary_of(new_job())
    assert (open_job.estimated, open_job.settled, open_job.refunded) == (0.5, None, None)
    assert (open_job.status, open_job.cost) == (None, 0.5)
    ended = summary_of(end(new_job()))
    assert (ended.estimated, ended.settled, ended.refunded) == expected
    assert ended.cost == ended.settled
    assert ended.status is not None


def test_job_without_a_price_has_no_amounts():
    for job in (new_job(estimate=None), complete(new_job(estimate=None))):
        found = summary_of(job)
        assert (found.estimated, found.settled, found.refunded, found.cost) == (None, None, None, 0)


def test_job_of_an_older_release_is_estimated_by_its_cost():
    older = new_job().model_copy(update={"estimate": None})
    assert summary_of(older).estimated == 0.5


def test_summary_names_the_requested_model_and_the_one_that_made_the_result():
    found = summary_of(ENDINGS["failed over"][0](new_job()))
    assert (found.model, found.made_by, found.provider) == ("sora-2", "k/two", "k")
    assert (found.key_id, found.user, found.tags) == ("0123", "u1", {"team": "ads"})


def test_summary_has_neither_metadata_nor_the_whole_prompt():
    found = summary_of(new_job("é" * 1000))
    assert found.prompt == "é" * PROMPT_CHARACTERS
    assert "private" not in found.model_dump_json()


def test_deletion_takes_prompt_and_user_and_leaves_the_money():
    found = summary_of(complete(new_job()).deleted(NOW + 60))
    assert (found.prompt, found.user, found.deleted) == ("", None, True)
    assert (found.settled, found.tags, found.key_id) == (0.5, {"team": "ads"}, "0123")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FOX", "fox"),
        ("STRASSE", "straße"),
        ("Cafe\u0301", "café"),
        ("ﬁlm", "FILM"),
        ("\uff21", "a"),
        ("ΣΟΦΟΣ", "σοφος"),
    ],
)
def test_texts_are_compared_without_regard_to_case_and_form(one: str, other: str):
    assert fold(one) == fold(other)
