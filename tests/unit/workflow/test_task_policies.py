"""Failover between models with other lengths, sizes and prices."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.catalog.models import Catalog
from rushes.errors import InvalidRequest
from rushes.jobs.job import Job
from rushes.jobs.request import LengthAndSize
from rushes.workflow.task import TO_FINISH
from tests.harness import CREATE, Harness, reply, video

REFUSAL = reply(400, error={"message": "not today", "code": "no"})
RESUBMIT = {"status": "resubmit", "wait_seconds": 1}
ALIAS = "near"


def catalog_of(models: list[dict[str, Any]], on_mismatch: str) -> Catalog:
    names = [model["name"] for model in models]
    return Catalog.model_validate(
        {
            "default_model": ALIAS,
            "providers": {"a": {"protocol": "openai_compatible"}},
            "aliases": {ALIAS: {"models": names, "on_mismatch": on_mismatch}},
            "models": models,
        }
    )


def fail_over(harness: Harness, job: Job) -> Job:
    harness.answer(CREATE, REFUSAL)
    assert harness.submit(job) == RESUBMIT
    return harness.now(job)


THREE = [
    {"name": "a/one", "seconds": [4, 8], "sizes": ["1280x720"], "price_per_second": 0.1},
    {"name": "a/two", "seconds": [5, 10], "sizes": ["1920x1080"], "price_per_second": 0.2},
    {"name": "a/three", "seconds": [6, 12], "price_per_second": 0.3},
]


@pytest.fixture
def harness() -> Harness:
    return Harness(catalog=catalog_of(THREE, "nearest"), daily_dollars=50.0)


def test_each_fallback_adapts_the_request_of_the_client(harness: Harness):
    """The nearest length to 11 is 10 at the second model, and not the nearest to 8 there."""
    job = harness.accepted(model=ALIAS, seconds=11, size="1280x720")
    assert (job.model, job.request.seconds) == ("a/one", 8)
    second = fail_over(harness, job)
    assert (second.model, second.request.seconds, second.request.size) == ("a/two", 10, "1920x1080")
    assert second.cost == 2.0
    third = fail_over(harness, job)
    assert (third.model, third.request.seconds, third.request.size) == ("a/three", 12, None)
    assert third.requested == LengthAndSize(seconds=11, size="1280x720")
    assert third.warnings == (
        "seconds 11 was changed to 8, the nearest that a/one accepts",
        "seconds 11 was changed to 10, the nearest that a/two accepts",
        "size 1280x720 was changed to 1920x1080, the nearest that a/two accepts",
        "seconds 11 was changed to 12, the nearest that a/three accepts",
        "size 1280x720 was ignored: a/three does not accept size",
    )


def test_adapted_request_is_sent_to_the_fallback(harness: Harness):
    job = harness.accepted(model=ALIAS, seconds=11)
    fail_over(harness, job)
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"
    form = harness.creates()[-1].form
    assert form
    assert form["seconds"] == "10"


def test_defaults_of_the_first_model_are_kept_if_the_fallback_accepts_them():
    models = [THREE[0], {**THREE[1], "seconds": [10, 4], "sizes": ["1920x1080", "1280x720"]}]
    harness = Harness(catalog=catalog_of(models, "refuse"))
    job = harness.accepted(model=ALIAS)
    moved = fail_over(harness, job)
    assert (moved.model, moved.request.seconds, moved.request.size) == ("a/two", 4, "1280x720")
    assert moved.warnings == ()


def test_fallback_with_other_defaults_is_used_with_a_warning_under_nearest_only():
    models = [THREE[0], {**THREE[1], "sizes": ["1280x720"]}]
    refusing = Harness(catalog=catalog_of(models, "refuse"))
    assert refusing.accepted(model=ALIAS).fallbacks == ()
    adapting = Harness(catalog=catalog_of(models, "nearest"))
    moved = fail_over(adapting, adapting.accepted(model=ALIAS))
    assert moved.request.seconds == 5
    assert moved.warnings == ("seconds 4 was changed to 5, the nearest that a/two accepts",)


def test_job_of_an_older_release_is_not_adapted(harness: Harness):
    job = harness.accepted(model=ALIAS, seconds=8)
    key = (job.account, job.id)
    old = harness.now(job).model_copy(update={"requested": None, "nearest_models": ()})
    harness.jobs.rows[key] = old.model_dump_json()
    harness.answer(CREATE, REFUSAL)
    assert harness.submit(job) == TO_FINISH


RESOLUTIONS = ("480p", "720p", "1080p")
CONDITIONS: dict[str, tuple[Any, ...]] = {
    "resolution": RESOLUTIONS,
    "generate_audio": (True, False),
    "seconds": (4, 5, 6, 8, 10),
}
DOLLARS = st.sampled_from((0.0, 0.01, 0.07, 0.25, 1.5))
UNITS = ("per_second", "per_job", "per_megapixel_second", "per_million_tokens")


@st.composite
def price_rows(draw: st.DrawFn) -> dict[str, Any]:
    fields = draw(st.sets(st.sampled_from(sorted(CONDITIONS)), max_size=2))
    when = {
        field: draw(st.lists(st.sampled_from(CONDITIONS[field]), min_size=1, unique=True))
        for field in fields
    }
    return {"when": when, draw(st.sampled_from(UNITS)): draw(DOLLARS)}


@st.composite
def models(draw: st.DrawFn, number: int) -> dict[str, Any]:
    lengths = st.lists(st.sampled_from((4, 5, 6, 8, 10)), min_size=1, unique=True)
    resolutions = draw(st.lists(st.sampled_from(RESOLUTIONS), unique=True))
    rules = [{"when": {"resolution": ["1080p"]}, "allow": {"seconds": [8, 10]}}]
    return {
        "name": f"a/m{number}",
        "seconds": draw(lengths),
        "resolutions": resolutions,
        "aspect_ratios": ["16:9", "9:16"] if resolutions else [],
        "options": {"generate_audio": {"type": "boolean", "default": draw(st.booleans())}},
        "rules": rules if draw(st.booleans()) else [],
        "prices": draw(st.lists(price_rows(), max_size=4)),
        "price_per_second": draw(DOLLARS),
    }


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    entries = [draw(models(number)) for number in range(draw(st.integers(1, 4)))]
    return catalog_of(entries, draw(st.sampled_from(("refuse", "nearest"))))


REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "seconds": st.integers(1, 12),
        "size": st.sampled_from(("1280x720", "1080x1920", "x720", "854x480", "500x500")),
        "generate_audio": st.booleans(),
    },
)


@settings(max_examples=300, deadline=None)
@given(catalogs(), REQUESTS)
def test_reservation_covers_every_model_that_may_serve_the_job(
    catalog: Catalog, fields: dict[str, Any]
):
    harness = Harness(catalog=catalog, daily_dollars=1e9)
    try:
        job = harness.accepted(REFUSAL, model=ALIAS, **fields)
    except InvalidRequest:
        return
    assert job.reservation
    count = len(job.fallbacks)
    for _ in range(count):
        assert harness.submit(job) == RESUBMIT  # no fallback is left out for its price
        moved = harness.now(job)
        assert moved.cost is not None
        assert job.reservation.covers(moved.cost)
        serving = catalog.find(moved.model)
        assert serving.accepts(moved.request)
        assert moved.cost == serving.price(moved.request)
        for field in ("seconds", "size"):
            changed = fields.get(field) not in (None, getattr(moved.request, field))
            completed = field == "size" and str(moved.request.size).endswith(str(fields.get(field)))
            if changed and not completed:
                assert any(text.startswith(f"{field} ") for text in moved.warnings)
    assert harness.submit(job) == TO_FINISH
