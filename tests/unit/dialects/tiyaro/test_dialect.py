"""Tests of the Tiyaro dialect: upload URLs, models by path and repeated bodies."""

from typing import Any
from unittest.mock import Mock

import pytest

from rushes.catalog.models import read_catalog
from rushes.errors import AwsUnavailable, InvalidRequest
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus, Stage
from rushes.providers.tiyaro.adapter import Tiyaro
from tests.fakes import BUCKET
from tests.unit.dialects.api_client import (
    ACCOUNT,
    BASE_URL,
    OPENAI,
    OTHER_ACCOUNT,
    PNG,
    VIDEO,
    Caller,
    Reply,
    cases,
)

CATALOG = read_catalog("""
default_model = "tiyaro/transcriber"
[providers.tiyaro]
protocol = "tiyaro"
[aliases]
"ent/tiyarofs/1/openai/whisper-tiny" = "tiyaro/transcriber"
deep = "tiyaro/video"
"a/b/c/d/e/f/g/h" = "tiyaro/video"
[[models]]
name = "tiyaro/transcriber"
modality = "transcription"
options = ["serviceTier", "temperature", "language", "initial_prompt"]
inputs = ["audio"]
needs = ["audio"]
needs_prompt = false
[[models]]
name = "tiyaro/video"
seconds = [4, 8]
sizes = ["1280x720"]
options = ["seed", "generate_audio"]
inputs = ["image", "source_video"]
""")
WHISPER = "/v1/async/ent/tiyarofs/1/openai/whisper-tiny"
VIDEOS = "/v1/async/tiyaro/video"
UPLOAD = "/v1/input/upload-url"
AUDIO = b"ID3\x04" + bytes(100)
TRANSCRIPT = {"text": "good morning", "segments": [{"id": 0, "text": "good morning"}]}
NOW = 1_800_000_000.25
JOB_FIELDS = {"id", "model", "status", "acceptedAt", "startedAt", "completedAt", "result", "urls"}


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    caller = Caller(monkeypatch, CATALOG)
    caller.clock.now = NOW
    return caller


def upload(caller: Caller, extension: str = "mp3") -> Reply:
    return caller.call("POST", UPLOAD, {}, query={"extension": extension})


def upload_url(caller: Caller, extension: str = "mp3", content: bytes | None = AUDIO) -> str:
    """Create an upload URL and put `content` there."""
    reply = upload(caller, extension)
    assert reply.status == 201, reply
    url: str = reply.json["uploadUrl"]["PUT"]
    if content is not None:
        caller.blobs.objects[url.removeprefix(BUCKET).partition("?")[0]] = content
    return url


def submit(caller: Caller, path: str = WHISPER, **body: Any) -> Reply:
    return caller.call("POST", path, {"input": {}, **body})


def job_of(caller: Caller, reply: Reply) -> Job:
    return caller.job(reply, 202)


def job_of_audio(caller: Caller) -> Job:
    return job_of(caller, submit(caller, URL=upload_url(caller)))


def assert_envelope(reply: Reply, status: int) -> None:
    assert reply.status == status, reply
    assert set(reply.json) == {"message", "code", "param"}


def assert_refused(reply: Reply, param: str | None, code: str = "invalid_value") -> None:
    assert_envelope(reply, 400)
    assert reply.json["message"]
    assert (reply.json["code"], reply.json["param"]) == (code, param)
    assert not reply.has_side_effects


# --- upload-url


def test_upload_response_has_both_published_field_names(caller: Caller):
    reply = upload(caller)
    put = {"PUT": reply.json["uploadUrl"]["PUT"]}
    assert reply.status == 201
    assert reply.json == {"uploadUrl": put, "response": {"uploadUrl": put, "uplaodUrl": put}}
    assert put["PUT"].startswith(f"{BUCKET}uploads/{ACCOUNT}/")


@pytest.mark.parametrize(
    "extension",
    [
        *("mp3", "wav", "MP4", "png", "m4a", "aac", "jpeg", "opus", "JPG", "tif", "mpeg", "m4v"),
        *("heif", "aiff", "oga", "mkv", "weba", "mka", "flac", "amr", "bmp", "avi", "webm", "qt"),
    ],
)
def test_upload_accepts_media_extension_in_any_case(caller: Caller, extension: str):
    assert f".{extension.lower()}?" in upload_url(caller, extension)


@pytest.mark.parametrize("extension", ["exe", "mp3/../../x", ".mp3", "mp3 ", "é", "svg", "SVG"])
def test_upload_refuses_other_extensions(caller: Caller, extension: str):
    assert_refused(upload(caller, extension), "extension")


def upload_with(caller: Caller, **query: str) -> Reply:
    return caller.call("POST", UPLOAD, {}, query={"extension": "mp3", **query})


@pytest.mark.parametrize(
    ("query", "signed"),
    [
        ({"contentLength": "1234"}, "&content-length=1234"),
        ({"contentType": "audio/mpeg"}, "&content-type=audio/mpeg"),
        (
            {"contentType": "audio/mpeg", "contentLength": str(200 * 1024 * 1024)},
            "&content-type=audio/mpeg&content-length=209715200",
        ),
    ],
)
def test_upload_url_is_bound_to_the_declared_type_and_length(
    caller: Caller, query: dict[str, str], signed: str
):
    reply = upload_with(caller, **query)
    assert reply.status == 201
    assert reply.json["uploadUrl"]["PUT"].endswith(f".mp3?upload{signed}")


@pytest.mark.parametrize(
    "length", ["0", "-1", "209715201", "9" * 5000, "1.5", "many", "²", "1e3", "true", "inf"]
)
def test_upload_refuses_other_lengths(caller: Caller, length: str):
    assert_refused(upload_with(caller, contentLength=length), "contentLength")


@pytest.mark.parametrize(
    ("extension", "content_type", "named"),
    [
        ("mp3", "audio/mp3", ".mp3"),
        ("mp3", "AUDIO/MPEG", ".mp3"),
        ("jpeg", "image/jpg", ".jpeg"),
        ("opus", "audio/opus", ".opus"),
        ("wav", "audio/x-wav", ".wav"),
        ("mp4", "audio/mp4", ".m4a"),
        ("webm", "audio/webm", ".weba"),
        ("mkv", "audio/x-matroska", ".mka"),
        ("ogg", "video/ogg", ".ogv"),
        ("m4a", "audio/x-m4a", ".m4a"),
    ],
)
def test_upload_accepts_synonyms_of_the_type_and_audio_in_a_container_of_video(
    caller: Caller, extension: str, content_type: str, named: str
):
    reply = upload_with(caller, extension=extension, contentType=content_type)
    assert reply.status == 201
    assert f"{named}?upload&content-type={content_type}" in reply.json["uploadUrl"]["PUT"]


@pytest.mark.parametrize(
    "content_type", ["text/html", "video/mp4", "image/png", "video/mpeg", "audio"]
)
def test_upload_refuses_content_type_of_another_extension(caller: Caller, content_type: str):
    reply = upload_with(caller, contentType=content_type)
    assert_refused(reply, "contentType")
    assert "contentType must be audio/mpeg" in reply.json["message"]


def test_upload_refuses_unknown_query_parameter(caller: Caller):
    assert_refused(caller.call("POST", UPLOAD, {}, query={"extension": "mp3", "n": "2"}), "n")


@pytest.mark.parametrize("query", [None, {}, {"extension": ""}])
@pytest.mark.parametrize(
    ("path", "content", "role", "content_type"),
    [
        (WHISPER, AUDIO, Role.AUDIO, "audio/mpeg"),
        (VIDEOS, PNG, Role.IMAGE, "image/png"),
    ],
)
def test_upload_without_extension_is_for_the_first_file_of_the_model(
    caller: Caller, query: Any, path: str, content: bytes, role: Role, content_type: str
):
    reply = caller.call("POST", UPLOAD, {}, query=query)
    assert reply.status == 201
    url = reply.json["uploadUrl"]["PUT"]
    caller.blobs.objects[url.removeprefix(BUCKET).partition("?")[0]] = content
    job = job_of(caller, submit(caller, path, URL=url, input={"prompt": "x"}))
    (file,) = job.request.files(role)
    assert file.content_type == content_type


def test_upload_without_extension_refuses_a_file_that_the_model_does_not_take(caller: Caller):
    url = caller.call("POST", UPLOAD, {}).json["uploadUrl"]["PUT"]
    caller.blobs.objects[url.removeprefix(BUCKET).partition("?")[0]] = VIDEO
    assert_envelope(submit(caller, URL=url), 400)


def test_upload_takes_the_extension_from_the_content_type(caller: Caller):
    reply = caller.call("POST", UPLOAD, {}, query={"contentType": "audio/mpeg"})
    assert ".mp3?" in reply.json["uploadUrl"]["PUT"]


@pytest.mark.parametrize(
    ("fields", "nulls"),
    [
        ({"initial_prompt": None, "temperature": None}, {"initial_prompt", "temperature"}),
        ({"initial_prompt": None, "language": "en"}, {"initial_prompt"}),
        ({"unknown": None, "language": None}, {"language"}),
        ({"prompt": None, "seconds": None, "seed": None}, set()),
    ],
)
def test_nulls_of_the_model_are_kept_for_it(caller: Caller, fields: Any, nulls: set[str]):
    job = job_of(caller, submit(caller, URL=upload_url(caller), input=fields))
    assert job.request.vendor_arguments == dict.fromkeys(nulls)
    assert nulls.isdisjoint(job.request.provider_options)
    sent = Tiyaro().submit_request(job).json["input"]
    assert sent == {name: value for name, value in fields.items() if name in nulls or value}


# --- submit


def test_create_response_repeats_the_job_and_has_a_poll_url(caller: Caller):
    reply = submit(caller, URL=upload_url(caller))
    inner = reply.json["response"]
    assert {name: value for name, value in reply.json.items() if name != "response"} == inner
    assert inner == {
        "id": job_of(caller, reply).id,
        "model": "ent/tiyarofs/1/openai/whisper-tiny",
        "status": "accepted",
        "acceptedAt": "2027-01-15T08:00:00.250Z",
        "startedAt": None,
        "completedAt": None,
        "result": None,
        "error": None,
        "urls": {"GET": f"{BASE_URL}/v1/async/requests/{inner['id']}"},
    }


def test_create_copies_the_upload_and_keeps_options(caller: Caller):
    model_input = {"temperature": 0, "language": "en", "initial_prompt": None, "patience": None}
    job = job_of(caller, submit(caller, URL=upload_url(caller), input=model_input))
    assert (job.modality, job.provider, job.dialect) == ("transcription", "tiyaro", "tiyaro")
    assert job.request.provider_options == {"temperature": 0, "language": "en"}
    (audio,) = job.request.inputs
    assert audio.role is Role.AUDIO
    assert audio.file
    assert caller.blobs.objects[audio.file.key] == AUDIO


@pytest.mark.parametrize("tier", ["cpuflex", "gpuflex"])
def test_create_reads_service_tier_as_an_option(caller: Caller, tier: str):
    body, query = {"input": {}, "URL": upload_url(caller)}, {"serviceTier": tier}
    job = job_of(caller, caller.call("POST", WHISPER, body, query=query))
    assert job.request.provider_options == {"serviceTier": tier}
    video = {"input": {"prompt": "a fox"}}
    assert_refused(caller.call("POST", VIDEOS, video, query=query), "serviceTier")


def test_create_reads_the_model_from_the_path(caller: Caller):
    size = {"seconds": 8, "size": "1280x720"}
    model_input = {"prompt": "a fox", **size, "seed": 3, "generate_audio": True}
    request = job_of(caller, submit(caller, VIDEOS, input=model_input)).request
    assert (request.model, request.prompt, request.seconds) == ("tiyaro/video", "a fox", 8)
    assert (request.size, request.seed, request.generate_audio) == ("1280x720", 3, True)
    assert request.provider_options == {}


@pytest.mark.parametrize("model", ["deep", "tiyaro/video", "a/b/c/d/e/f/g/h"])
def test_create_accepts_model_of_one_to_eight_segments(caller: Caller, model: str):
    reply = submit(caller, f"/v1/async/{model}", input={"prompt": "a fox"})
    assert job_of(caller, reply).request.model == reply.json["model"] == model


@pytest.mark.parametrize(
    ("extension", "content", "role"),
    [
        ("png", PNG, Role.IMAGE),
        ("tif", b"II*\0" + bytes(30), Role.IMAGE),
        ("mp4", VIDEO, Role.SOURCE_VIDEO),
        ("m4v", VIDEO, Role.SOURCE_VIDEO),
    ],
)
def test_file_role_follows_the_extension(
    caller: Caller, extension: str, content: bytes, role: Role
):
    url = upload_url(caller, extension, content)
    job = job_of(caller, submit(caller, VIDEOS, input={"prompt": "a fox"}, URL=url))
    assert [file.role for file in job.request.inputs] == [role]


@pytest.mark.parametrize(
    "model", ["ent/tiyarofs/1/openai/whisper-huge", "requests", "requests/job_1"]
)
def test_create_refuses_unknown_model(caller: Caller, model: str):
    assert_refused(submit(caller, f"/v1/async/{model}"), "model", "model_not_found")


@pytest.mark.parametrize(
    ("name", "value"),
    [("loudness", 3), ("prompt", 3), ("seconds", "soon"), ("size", "1280x720")],
)
def test_create_refuses_invalid_input_by_name(caller: Caller, name: str, value: Any):
    assert_refused(submit(caller, URL=upload_url(caller), input={name: value}), name)


INVALID = {
    "input": [[], None],
    "URL": [3, None, ""],
    "url": ["https://bucket.example/x.mp3"],
    "callback": ["https://a.example"],
}


@pytest.mark.parametrize(("name", "value"), cases(INVALID))
def test_create_refuses_invalid_field_by_name(caller: Caller, name: str, value: Any):
    assert_refused(submit(caller, **{"URL": upload_url(caller), name: value}), name)


@pytest.mark.parametrize(
    ("query", "param"), [({"serviceTier": "tpuflex"}, "serviceTier"), ({"tier": "x"}, "tier")]
)
def test_create_refuses_unknown_tier_or_query_parameter(caller: Caller, query: Any, param: str):
    body = {"input": {}, "URL": upload_url(caller)}
    assert_refused(caller.call("POST", WHISPER, body, query=query), param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input":{},"input":{}}'])
def test_create_refuses_malformed_body(caller: Caller, body: bytes):
    assert_envelope(caller.call("POST", WHISPER, body), 400)


# --- upload URL


def test_create_refuses_upload_url_of_another_account(caller: Caller):
    key = f"uploads/{OTHER_ACCOUNT}/{'0' * 32}.mp3"
    caller.blobs.objects[key] = AUDIO
    assert_refused(submit(caller, URL=f"{BUCKET}{key}?upload"), "URL")


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/uploads/alice/1.mp3",
        f"https://elsewhere.example/?{BUCKET}uploads/alice/1.mp3",
        f"{BUCKET}outputs/alice/job/0.mp3",
        f"{BUCKET}uploads/alice/../bob/1.mp3",
        f"{BUCKET}uploads/alice/%00.mp3",
        f"{BUCKET}uploads/alice/{'a' * 2000}.mp3",
        "http://[::1/1.mp3",
        "file:///etc/passwd",
        "uploads/alice/1.mp3",
        "1.mp3",
    ],
)
def test_create_refuses_foreign_url_without_a_lookup(
    caller: Caller, url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(type(caller.blobs), "find")
    assert_refused(submit(caller, URL=url), "URL")


def test_create_refuses_tampered_upload_url(caller: Caller):
    url = upload_url(caller)
    name = url.rpartition("/")[2].partition(".")[0]
    assert_refused(submit(caller, URL=url.replace(name, "f" * len(name))), "URL")


def test_create_refuses_upload_url_without_an_upload(caller: Caller):
    assert_refused(submit(caller, URL=upload_url(caller, content=None)), "URL")


@pytest.mark.parametrize("content", [b"", b"what is this", PNG, VIDEO])
def test_create_refuses_and_deletes_file_that_differs_from_its_extension(
    caller: Caller, content: bytes
):
    reply = submit(caller, URL=upload_url(caller, "mp3", content))
    assert_envelope(reply, 400)
    assert (reply.json["code"], reply.json["param"]) == ("invalid_value", "URL")
    assert caller.blobs.objects == {}


def test_create_refuses_file_that_the_model_does_not_accept(caller: Caller):
    assert_refused(submit(caller, URL=upload_url(caller, "png", PNG)), "URL")
    video = {"input": {"prompt": "a fox"}, "URL": upload_url(caller)}
    assert_refused(submit(caller, VIDEOS, **video), "URL")


# --- poll


def poll(caller: Caller, job: Job) -> Reply:
    reply = caller.call("GET", f"/v1/async/requests/{job.id}")
    assert reply.status == 200, reply
    inner = reply.json["response"]
    assert {name: value for name, value in reply.json.items() if name != "response"} == inner
    assert set(inner) == {*JOB_FIELDS, "error"}
    return reply


def finished_job(
    caller: Caller, status: JobStatus, error: JobError | None = None, **result: Any
) -> Job:
    job_id = job_of_audio(caller).id
    caller.change(job_id, lambda job: job.submitted(NOW + 1, {"id": "up"}, ()))
    if result:
        document, artifacts = result["document"], result.get("artifacts", ())
        caller.change(job_id, lambda job: job.generated(NOW + 2, (), None, document))
        caller.change(job_id, lambda job: job.stored(NOW + 3, artifacts))
    outcome = JobOutcome(status=status, error=error)
    return caller.change(job_id, lambda job: job.finished(NOW + 4, outcome, "run", 60.0))


def test_completed_transcription_has_document_as_result(caller: Caller):
    job = finished_job(caller, JobStatus.COMPLETED, document=TRANSCRIPT)
    body = poll(caller, job).json
    assert (body["status"], body["result"]) == ("success", TRANSCRIPT)
    assert body["startedAt"] == "2027-01-15T08:00:01.250Z"
    assert body["completedAt"] == "2027-01-15T08:00:04.250Z"


def test_result_has_file_urls_beside_the_document(caller: Caller):
    video = Artifact(key="outputs/alice/0.mp4", content_type="video/mp4", size=9, sha256="0" * 64)
    fields: dict[str, Any] = {"document": {"seed": 3}, "artifacts": (video,)}
    result = poll(caller, finished_job(caller, JobStatus.COMPLETED, **fields)).json["result"]
    (output,) = result.pop("outputs")
    assert result == {"seed": 3}
    assert output.pop("url").startswith(f"{BUCKET}outputs/alice/0.mp4")
    assert output == {"content_type": "video/mp4", "size": 9}


def test_failed_job_has_error(caller: Caller):
    error = JobError(code="bad", message="it broke")
    reply = poll(caller, finished_job(caller, JobStatus.FAILED, error))
    assert (reply.json["status"], reply.json["result"]) == ("failed", None)
    assert reply.json["error"] == {"code": "bad", "message": "it broke"}


def test_cancelled_job_has_status_cancelled(caller: Caller):
    assert poll(caller, finished_job(caller, JobStatus.CANCELLED)).json["status"] == "cancelled"


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        (Stage.ACCEPTED, "accepted"),
        (Stage.WAITING, "pending"),
        (Stage.SUBMITTING, "pending"),
        (Stage.RUNNING, "processing"),
        (Stage.STORING, "processing"),
    ],
)
def test_status_of_unfinished_job_follows_its_stage(caller: Caller, stage: Stage, status: str):
    job = job_of_audio(caller)
    has_begun = stage in (Stage.RUNNING, Stage.STORING)
    begun = {"status": JobStatus.IN_PROGRESS, "started_at": NOW} if has_begun else {}
    change = {"stage": stage, "version": job.version + 1, **begun}
    job = caller.change(job.id, lambda job: job.model_copy(update=change))
    assert poll(caller, job).json["status"] == status


def test_job_that_waits_at_its_provider_is_pending(caller: Caller):
    job = job_of_audio(caller)
    caller.change(job.id, lambda job: job.submitted(NOW + 1, {}, (), waiting=True))
    waiting = poll(caller, job).json
    assert (waiting["status"], waiting["startedAt"]) == ("pending", None)
    caller.change(job.id, lambda job: job.progressed(NOW + 5, 10))
    running = poll(caller, job).json
    assert (running["status"], running["startedAt"]) == ("processing", "2027-01-15T08:00:05.250Z")


def test_job_of_another_account_is_not_found(caller: Caller):
    job = job_of_audio(caller)
    caller.key = caller.other_accounts_key
    for job_id in (job.id, "job_x", "%2e%2e"):
        reply = caller.call("GET", f"/v1/async/requests/{job_id}")
        assert (reply.status, reply.json["param"]) == (404, "id")


def test_job_is_readable_in_the_openai_dialect(caller: Caller):
    job = finished_job(caller, JobStatus.COMPLETED, document=TRANSCRIPT)
    assert caller.call("GET", f"{OPENAI}/{job.id}").json["status"] == "completed"
    content = caller.call("GET", f"{OPENAI}/{job.id}/content")
    assert (content.status, content.code) == (404, "no_content")


# --- errors


def test_every_route_requires_a_key(caller: Caller):
    for method, path in (("POST", UPLOAD), ("POST", WHISPER), ("GET", "/v1/async/requests/job_1")):
        reply = caller.raw(method, path, b"{}", {"content-type": "application/json"})
        assert_envelope(reply, 401)


def test_unknown_url_has_the_error_envelope(caller: Caller):
    reply = caller.call("GET", "/v1/input/other")
    assert (reply.status, reply.json["code"]) == (404, "unknown_url")
    other_method = caller.call("GET", WHISPER)
    assert (other_method.status, other_method.json["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("error", [AwsUnavailable("x"), InvalidRequest("x"), ValueError("x")])
def test_every_error_has_the_error_envelope(caller: Caller, error: Exception):
    caller.blobs.upload_link = Mock(side_effect=error)  # type: ignore[method-assign]
    assert_envelope(upload(caller), getattr(error, "http_status", 500))
