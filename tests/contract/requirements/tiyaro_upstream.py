"""Tiyaro's document as the API of an upstream that the gateway calls."""

from typing import Any

from rushes.catalog.vendor_data import read_vendor
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply
from tests.contract.requirements import tiyaro_client
from tests.contract.requirements.bench import Bench, answer
from tests.contract.requirements.requirement import Requirements

TIYARO_UPSTREAM = requires = Requirements("tiyaro", "upstream")

UPLOAD = "POST /v1/input/upload-url?extension=mp3"
CREATE = "POST /v1/async/ent/tiyarofs/1/openai/whisper-large?serviceTier=gpuflex"
PUT_URL = "https://uploads.example/1?signature=x"
POLL = "/v1/async/requests/up-1"
POLL_URL = f"https://api.tiyaro.ai{POLL}"
BY_PROGRAM = (201, {"uploadUrl": {"PUT": PUT_URL}})
BY_REFERENCE = (200, {"response": {"uplaodUrl": {"PUT": PUT_URL}}})


def inner(status: str = "accepted", url: str = POLL_URL, **fields: Any) -> dict[str, Any]:
    return {"id": "up-1", "model": "m", "status": status, "urls": {"GET": url}, **fields}


def created(
    bench: Bench,
    reply: HttpReply | None = None,
    upload: tuple[int, dict[str, Any]] = BY_PROGRAM,
    **body: Any,
) -> tuple[str, HttpCall]:
    """Create a job and submit it; return its id and the create call."""
    job_id = tiyaro_client.submit(bench, **body)["response"]["id"]
    bench.upstream(UPLOAD, answer(*upload))
    return job_id, bench.submit(job_id, CREATE, reply or answer(202, {"response": inner()}))


def polled(bench: Bench, status: str, **fields: Any) -> Any:
    job_id, _ = created(bench)
    bench.poll(job_id, f"GET {POLL}", answer(200, inner(status, **fields)))
    return bench.job(job_id)


def operation(bench: Bench, reply: HttpReply) -> dict[str, Any]:
    stored = bench.job(created(bench, reply)[0]).operation
    assert stored
    return stored


@requires("base-url", "The API is at https://api.tiyaro.ai.")
def _(_: Bench) -> None:
    assert read_vendor("tiyaro").vendor.base_url == "https://api.tiyaro.ai"


@requires("bearer", "Calls have Authorization: Bearer and the key.")
def _(bench: Bench) -> None:
    profile = bench.provider("tiyaro").profile
    assert (profile.key_header, profile.key_scheme) == ("authorization", "Bearer")


@requires("upload-url", "POST /v1/input/upload-url?extension=mp3 is called before the create call.")
def _(bench: Bench) -> None:
    created(bench)
    assert [f"{call.method} {call.path}" for call in bench.sent()] == [UPLOAD, CREATE]


@requires("upload-201", "201 with uploadUrl.PUT (as the program reads it) is understood.")
def _(bench: Bench) -> None:
    created(bench)
    assert list(bench.harness.http_client.puts) == [PUT_URL]


@requires("upload-200", "200 with response.uplaodUrl.PUT (as in the reference) is understood.")
def _(bench: Bench) -> None:
    created(bench, upload=BY_REFERENCE)
    assert list(bench.harness.http_client.puts) == [PUT_URL]


@requires("upload-put", "The file is PUT to that URL.")
def _(bench: Bench) -> None:
    created(bench)
    assert bench.harness.http_client.puts[PUT_URL].content_type == "audio/mpeg"


@requires("create", "The create call goes to the model's endpoint with its serviceTier.")
def _(bench: Bench) -> None:
    assert created(bench)[1].path == CREATE.removeprefix("POST ")


@requires("create-url", "The body has URL, as the upload call returned it.")
def _(bench: Bench) -> None:
    assert created(bench)[1].json["URL"] == PUT_URL


@requires("create-input", "The body has the model's parameters in `input`.")
def _(bench: Bench) -> None:
    sent = created(bench)[1].json["input"]
    assert (sent["beam_size"], sent["language"]) == (5, "en")


@requires("create-null", "A parameter that the client gave as null is sent as null.")
def _(bench: Bench) -> None:
    sent = created(bench)[1].json["input"]
    assert sent["length_penalty"] is None
    assert sent["initial_prompt"] is None


@requires("create-202", "202 (as the program expects) with the fields in `response` is understood.")
def _(bench: Bench) -> None:
    assert operation(bench, answer(202, {"response": inner()}))["id"] == "up-1"


@requires("create-200", "200 (as in the reference) with the fields at the top is understood.")
def _(bench: Bench) -> None:
    assert operation(bench, answer(200, inner()))["id"] == "up-1"


@requires("poll-url", "The URL of urls.GET is polled.")
def _(bench: Bench) -> None:
    polled(bench, "processing")
    assert (bench.sent()[-1].method, bench.sent()[-1].path) == ("GET", POLL)


def check_poll_url(bench: Bench, url: str) -> None:
    job_id, _ = created(bench, answer(202, {"response": inner(url=url)}))
    job = bench.job(job_id)
    assert not job.has_outcome, job.outcome
    http_client = bench.harness.http_client
    path = url if url.startswith("http") else f"/{url}"
    for call in (f"GET {url}", f"GET {path}", f"GET {path.partition('.example')[2]}"):
        http_client.answers[call] = answer(200, inner("processing", url))
    bench.harness.poll(job)
    assert bench.job(job_id).status is JobStatus.IN_PROGRESS
    assert not bench.job(job_id).failing_since


@requires("poll-url-presigned", "The poll URL may be a presigned one, on another host.")
def _(bench: Bench) -> None:
    check_poll_url(bench, "https://bucket.s3.example/results/up-1?X-Amz-Signature=1")


@requires("poll-url-no-v1", "The path of the poll URL is request-specific: it may be any.")
def _(bench: Bench) -> None:
    check_poll_url(bench, "https://poll.tiyaro.example/async_request_specific_poll_url")


@requires("accepted", "accepted: the job is queued.")
def _(bench: Bench) -> None:
    assert polled(bench, "accepted").status is JobStatus.QUEUED


@requires("pending", "pending: the job is queued.")
def _(bench: Bench) -> None:
    assert polled(bench, "pending").status is JobStatus.QUEUED


@requires("processing", "processing: the job is running.")
def _(bench: Bench) -> None:
    assert polled(bench, "processing").status is JobStatus.IN_PROGRESS


@requires("success", "success: the model's result is the job's document.")
def _(bench: Bench) -> None:
    job = polled(bench, "success", result={"text": "the transcript"})
    bench.harness.collect(job)
    job = bench.finish(job.id)
    assert (job.status, job.document) == (JobStatus.COMPLETED, {"text": "the transcript"})


@requires("success-nested", "The fields of a poll response may be in `response`.")
def _(bench: Bench) -> None:
    job_id, _ = created(bench)
    body = {"response": inner("success", result={"text": "the transcript"})}
    job = bench.poll(job_id, f"GET {POLL}", answer(200, body))
    assert job.document == {"text": "the transcript"}


@requires("failed", "failed: the job fails.")
def _(bench: Bench) -> None:
    assert bench.finish(polled(bench, "failed").id).status is JobStatus.FAILED


@requires("cancelled", "cancelled: the job is cancelled.")
def _(bench: Bench) -> None:
    assert bench.finish(polled(bench, "cancelled").id).status is JobStatus.CANCELLED


@requires("error", "An unexpected error of a poll does not end the job.")
def _(bench: Bench) -> None:
    job_id, _ = created(bench)
    job = bench.poll(job_id, f"GET {POLL}", answer(500, {"message": "unexpected"}))
    assert not job.has_outcome
