"""Tiyaro's document as the API that the gateway serves to clients."""

import re
from functools import partial
from typing import Any

from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.contract.requirements.bench import Bench, answer
from tests.contract.requirements.requirement import Requirements
from tests.harness import MP3_BYTES
from tests.unit.dialects.api_client import BASE_URL, Reply

TIYARO_CLIENT = requires = Requirements("tiyaro", "client")

WHISPER = "/v1/async/ent/tiyarofs/1/openai/whisper-large"
TIER = "?serviceTier=gpuflex"
UPLOAD = "/v1/input/upload-url"
SAMPLE = {
    "no_speech_threshold": 0.6,
    "patience": 1,
    "suppress_tokens": "-1",
    "compression_ratio_threshold": 2.4,
    "language": "en",
    "temperature_increment_on_fallback": 0.2,
    "length_penalty": None,
    "logprob_threshold": -1,
    "condition_on_previous_text": True,
    "initial_prompt": None,
    "task": "transcribe",
    "temperature": 0,
    "beam_size": 5,
    "best_of": 5,
}
"""Input of the document's program."""


def upload_url(bench: Bench, query: str = "?extension=mp3") -> str:
    """Get an upload URL, and put a file there as a client does."""
    url: str = bench.ok("POST", UPLOAD + query, {}, status=201)["uploadUrl"]["PUT"]
    key = bench.caller.blobs.key_of(url)
    assert key
    bench.caller.blobs.objects[key] = MP3_BYTES
    return url


def submit(bench: Bench, path: str = WHISPER + TIER, **changes: Any) -> Any:
    body = {"input": SAMPLE, "URL": upload_url(bench), **changes}
    return bench.ok("POST", path, body, status=202)


def polled(bench: Bench, created: Any) -> Any:
    return bench.ok("GET", created["response"]["urls"]["GET"].removeprefix(BASE_URL))


def finished(bench: Bench, status: JobStatus, error: JobError | None = None) -> Any:
    created = submit(bench)
    bench.end(bench.job(created["response"]["id"]), status, error)
    return polled(bench, created)


def succeeded(bench: Bench) -> Any:
    created = submit(bench)
    job = bench.job(created["response"]["id"])
    document = {"text": "the transcript"}
    bench.caller.change(job.id, lambda job: job.generated(bench.caller.clock(), (), None, document))
    bench.end(job, JobStatus.COMPLETED)
    return polled(bench, created)


@requires("upload-url", "POST /v1/input/upload-url answers 201 (as the program expects).")
def _(bench: Bench) -> None:
    bench.ok("POST", f"{UPLOAD}?extension=mp3", {}, status=201)


@requires("upload-put", "The response has uploadUrl.PUT (as the program reads it).")
def _(bench: Bench) -> None:
    assert upload_url(bench).startswith("https://")


@requires(
    "upload-misspelt", "The response has response.uplaodUrl.PUT (as the reference spells it)."
)
def _(bench: Bench) -> None:
    body = bench.ok("POST", f"{UPLOAD}?extension=mp3", {}, status=201)
    assert body["response"]["uplaodUrl"]["PUT"] == body["uploadUrl"]["PUT"]


@requires("upload-extension", "extension names the type of the file, such as mp3.")
def _(bench: Bench) -> None:
    assert upload_url(bench).partition("?")[0].endswith(".mp3")


@requires("upload-no-extension", "extension is optional.")
def _(bench: Bench) -> None:
    submit(bench, URL=upload_url(bench, ""))


@requires("upload-empty-body", "The body of the upload call may be an empty object.")
def _(bench: Bench) -> None:
    bench.ok("POST", f"{UPLOAD}?extension=mp3", "{}", status=201)


@requires("upload-any-client", "The URL takes a PUT without further headers.")
def _(bench: Bench) -> None:
    assert "content-type" not in upload_url(bench)


@requires("upload-authorization", "The upload call needs Authorization: Bearer and the key.")
def _(bench: Bench) -> None:
    answered = bench.call("POST", f"{UPLOAD}?extension=mp3", {}, authorization="Bearer x")
    assert answered.status == 401


@requires("submit", "POST to the model's endpoint answers 202 (as the program expects).")
def _(bench: Bench) -> None:
    submit(bench)


for _size in ("large", "medium", "small", "tiny"):
    requires.add(
        f"whisper-{_size}",
        f"/v1/async/ent/tiyarofs/1/openai/whisper-{_size} is an endpoint.",
        partial(submit, path=f"/v1/async/ent/tiyarofs/1/openai/whisper-{_size}{TIER}"),
    )
for _tier in ("cpuflex", "gpuflex"):
    requires.add(
        f"tier-{_tier}",
        f"serviceTier may be {_tier}.",
        partial(submit, path=f"{WHISPER}?serviceTier={_tier}"),
    )


@requires("tier-default", "serviceTier is optional; the default is cpuflex.")
def _(bench: Bench) -> None:
    job = bench.job(submit(bench, WHISPER)["response"]["id"])
    assert job.request.provider_options.get("serviceTier", "cpuflex") == "cpuflex"


@requires("tier-enum", "Other tiers are errors.")
def _(bench: Bench) -> None:
    refused(bench, f"{WHISPER}?serviceTier=tpu", {"input": {}, "URL": upload_url(bench)})


def refused(bench: Bench, path: str, body: Any) -> Reply:
    return bench.refused(400, "POST", path, body)


@requires("input", "input has the model's parameters, which reach the job.")
def _(bench: Bench) -> None:
    job = bench.job(submit(bench)["response"]["id"])
    assert job.request.provider_options["beam_size"] == 5
    assert job.request.provider_options["language"] == "en"


@requires("input-null", "A parameter may be null, as two are in the program.")
def _(bench: Bench) -> None:
    submit(bench, input={"length_penalty": None})


@requires("input-needed", "input is required.")
def _(bench: Bench) -> None:
    refused(bench, WHISPER, {"URL": upload_url(bench)})


@requires("url", "URL is the upload URL; its file becomes the input of the job.")
def _(bench: Bench) -> None:
    job = bench.job(submit(bench)["response"]["id"])
    (given,) = job.request.inputs
    assert given.file
    assert bench.caller.blobs.read(given.file.key) == MP3_BYTES


@requires("url-needed", "URL is required by a model of audio.")
def _(bench: Bench) -> None:
    refused(bench, WHISPER, {"input": {}})


@requires("url-foreign", "URL is one that the upload call returned, not any other.")
def _(bench: Bench) -> None:
    refused(bench, WHISPER, {"input": {}, "URL": "https://files.example/speech.mp3"})


def check_present(bench: Bench, name: str) -> None:
    created = submit(bench)
    assert name in created["response"]
    assert name in created


for _name in ("id", "model", "status", "acceptedAt", "startedAt", "completedAt", "result"):
    requires.add(
        f"submitted-{_name}",
        f"The response has response.{_name}.",
        partial(check_present, name=_name),
    )


@requires("submitted-urls", "The response has response.urls.GET, the URL to poll.")
def _(bench: Bench) -> None:
    assert submit(bench)["response"]["urls"]["GET"].startswith(BASE_URL)


@requires("poll", "GET of the poll URL answers 200.")
def _(bench: Bench) -> None:
    polled(bench, submit(bench))


@requires("poll-headers", "It takes Authorization and Content-Type, as the program sends them.")
def _(bench: Bench) -> None:
    path = submit(bench)["response"]["urls"]["GET"].removeprefix(BASE_URL)
    answered = bench.call("GET", path, None, content_type="application/json")
    assert answered.status == 200


def check_polled(bench: Bench, name: str) -> None:
    body = polled(bench, submit(bench))
    assert name in body
    assert name in body["response"]


for _name in ("acceptedAt", "completedAt", "id", "model", "startedAt", "status"):
    requires.add(
        f"polled-{_name}", f"A poll response has {_name}.", partial(check_polled, name=_name)
    )


@requires("times", "The times are dates with times.")
def _(bench: Bench) -> None:
    times = [succeeded(bench)[name] for name in ("acceptedAt", "completedAt")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", time) for time in times)


@requires("status-accepted", "accepted: the request has been accepted.")
def _(bench: Bench) -> None:
    assert polled(bench, submit(bench))["status"] == "accepted"


def upstream_status(bench: Bench, status: str) -> Any:
    """Submit a job to a Tiyaro upstream where it has this status; return the client's view."""
    created = submit(bench)
    job_id = created["response"]["id"]
    bench.upstream(
        "POST /v1/input/upload-url?extension=mp3",
        answer(201, {"uploadUrl": {"PUT": "https://uploads.example/1"}}),
    )
    path = "/v1/async/requests/up-1"
    inner = {"id": "up-1", "status": status, "urls": {"GET": f"https://api.tiyaro.ai{path}"}}
    create = "POST /v1/async/ent/tiyarofs/1/openai/whisper-large?serviceTier=gpuflex"
    bench.submit(job_id, create, answer(202, {"response": inner}))
    bench.poll(job_id, f"GET {path}", answer(200, {"response": inner}))
    return polled(bench, created)


@requires("status-pending", "pending: the request is queued for execution.")
def _(bench: Bench) -> None:
    assert upstream_status(bench, "pending")["status"] == "pending"


@requires("status-processing", "processing: the request is being processed.")
def _(bench: Bench) -> None:
    assert upstream_status(bench, "processing")["status"] == "processing"


@requires("started-at", "startedAt is the time when the processing started.")
def _(bench: Bench) -> None:
    assert upstream_status(bench, "processing")["startedAt"]


@requires("status-success", "success: the request finished.")
def _(bench: Bench) -> None:
    assert succeeded(bench)["status"] == "success"


@requires("status-failed", "failed: the request failed.")
def _(bench: Bench) -> None:
    error = JobError(code="upstream_failed", message="no speech")
    assert finished(bench, JobStatus.FAILED, error)["status"] == "failed"


@requires("status-cancelled", "cancelled: the request was cancelled.")
def _(bench: Bench) -> None:
    assert finished(bench, JobStatus.CANCELLED)["status"] == "cancelled"


@requires("result", "A success has the model's result, such as result.text.")
def _(bench: Bench) -> None:
    body = succeeded(bench)
    assert body["result"]["text"] == body["response"]["result"]["text"] == "the transcript"


@requires("error", "An unexpected error has another status than 200, and JSON.")
def _(bench: Bench) -> None:
    unknown = bench.refused(404, "GET", "/v1/async/requests/job_018bcfe56800000000000000")
    assert unknown.json["message"]
