"""Tags, metadata and users of create calls, in each dialect."""

from typing import Any
from urllib.parse import quote

import pytest

from rushes.dialects.labels import (
    MAX_METADATA,
    MAX_TAGS,
    check_tags,
    read_tags_header,
    read_user_header,
)
from rushes.errors import InvalidRequest
from rushes.jobs.job import Job
from rushes.jobs.labels import NO_LABELS, Labels
from rushes.jobs.status import JobStatus
from rushes.ports.jobs import JobQuery
from tests.unit.dialects.api_client import (
    ACCOUNT,
    BASES,
    OPENAI,
    VIDEO,
    Caller,
    Reply,
    Texts,
    assert_refused,
    assert_refused_in_queue,
)
from tests.unit.dialects.test_idempotency import CASES, create

QUEUES = ("fal", "pipelet")
TAGS = {"rushes-tags": "team=ads, campaign=spring%20sale"}


def only_job(caller: Caller) -> Job:
    (job,) = caller.jobs.page(ACCOUNT, JobQuery()).jobs
    return job


def header(text: str) -> dict[str, str]:
    return read_tags_header({"rushes-tags": text})


def error_of(text: str) -> str:
    with pytest.raises(InvalidRequest) as caught:
        header(text)
    assert caught.value.param == "rushes-tags"
    return caught.value.message


@pytest.mark.parametrize("name", CASES)
def test_headers_label_a_job_in_every_dialect(caller: Caller, name: str):
    headers = {**TAGS, "rushes-user": "user-4711", "authorization": f"Bearer {caller.key}"}
    assert create(caller, CASES[name], headers).status == CASES[name].status
    job = only_job(caller)
    expected = Labels(tags={"team": "ads", "campaign": "spring sale"}, user="user-4711")
    assert job.labels == expected
    assert job.key_id == caller.key.split("_")[1]
    assert job.request.provider_options.keys() <= {"seed"}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"rushes-tags": "team=ads,team=art"}, "rushes-tags: tag team is duplicated"),
        ({"rushes-tags": "my team=ads"}, "rushes-tags: tag name must have 1 to 40 characters"),
        ({"rushes-user": "%00"}, "rushes-user must not have control characters"),
    ],
)
def test_wrong_header_is_refused_in_every_dialects_envelope(
    caller: Caller, name: str, headers: Texts, named: str
):
    reply = create(caller, CASES[name], headers)
    if name in QUEUES:
        assert_refused_in_queue(reply, named)
        return
    assert (reply.status, reply.has_side_effects) == (400, False)
    assert reply.json.keys() == CASES[name].error_fields
    assert named in reply.text
    assert "rushes-" in str(reply.json["param"] if name == "tiyaro" else reply.param)


@pytest.mark.parametrize("name", CASES)
def test_job_without_labels_stores_none(caller: Caller, name: str):
    assert create(caller, CASES[name], {}).status == CASES[name].status
    assert only_job(caller).labels == NO_LABELS


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", {}),
        (" , ,", {}),
        ("team=ads", {"team": "ads"}),
        ("team = ads ,\tcost.centre=7-a", {"team": "ads", "cost.centre": "7-a"}),
        ("query=a=b", {"query": "a=b"}),
        ("Team=a,team=b", {"Team": "a", "team": "b"}),
        ("plus=a+b", {"plus": "a+b"}),
        ("ort=M%C3%BCnchen", {"ort": "München"}),
        ("team=" + quote('広告, "A"'), {"team": '広告, "A"'}),
        ("family=%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7", {"family": "👩‍👧"}),
        ("path=a/b:c@d", {"path": "a/b:c@d"}),
        (f"{'n' * 40}={'v' * 128}", {"n" * 40: "v" * 128}),
        (f"long={quote('ü' * 128)}", {"long": "ü" * 128}),
    ],
)
def test_tags_header_is_parsed(text: str, tags: dict[str, str]):
    assert header(text) == tags


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("team", 'each tag must be name=value (got "team")'),
        ("=ads", "tag name must have 1 to 40 characters of A-Z a-z 0-9 _ . - (got"),
        (f"{'n' * 41}=a", "tag name must have 1 to 40 characters"),
        ("my/team=a", "tag name must have 1 to 40 characters"),
        ("tëam=a", "tag name must have 1 to 40 characters"),
        ("aws:team=a", "tag name must have 1 to 40 characters"),
        ("team=", "value of team must have 1 to 128 characters (got"),
        (f"team={'v' * 129}", "129 characters)"),
        ("team=ads,Team=b,team=c", "tag team is duplicated"),
        ('team="ads"', "percent-encode commas, quotes"),
        ("team=50%", "percent-encode commas, quotes"),
        ("team=%zz", "percent-encode commas, quotes"),
        ("team=M\u00fcnchen", "percent-encode commas, quotes"),
        ("team=%FF", "must be percent-encoded UTF-8"),
        ("team=%ED%A0%80", "must be percent-encoded UTF-8"),
        ("team=a%0D%0Aset-cookie:%20b", "must not have control characters"),
        ("team=a\r\nset-cookie: b", "must be printable ASCII"),
        ("team=a%00", "must not have control characters"),
        ("team=a%E2%80%A8b", "must not have control characters"),
        (
            ",".join(f"tag{n}=a" for n in range(MAX_TAGS + 1)),
            "at most 10 tags are allowed (got 11)",
        ),
    ],
)
def test_wrong_tags_header_names_what_is_wrong(text: str, message: str):
    error = error_of(text)
    assert error.startswith("rushes-tags: ")
    assert message in error
    assert error.isascii()


def test_ten_tags_are_allowed():
    assert len(header(",".join(f"tag{n}=a" for n in range(MAX_TAGS)))) == MAX_TAGS
    assert check_tags([("team", "ads")], "tags") == {"team": "ads"}


@pytest.mark.parametrize("user", ["", " ", "\t"])
def test_empty_user_header_is_absent(user: str):
    assert read_user_header({"rushes-user": user}) is None


@pytest.mark.parametrize("user", ["x" * 129, "a,b", "\u00fc", "%", "%0a"])
def test_wrong_user_header_is_refused(user: str):
    with pytest.raises(InvalidRequest, match="rushes-user") as caught:
        read_user_header({"rushes-user": user})
    assert caught.value.param == "rushes-user"


@pytest.mark.parametrize("base", BASES)
def test_body_labels_a_job(caller: Caller, base: str):
    metadata = {"asset": "banner-7", "note": "two\nlines", "empty": ""}
    reply = caller.create(base, metadata=metadata, user="user-4711")
    assert caller.job(reply).labels == Labels(metadata=metadata, user="user-4711")
    assert "metadata" not in reply.json  # the vendor's video has no such field


@pytest.mark.parametrize("base", BASES)
def test_form_labels_a_job(caller: Caller, base: str):
    reply = caller.form(
        base,
        *(("model", "sandbox/video"), ("prompt", "a cat"), ("user", "Zoë")),
        *(("metadata[asset]", "banner-7"), ("metadata[team]", "広告")),
    )
    labels = Labels(metadata={"asset": "banner-7", "team": "広告"}, user="Zoë")
    assert caller.job(reply).labels == labels


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("verb", ["edit", "remix"])
def test_edit_and_remix_have_their_own_labels(caller: Caller, base: str, verb: str):
    source = caller.finished_job(JobStatus.COMPLETED)
    labels: dict[str, Any] = {"metadata": {"asset": "banner-8"}, "user": "user-2"}
    bodies = {"edit": ("/edits", {"video": {"id": source}}), "remix": (f"/{source}/remix", {})}
    path, body = bodies[verb]
    reply = caller.call("POST", base + path, {"prompt": "x", **body, **labels}, TAGS)
    assert caller.job(reply).labels == Labels(
        tags={"team": "ads", "campaign": "spring sale"}, **labels
    )


WRONG_BODIES: list[tuple[dict[str, Any], str]] = [
    ({"metadata": "text"}, "metadata must be an object"),
    ({"metadata": ["a"]}, "metadata must be an object"),
    ({"metadata": {"a": 1}}, "metadata.a must be a string (got 1)"),
    ({"metadata": {"a": None}}, "metadata.a must be a string (got null)"),
    ({"metadata": {"a": {"b": "c"}}}, "metadata.a must be a string"),
    (
        {"metadata": {f"n{n}": "a" for n in range(MAX_METADATA + 1)}},
        "metadata: at most 16 pairs are allowed (got 17)",
    ),
    ({"metadata": {"n" * 65: "a"}}, "metadata: a name must have 1 to 64 characters"),
    ({"metadata": {"": "a"}}, "metadata: a name must have 1 to 64 characters"),
    ({"metadata": {"a": "v" * 513}}, 'metadata: value of "a" must have 0 to 512 characters'),
    ({"metadata": {"a": "\x07"}}, "must not have control characters"),
    ({"user": 4711}, "user must be a string (got 4711)"),
    ({"user": "u" * 129}, "user must have 1 to 128 characters"),
    ({"user": "a\nb"}, "user must not have control characters"),
]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(("fields", "message"), WRONG_BODIES)
def test_wrong_labels_of_a_body_are_refused(
    caller: Caller, base: str, fields: dict[str, Any], message: str
):
    reply = caller.create(base, **fields)
    assert_refused(reply, base, 400)
    assert message in reply.json["error"]["message"]
    assert str(reply.param).partition(".")[0] == next(iter(fields))


def test_metadata_may_be_as_long_as_openai_allows(caller: Caller):
    metadata = {f"{n:02}" + "n" * 62: "ü" * 512 for n in range(MAX_METADATA)}
    assert caller.job(caller.create(metadata=metadata)).labels.metadata == metadata


def test_user_of_body_and_header_must_be_the_same(caller: Caller):
    key = {"authorization": f"Bearer {caller.key}", "content-type": "application/json"}

    def create_as(user: str) -> Reply:
        body = {"model": "sandbox/video", "prompt": "a cat", "user": "user-1"}
        return caller.call("POST", OPENAI, body, {**key, "rushes-user": user})

    assert caller.job(create_as("user-1")).labels.user == "user-1"
    refused = create_as("user-2")
    assert_refused(refused, OPENAI, 400, "rushes-user")
    assert '"user-2" and "user-1"' in refused.json["error"]["message"]


@pytest.mark.parametrize("name", CASES)
def test_same_key_with_other_tags_is_another_request(caller: Caller, name: str):
    key = {"idempotency-key": "order-1"}
    first = create(caller, CASES[name], {**key, **TAGS})
    again = create(caller, CASES[name], {**key, **TAGS})
    other = create(caller, CASES[name], {**key, "rushes-tags": "team=art"})
    assert (first.status, again.status, other.status) == (*[CASES[name].status] * 2, 422)
    assert again.headers["idempotent-replayed"] == "true"
    only_job(caller)


def test_tags_reach_no_provider_and_no_answer(caller: Caller):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    labels = Labels(tags={"team": "secret-team"}, metadata={"a": "secret-text"}, user="secret-user")
    caller.change(job_id, lambda job: job.model_copy(update={"labels": labels}))
    answer = caller.call("GET", f"{OPENAI}/{job_id}")
    assert "secret" not in f"{answer.text}{answer.headers}"
    assert caller.blobs.objects == {f"outputs/{ACCOUNT}/{job_id}/0.mp4": VIDEO}
