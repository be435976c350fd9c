"""Aliases of several models: selection, `on_mismatch`, fallbacks and remixes."""

from typing import Any

import pytest

from rushes.api import choose_models
from rushes.catalog.models import Catalog
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, LengthAndSize, Role, Upload
from tests.harness import ACCOUNT, CATALOG, PNG_BYTES, Harness

VIDEO: dict[str, Any] = {"sizes": ["1280x720", "720x1280"], "seconds": [8, 4]}
MODELS: tuple[dict[str, Any], ...] = (
    {**VIDEO, "name": "a/text", "price_per_second": 0.1, "options": ["seed"]},
    {**VIDEO, "name": "a/image", "inputs": ["image"], "needs": ["image"]},
    {**VIDEO, "name": "b/long", "seconds": [5, 10], "price_per_second": 0.2},
    {**VIDEO, "name": "b/other", "seconds": [8], "inputs": ["image", "reference"]},
    {"name": "b/edit", "inputs": ["source_video"], "needs": ["source_video"]},
    {"name": "b/paint", "modality": "image"},
)
ALIASES = {
    "sora-2": ["a/text", "a/image", "b/other", "b/long", "b/edit"],
    "near": {"models": ["a/text", "a/image", "b/long", "b/edit"], "on_mismatch": "nearest"},
    "paint": "b/paint",
}


def catalog_of(models: tuple[dict[str, Any], ...] = MODELS, **aliases: Any) -> Catalog:
    return Catalog.model_validate(
        {
            "default_model": "sora-2",
            "providers": {name: {"protocol": "openai_compatible"} for name in ("a", "b")},
            "aliases": {**ALIASES, **aliases},
            "models": models,
        }
    )


@pytest.fixture
def harness() -> Harness:
    return Harness(catalog=catalog_of(), daily_dollars=100.0)


def image(role: Role = Role.IMAGE) -> tuple[Role, Upload]:
    return role, Upload("input_reference", "image/png", PNG_BYTES)


def create(harness: Harness, model: str, *uploads: tuple[Role, Upload], **fields: object) -> Job:
    request = GenerationRequest.model_validate({"model": model, "prompt": "a ball", **fields})
    create_request = CreateRequest(request, uploads=uploads)
    return harness.service.create(ACCOUNT, "openai", create_request).job


def refused(harness: Harness, model: str, **fields: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        create(harness, model, **fields)
    assert (harness.jobs.rows, harness.blobs.objects) == ({}, {})
    return refusal.value


def test_one_name_serves_text_to_video_and_image_to_video(harness: Harness):
    text, from_image = create(harness, "sora-2"), create(harness, "sora-2", image())
    assert (text.model, text.fallbacks) == ("a/text", ("b/other",))
    assert (from_image.model, from_image.fallbacks) == ("a/image", ("b/other",))
    assert {text.request.model, from_image.request.model} == {"sora-2"}


def test_model_that_accepts_the_length_is_taken(harness: Harness):
    job = create(harness, "sora-2", seconds=10)
    assert (job.model, job.request.seconds, job.fallbacks, job.cost) == ("b/long", 10, (), 2.0)
    assert job.warnings == ()


def test_nearest_length_and_size_are_used_with_warnings(harness: Harness):
    job = create(harness, "near", seconds=12, size="1024x1792")
    assert (job.model, job.request.seconds, job.request.size) == ("a/text", 8, "720x1280")
    assert job.warnings == (
        "seconds 12 was changed to 8, the nearest that a/text accepts",
        "size 1024x1792 was changed to 720x1280, the nearest that a/text accepts",
    )
    assert job.requested == LengthAndSize(seconds=12, size="1024x1792")
    assert (job.fallbacks, job.nearest_models) == (("b/long",), ("b/long",))
    assert job.cost == 0.8


def test_budget_reserves_the_dearest_model_with_its_own_length(harness: Harness):
    job = create(harness, "near", seconds=12)
    assert job.reservation
    assert job.reservation.dollars == 2.0  # ten seconds of b/long


def test_nearest_is_not_used_if_a_model_accepts_the_request(harness: Harness):
    job = create(harness, "near", seconds=10)
    assert (job.model, job.warnings, job.fallbacks) == ("b/long", (), ("a/text",))


def test_refusal_names_the_alias_the_model_and_the_allowed_values(harness: Harness):
    error = refused(harness, "sora-2", seconds=12)
    assert error.param == "seconds"
    assert error.message == (
        "sora-2 (a/text): seconds must be one of 4, 8 (got 12);"
        " none of the 5 models of sora-2 accepts the request"
    )


def test_unknown_model_error_lists_similar_names(harness: Harness):
    with pytest.raises(UnknownModel, match=r"unknown model: 'sora-3' \(similar: sora-2; "):
        create(harness, "sora-3")


def test_default_model_is_an_alias(harness: Harness):
    assert create(harness, "", image()).model == "a/image"


def test_each_fallback_may_be_an_alias_with_its_own_policy(harness: Harness):
    job = create(harness, "a/text", seconds=8, fallbacks=["near", "sora-2"])
    assert job.fallbacks == ("b/long", "b/other")
    assert job.nearest_models == ("b/long",)
    assert refused(Harness(catalog=harness.catalog), "a/text", fallbacks=["b/long"]).param


def test_fallback_of_another_modality_is_refused(harness: Harness):
    error = refused(harness, "sora-2", fallbacks=["paint"])
    assert error.message == "fallbacks: b/paint generates image, not video"


def test_fallbacks_must_accept_the_length_that_the_client_requested(harness: Harness):
    assert refused(harness, "near", seconds=12, fallbacks=["b/other"]).param == "seconds"


def test_long_alias_is_cut_but_not_the_fallbacks_of_the_client(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(choose_models, "MAX_FALLBACKS", 2)
    many = tuple({**VIDEO, "name": f"b/model-{number}"} for number in range(5))
    names = [str(model["name"]) for model in many]
    harness.catalog = catalog_of((*MODELS, *many), many=names)
    assert create(harness, "many").fallbacks == ("b/model-1", "b/model-2")
    job = create(harness, "many", fallbacks=["b/other"])
    assert job.fallbacks == ("b/model-1", "b/other")


def test_uploaded_references_are_counted(harness: Harness):
    models = tuple(
        {**model, "max_references": 1} if model["name"] == "b/other" else model for model in MODELS
    )
    harness.catalog = catalog_of(models)
    assert create(harness, "b/other", image(Role.REFERENCE)).model == "b/other"
    with pytest.raises(InvalidRequest, match=r"at most 1 reference files \(got 2\)"):
        create(harness, "b/other", image(Role.REFERENCE), image(Role.REFERENCE))


def test_estimate_uses_the_row_of_the_uploaded_files(harness: Harness):
    prices = [{"when": {"input": ["image"]}, "per_job": 3.0, "per_input_image": 0.5}]
    models = tuple(
        {**model, "prices": prices} if model["name"] == "b/other" else model for model in MODELS
    )
    harness.catalog = catalog_of(models)
    assert create(harness, "b/other").cost == 0.0
    job = create(harness, "b/other", image())
    assert job.cost == 3.5
    assert job.reservation
    assert job.reservation.dollars == 3.5


def test_remix_takes_the_model_of_the_alias_that_edits_videos(harness: Harness):
    source = harness.complete(create(harness, "sora-2", seconds=8))
    remix = GenerationRequest(model="", prompt="blue")
    made = harness.service.create(ACCOUNT, "openai", CreateRequest(remix, source_id=source.id)).job
    assert (made.model, made.fallbacks, made.remixed_from) == ("b/edit", (), source.id)
    assert (made.request.seconds, made.request.size) == (None, None)
    assert made.warnings == (
        "seconds 8 was ignored: b/edit does not accept seconds",
        "size 1280x720 was ignored: b/edit does not accept size",
    )


def test_remix_of_an_alias_without_such_a_model_is_refused(harness: Harness):
    harness.catalog = CATALOG
    job = harness.complete(harness.accepted(model="spare/one"))
    remix = GenerationRequest(model="", prompt="blue")
    with pytest.raises(InvalidRequest, match="spare/one does not accept source_video") as refusal:
        harness.service.create(ACCOUNT, "openai", CreateRequest(remix, source_id=job.id))
    assert refusal.value.param == "model"
