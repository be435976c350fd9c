"""The ready aliases of the vendors serve the requests of old Sora code."""

from collections.abc import Iterator
from itertools import product

import pytest

from rushes.catalog.compile import compile_tables
from rushes.catalog.selection import candidates
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.jobs.request import GenerationRequest, Input, Role

SECONDS = (None, 4, 8, 12)
SIZES = (None, "720x1280", "1280x720")
PRO_SIZES = (*SIZES, "1024x1792", "1792x1024")
"""Lengths and sizes that OpenAI accepted for `sora-2` and for `sora-2-pro`."""


def aliases() -> Iterator[tuple[str, str]]:
    for vendor in vendor_names():
        for alias in read_vendor(vendor).aliases:
            yield vendor, alias


@pytest.mark.parametrize(("vendor", "alias"), list(aliases()))
@pytest.mark.parametrize("with_image", [False, True])
def test_alias_serves_every_request_of_old_code(vendor: str, alias: str, *, with_image: bool):
    provider = {"vendor": vendor, "aliases": [alias], "base_url": "https://vendor.example"}
    catalog = compile_tables({"default_model": alias, "providers": {vendor: provider}})
    files = {Role.IMAGE: "input_reference"} if with_image else {}
    inputs = tuple(Input(role=role, url="https://images.example/1") for role in files)
    for seconds, size in product(SECONDS, PRO_SIZES if alias == "sora-2-pro" else SIZES):
        request = GenerationRequest(
            model=alias, prompt="a red ball", seconds=seconds, size=size, inputs=inputs
        )
        first = candidates(catalog, alias, request, files)[0]
        for field in ("seconds", "size"):
            requested, used = getattr(request, field), getattr(first.request, field)
            if requested not in (None, used):
                assert any(text.startswith(f"{field} {requested} was") for text in first.warnings)
