import tomllib

import pytest
from pydantic import ValidationError

from rushes.catalog.vendor_data import VendorFile, read_vendor, vendor_names
from rushes.providers import PROVIDERS

VENDOR = """
[vendor]
name = "acme"
title = "Acme"
protocol = "fal"
sources = ["documentation"]
[[models]]
id = "one"
prices = [{ per_job = 1 }]
price_source = "page"
price_date = "2026-11-28"
"""


def read(text: str) -> VendorFile:
    return VendorFile.model_validate(tomllib.loads(text))


def test_models_have_the_name_of_the_provider() -> None:
    assert [model.name for model in read(VENDOR).entries("mine")] == ["mine/one"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "one"', "", "models.0 has no id"),
        ("price_source", "typical_source", "a price without price_source, price_date"),
        ('price_date = "2026-11-28"', "", "a price without price_source, price_date"),
        ("prices = [{ per_job = 1 }]", "", "neither a price nor price_unknown"),
        ("[[models]]", '[[models]]\nid = "one"\n[[models]]', "model 'one' is defined twice"),
        ("[[models]]", '[aliases]\na = { models = ["two"] }\n[[models]]', "undefined model 'two'"),
        ('sources = ["documentation"]', "sources = []", "vendor.sources"),
        ('name = "acme"', 'name = "Acme Inc."', "vendor.name"),
        ("[[models]]", "[[models]]\ncolour = 1", "colour"),
    ],
)
def test_incomplete_data_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(VENDOR.replace(old, new))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", vendor_names())
def test_shipped_data_is_valid(name: str) -> None:
    data = read_vendor(name)
    assert data.vendor.protocol in PROVIDERS
    assert data.vendor.documentation
    assert list(data.entries())
