"""Each shipped model's create calls are accepted by the types that its vendor publishes."""

import pytest

from rushes.catalog.compile import compile_tables
from rushes.catalog.vendor_data import read_vendor, vendor_names
from tests.contract.vendors.report import check_vendor

SAMPLE = 12
"""Combinations per model; `make vendors` checks all."""
MIN_VENDORS, MIN_VIDEO_MODELS = 14, 120
MAX_UNPRICED = 0.07
"""Share of the video models whose price is unknown."""


@pytest.mark.parametrize("name", vendor_names())
def test_create_calls_are_accepted_by_the_published_types(name: str) -> None:
    result = check_vendor(name, SAMPLE)
    assert result.source
    assert result.requests >= result.models
    assert result.refused == []


def test_catalog_has_the_vendors_and_models_that_it_promises() -> None:
    vendors = [read_vendor(name) for name in vendor_names()]
    videos = [model for data in vendors for model in data.entries() if model.modality == "video"]
    unpriced = [model.name for model in videos if model.price_unknown]
    assert len(vendors) >= MIN_VENDORS
    assert len(videos) >= MIN_VIDEO_MODELS
    assert len(unpriced) <= MAX_UNPRICED * len(videos), unpriced


@pytest.mark.parametrize("name", vendor_names())
def test_one_line_enables_all_models_of_a_vendor(name: str) -> None:
    data = read_vendor(name)
    provider = {"vendor": name, "models": ["*"], "aliases": list(data.aliases)}
    default = f"{name}/{data.ids()[0]}"
    catalog = compile_tables({"default_model": default, "providers": {name: provider}})
    assert [model.name for model in catalog.models] == [
        f"{name}/{identifier}" for identifier in data.ids()
    ]
    assert set(catalog.aliases) == set(data.aliases)
