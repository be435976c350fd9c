"""Tiyaro's asynchronous inference: addresses to upload to, models by path, bodies told twice."""

from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from rushes.errors import AwsUnavailable, InvalidRequest
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus, Stage
from rushes.ports import Change
from tests.fakes import BUCKET
from tests.unit.dialects.api_client import (
    ACCOUNT,
    BASE_URL,
    FILM,
    OPENAI,
    OTHER_ACCOUNT,
    PNG,
    Caller,
    Reply,
)

CATALOG = read_catalog("""
default_model = "tiyaro/ears"
[providers.tiyaro]
protocol = "tiyaro"
[aliases]
"ent/tiyarofs/1/openai/whisper-tiny" = "tiyaro/ears"
deep = "tiyaro/film"
"a/b/c/d/e/f/g/h" = "tiyaro/film"
[[models]]
name = "tiyaro/ears"
modality = "transcription"
options = ["serviceTier", "temperature", "language", "initial_prompt"]
inputs = ["audio"]
needs = ["audio"]
needs_prompt = false
[[models]]
name = "tiyaro/film"
seconds = [4, 8]
sizes = ["1280x720"]
options = ["seed", "generate_audio"]
inputs = ["image", "source_video"]
""")
WHISPER = "/v1/async/ent/tiyarofs/1/openai/whisper-tiny"
FILMS = "/v1/async/tiyaro/film"
UPLOAD = "/v1/input/upload-url"
SOUND = b"ID3\x04" + bytes(100)
TRANSCRIPT = {"text": "good morning", "segments": [{"id": 0, "text": "good morning"}]}
MOMENT = 1_800_000_000.25
FACTS = {"id", "model", "status", "acceptedAt", "startedAt", "completedAt", "result", "urls"}


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    made = Caller(monkeypatch)
    made.use(CATALOG)
    made.clock.now = MOMENT
    return made


def address(caller: Caller, extension: str = "mp3", content: bytes | None = SOUND) -> str:
    """One that was given out, and `content` put there."""
    reply = caller.call("POST", UPLOAD, {}, query={"extension": extension})
    assert reply.status == 201, reply
    given: str = reply.json["uploadUrl"]["PUT"]
    if content is not None:
        caller.blobs.objects[given.removeprefix(BUCKET).partition("?")[0]] = content
    return given


def submit(caller: Caller, path: str = WHISPER, **body: Any) -> Reply:
    return caller.call("POST", path, {"input": {}, **body})


def job_of(caller: Caller, reply: Reply) -> Job:
    assert reply.status == 202, reply
    return caller.job(reply)


def assert_refused(reply: Reply, param: str | None, code: str = "invalid_value") -> None:
    assert reply.status == 400, reply
    assert set(reply.json) == {"message", "code", "param"}
    assert reply.json["message"]
    assert (reply.json["code"], reply.json["param"]) == (code, param)


# --- upload-url


def test_an_upload_address_is_told_under_the_samples_name_and_under_the_tables(caller: Caller):
    reply = caller.call("POST", UPLOAD, {}, query={"extension": "mp3"})
    put = {"PUT": reply.json["uploadUrl"]["PUT"]}
    assert reply.status == 201
    assert reply.json == {"uploadUrl": put, "response": {"uploadUrl": put, "uplaodUrl": put}}
    assert put["PUT"].startswith(f"{BUCKET}uploads/{ACCOUNT}/")


@pytest.mark.parametrize("extension", ["mp3", "wav", "MP4", "png", "m4a"])
def test_an_extension_of_media_is_taken_in_any_case(caller: Caller, extension: str):
    assert f".{extension.lower()}?" in address(caller, extension)


@pytest.mark.parametrize("extension", ["exe", "", "mp3/../../x", ".mp3", "mp3 ", "é"])
def test_any_other_extension_is_refused(caller: Caller, extension: str):
    reply = caller.call("POST", UPLOAD, {}, query={"extension": extension})
    assert_refused(reply, "extension")


@pytest.mark.parametrize(
    ("query", "param"), [({}, "extension"), ({"extension": "mp3", "n": "2"}, "n")]
)
def test_an_upload_wants_an_extension_and_nothing_else(
    caller: Caller, query: dict[str, str], param: str
):
    assert_refused(caller.call("POST", UPLOAD, {}, query=query), param)


# --- submit


def test_a_submitted_job_is_told_twice_and_has_an_address_to_poll(caller: Caller):
    reply = submit(caller, URL=address(caller))
    inner = reply.json["response"]
    assert {name: it for name, it in reply.json.items() if name != "response"} == inner
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


def test_the_uploaded_file_becomes_the_jobs_and_the_fields_its_options(caller: Caller):
    given = {"temperature": 0, "language": "en", "initial_prompt": None, "patience": None}
    job = job_of(caller, submit(caller, URL=address(caller), input=given))
    assert (job.modality, job.provider, job.dialect) == ("transcription", "tiyaro", "tiyaro")
    assert job.request.provider_options == {"temperature": 0, "language": "en"}
    (it,) = job.request.inputs
    assert it.role is Role.AUDIO
    assert it.file
    assert caller.blobs.objects[it.file.key] == SOUND


@pytest.mark.parametrize("tier", ["cpuflex", "gpuflex"])
def test_a_service_tier_is_an_option_like_any_other(caller: Caller, tier: str):
    query = {"serviceTier": tier}
    body = {"input": {}, "URL": address(caller)}
    job = job_of(caller, caller.call("POST", WHISPER, body, query=query))
    assert job.request.provider_options == {"serviceTier": tier}
    film = {"input": {"prompt": "a fox"}}
    assert_refused(caller.call("POST", FILMS, film, query=query), "serviceTier")


def test_a_film_is_asked_for_by_its_models_path(caller: Caller):
    given = {"prompt": "a fox", "seconds": 8, "size": "1280x720", "seed": 3, "generate_audio": True}
    request = job_of(caller, submit(caller, FILMS, input=given)).request
    assert (request.model, request.prompt, request.seconds) == ("tiyaro/film", "a fox", 8)
    assert (request.size, request.seed, request.generate_audio) == ("1280x720", 3, True)
    assert request.provider_options == {}


@pytest.mark.parametrize("model", ["deep", "tiyaro/film", "a/b/c/d/e/f/g/h"])
def test_a_model_is_a_path_of_one_to_eight_steps(caller: Caller, model: str):
    reply = submit(caller, f"/v1/async/{model}", input={"prompt": "a fox"})
    assert job_of(caller, reply).request.model == reply.json["model"] == model


@pytest.mark.parametrize(
    ("extension", "content", "role"),
    [("png", PNG, Role.IMAGE), ("mp4", FILM, Role.SOURCE_VIDEO)],
)
def test_what_a_file_is_for_its_extension_tells(
    caller: Caller, extension: str, content: bytes, role: Role
):
    given = address(caller, extension, content)
    job = job_of(caller, submit(caller, FILMS, input={"prompt": "a fox"}, URL=given))
    assert [it.role for it in job.request.inputs] == [role]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/async/ent/tiyarofs/1/openai/whisper-huge", "model_not_found"),
        ("/v1/async/requests", "model_not_found"),
        ("/v1/async/requests/job_1", "model_not_found"),
    ],
)
def test_a_path_that_is_no_model_is_said_so(caller: Caller, path: str, code: str):
    assert_refused(submit(caller, path), "model", code)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": {"loudness": 3}}, "loudness"),
        ({"input": {"prompt": 3}}, "prompt"),
        ({"input": {"seconds": "soon"}}, "seconds"),
        ({"input": {"size": "1280x720"}}, "size"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"URL": 3}, "URL"),
        ({"URL": None}, "URL"),
        ({"URL": ""}, "URL"),
        ({"url": "https://bucket.example/x.mp3"}, "url"),
        ({"callback": "https://a.example"}, "callback"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(
    caller: Caller, body: dict[str, Any], param: str
):
    whole = {"input": {}, "URL": address(caller), **body}
    assert_refused(caller.call("POST", WHISPER, whole), param)


@pytest.mark.parametrize(
    ("query", "param"), [({"serviceTier": "tpuflex"}, "serviceTier"), ({"tier": "x"}, "tier")]
)
def test_an_unknown_tier_or_question_is_refused(caller: Caller, query: dict[str, str], param: str):
    body = {"input": {}, "URL": address(caller)}
    assert_refused(caller.call("POST", WHISPER, body, query=query), param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input":{},"input":{}}'])
def test_a_body_that_is_none_is_refused(caller: Caller, body: bytes):
    reply = caller.call("POST", WHISPER, body)
    assert reply.status == 400
    assert set(reply.json) == {"message", "code", "param"}


# --- the address


def test_an_address_of_another_account_is_refused(caller: Caller):
    key = f"uploads/{OTHER_ACCOUNT}/{'0' * 32}.mp3"
    caller.blobs.objects[key] = SOUND
    assert_refused(submit(caller, URL=f"{BUCKET}{key}?upload"), "URL")


@pytest.mark.parametrize(
    "written",
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
def test_an_address_that_is_none_of_ours_is_refused_and_never_looked_at(
    caller: Caller, written: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(type(caller.blobs), "find")
    assert_refused(submit(caller, URL=written), "URL")
    assert not caller.jobs.rows


def test_a_tampered_name_leads_nowhere(caller: Caller):
    given = address(caller)
    name = given.rpartition("/")[2].partition(".")[0]
    assert_refused(submit(caller, URL=given.replace(name, "f" * len(name))), "URL")


def test_an_address_that_nothing_was_put_to_is_refused(caller: Caller):
    assert_refused(submit(caller, URL=address(caller, content=None)), "URL")


@pytest.mark.parametrize("content", [b"", b"what is this", PNG, FILM])
def test_a_file_that_is_not_what_its_address_was_for_is_refused(caller: Caller, content: bytes):
    assert_refused(submit(caller, URL=address(caller, "mp3", content)), "URL")


def test_a_file_that_the_model_has_no_use_for_is_refused(caller: Caller):
    assert_refused(submit(caller, URL=address(caller, "png", PNG)), "URL")
    film = {"input": {"prompt": "a fox"}, "URL": address(caller)}
    assert_refused(submit(caller, FILMS, **film), "URL")


# --- poll


def poll(caller: Caller, job: Job) -> Reply:
    reply = caller.call("GET", f"/v1/async/requests/{job.id}")
    assert reply.status == 200, reply
    inner = reply.json["response"]
    assert {name: it for name, it in reply.json.items() if name != "response"} == inner
    assert set(inner) == {*FACTS, "error"}
    return reply


def ended(caller: Caller, status: JobStatus, error: JobError | None = None, **facts: Any) -> Job:
    job = job_of(caller, submit(caller, URL=address(caller)))

    def step(change: Change) -> Job:
        return caller.jobs.change(ACCOUNT, job.id, change)

    step(lambda job: job.submitted(MOMENT + 1, {"id": "up"}, ()))
    if facts:
        step(lambda job: job.generated(MOMENT + 2, (), None, facts.get("document")))
        step(lambda job: job.stored(MOMENT + 3, facts.get("artifacts", ())))
    outcome = JobOutcome(status=status, error=error)
    return step(lambda job: job.finished(MOMENT + 4, outcome, "run", 60.0))


def test_a_finished_transcription_has_its_document_for_a_result(caller: Caller):
    job = ended(caller, JobStatus.COMPLETED, document=TRANSCRIPT)
    told = poll(caller, job).json
    assert (told["status"], told["result"]) == ("success", TRANSCRIPT)
    assert told["startedAt"] == "2027-01-15T08:00:01.250Z"
    assert told["completedAt"] == "2027-01-15T08:00:04.250Z"


def test_files_are_told_by_their_addresses_beside_the_document(caller: Caller):
    film = Artifact(key="outputs/alice/0.mp4", content_type="video/mp4", size=9, sha256="0" * 64)
    result = poll(
        caller, ended(caller, JobStatus.COMPLETED, document={"seed": 3}, artifacts=(film,))
    ).json["result"]
    (output,) = result.pop("outputs")
    assert result == {"seed": 3}
    assert output.pop("url").startswith(f"{BUCKET}outputs/alice/0.mp4")
    assert output == {"content_type": "video/mp4", "size": 9}


def test_a_failed_job_tells_why(caller: Caller):
    told = poll(caller, ended(caller, JobStatus.FAILED, JobError(code="bad", message="it broke")))
    assert (told.json["status"], told.json["result"]) == ("failed", None)
    assert told.json["error"] == {"code": "bad", "message": "it broke"}


def test_a_cancelled_job_is_cancelled(caller: Caller):
    assert poll(caller, ended(caller, JobStatus.CANCELLED)).json["status"] == "cancelled"


@pytest.mark.parametrize(
    ("stage", "word"),
    [
        (Stage.ACCEPTED, "accepted"),
        (Stage.WAITING, "pending"),
        (Stage.SUBMITTING, "pending"),
        (Stage.RUNNING, "processing"),
        (Stage.STORING, "processing"),
    ],
)
def test_an_open_job_is_told_by_its_stage(caller: Caller, stage: Stage, word: str):
    job = job_of(caller, submit(caller, URL=address(caller)))
    change = {"stage": stage, "version": job.version + 1}
    job = caller.jobs.change(ACCOUNT, job.id, lambda job: job.model_copy(update=change))
    assert poll(caller, job).json["status"] == word


def test_a_job_of_another_account_is_not_there(caller: Caller):
    job = job_of(caller, submit(caller, URL=address(caller)))
    key = {"authorization": f"Bearer {caller.other_accounts_key}"}
    for written in (job.id, "job_x", "%2e%2e"):
        reply = caller.call("GET", f"/v1/async/requests/{written}", headers=key)
        assert reply.status == 404
        assert reply.json["param"] == "id"


def test_the_same_job_is_there_in_openais_words(caller: Caller):
    job = ended(caller, JobStatus.COMPLETED, document=TRANSCRIPT)
    assert caller.call("GET", f"{OPENAI}/{job.id}").json["status"] == "completed"
    content = caller.call("GET", f"{OPENAI}/{job.id}/content")
    assert (content.status, content.code) == (404, "no_content")


# --- errors


def test_without_a_key_nothing_is_answered(caller: Caller):
    for method, path in (("POST", UPLOAD), ("POST", WHISPER), ("GET", "/v1/async/requests/job_1")):
        reply = caller.raw(method, path, b"{}", {"content-type": "application/json"})
        assert reply.status == 401
        assert set(reply.json) == {"message", "code", "param"}


def test_a_path_of_nobody_is_answered_in_the_same_envelope(caller: Caller):
    reply = caller.call("GET", "/v1/async/ent/tiyarofs/1/openai/whisper-tiny")
    assert (reply.status, reply.json["code"]) == (404, "unknown_url")


@pytest.mark.parametrize("error", [AwsUnavailable("x"), InvalidRequest("x"), ValueError("x")])
def test_every_error_has_the_one_envelope(caller: Caller, error: Exception, monkeypatch: Any):
    def raise_it(*_: object) -> None:
        raise error

    monkeypatch.setattr(caller.blobs, "upload_link", raise_it)
    reply = caller.call("POST", UPLOAD, {}, query={"extension": "mp3"})
    assert reply.status == getattr(error, "http_status", 500)
    assert set(reply.json) == {"message", "code", "param"}
