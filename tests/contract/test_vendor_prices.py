"""Prices of the vendor data have sources, apply to some request, and are plausible."""

from collections.abc import Iterator
from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.jobs.request import GenerationRequest
from tests.contract.vendors import price_checks


def priced(vendor: str) -> Iterator[ModelEntry]:
    for model in read_vendor(vendor).entries():
        if not model.price_unknown:
            yield model


@pytest.mark.parametrize("vendor", vendor_names())
def test_each_price_row_applies_to_a_request(vendor: str) -> None:
    assert [error for model in priced(vendor) for error in price_checks.hidden_rows(model)] == []


@pytest.mark.parametrize("vendor", vendor_names())
def test_conditions_have_values_of_their_model(vendor: str) -> None:
    models = read_vendor(vendor).entries()
    assert [error for model in models for error in price_checks.foreign_values(model)] == []


@pytest.mark.parametrize("vendor", vendor_names())
def test_each_request_has_a_plausible_price(vendor: str) -> None:
    paid = [model for model in priced(vendor) if model.price_source != price_checks.OWN_HARDWARE]
    assert [error for model in paid for error in price_checks.implausible_prices(model)] == []


@pytest.mark.parametrize("vendor", vendor_names())
def test_prices_have_a_source_and_a_date(vendor: str) -> None:
    assert [error for model in priced(vendor) for error in price_checks.unfounded(model)] == []


def test_unknown_prices_of_vendors_with_price_lists() -> None:
    vendors = ("kling", "kling-v1", "minimax", "byteplus", "dashscope")
    models = [model for vendor in vendors for model in read_vendor(vendor).entries()]
    unknown = {model.name for model in models if model.price_unknown}
    assert unknown == {"minimax/S2V-01", "dashscope/happyhorse-1.0-video-edit"}


@pytest.mark.parametrize(
    ("name", "fields", "dollars"),
    [
        ("kling/kling-3.0-turbo", {"seconds": 5}, 0.56),
        ("kling/kling-2.6", {"seconds": 10, "generate_audio": True, "size": "1920x1080"}, 1.4),
        ("kling/kling-3.0", {"seconds": 5, "size": "3840x2160"}, 2.1),
        ("minimax/MiniMax-Hailuo-2.3", {"seconds": 10}, 0.56),
        ("minimax/MiniMax-H3", {"seconds": 5, "size": "2560x1440"}, 0.65),
        ("byteplus/dreamina-seedance-2-0-260128", {"seconds": 5, "size": "1280x720"}, 0.756),
    ],
)
def test_price_of_a_request(name: str, fields: dict[str, Any], dollars: float) -> None:
    models = read_vendor(name.partition("/")[0]).entries()
    model = next(entry for entry in models if entry.name == name)
    request = model.validate_and_fill(GenerationRequest(model=name, prompt="A fox", **fields))
    assert model.price(request) == pytest.approx(dollars, abs=0.001)


def model(*prices: dict[str, Any], **fields: Any) -> ModelEntry:
    table = {"name": "maker/clip", "seconds": [4, 8], "resolutions": ["720p"], "prices": prices}
    return ModelEntry.model_validate({**table, **fields})


ANY = {"per_second": 0.1}


@pytest.mark.parametrize(
    "rows",
    [
        (ANY, {"when": {"seconds": [8]}, "per_second": 0.2}),
        ({"when": {"seconds": [4, 8]}, **ANY}, {"when": {"seconds": [8]}, "per_second": 0.2}),
        (
            {"when": {"seconds": [8]}, **ANY},
            {"when": {"seconds": [8], "resolution": ["720p"]}, "per_second": 0.2},
        ),
    ],
)
def test_hidden_row_is_found(rows: tuple[dict[str, Any], ...]) -> None:
    assert list(price_checks.hidden_rows(model(*rows))) == [
        "maker/clip: prices.1 is hidden by prices.0"
    ]


def test_row_for_the_rest_of_the_requests_is_not_hidden() -> None:
    assert list(price_checks.hidden_rows(model({"when": {"seconds": [8]}, **ANY}, ANY))) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("seconds", 6), ("resolution", "1080p"), ("input", "image"), ("quality", "best")],
)
def test_value_that_the_model_does_not_have_is_found(field: str, value: Any) -> None:
    options = {"quality": {"type": "string", "values": ["low", "high"]}}
    wrong = model({"when": {field: [value]}, **ANY}, options=options)
    assert list(price_checks.foreign_values(wrong)) == [
        f"maker/clip: prices.0.when.{field} has {value!r}, the model does not"
    ]


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([{"when": {"seconds": [8]}, **ANY}], "no price for"),
        ([{"per_second": 0.0001}], "0.000100 to 0.000100 dollars per second"),
        ([{"per_second": 6}], "6.000000 to 6.000000 dollars per second"),
        ([{"when": {"seconds": [8]}, "per_second": 4}, {"per_second": 0.05}], "80 times as much"),
    ],
)
def test_implausible_price_is_found(rows: list[dict[str, Any]], error: str) -> None:
    (found,) = price_checks.implausible_prices(model(*rows))
    assert error in found


@pytest.mark.parametrize(
    ("source", "date", "error"),
    [
        ("a colleague", "2026-11-28", "names no document"),
        ("https://a.example/prices", "28.11.2026", "must be YYYY-MM-DD"),
        ("https://a.example/prices", "2999-01-01", "in the future"),
    ],
)
def test_price_without_a_source_or_a_date_is_found(source: str, date: str, error: str) -> None:
    (found,) = price_checks.unfounded(model(ANY, price_source=source, price_date=date))
    assert error in found
