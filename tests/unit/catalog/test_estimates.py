"""Prices of requests."""

from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.request import Role
from tests.unit.catalog.video_model import model, request


@pytest.mark.parametrize(
    ("given", "dollars"),
    [
        ({"seconds": 4, "size": "1280x720"}, 0.8),
        ({"seconds": 4, "size": "1280x720", "generate_audio": True}, 0.8),
        ({"seconds": 4, "size": "1280x720", "generate_audio": False}, 0.4),
        ({"seconds": 8, "size": "1920x1080"}, 2.4),
        ({}, 1.2),  # the defaults
    ],
)
def test_price_is_of_the_first_row_that_applies(given: dict[str, Any], dollars: float) -> None:
    assert model().price(request(**given)) == dollars


def test_price_counts_the_outputs_and_the_input_images() -> None:
    images = ModelEntry.model_validate(
        {
            "name": "one/image",
            "inputs": ["reference"],
            "options": {"n": {"type": "integer", "default": 1}},
            "count_option": "n",
            "prices": [{"per_job": 0.04, "per_input_image": 0.01}],
        }
    )
    assert images.price(request()) == 0.04
    given = request(Role.REFERENCE, Role.REFERENCE, provider_options={"n": 3})
    assert images.price(given) == 0.14


def test_price_of_input_seconds_is_of_the_longest_input_that_the_vendor_accepts() -> None:
    prices = [{"per_second": 0.1, "per_input_second": 0.1}]
    edit = model(inputs=["source_video"], rules=[], prices=prices, max_input_seconds=15)
    assert edit.price(request(Role.SOURCE_VIDEO, seconds=4)) == 1.9
    unlimited = model(inputs=["source_video"], rules=[], prices=prices)
    assert unlimited.price(request(Role.SOURCE_VIDEO, seconds=4)) == 6.4


def test_simple_price_applies_if_no_row_does() -> None:
    entry = model(prices=[{"when": {"seconds": [4]}, "per_job": 9}], price_per_second=0.5)
    assert entry.price(request(seconds=4)) == 9
    assert entry.price(request(seconds=8)) == 4
