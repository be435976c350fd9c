import pytest
from pydantic import ValidationError

from rushes.catalog.prices import ASSUMED_INPUT_SECONDS, PriceRow, Quantities, rounded_up


@pytest.mark.parametrize(
    ("row", "quantities", "dollars"),
    [
        ({"per_second": 0.1}, {"seconds": 8}, 0.8),
        ({"per_job": 0.25}, {"seconds": 8}, 0.25),
        ({"per_job": 0.25, "per_second": 0.1}, {"seconds": 8}, 1.05),
        ({"per_job": 0.04}, {"outputs": 3}, 0.12),
        ({"per_megapixel": 0.03}, {"size": "1000x1000", "outputs": 2}, 0.06),
        ({"per_megapixel_second": 0.01}, {"size": "1000x2000", "seconds": 5}, 0.1),
        # 1280 x 720 x 24 x 5 / 1024 = 108,000 tokens
        ({"per_million_tokens": 2.5}, {"size": "1280x720", "seconds": 5}, 0.27),
        ({"per_million_tokens": 2.5, "fps": 12}, {"size": "1280x720", "seconds": 5}, 0.135),
        ({"per_thousand_characters": 0.3}, {"characters": 500}, 0.15),
        ({"per_input_second": 0.01}, {}, 0.01 * ASSUMED_INPUT_SECONDS),
        ({"per_input_second": 0.08}, {"input_seconds": 8.7}, 0.696),
        ({"per_second": 0.1, "per_input_image": 0.01}, {"seconds": 1, "input_images": 2}, 0.12),
        ({"per_job": 0.0000001}, {}, 0.000001),  # not free to a budget
        ({"per_second": 0.1}, {"seconds": 3}, 0.3),  # without binary fractions
    ],
)
def test_amounts_of_all_units_are_added(
    row: dict[str, object], quantities: dict[str, object], dollars: float
) -> None:
    price = PriceRow.model_validate(row)
    assert rounded_up(price.dollars(Quantities.model_validate(quantities))) == dollars


@pytest.mark.parametrize(
    "row", [{}, {"when": {"seconds": [4]}}, {"per_second": -1}, {"per_second": "nan"}, {"per_h": 1}]
)
def test_invalid_rows_are_refused(row: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PriceRow.model_validate(row)
