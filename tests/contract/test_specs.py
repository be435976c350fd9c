"""Responses of both video dialects match the vendors' published specifications."""

import json

import pytest
from jsonschema import Draft202012Validator

from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.published import FILES, closed, problems, schema, spec
from tests.unit.dialects.api_client import BASES, BIFROST, FIELDS, OPENAI, Caller, Reply

REFUSED = JobError(code="upstream_refused", message="the prompt was refused")
FILTERED = JobError(code="content_filtered", message="not that")

ENDS = [
    (JobStatus.COMPLETED, None),
    (JobStatus.FAILED, REFUSED),
    (JobStatus.FAILED, FILTERED),
    (JobStatus.CANCELLED, None),
]
COMPLETED = ENDS[0]


def assert_published(reply: Reply, base: str, verb: str, status: int = 200) -> None:
    assert reply.status == status, reply
    assert problems(reply.json, base, verb, status) == []


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


@pytest.fixture(params=FILES)
def base(request: pytest.FixtureRequest) -> str:
    path: str = request.param
    return path


def test_the_specifications_themselves_are_sound(base: str):
    for path, methods in spec(base)["paths"].items():
        assert path.startswith(("/videos", BIFROST))
        for operation in methods.values():
            for response in operation.get("responses", {}).values():
                for content in response.get("content", {}).values():
                    Draft202012Validator.check_schema(closed(base, content["schema"]))


def test_a_job_just_created(caller: Caller, base: str):
    assert_published(caller.create(base), base, "post ")


@pytest.mark.parametrize(("status", "error"), ENDS)
def test_a_job_that_has_ended(caller: Caller, base: str, status: JobStatus, error: JobError | None):
    reply = caller.call("GET", f"{base}/{caller.finished_job(status, error)}")
    assert_published(reply, base, "get /{video_id}")
    assert reply.json["status"] == ("completed" if status is JobStatus.COMPLETED else "failed")


@pytest.mark.parametrize("progress", [0, 50, 99])
def test_a_job_under_way(caller: Caller, base: str, progress: int):
    job = caller.job(caller.create(base))
    caller.jobs.change(job.account, job.id, lambda job: job.submitted(1, {}, ("slow",)))
    caller.jobs.change(job.account, job.id, lambda job: job.progressed(2, progress))
    reply = caller.call("GET", f"{base}/{job.id}")
    assert_published(reply, base, "get /{video_id}")
    assert (reply.json["status"], reply.json["progress"]) == ("in_progress", progress)


def test_a_remix(caller: Caller, base: str):
    source = caller.finished_job(*COMPLETED)
    reply = caller.call("POST", f"{base}/{source}/remix", {"prompt": "at night"})
    assert_published(reply, base, "post /{video_id}/remix")
    suffix = "" if base == OPENAI else ":sandbox"
    assert reply.json["remixed_from_video_id"] == f"{source}{suffix}"


def test_an_edit(caller: Caller, base: str):
    body = {"prompt": "at night", "video": {"id": caller.finished_job(*COMPLETED)}}
    verb = "post /edits" if base == OPENAI else "post "  # Bifrost has none: it is as a creation
    assert_published(caller.call("POST", f"{base}/edits", body), base, verb)


def test_an_empty_list(caller: Caller, base: str):
    reply = caller.call("GET", base, query={"provider": "sandbox"})
    assert_published(reply, base, "get ")
    assert reply.json["data"] == []


def test_a_list_of_jobs_in_every_status(caller: Caller, base: str):
    caller.create()
    for end in ENDS:
        caller.finished_job(*end)
    reply = caller.call("GET", base, query={"provider": "sandbox", "limit": "3"})
    assert_published(reply, base, "get ")
    assert (len(reply.json["data"]), reply.json["has_more"]) == (3, True)
    reply = caller.call("GET", base, query={"provider": "sandbox"})
    assert_published(reply, base, "get ")
    assert len(reply.json["data"]) == 1 + len(ENDS)


def test_a_deletion(caller: Caller, base: str):
    reply = caller.call("DELETE", f"{base}/{caller.finished_job(*COMPLETED)}")
    assert_published(reply, base, "delete /{video_id}")


def test_extra_fields_name_the_published_provider(caller: Caller):
    reply = caller.create(BIFROST, model="openai/plain")
    assert_published(reply, BIFROST, "post ")
    assert reply.json["extra_fields"]["provider"] == "openai"
    page = caller.call("GET", BIFROST, query={"provider": "openai"})
    assert_published(page, BIFROST, "get ")
    assert page.json["extra_fields"]["provider"] == "openai"


def test_a_refused_request(caller: Caller, base: str):
    assert_published(caller.create(base, seconds="x"), base, "post ", 400)
    assert_published(caller.call("POST", base, b"["), base, "post ", 400)
    assert_published(caller.call("GET", base, query={"limit": "x"}), base, "get ", 400)
    keys = {"x-api-key": "another"}
    assert_published(caller.call("GET", base, headers=keys), base, "get ", 400)


def test_a_job_that_is_not_there(caller: Caller, base: str):
    for method, verb, body in (
        ("GET", "/{video_id}", None),
        ("DELETE", "/{video_id}", None),
        ("GET", "/{video_id}/content", None),
        ("POST", "/{video_id}/remix", {"prompt": "x"}),
    ):
        reply = caller.call(method, base + verb.replace("{video_id}", "job_1"), body)
        assert_published(reply, base, f"{method.lower()} {verb}", 404)


def test_our_own_fault(caller: Caller, base: str):
    object.__setattr__(caller.jobs_api.service.create_job, "job_builder", None)
    assert_published(caller.create(base), base, "post ", 500)


def test_errors_that_the_specifications_leave_out_have_the_same_envelope(caller: Caller, base: str):
    wrong_key = {"authorization": "Bearer wrong"}
    for status, reply in (
        (401, caller.call("GET", base, headers=wrong_key)),
        (413, caller.create(base, negative_prompt="x" * 200_000)),
        (404, caller.call("GET", f"{base}/a/b")),
    ):
        assert reply.status == status
        envelope = schema(base, "post ", 400)
        assert [*Draft202012Validator(envelope).iter_errors(reply.json)] == []


def test_the_content_route_redirects_to_a_kind_that_is_published(caller: Caller, base: str):
    job_id = caller.finished_job(*COMPLETED)
    assert caller.call("GET", f"{base}/{job_id}/content").status == 302
    prefix = "/videos" if base == OPENAI else base
    content = spec(base)["paths"][f"{prefix}/{{video_id}}/content"]["get"]["responses"]["200"]
    assert "video/mp4" in content["content"]


def test_no_response_matches_both_schemas(caller: Caller):
    """Two base paths are necessary: one schema requires null for fields that the other forbids."""
    for written, other in ((OPENAI, BIFROST), (BIFROST, OPENAI)):
        body = caller.create(written).json
        assert [*Draft202012Validator(schema(other, "post ", 200)).iter_errors(body)]


def test_what_the_openai_specification_lets_clients_send_is_understood(caller: Caller):
    parts = spec(OPENAI)["components"]["schemas"]["CreateVideoJsonBody"]["properties"]
    assert set(parts) == {*FIELDS, "input_reference"}
    sent = {**FIELDS, "model": "sora-2", "input_reference": {"image_url": "https://a.example/x"}}
    for base in BASES:
        assert caller.call("POST", base, json.dumps(sent)).status == 200
