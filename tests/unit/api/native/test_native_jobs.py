"""Create, retrieve, wait, cancel, retry and delete by the native API."""

from typing import Any

import pytest

from rushes.catalog.models import Alias
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.unit.api.native.native_caller import CATALOG, FIELDS, JOBS, NativeCaller, assert_problem
from tests.unit.dialects.api_client import OTHER_ACCOUNT


def test_created_job_is_returned_with_its_url(native: NativeCaller):
    reply = native.create_job(tags={"team": "ads"}, metadata={"shot": "1"}, user="u-1")
    assert reply.status == 201
    job = reply.json
    assert reply.headers["location"] == f"{JOBS}/{job['id']}"
    assert job == native.retrieve(job["id"])
    assert job["status"] == "queued"
    assert (job["model"], job["made_by"], job["provider"]) == (
        "sandbox/video", "sandbox/video", "sandbox",
    )  # fmt: skip
    assert job["parameters"]["seconds"] == 4
    assert job["parameters"]["size"] == "1280x720"
    assert job["tags"] == {"team": "ads"}
    assert job["metadata"] == {"shot": "1"}
    assert (job["user"], job["api"]) == ("u-1", "native")
    assert job["cost"] == {
        "estimated": 0.4, "settled": None, "refunded": None, "currency": "USD",
    }  # fmt: skip
    assert job["key_id"] == native.key.split("_")[1]


@pytest.mark.parametrize(
    ("fields", "modality"),
    [
        ({}, "video"),
        ({"model": "sandbox/image", "seconds": None}, "image"),
        ({"model": "sandbox/voice", "seconds": None}, "audio"),
        (
            {
                "model": "sandbox/transcriber",
                "seconds": None,
                "prompt": "",
                "inputs": [{"role": "audio", "url": "https://example.com/a.mp3"}],
            },
            "transcription",
        ),
    ],
)
def test_one_form_serves_every_modality(native: NativeCaller, fields: Any, modality: str):
    assert native.create_job(**fields).json["modality"] == modality


@pytest.mark.parametrize(
    ("fields", "param", "text"),
    [
        ({"seconds": 9}, "seconds", "must be one of 4, 8 (got 9)"),
        ({"seconds": "long"}, "seconds", "must be an integer"),
        ({"size": "1x1"}, "size", "must be one of"),
        ({"model": "sora-9"}, "model", "unknown model"),
        ({"prompt": ""}, "prompt", "must not be empty"),
        ({"prompt": 7}, "prompt", "must be a string"),
        ({"duration": 4}, "duration", "is not supported"),
        ({"inputs": [{"role": "hero", "url": "https://a.example/x"}]}, "inputs.0.role", "one of"),
        ({"inputs": [{"role": "image"}]}, "inputs.0", "either url or upload"),
        ({"inputs": [{"role": "image", "url": "ftp://x"}]}, "inputs.0.url", "http(s) URL"),
        ({"inputs": [{"role": "image", "upload": "../x"}]}, "inputs.0.upload", "must be the id"),
        ({"inputs": [{"role": "image", "upload": "0a.png"}]}, "inputs.0.upload", "no file"),
        (
            {"inputs": [{"role": "audio", "url": "https://a.example/x"}]},
            "inputs.0.url", "does not accept audio",
        ),
        ({"inputs": [{"role": "image", "url": "http://127.0.0.1/"}]}, "inputs.0.url", ""),
        ({"fallbacks": ["nope/nope"]}, "model", "fallbacks: unknown model"),
        ({"fallbacks": ["sandbox/image"]}, "fallbacks", "generates image"),
        ({"provider_options": {"fps": 3}}, "fps", "does not accept fps"),
        ({"arguments": {"fps": 3}}, "fps", "does not accept fps"),
        (
            {"arguments": {"seed": 3}, "provider_options": {"seed": 4}},
            "seed", "given twice",
        ),
        ({"webhook": {"url": "nowhere"}}, "webhook.url", "http(s) URL"),
        ({"webhook": {"url": "https://10.0.0.1/"}}, "webhook.url", ""),
        ({"tags": {"a b": "c"}}, "tags", "tag name"),
        ({"tags": {f"t{n}": "v" for n in range(11)}}, "tags", "at most 10"),
        ({"tags": ["team"]}, "tags", "must be an object"),
        ({"metadata": {"a": 1}}, "metadata.a", "must be a string"),
        ({"user": "x" * 129}, "user", "1 to 128 characters"),
        ({"dry_run": "perhaps"}, "dry_run", "must be a boolean"),
    ],
)  # fmt: skip
def test_wrong_field_is_refused_by_name(native: NativeCaller, fields: Any, param: str, text: str):
    assert_problem(native.create_job(**fields), 400, param, text=text)


def test_allowed_values_are_a_list(native: NativeCaller):
    assert native.create_job(seconds=9).json["allowed"] == [4, 8]
    role = native.create_job(inputs=[{"role": "hero", "url": "https://a.example/x"}]).json
    assert "image" in role["allowed"]


@pytest.mark.parametrize("value", ["", None])
def test_empty_fields_are_absent(native: NativeCaller, value: Any):
    reply = native.create_job(size=value, seed=value, user=value, webhook=None)
    assert reply.status == 201


def test_repeated_call_returns_the_same_job(native: NativeCaller):
    headers = {"idempotency-key": "k-1"}
    first, second = native.create_job(headers), native.create_job(headers)
    assert first.json["id"] == second.json["id"]
    assert (first.status, second.status) == (201, 201)
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert_problem(native.create_job(headers, seconds=8), 422, code="idempotency_key_reused")
    assert_problem(native.create_job({"idempotency-key": "é"}), 400, "Idempotency-Key")


def test_header_labels_are_added(native: NativeCaller):
    job = native.create_job({"rushes-tags": "team=ads", "rushes-user": "u"}).json
    assert (job["tags"], job["user"]) == ({"team": "ads"}, "u")
    reply = native.create_job({"rushes-tags": "team=ads"}, tags={"team": "games"})
    assert_problem(reply, 400, "rushes-tags")


PROMPTS = (
    '=HYPERLINK("https://evil.example","x")',
    "@SUM(A1)\t+1-2",
    '<script>alert("x")</script>',
    '{"status": "completed"}',
    '", "status": "completed", "x": "',
    "line\nnext\r\n\u2028end",
    "caf\u00e9 \U0001f3ac \u202e",
)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_prompt_is_returned_unchanged(native: NativeCaller, prompt: str):
    created = native.create_job(prompt=prompt).json
    assert native.retrieve(created["id"])["parameters"]["prompt"] == prompt
    listed = native.send("GET", JOBS).json["data"]
    assert [job["prompt"] for job in listed] == [prompt]
    assert listed[0]["status"] == "queued"


def test_upload_is_used_by_its_id(native: NativeCaller):
    upload = native.upload()
    job = native.new_job(inputs=[{"role": "image", "upload": upload["id"]}])
    assert job.request.inputs[0].file
    assert job.request.inputs[0].file.key.startswith(f"inputs/alice/{job.id}/")


def test_upload_of_another_account_is_not_found(native: NativeCaller):
    upload = native.upload(native.other_accounts_key)
    by_id = native.create_job(inputs=[{"role": "image", "upload": upload["id"]}])
    assert_problem(by_id, 400, "inputs.0.upload", text="no file was uploaded")
    by_url = native.create_job(inputs=[{"role": "image", "url": upload["url"]}])
    assert_problem(by_url, 400, "inputs.0.url", text="not issued")


def test_wait_returns_at_the_end_of_the_job(native: NativeCaller):
    job = native.new_job()
    reads: list[float] = []

    def sleep(seconds: float) -> None:
        native.clock.advance(seconds)
        reads.append(native.clock())
        if len(reads) == 3:
            native.finish(job, JobStatus.COMPLETED, None)

    object.__setattr__(native.services.jobs, "sleep", sleep)
    assert native.retrieve(job.id, wait="20")["status"] == "completed"
    assert len(reads) == 3


def test_wait_ends_after_its_seconds(native: NativeCaller):
    job, begun = native.new_job(), native.clock()
    object.__setattr__(native.services.jobs, "sleep", native.clock.advance)
    assert native.retrieve(job.id, wait="5")["status"] == "queued"
    assert 5 <= native.clock() - begun <= 6


@pytest.mark.parametrize("wait", ["21", "-1", "soon", "1.5", ""])
def test_other_waits_are_refused(native: NativeCaller, wait: str):
    reply = native.send("GET", f"{JOBS}/{native.new_job().id}", query={"wait": wait})
    assert_problem(reply, 400, "wait")


def test_cancel_is_recorded(native: NativeCaller):
    job = native.new_job()
    object.__setattr__(native.services.jobs, "sleep", native.clock.advance)
    reply = native.send("POST", f"{JOBS}/{job.id}/cancel")
    assert reply.status == 200
    assert reply.json["cancel"]["upstream"] == "pending"
    assert reply.headers["rushes-upstream-cancelled"] == "pending"


def test_finished_job_is_not_cancelled(native: NativeCaller):
    job_id = finished(native, JobStatus.COMPLETED)
    assert_problem(native.send("POST", f"{JOBS}/{job_id}/cancel"), 409, code="already_finished")


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_retry_creates_a_job_with_the_same_request(native: NativeCaller, status: JobStatus):
    job_id = finished(native, status, tags={"team": "ads"}, seed=7, fallbacks=["spare/video"])
    headers = {"idempotency-key": "again"}
    reply = native.send("POST", f"{JOBS}/{job_id}/retry", {}, headers)
    assert reply.status == 201
    new = reply.json
    assert new["id"] != job_id
    old = native.retrieve(job_id)
    for name in ("model", "parameters", "tags", "metadata", "user"):
        assert new[name] == old[name]
    assert new["fallbacks"] == ["spare/video"]
    again = native.send("POST", f"{JOBS}/{job_id}/retry", {}, headers)
    assert (again.json["id"], again.headers["idempotent-replayed"]) == (new["id"], "true")


def test_retry_copies_the_input_files(native: NativeCaller):
    upload = native.upload()
    inputs = [{"role": "image", "upload": upload["id"]}]
    job_id = finished(native, JobStatus.FAILED, inputs=inputs)
    new = native.send("POST", f"{JOBS}/{job_id}/retry").json
    native.send("DELETE", f"{JOBS}/{job_id}")
    stored = native.jobs.get("alice", new["id"])
    assert stored
    assert stored.request.inputs[0].file
    assert stored.request.inputs[0].file.key in native.blobs.objects


@pytest.mark.parametrize("etag", [None, '"of the upload"'])
def test_retry_copies_an_input_file_without_its_own_etag(native: NativeCaller, etag: str | None):
    """One of a body has none; a copy in a bucket with a KMS key has another than its source."""
    upload = native.upload()
    inputs = [{"role": "image", "upload": upload["id"]}]
    job_id = finished(native, JobStatus.FAILED, inputs=inputs)

    def with_etag(job: Job) -> Job:
        (entry,) = job.request.inputs
        assert entry.file
        file = entry.file.model_copy(update={"etag": etag})
        inputs = (entry.model_copy(update={"file": file}),)
        request = job.request.model_copy(update={"inputs": inputs})
        return job.model_copy(update={"request": request, "version": job.version + 1})

    native.jobs.change("alice", job_id, with_etag)
    assert native.send("POST", f"{JOBS}/{job_id}/retry").status == 201


def test_retry_without_the_input_file_is_refused(native: NativeCaller):
    upload = native.upload()
    inputs = [{"role": "image", "upload": upload["id"]}]
    job_id = finished(native, JobStatus.FAILED, inputs=inputs)
    native.blobs.objects.clear()
    reply = native.send("POST", f"{JOBS}/{job_id}/retry")
    assert_problem(reply, 400, text="has expired")


def test_retry_of_a_remix_is_a_remix(native: NativeCaller):
    source = finished(native, JobStatus.COMPLETED)
    reply = native.call("POST", f"/openai/v1/videos/{source}/remix", {"prompt": "at night"})
    remix = native.job(reply)
    native.finish(remix, JobStatus.CANCELLED, None)
    new = native.send("POST", f"{JOBS}/{remix.id}/retry").json
    assert (new["remixed_from"], new["api"]) == (source, "openai")
    assert new["parameters"]["prompt"] == "at night"


def test_retry_uses_the_models_of_the_present_configuration(native: NativeCaller):
    job_id = finished(native, JobStatus.FAILED, model="boat", seconds=None)
    native.use(CATALOG.model_copy(update={"aliases": {"boat": Alias(models=("spare/video",))}}))
    assert native.send("POST", f"{JOBS}/{job_id}/retry").json["made_by"] == "spare/video"


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, None])
def test_other_jobs_are_not_retried(native: NativeCaller, status: JobStatus | None):
    job_id = finished(native, status) if status else native.new_job().id
    reply = native.send("POST", f"{JOBS}/{job_id}/retry")
    assert_problem(reply, 409, code="not_retryable", text="only a failed or cancelled job")


def test_deleted_job_is_gone(native: NativeCaller):
    job_id = finished(native, JobStatus.COMPLETED)
    reply = native.send("DELETE", f"{JOBS}/{job_id}")
    assert (reply.status, reply.json) == (200, {"id": job_id, "deleted": True})
    assert_problem(native.send("GET", f"{JOBS}/{job_id}"), 404, "job_id", "not_found")
    assert native.send("GET", JOBS).json["data"] == []


OTHERS = [
    ("GET", ""),
    ("POST", "/cancel"),
    ("POST", "/retry"),
    ("DELETE", ""),
]


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_job_of_another_account_is_not_found(native: NativeCaller, method: str, path: str):
    job = native.new_job()
    other = {"authorization": f"Bearer {native.other_accounts_key}"}
    reply = native.send(method, f"{JOBS}/{job.id}{path}", headers=other)
    absent = native.send(method, f"{JOBS}/job_{'0' * 32}{path}", headers=other)
    assert_problem(reply, 404, "job_id", "not_found")
    assert reply.json["detail"].replace(job.id, "") == absent.json["detail"].replace(
        f"job_{'0' * 32}", ""
    )
    assert OTHER_ACCOUNT not in reply.text


def finished(native: NativeCaller, status: JobStatus, **fields: Any) -> str:
    job = native.new_job(**fields)
    error = JobError(code="upstream_failed", message="it failed")
    native.finish(job, status, error if status is JobStatus.FAILED else None)
    return job.id


def test_idempotency_key_of_a_retry_is_not_that_of_a_create(native: NativeCaller):
    headers = {"idempotency-key": "one"}
    job = native.job(native.create_job(headers), 201)
    native.finish(job, JobStatus.CANCELLED, None)
    new = native.send("POST", f"{JOBS}/{job.id}/retry", headers=headers).json
    assert new["id"] != job.id
    assert FIELDS["prompt"] == new["parameters"]["prompt"]
