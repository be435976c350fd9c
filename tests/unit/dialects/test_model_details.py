"""Limits and prices of a model in a list."""

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Alias
from rushes.dialects.model_details import alias_details, category, model_details

FULL = ModelEntry.model_validate(
    {
        "name": "fal/veo",
        "inputs": ["image", "last_frame"],
        "needs": ["image"],
        "seconds": [8, 4],
        "resolutions": ["720p"],
        "aspect_ratios": ["16:9", "9:16"],
        "options": {"seed": {"type": "integer", "min": 0}, "mode": {"values": ["a", "b"]}},
        "rules": [{"when": {"mode": ["a"]}, "allow": {"seconds": [8]}}],
        "prices": [{"when": {"mode": ["a"]}, "per_second": 0.4}, {"per_second": 0.2}],
        "price_source": "https://prices.example",
        "price_date": "2026-11-28",
    }
)


def test_details_have_limits_and_prices_the_defaults_first() -> None:
    assert model_details(FULL, ["sora-2"]) == {
        "modality": "video",
        "inputs": ["image", "last_frame"],
        "required_inputs": ["image"],
        "seconds": [8, 4],
        "sizes": ["1280x720", "720x1280"],
        "options": {"seed": {"type": "integer", "min": 0.0}, "mode": {"values": ["a", "b"]}},
        "rules": [{"when": {"mode": ["a"]}, "allow": {"seconds": [8]}}],
        "prices": [{"when": {"mode": ["a"]}, "per_second": 0.4}, {"per_second": 0.2}],
        "price_source": "https://prices.example",
        "price_date": "2026-11-28",
        "aliases": ["sora-2"],
    }


def test_empty_fields_are_absent() -> None:
    assert model_details(ModelEntry(name="one/model"), []) == {"modality": "video"}


def test_general_price_follows_the_rows() -> None:
    model = ModelEntry.model_validate(
        {"name": "one/m", "prices": [{"when": {"input": ["none"]}, "per_job": 0.5}]}
    )
    general = model.model_copy(update={"price_per_job": 0.25})
    rows = [{"when": {"input": ["none"]}, "per_job": 0.5}]
    assert model_details(model, [])["prices"] == rows
    assert model_details(general, [])["prices"] == [*rows, {"per_job": 0.25}]


def test_unknown_price_has_its_reason() -> None:
    model = ModelEntry(name="one/m", price_unknown="by agreement")
    assert model_details(model, [])["price_unknown"] == "by agreement"


def test_many_lengths_are_listed_by_their_bounds() -> None:
    model = ModelEntry.model_validate(
        {"name": "one/m", "seconds": {"min": 1, "max": 3600, "default": 30}}
    )
    bounds = {"min": 1, "max": 3600, "default": 30}
    assert model_details(model, [])["seconds"] == bounds


def test_alias_has_its_models_and_policy() -> None:
    alias = Alias(models=("fal/veo", "fal/other"), on_mismatch="nearest")
    assert alias_details(alias, FULL) == {
        "modality": "video",
        "models": ["fal/veo", "fal/other"],
        "on_mismatch": "nearest",
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "text-to-video"),
        ({"inputs": ["image"]}, "text-to-video"),
        ({"inputs": ["image"], "needs": ["image"]}, "image-to-video"),
        ({"inputs": ["reference"], "needs": ["reference"]}, "image-to-video"),
        ({"inputs": ["source_video"], "needs": ["source_video"]}, "video-to-video"),
        ({"modality": "image"}, "text-to-image"),
        ({"modality": "audio"}, "text-to-audio"),
        ({"modality": "transcription"}, "speech-to-text"),
    ],
)
def test_category(fields: dict[str, object], expected: str) -> None:
    assert category(ModelEntry.model_validate({"name": "one/m", **fields})) == expected
