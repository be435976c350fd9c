"""What Pipelet's and fal's queues share: paths, who speaks on them, and one job's state in each."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.api.app import app
from rushes.dialects import DIALECTS
from rushes.dialects.fal_queue.fal import FalDialect
from rushes.dialects.fal_queue.pipelet import PipeletDialect
from rushes.errors import AwsUnavailable
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import ACCOUNT, BASE_URL, PNG, Caller, Reply
from tests.unit.dialects.test_fuzz import bounded, texts, values

PREFIXES = ("/queue", "/pipelet/queue", "/fal")
MODELS = ("sora-2", "sandbox/film")
BODY = {"prompt": "a cat"}
VERBS = {"status": ("GET", "/status"), "cancel": ("PUT", "/cancel"), "result": ("GET", "")}
REFUSED = JobError(code="upstream_refused", message="the prompt was refused")


def speaks(caller: Caller, prefix: str, scheme: str) -> str:
    """The dialect that answers: only fal's answers have its header."""
    reply = ask(caller, "status", caller.create().json["id"], prefix, scheme)
    return "fal" if "x-fal-request-id" in reply.headers else "pipelet"


def ask(
    caller: Caller, verb: str, job_id: str, prefix: str = "/queue", scheme: str = "Bearer"
) -> Reply:
    method, tail = VERBS[verb]
    key = {"authorization": f"{scheme} {caller.key}"}
    return caller.call(method, f"{prefix}/any/app/requests/{job_id}{tail}", headers=key)


@pytest.mark.parametrize(
    ("prefix", "scheme", "dialect"),
    [
        ("/queue", "Bearer", "pipelet"),
        ("/queue", "Key", "fal"),
        ("/queue", "key", "fal"),
        ("/pipelet/queue", "Key", "pipelet"),
        ("/pipelet/queue", "Bearer", "pipelet"),
        ("/fal", "Key", "fal"),
        ("/fal", "Bearer", "fal"),
    ],
)
def test_the_prefix_or_the_kind_of_key_tells_who_speaks(
    caller: Caller, prefix: str, scheme: str, dialect: str
):
    assert speaks(caller, prefix, scheme) == dialect
    headers = {"authorization": f"{scheme} {caller.key}"}
    reply = caller.call("POST", f"{prefix}/sora-2", BODY, headers)
    job = caller.jobs.get(ACCOUNT, reply.json["request_id"])
    assert job
    assert job.dialect == dialect


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("scheme", ["Key", "key ", "KEY\t", "Bearer"])
def test_the_key_is_read_behind_either_word(caller: Caller, prefix: str, scheme: str):
    headers = {"authorization": f"{scheme} {caller.key}"}
    assert caller.call("POST", f"{prefix}/sora-2", BODY, headers).status == 200


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": ""}, 401),
        ({"authorization": "Key"}, 401),
        ({"authorization": "Key "}, 401),
        ({"authorization": "Key nonsense"}, 401),
        ({"authorization": "Digest x"}, 401),
        ({"x-api-key": "rk_other"}, 400),
    ],
)
def test_without_the_right_key_nothing_is_done(
    caller: Caller, prefix: str, headers: dict[str, str], status: int
):
    reply = caller.call("POST", f"{prefix}/sora-2", BODY, headers)
    assert reply.status == status
    assert reply.json["detail"]
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("model", MODELS)
def test_addresses_of_a_job_begin_where_it_was_created(caller: Caller, prefix: str, model: str):
    told = caller.call("POST", f"{prefix}/{model}", BODY).json
    one = f"{BASE_URL}{prefix}/{model}/requests/{told['request_id']}"
    assert told["response_url"] == one
    assert told["status_url"] == f"{one}/status"
    assert told["cancel_url"] == f"{one}/cancel"
    for method, url, status in (
        ("GET", told["status_url"], (200, 202)),
        ("GET", told["response_url"], (400,)),
        ("PUT", told["cancel_url"], (202, 204)),
    ):
        assert caller.call(method, url.removeprefix(BASE_URL)).status in status


def test_every_path_of_a_job_leads_to_its_own_verb():
    """A model is several steps of a path: none of them may swallow what is behind it."""
    wanted = {
        (method, f"{prefix}{'/step' * steps}/requests/job_1{tail}"): f"requests/<job_id>{tail}"
        for prefix in PREFIXES
        for steps in (1, 2, 3)
        for method, tail in VERBS.values()
    }
    routes = [*app._static_routes, *app._dynamic_routes]
    for (method, path), end in wanted.items():
        matches = ((it.path, it.rule.match(path)) for it in routes if it.method == method)
        taken, match = next((taken, match) for taken, match in matches if match)
        assert taken.endswith(end)
        assert match["job_id"] == "job_1"


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/submit"), ("POST", "/status"), ("POST", "/cancel"), ("POST", "/metrics"),
        ("POST", "/metrics/x"), ("POST", "/x/requests/job_1"), ("POST", "/x/requests/job_1/status"),
        ("POST", "/x/requests"), ("POST", "/requests"), ("GET", "/x"), ("GET", "/status"),
        ("POST", "/a/b/c/d/e/f/g"), ("POST", "/"), ("DELETE", "/x/requests/job_1"),
        ("PUT", "/x/requests/job_1"), ("POST", "/x/requests/job_1/cancel"), ("PUT", "/cancel"),
    ],
)  # fmt: skip
def test_other_paths_are_nowhere(caller: Caller, prefix: str, method: str, path: str):
    reply = caller.call(method, prefix + path, BODY)
    assert reply.status == 404
    assert "there is nothing at" in reply.json["detail"]
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("verb", VERBS)
def test_a_strangers_job_is_as_absent_as_one_that_never_was(caller: Caller, prefix: str, verb: str):
    foreign, absent = caller.ended(JobStatus.COMPLETED), "job_000000000000" + "0" * 20
    caller.key = caller.other_accounts_key
    replies = [ask(caller, verb, job_id, prefix) for job_id in (foreign, absent)]
    assert [reply.status for reply in replies] == [404, 404]
    assert replies[0].text.replace(foreign, absent) == replies[1].text


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_id_that_is_none(caller: Caller, prefix: str):
    for job_id in ("a.b", "%C3%A9", "job_1:", "x" * 129):
        assert ask(caller, "status", job_id, prefix).status in (400, 404)
    assert ask(caller, "status", "a.b", "/queue").status == 400


def standing(caller: Caller, state: str) -> str:
    """The id of a new job that stands so; it came in by another dialect."""
    now = caller.clock()
    if state in ("completed", "failed", "cancelled"):
        return caller.ended(JobStatus(state), REFUSED if state == "failed" else None)
    job_id: str = caller.create().json["id"]
    steps: dict[str, Any] = {
        "waiting": lambda job: job.postponed(now),
        "submitting": lambda job: job.submitting(now, 60),
        "running": lambda job: job.submitted(now, {"id": "up-1"}, ()),
    }
    if state in steps:
        caller.jobs.change(ACCOUNT, job_id, steps[state])
    if state == "storing":
        caller.jobs.change(ACCOUNT, job_id, steps["running"])
        caller.jobs.change(ACCOUNT, job_id, lambda job: job.generated(now + 2, (), None))
    return job_id


@pytest.mark.parametrize(
    ("state", "openai", "pipelet", "fal", "error_type"),
    [
        ("accepted", "queued", "IN_QUEUE", "IN_QUEUE", None),
        ("waiting", "queued", "IN_QUEUE", "IN_QUEUE", None),
        ("submitting", "queued", "IN_QUEUE", "IN_QUEUE", None),
        ("running", "in_progress", "IN_PROGRESS", "IN_PROGRESS", None),
        ("storing", "in_progress", "IN_PROGRESS", "IN_PROGRESS", None),
        ("completed", "completed", "COMPLETED", "COMPLETED", None),
        ("failed", "failed", "FAILED", "COMPLETED", "upstream_refused"),
        ("cancelled", "failed", "CANCELLED", "COMPLETED", "request_cancelled"),
    ],
)
def test_one_state_in_every_dialect(
    caller: Caller, state: str, openai: str, pipelet: str, fal: str, error_type: str | None
):
    job_id = standing(caller, state)
    assert caller.call("GET", f"/openai/v1/videos/{job_id}").json["status"] == openai
    in_pipelet = ask(caller, "status", job_id)
    assert (in_pipelet.status, in_pipelet.json["status"]) == (200, pipelet)
    in_fal = ask(caller, "status", job_id, "/fal")
    assert in_fal.status == (200 if fal == "COMPLETED" else 202)
    assert (in_fal.json["status"], in_fal.json.get("error_type")) == (fal, error_type)
    for told in (in_pipelet.json, in_fal.json):
        assert {"status", "queue_position", "logs", "response_url"} <= set(told)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("state", "status", "detail"),
    [
        ("accepted", 400, "Request is still in progress"),
        ("storing", 400, "Request is still in progress"),
        ("failed", 422, "the prompt was refused"),
        ("cancelled", 422, "the request was cancelled"),
    ],
)
def test_where_there_is_no_result_the_answer_says_why(
    caller: Caller, prefix: str, state: str, status: int, detail: str
):
    reply = ask(caller, "result", standing(caller, state), prefix)
    assert (reply.status, reply.json) == (status, {"detail": detail})


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_failure_without_a_reason_is_a_failure(caller: Caller, prefix: str):
    job_id = caller.ended(JobStatus.FAILED)
    assert ask(caller, "result", job_id, prefix).status == 422


@pytest.mark.parametrize("prefix", PREFIXES)
def test_our_own_faults_tell_nothing(caller: Caller, prefix: str, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise AwsUnavailable("secret detail")

    monkeypatch.setattr(caller.jobs, "get", fail)
    reply = ask(caller, "status", "job_1", prefix)
    assert reply.status == 503
    assert "secret" not in reply.text


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=limit", "text/plain"])
def test_only_json_is_read(caller: Caller, prefix: str, kind: str):
    reply = caller.call("POST", f"{prefix}/sora-2", b"--limit--", {"content-type": kind})
    assert reply.status == 400
    assert reply.json["detail"].startswith("content-type: ")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"[", "body"),
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": "x", "duration": 5}, "duration"),
        ({"prompt": "x", "duration": True}, "duration"),
        ({"prompt": "x", "duration": "long"}, "duration"),
        ({"prompt": "x", "duration": 0}, "duration"),
        ({"prompt": "x", "seed": 0.5}, "seed"),
        ({"prompt": "x", "steps": 30}, "steps"),
        ({"prompt": "x", "webhook": "x" * 200_000}, "body"),
        ({"prompt": "x" * 40_000}, "prompt"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    caller: Caller, prefix: str, body: Any, named: str
):
    reply = caller.call("POST", f"{prefix}/sora-2", body)
    assert 400 <= reply.status < 500
    assert named in reply.json["detail"]
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_model_that_is_not_there_is_named(caller: Caller, prefix: str):
    reply = caller.call("POST", f"{prefix}/fal-ai/none", BODY)
    assert reply.status == 400
    assert "'fal-ai/none'" in reply.json["detail"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_queries_are_refused_by_name(caller: Caller, prefix: str):
    query = {"fal_hook": "https://hooks.example/"}
    reply = caller.call("POST", f"{prefix}/sora-2", BODY, query=query)
    assert (reply.status, reply.json["detail"]) == (400, "fal_hook is not supported")


def test_a_picture_goes_the_same_way_in_both(caller: Caller):
    encoded = base64.b64encode(PNG).decode()
    url = f"data:image/png;base64,{encoded}"
    for prefix, field in (("/queue", "data_uri"), ("/fal", "image_url")):
        reply = caller.call("POST", f"{prefix}/sora-2", {**BODY, field: url})
        job = caller.jobs.get(ACCOUNT, reply.json["request_id"])
        assert job
        file = job.request.inputs[0].file
        assert file
        assert caller.blobs.objects[file.key] == PNG


def test_both_are_in_the_registry_once():
    kinds = [type(dialect) for dialect in DIALECTS]
    assert kinds.count(PipeletDialect) == kinds.count(FalDialect) == 1


FIELD_NAMES = (
    "prompt", "data_uri", "duration", "width", "height", "seed", "image_url", "image_urls",
    "video_size", "image_size", "audio_url", "video_url", "end_image_url", "webhook",
)  # fmt: skip


@bounded
@given(
    prefix=st.sampled_from(PREFIXES),
    model=st.sampled_from(MODELS) | texts,
    body=st.dictionaries(texts | st.sampled_from(FIELD_NAMES), values, max_size=6),
    headers=st.dictionaries(
        st.sampled_from(["x-pipelet-output", "x-fal-request-timeout", "x-fal-queue-priority"]),
        texts,
    ),
)
def test_any_object_is_answered(
    caller: Caller, prefix: str, model: str, body: dict[str, Any], headers: dict[str, str]
):
    reply = caller.call("POST", f"{prefix}/{model}", {"prompt": "x", **body}, headers)
    assert reply.status < 500, reply
    assert ("detail" in reply.json) is (reply.status != 200)
