"""A create call that comes twice makes one job; what is another call makes another."""

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
from tests.harness import ACCOUNT, PICTURE, Harness

KEY = "order-4711"
OPERATION = "openai create"
PICTURE_UPLOAD = Upload("picture", "image/png", PICTURE)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def creation(prompt: str = "a red ball", **fields: object) -> CreateRequest:
    plain: dict[str, object] = {"model": "short", "prompt": prompt}
    return CreateRequest(GenerationRequest.model_validate(plain | fields))


def call(
    harness: Harness,
    asked: CreateRequest | None = None,
    *,
    account: str = ACCOUNT,
    operation: str = OPERATION,
    key: str | None = KEY,
    retry: int | None = None,
) -> CreatedJob:
    named = IdempotencyInfo(operation, key, retry)
    return harness.service.create(account, "openai", asked or creation(), named)


def retried(harness: Harness, count: int, asked: CreateRequest | None = None) -> CreatedJob:
    """As an SDK does it that counts its retries and sends no key."""
    return call(harness, asked, key=None, retry=count)


def jobs(harness: Harness) -> list[str]:
    return [job_id for _, job_id in harness.jobs.rows]


# --- what names a call


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "ключ", "a\x7f", "\t", "é", "a\n"])
def test_a_key_is_1_to_255_printable_characters(key: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_idempotency(OPERATION, {"idempotency-key": key})
    assert refused.value.param == "Idempotency-Key"


@pytest.mark.parametrize("key", ["x", "x" * 255, " ~", string.punctuation])
def test_any_printable_key_will_do(key: str) -> None:
    assert read_idempotency(OPERATION, {"idempotency-key": key}).key == key


@pytest.mark.parametrize(
    ("written", "count"), [("0", 0), ("2", 2), ("007", 7), ("-1", None), ("two", None), ("", None)]
)
def test_what_is_no_count_of_retries_is_none(written: str, count: int | None) -> None:
    assert read_idempotency(OPERATION, {"x-stainless-retry-count": written}).retry == count
    assert read_idempotency(OPERATION, {}).retry is None


# --- with a key


def test_the_same_key_and_body_give_the_same_job_and_nothing_is_stored_again(
    harness: Harness,
) -> None:
    first = call(harness)
    rows, running = dict(harness.jobs.rows), dict(harness.executions.running)
    harness.clock.advance(3600)
    again = call(harness)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.job == first.job
    assert (harness.jobs.rows, harness.executions.running) == (rows, running)


def test_the_job_is_shown_as_it_stands_now(harness: Harness) -> None:
    first = call(harness).job
    harness.jobs.change(ACCOUNT, first.id, lambda it: it.progressed(harness.clock(), 40))
    assert call(harness).job.progress == 40


def test_files_of_a_repetition_are_not_stored(harness: Harness) -> None:
    asked = replace(creation(), uploads=((Role.IMAGE, PICTURE_UPLOAD),))
    call(harness, asked)
    objects = dict(harness.blobs.objects)
    assert call(harness, asked).replayed
    assert harness.blobs.objects == objects


@pytest.mark.parametrize(
    "other",
    [
        creation("a blue ball"),
        creation(seconds=8),
        creation(seed=1),
        replace(creation(), uploads=((Role.IMAGE, PICTURE_UPLOAD),)),
        replace(creation(), preferences={"response_format": "b64_json"}),
        replace(creation(), webhook=WebhookTarget(url="https://hooks.example/")),
    ],
)
def test_the_same_key_with_another_body_is_refused_and_makes_nothing(
    harness: Harness, other: CreateRequest
) -> None:
    first = call(harness)
    with pytest.raises(IdempotencyKeyReused) as refused:
        call(harness, other)
    assert (refused.value.http_status, jobs(harness)) == (422, [first.job.id])
    assert harness.blobs.objects == {}


def test_a_key_is_its_accounts_own(harness: Harness) -> None:
    first, other = call(harness), call(harness, account="another")
    assert not other.replayed
    assert other.job.id != first.job.id


def test_a_key_is_of_one_operation_in_one_dialect(harness: Harness) -> None:
    first = call(harness)
    assert call(harness, operation="bifrost create").job.id != first.job.id


def test_a_key_is_remembered_for_a_day(harness: Harness) -> None:
    first = call(harness)
    harness.clock.advance(KEY_SECONDS)
    assert call(harness).job.id == first.job.id
    harness.clock.advance(1)
    later = call(harness, creation("a blue ball"))
    assert (later.replayed, later.job.request.prompt) == (False, "a blue ball")
    assert call(harness, creation("a blue ball")).job.id == later.job.id


def test_a_deleted_jobs_key_makes_no_second_one(harness: Harness) -> None:
    first = call(harness)
    harness.service.delete(ACCOUNT, first.job.id)
    with pytest.raises(NotFound):
        call(harness)
    assert jobs(harness) == [first.job.id]


def test_a_call_that_was_refused_leaves_its_key_free(harness: Harness) -> None:
    with pytest.raises(InvalidRequest):
        call(harness, creation(seconds=5))
    assert not call(harness).replayed


def test_of_two_calls_at_once_one_makes_the_job_and_the_other_shows_it(harness: Harness) -> None:
    """The other had looked for the key before it was there; its files are taken away again."""
    asked = replace(creation(), uploads=((Role.IMAGE, PICTURE_UPLOAD),))
    first: list[CreatedJob] = []
    _between_look_and_add(harness, lambda: first.append(call(harness, asked)))
    second = call(harness, asked)
    assert (first[0].replayed, second.replayed) == (False, True)
    assert second.job == first[0].job
    assert list(harness.blobs.objects) == [f"inputs/{ACCOUNT}/{second.job.id}/upload-0"]


def test_of_two_different_calls_at_once_with_one_key_the_other_is_refused(harness: Harness) -> None:
    _between_look_and_add(harness, lambda: call(harness, creation("a blue ball")))
    with pytest.raises(IdempotencyKeyReused):
        call(harness)
    assert len(jobs(harness)) == 1


def test_a_key_whose_job_cannot_be_seen_yet_is_in_use(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(harness)
    monkeypatch.setattr(harness.jobs, "receipt", lambda _digest: None)
    with pytest.raises(IdempotencyKeyInUse) as refused:
        call(harness)
    assert (refused.value.http_status, refused.value.retry_after) == (409, 1)


def test_a_key_goes_before_a_count_of_retries(harness: Harness) -> None:
    first = call(harness, retry=0)
    assert call(harness, key="another", retry=1).job.id != first.job.id


@pytest.mark.parametrize("operation", ["openai remix", "openai edit"])
def test_remixes_and_edits_have_keys_as_well(harness: Harness, operation: str) -> None:
    source = harness.completed()
    asked = CreateRequest(GenerationRequest(model="", prompt="a blue ball"), source_id=source.id)
    first = call(harness, asked, operation=operation)
    again = call(harness, asked, operation=operation)
    assert (again.replayed, again.job) == (True, first.job)
    another = harness.completed()
    with pytest.raises(IdempotencyKeyReused):
        call(harness, replace(asked, source_id=another.id), operation=operation)


def test_a_source_that_is_gone_does_not_hide_what_was_made_of_it(harness: Harness) -> None:
    source = harness.completed()
    asked = CreateRequest(GenerationRequest(model="", prompt="a blue ball"), source_id=source.id)
    first = call(harness, asked)
    harness.service.delete(ACCOUNT, source.id)
    assert call(harness, asked).job.id == first.job.id


# --- without a key, by an SDK's count of its retries


def test_a_retry_is_shown_the_job_that_the_first_try_made(harness: Harness) -> None:
    first, again = retried(harness, 0), retried(harness, 1)
    assert (again.replayed, again.job) == (True, first.job)
    assert retried(harness, 2).job.id == first.job.id


def test_a_first_try_is_always_a_new_job(harness: Harness) -> None:
    """Who asks twice for the same wants it twice."""
    assert retried(harness, 0).job.id != retried(harness, 0).job.id


def test_a_retry_whose_first_try_never_came_makes_the_job(harness: Harness) -> None:
    first = retried(harness, 1)
    assert not first.replayed
    assert retried(harness, 2).job.id == first.job.id


def test_two_calls_that_were_lost_get_two_jobs(harness: Harness) -> None:
    made = {retried(harness, 0).job.id, retried(harness, 0).job.id}
    first, second = retried(harness, 1), retried(harness, 1)
    assert {first.job.id, second.job.id} == made
    assert (first.replayed, second.replayed) == (True, True)
    third = retried(harness, 1)
    assert not third.replayed
    assert third.job.id not in made


def test_a_retry_is_known_for_a_quarter_of_an_hour(harness: Harness) -> None:
    first = retried(harness, 0)
    harness.clock.advance(RETRY_SECONDS - 1)
    assert retried(harness, 1).job.id == first.job.id
    harness.clock.advance(1)
    assert retried(harness, 2).job.id != first.job.id


def test_a_retry_with_another_body_or_of_another_account_is_another_call(harness: Harness) -> None:
    first = retried(harness, 0)
    assert retried(harness, 1, creation("a blue ball")).job.id != first.job.id
    other = call(harness, account="another", key=None, retry=1)
    assert (other.replayed, other.job.account) == (False, "another")


def test_without_key_and_count_each_call_is_a_job(harness: Harness) -> None:
    made = {call(harness, key=None).job.id for _ in range(2)}
    assert len(made) == 2
    assert (harness.jobs.receipts, harness.jobs.calls) == ({}, {})


# --- when two bodies are the same

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
OPTIONS = st.dictionaries(st.text(max_size=3), VALUES, max_size=4)


@given(OPTIONS)
def test_the_order_of_fields_does_not_matter(options: dict[str, object]) -> None:
    other = dict(reversed(options.items()))
    one, two = (creation(provider_options=it) for it in (options, other))
    assert fingerprint(one) == fingerprint(two)


@given(OPTIONS, OPTIONS)
def test_everything_else_does(one: dict[str, object], other: dict[str, object]) -> None:
    same = fingerprint(creation(provider_options=one)) == fingerprint(
        creation(provider_options=other)
    )
    # JSON knows True from 1, and Python's == does not
    assert same is (repr(idempotency._sorted(one)) == repr(idempotency._sorted(other)))


def test_an_address_is_the_same_however_it_was_signed() -> None:
    base = "https://bucket.example/uploads/demo/a.png"
    one, two = (
        replace(creation(), uploaded=((Role.IMAGE, f"{base}?signature={name}"),)) for name in "ab"
    )
    assert fingerprint(one) == fingerprint(two) != fingerprint(creation())


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_no_part_of_a_name_runs_over_into_the_next(one: list[str], other: list[str]) -> None:
    kept = [[part.replace("\0", "") for part in parts] for parts in (one or [""], other or [""])]
    assert (idempotency.digest(*kept[0]) == idempotency.digest(*kept[1])) is (kept[0] == kept[1])


def _between_look_and_add(harness: Harness, action: object) -> None:
    """Once, after the next call has looked for its key and before it adds its job."""
    add = harness.jobs.add

    def act_then_add(job: Job, *rest: object) -> None:
        harness.jobs.add = add  # type: ignore[method-assign]
        action()  # type: ignore[operator]
        add(job, *rest)  # type: ignore[arg-type]

    harness.jobs.add = act_then_add  # type: ignore[method-assign,assignment]
