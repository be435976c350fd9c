"""A result is read wherever it is: at a URL, at the content route, or at another host."""

import pytest

from rushes.errors import DownloadInterrupted, InvalidOutput
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from tests.harness import CONTENT, MP4_BYTES, PNG_BYTES, POLL_CALL, Harness, reply, video

URL = "https://cloud.example/1.mp4"


@pytest.fixture
def harness() -> Harness:
    return Harness()


def stored(harness: Harness, job_id: str) -> bool:
    job = harness.jobs.get("demo", job_id)
    assert job is not None
    return job.outcome is not None and job.outcome.status is JobStatus.COMPLETED


def with_two_hours(job: Job, now: float) -> Job:
    return job.model_copy(update={"deadline_at": now + 7200, "version": job.version + 1})


def test_url_in_the_poll_is_downloaded_although_there_is_no_content(harness: Harness) -> None:
    """As of SGLang with cloud storage."""
    job = harness.running(video("completed", url=URL))
    harness.http_client.files[URL] = MP4_BYTES
    harness.http_client.files[CONTENT] = InvalidOutput("the output's URL returned 400")
    harness.poll(job)
    harness.collect(job)
    assert stored(harness, job.id)


@pytest.mark.parametrize(
    "error", [InvalidOutput("no type"), DownloadInterrupted("the output's URL returned 403")]
)
def test_content_is_the_fallback_of_a_url(harness: Harness, error: Exception) -> None:
    """As of Bifrost with the URL of a provider that requires its own key."""
    job = harness.running(video("completed", videos=[{"type": "url", "url": URL}]))
    harness.http_client.files |= {URL: error, CONTENT: MP4_BYTES}
    harness.poll(job)
    harness.collect(job)
    assert stored(harness, job.id)


def test_content_is_the_fallback_of_a_url_that_leads_to_a_page(harness: Harness) -> None:
    job = harness.running(video("completed", url=URL))
    harness.http_client.files |= {URL: b"<html>Log in</html>", CONTENT: MP4_BYTES}
    harness.poll(job)
    harness.collect(job)
    assert stored(harness, job.id)


def test_content_is_the_fallback_of_a_url_that_leads_to_a_thumbnail(harness: Harness) -> None:
    job = harness.running(video("completed", url=URL))
    harness.http_client.files |= {URL: PNG_BYTES, CONTENT: MP4_BYTES}
    harness.poll(job)
    harness.collect(job)
    assert stored(harness, job.id)
    assert [file.content_type for file in harness.now(job).artifacts] == ["video/mp4"]


def test_thumbnail_before_its_video_needs_no_fallback(harness: Harness) -> None:
    image = "https://cloud.example/1.png"
    job = harness.running(video("completed", output=[{"url": image}, {"url": URL}]))
    harness.http_client.files |= {image: PNG_BYTES, URL: MP4_BYTES}
    harness.http_client.files[CONTENT] = DownloadInterrupted("the output's URL returned 404")
    harness.poll(job)
    harness.collect(job)
    assert stored(harness, job.id)
    assert len(harness.now(job).artifacts) == 2


def test_video_url_is_preferred_to_a_url_of_any_kind(harness: Harness) -> None:
    job = harness.running(video("completed", url="https://f.example/page", video_url=URL))
    harness.http_client.files[URL] = MP4_BYTES
    harness.poll(job)
    harness.collect(job)
    assert stored(harness, job.id)


def test_failed_job_in_an_http_error_ends_the_job_at_once(harness: Harness) -> None:
    error = {"code": 500, "message": "CUDA out of memory"}
    job = harness.running(reply(500, id="up-1", status="failed", error=error))
    assert harness.poll(job)["status"] == "ending"
    assert harness.error(job).message == "CUDA out of memory"


def test_provider_without_a_usable_reply_is_given_up_after_half_an_hour(harness: Harness) -> None:
    job = harness.change(harness.running(*[reply(503)] * 200), with_two_hours)
    begun = harness.clock.now
    while harness.poll(job)["status"] == "pending":
        harness.clock.advance(60)
    assert 1800 <= harness.clock.now - begun <= 1900
    assert harness.now(job).error is None
    assert harness.error(job).code == "upstream_busy"
    assert harness.calls().count(POLL_CALL) > 20


def test_reply_between_the_errors_begins_a_new_half_hour(harness: Harness) -> None:
    job = harness.running(*([reply(503)] * 20 + [video("in_progress")] + [reply(503)] * 8))
    for _ in range(29):
        assert harness.poll(job)["status"] == "pending"
        harness.clock.advance(60)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/results/1", "../results/1", "https://other.example/1"])
def test_redirect_of_a_poll_is_followed_once(harness: Harness, status: int, location: str) -> None:
    job = harness.running(reply(status, {"location": location}))
    harness.answer(f"GET {location}", video("completed"))
    assert harness.poll(job)["status"] == "succeeded"
    assert harness.http_client.calls[-1].relative_to == "/videos/up-1"


def test_second_redirect_of_a_poll_is_an_error(harness: Harness) -> None:
    job = harness.running(reply(302, {"location": "/a"}))
    harness.answer("GET /a", reply(302, {"location": "/b"}))
    assert harness.poll(job)["status"] == "pending"
    assert harness.calls()[-1] == "GET /a"
