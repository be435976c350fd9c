from typing import Any

import pytest

from scripts.fal_models.prices import priced

API = "pricing API"


def facts(unit_price: str = "", **page: Any) -> dict[str, Any]:
    return {
        "unit_source": API,
        "unit_date": "2026-07-28",
        "page_source": "https://fal.ai/models/{id}",
        "page_date": "2026-11-28",
        "pages": [{"models": ["owner/*"], **page}] if page else [],
        "unit_prices": {"owner/app": unit_price} if unit_price else {},
    }


def model(**keys: Any) -> dict[str, Any]:
    return {"id": "owner/app", "modality": "video", **keys}


def rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = found["prices"]
    return listed


@pytest.mark.parametrize(
    ("unit_price", "keys", "row"),
    [
        ("0.4 seconds", {"seconds": [5]}, {"per_second": 0.4}),
        ("0.2 videos", {}, {"per_job": 0.2}),
        ("0.025 megapixels", {"modality": "image"}, {"per_megapixel": 0.025}),
        ("0.03 processed megapixels", {"modality": "image"}, {"per_megapixel": 0.03}),
        (
            "0.0018 megapixels",
            {"seconds": [5], "frames": {"fps": 25}},
            {"per_megapixel_second": 0.045},
        ),
        ("1.2 1m tokens", {}, {"per_million_tokens": 1.2}),
        ("0.007 1000 tokens", {}, {"per_million_tokens": 7.0}),
        ("0.05 1000 characters", {"modality": "audio"}, {"per_thousand_characters": 0.05}),
        ("0.03 minutes", {"needs": ["audio"]}, {"per_input_second": 0.0005}),
        ("0.8 minutes", {"seconds": [30]}, {"per_second": 0.01333333333}),
        ("0.1 30 seconds", {}, {"per_job": 0.1}),
    ],
)
def test_unit_price_is_converted(unit_price: str, keys: dict[str, Any], row: dict[str, Any]):
    found = priced(model(**keys), facts(unit_price))
    assert rows(found) == [row]
    assert (found["price_source"], found["price_date"]) == (API, "2026-07-28")


def test_started_blocks_of_seconds_are_priced():
    found = priced(model(seconds={"min": 4, "max": 11, "default": 5}), facts("0.5 5 seconds"))
    assert rows(found) == [
        {"when": {"seconds": [4, 5]}, "per_job": 0.5},
        {"when": {"seconds": [6, 7, 8, 9, 10]}, "per_job": 1.0},
        {"when": {"seconds": [11]}, "per_job": 1.5},
    ]


@pytest.mark.parametrize(
    ("unit_price", "reason"),
    [
        ("", "neither the pricing API nor the model page states one"),
        ("0.00125 compute seconds", "billed by compute seconds (0.00125 US dollars each)"),
        ("1 units", "billed by units (1.0 US dollars each)"),
        ("0.1 seconds", "0.1 US dollars per second of a length that the model chooses"),
    ],
)
def test_price_that_is_not_known_has_a_reason(unit_price: str, reason: str):
    found = priced(model(), facts(unit_price))
    assert found["price_unknown"] == reason
    assert "prices" not in found


def test_page_precedes_the_unit_price():
    found = priced(model(seconds=[5]), facts("1 seconds", unit="per_second", price=0.07))
    assert rows(found) == [{"per_second": 0.07}]
    assert found["price_source"] == "https://fal.ai/models/owner/app"


def test_page_has_rows_by_resolution_and_audio():
    page: dict[str, Any] = {
        "unit": "per_second",
        "price": {"720p": 0.1, "1080p": 0.2, "2160p": 0.3},
        "audio_price": {"720p": 0.15, "1080p": 0.25, "2160p": 0.35},
    }
    found = priced(model(seconds=[8], resolutions=["720p", "1080p"]), facts(**page))
    assert rows(found) == [
        {"when": {"generate_audio": [True], "resolution": ["720p"]}, "per_second": 0.15},
        {"when": {"generate_audio": [True], "resolution": ["1080p"]}, "per_second": 0.25},
        {"when": {"resolution": ["720p"]}, "per_second": 0.1},
        {"when": {"resolution": ["1080p"]}, "per_second": 0.2},
    ]


def test_page_has_factors_by_length():
    page: dict[str, Any] = {
        "unit": "per_job",
        "price": 0.2,
        "seconds_factors": {"5": 1.0, "8": 2.0, "10": 2.2},
    }
    found = priced(model(seconds=[5, 8]), facts(**page))
    assert rows(found) == [
        {"when": {"seconds": [5]}, "per_job": 0.2},
        {"when": {"seconds": [8]}, "per_job": 0.4},
    ]


def test_page_without_an_offered_resolution_is_an_error():
    page: dict[str, Any] = {"unit": "per_job", "price": {"720p": 0.1}}
    with pytest.raises(ValueError, match="owner/app: the page has no price for 480p"):
        priced(model(resolutions=["720p", "480p"]), facts(**page))


def test_token_price_has_its_frame_rate():
    page: dict[str, Any] = {"unit": "per_million_tokens", "price": 14, "fps": 24}
    assert rows(priced(model(), facts(**page))) == [{"per_million_tokens": 14, "fps": 24}]
