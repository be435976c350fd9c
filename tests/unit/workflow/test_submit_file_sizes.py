"""Submit: files that are too large for a provider's call fail the job before its lease."""

import pytest
from typing_extensions import override

from rushes.errors import InvalidInputFile, UpstreamNoResponse
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role, StoredFile
from rushes.jobs.status import Stage
from rushes.ports.http import FormFile, HttpCall, JsonFile
from rushes.providers import file_sizes
from tests.harness import CREATE, Harness, video
from tests.unit.workflow.test_submit_uploads import UPLOAD_CALL, UploadProvider

MEGABYTE = 1024 * 1024
LIMITS = {
    "form": file_sizes.MAX_FILE_BYTES,
    "data_url": file_sizes.MAX_EMBEDDED_BYTES,
    "base64": file_sizes.MAX_EMBEDDED_BYTES,
}


class Provider(UploadProvider):
    """Sends all files in the create call, in one of the forms of `LIMITS`, or as links."""

    def __init__(self, form: str) -> None:
        self._form = form

    @override
    def upload_url_request(self, _job: Job) -> HttpCall | None:
        return None

    @override
    def submit_request(self, job: Job, _model: object = None) -> HttpCall:
        files = [entry.file for entry in job.request.inputs if entry.file]
        if self._form == "form":
            form: dict[str, str | FormFile] = {
                f"file-{number}": FormFile("a.png", file) for number, file in enumerate(files)
            }
            return HttpCall("POST", "/videos", form={"prompt": "a ball", **form})
        if self._form == "base64":
            return HttpCall("POST", "/videos", json=[[JsonFile(file, "base64")] for file in files])
        if self._form == "data_url":
            images = [{"image": JsonFile(file, "data_url")} for file in files]
            return HttpCall("POST", "/videos", json={"images": images})
        return HttpCall("POST", "/videos", json=[JsonFile(file, "link") for file in files])


def harness_with(form: str) -> Harness:
    harness = Harness(adapter=lambda _entry: Provider(form))
    harness.answer(CREATE, video("queued"))
    return harness


def job_with_files(harness: Harness, *sizes: int) -> Job:
    inputs = tuple(
        Input(
            role=Role.REFERENCE,
            file=StoredFile(key=f"inputs/{number}", content_type="image/png", size=size),
        )
        for number, size in enumerate(sizes)
    )
    job = harness.accepted()
    request = job.request.model_copy(update={"inputs": inputs})
    return harness.change(job, lambda job, _now: job.model_copy(update={"request": request}))


def assert_failed_without_lease(harness: Harness, job: Job) -> None:
    stored = harness.now(job)
    assert harness.error_code(job) == "invalid_input_reference"
    assert "input files must have at most" in harness.error(job).message
    assert (stored.submissions, stored.lease_until) == (0, None)
    assert harness.calls() == []


@pytest.mark.parametrize("form", LIMITS)
def test_files_above_the_bound_fail_the_job_before_its_lease(form: str) -> None:
    harness = harness_with(form)
    job = job_with_files(harness, LIMITS[form] // 2, LIMITS[form] // 2 + 1)
    harness.submit(job)
    assert_failed_without_lease(harness, job)


@pytest.mark.parametrize("form", LIMITS)
def test_files_at_the_bound_are_sent(form: str) -> None:
    harness = harness_with(form)
    job = job_with_files(harness, LIMITS[form] // 2, LIMITS[form] // 2)
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).stage is Stage.RUNNING


@pytest.mark.parametrize("form", ["base64", "data_url"])
def test_eight_references_of_30_mb_fail_before_the_lease(form: str) -> None:
    harness = harness_with(form)
    job = job_with_files(harness, *[30 * MEGABYTE] * 8)
    harness.submit(job)
    assert_failed_without_lease(harness, job)


def test_links_to_files_of_any_size_are_sent() -> None:
    harness = harness_with("link")
    job = job_with_files(harness, *[200 * MEGABYTE] * 8)
    assert harness.submit(job)["status"] == "submitted"


def test_file_for_an_upload_url_is_bounded_before_the_lease() -> None:
    harness = Harness(adapter=lambda _entry: UploadProvider())
    harness.http_client.put_error = InvalidInputFile("input files must have at most 1")
    harness.answer(UPLOAD_CALL, video("queued", url="https://uploads.example/1"))
    job = job_with_files(harness, 1)
    image = job.request.inputs[0].model_copy(update={"role": Role.IMAGE})
    request = job.request.model_copy(update={"inputs": (image,)})
    job = harness.change(job, lambda job, _now: job.model_copy(update={"request": request}))
    harness.submit(job)
    assert harness.error_code(job) == "invalid_input_reference"
    assert harness.now(job).submissions == 0


def test_lost_create_call_keeps_its_unknown_outcome() -> None:
    """Files that are too large at a later try do not show that nothing was created."""
    harness = harness_with("form")
    harness.answer(CREATE, UpstreamNoResponse("no answer"))
    job = job_with_files(harness, 1)
    harness.submit(job)
    assert harness.error_code(job) == "upstream_outcome_unknown"
