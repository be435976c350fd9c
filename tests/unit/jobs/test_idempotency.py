"""Duplicate create calls return one job; other calls create their own."""

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.api.create_job import CreatedJob
from rushes.errors import IdempotencyKeyInUse, IdempotencyKeyReused, InvalidRequest, NotFound
from rushes.jobs import idempotency
from rushes.jobs.idempotency import (
    KEY_SECONDS,
    RETRY_SECONDS,
    IdempotencyInfo,
    fingerprint,
    read_idempotency,
)
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, Role, Upload, WebhookTarget
from tests.harness import ACCOUNT, PNG_BYTES, Harness

KEY = "order-4711"
OPERATION = "openai create"
IMAGE_UPLOAD = Upload("image", "image/png", PNG_BYTES)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def create_request(prompt: str = "a red ball", **fields: object) -> CreateRequest:
    plain: dict[str, object] = {"model": "short", "prompt": prompt}
    return CreateRequest(GenerationRequest.model_validate(plain | fields))


def call(
    harness: Harness,
    body: CreateRequest | None = None,
    *,
    account: str = ACCOUNT,
    operation: str = OPERATION,
    key: str | None = KEY,
    retry: int | None = None,
) -> CreatedJob:
    info = IdempotencyInfo(operation, key, retry)
    return harness.service.create(account, "openai", body or create_request(), info)


def retried(harness: Harness, count: int, body: CreateRequest | None = None) -> CreatedJob:
    """Call as an SDK that counts its retries and sends no key."""
    return call(harness, body, key=None, retry=count)


def jobs(harness: Harness) -> list[str]:
    return [job_id for _, job_id in harness.jobs.rows]


# --- idempotency headers


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "ключ", "a\x7f", "\t", "é", "a\n"])
def test_read_idempotency_refuses_invalid_key(key: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_idempotency(OPERATION, {"idempotency-key": key})
    assert refused.value.param == "Idempotency-Key"


@pytest.mark.parametrize("key", ["x", "x" * 255, " ~", string.punctuation])
def test_read_idempotency_accepts_printable_key(key: str) -> None:
    assert read_idempotency(OPERATION, {"idempotency-key": key}).key == key


@pytest.mark.parametrize(
    ("value", "count"), [("0", 0), ("2", 2), ("007", 7), ("-1", None), ("two", None), ("", None)]
)
def test_read_idempotency_parses_retry_count(value: str, count: int | None) -> None:
    assert read_idempotency(OPERATION, {"x-stainless-retry-count": value}).retry == count
    assert read_idempotency(OPERATION, {}).retry is None


# --- with a key


def test_same_key_and_body_return_same_job(harness: Harness) -> None:
    first = call(harness)
    rows, running = dict(harness.jobs.rows), dict(harness.executions.running)
    harness.clock.advance(3600)
    again = call(harness)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.job == first.job
    assert (harness.jobs.rows, harness.executions.running) == (rows, running)


def test_replay_returns_current_job(harness: Harness) -> None:
    first = call(harness).job
    harness.jobs.change(ACCOUNT, first.id, lambda job: job.progressed(harness.clock(), 40))
    assert call(harness).job.progress == 40


def test_replay_stores_no_files(harness: Harness) -> None:
    body = replace(create_request(), uploads=((Role.IMAGE, IMAGE_UPLOAD),))
    call(harness, body)
    objects = dict(harness.blobs.objects)
    assert call(harness, body).replayed
    assert harness.blobs.objects == objects


@pytest.mark.parametrize(
    "other",
    [
        create_request("a blue ball"),
        create_request(seconds=8),
        create_request(seed=1),
        replace(create_request(), uploads=((Role.IMAGE, IMAGE_UPLOAD),)),
        replace(create_request(), preferences={"response_format": "b64_json"}),
        replace(create_request(), webhook=WebhookTarget(url="https://hooks.example/")),
    ],
)
def test_same_key_with_other_body_is_refused(harness: Harness, other: CreateRequest) -> None:
    first = call(harness)
    with pytest.raises(IdempotencyKeyReused) as refused:
        call(harness, other)
    assert (refused.value.http_status, jobs(harness)) == (422, [first.job.id])
    assert harness.blobs.objects == {}


def test_key_belongs_to_one_account(harness: Harness) -> None:
    first, other = call(harness), call(harness, account="other")
    assert not other.replayed
    assert other.job.id != first.job.id


def test_key_belongs_to_one_operation(harness: Harness) -> None:
    first = call(harness)
    assert call(harness, operation="bifrost create").job.id != first.job.id


def test_key_expires_after_a_day(harness: Harness) -> None:
    first = call(harness)
    harness.clock.advance(KEY_SECONDS)
    assert call(harness).job.id == first.job.id
    harness.clock.advance(1)
    later = call(harness, create_request("a blue ball"))
    assert (later.replayed, later.job.request.prompt) == (False, "a blue ball")
    assert call(harness, create_request("a blue ball")).job.id == later.job.id


def test_key_of_deleted_job_returns_not_found(harness: Harness) -> None:
    first = call(harness)
    harness.service.delete(ACCOUNT, first.job.id)
    with pytest.raises(NotFound):
        call(harness)
    assert jobs(harness) == [first.job.id]


def test_refused_call_does_not_use_key(harness: Harness) -> None:
    with pytest.raises(InvalidRequest):
        call(harness, create_request(seconds=5))
    assert not call(harness).replayed


def test_concurrent_calls_with_one_key_create_one_job(harness: Harness) -> None:
    """The second call looked for the key before the first wrote it; its files are deleted."""
    body = replace(create_request(), uploads=((Role.IMAGE, IMAGE_UPLOAD),))
    first: list[CreatedJob] = []
    _before_add(harness, lambda: first.append(call(harness, body)))
    second = call(harness, body)
    assert (first[0].replayed, second.replayed) == (False, True)
    assert second.job == first[0].job
    assert list(harness.blobs.objects) == [f"inputs/{ACCOUNT}/{second.job.id}/upload-0"]


def test_concurrent_calls_with_other_body_are_refused(harness: Harness) -> None:
    _before_add(harness, lambda: call(harness, create_request("a blue ball")))
    with pytest.raises(IdempotencyKeyReused):
        call(harness)
    assert len(jobs(harness)) == 1


def test_key_of_unreadable_record_is_in_use(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(harness)
    monkeypatch.setattr(harness.jobs, "find_record", lambda _digest: None)
    with pytest.raises(IdempotencyKeyInUse) as refused:
        call(harness)
    assert (refused.value.http_status, refused.value.retry_after) == (409, 1)


def test_key_takes_precedence_over_retry_count(harness: Harness) -> None:
    first = call(harness, retry=0)
    assert call(harness, key="other", retry=1).job.id != first.job.id


@pytest.mark.parametrize("operation", ["openai remix", "openai edit"])
def test_key_works_for_remix_and_edit(harness: Harness, operation: str) -> None:
    source = harness.completed()
    body = CreateRequest(GenerationRequest(model="", prompt="a blue ball"), source_id=source.id)
    first = call(harness, body, operation=operation)
    again = call(harness, body, operation=operation)
    assert (again.replayed, again.job) == (True, first.job)
    another = harness.completed()
    with pytest.raises(IdempotencyKeyReused):
        call(harness, replace(body, source_id=another.id), operation=operation)


def test_replay_works_after_source_was_deleted(harness: Harness) -> None:
    source = harness.completed()
    body = CreateRequest(GenerationRequest(model="", prompt="a blue ball"), source_id=source.id)
    first = call(harness, body)
    harness.service.delete(ACCOUNT, source.id)
    assert call(harness, body).job.id == first.job.id


# --- without a key, by the SDK's retry count


def test_sdk_retry_returns_job_of_first_try(harness: Harness) -> None:
    first, again = retried(harness, 0), retried(harness, 1)
    assert (again.replayed, again.job) == (True, first.job)
    assert retried(harness, 2).job.id == first.job.id


def test_first_try_creates_new_job(harness: Harness) -> None:
    """Two equal requests without a retry count are two jobs."""
    assert retried(harness, 0).job.id != retried(harness, 0).job.id


def test_sdk_retry_without_first_try_creates_job(harness: Harness) -> None:
    first = retried(harness, 1)
    assert not first.replayed
    assert retried(harness, 2).job.id == first.job.id


def test_two_sdk_retries_adopt_two_jobs(harness: Harness) -> None:
    made = {retried(harness, 0).job.id, retried(harness, 0).job.id}
    first, second = retried(harness, 1), retried(harness, 1)
    assert {first.job.id, second.job.id} == made
    assert (first.replayed, second.replayed) == (True, True)
    third = retried(harness, 1)
    assert not third.replayed
    assert third.job.id not in made


def test_sdk_retry_is_matched_for_15_minutes(harness: Harness) -> None:
    first = retried(harness, 0)
    harness.clock.advance(RETRY_SECONDS - 1)
    assert retried(harness, 1).job.id == first.job.id
    harness.clock.advance(1)
    assert retried(harness, 2).job.id != first.job.id


def test_sdk_retry_with_other_body_or_account_creates_job(harness: Harness) -> None:
    first = retried(harness, 0)
    assert retried(harness, 1, create_request("a blue ball")).job.id != first.job.id
    other = call(harness, account="other", key=None, retry=1)
    assert (other.replayed, other.job.account) == (False, "other")


def test_calls_without_key_and_count_create_jobs(harness: Harness) -> None:
    made = {call(harness, key=None).job.id for _ in range(2)}
    assert len(made) == 2
    assert (harness.jobs.records, harness.jobs.calls) == ({}, {})


# --- fingerprint

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
OPTIONS = st.dictionaries(st.text(max_size=3), VALUES, max_size=4)


@given(OPTIONS)
def test_fingerprint_ignores_field_order(options: dict[str, object]) -> None:
    other = dict(reversed(options.items()))
    one, two = (create_request(provider_options=each) for each in (options, other))
    assert fingerprint(one) == fingerprint(two)


@given(OPTIONS, OPTIONS)
def test_fingerprint_depends_on_values(one: dict[str, object], other: dict[str, object]) -> None:
    same = fingerprint(create_request(provider_options=one)) == fingerprint(
        create_request(provider_options=other)
    )
    # JSON distinguishes True from 1; Python's == does not
    assert same is (repr(idempotency._sorted(one)) == repr(idempotency._sorted(other)))


def test_fingerprint_ignores_url_signature() -> None:
    base = "https://bucket.example/uploads/demo/a.png"
    one, two = (
        replace(create_request(), uploaded=((Role.IMAGE, f"{base}?signature={name}"),))
        for name in "ab"
    )
    assert fingerprint(one) == fingerprint(two) != fingerprint(create_request())


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_digest_separates_parts(one: list[str], other: list[str]) -> None:
    cleaned = [[part.replace("\0", "") for part in parts] for parts in (one or [""], other or [""])]
    same = idempotency.digest(*cleaned[0]) == idempotency.digest(*cleaned[1])
    assert same is (cleaned[0] == cleaned[1])


def _before_add(harness: Harness, action: object) -> None:
    """Run `action` once, between the next call's lookup of its key and its write."""
    add = harness.jobs.add

    def act_then_add(job: Job, *rest: object) -> None:
        harness.jobs.add = add  # type: ignore[method-assign]
        action()  # type: ignore[operator]
        add(job, *rest)  # type: ignore[arg-type]

    harness.jobs.add = act_then_add  # type: ignore[method-assign,assignment]
