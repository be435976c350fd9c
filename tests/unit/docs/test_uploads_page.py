"""docs/uploads.md has the fields that accept an upload's URL, and the limits of the code."""

import json

import pytest

from local.packaging import ROOT
from rushes.jobs.request import MAX_INLINE_BYTES, MAX_UPLOAD_BYTES, UPLOAD_SECONDS
from rushes.providers.file_sizes import MAX_EMBEDDED_BYTES, MAX_FILE_BYTES
from tests.unit.dialects.test_uploads import FIELDS_FOR_FILES

PAGE = (ROOT / "docs/uploads.md").read_text("utf-8")
OTHER_URLS = ("image_urls", "end_image_url")
"""Of fal's models: the page names the common ones."""
MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for _, body, _ in FIELDS_FOR_FILES
        for name, value in body.items()
        if "{url}" in json.dumps(value) and name not in OTHER_URLS
    ),
)
def test_page_names_every_field_for_files(name: str):
    assert f"`{name}`" in PAGE or f'"{name}"' in PAGE


@pytest.mark.parametrize(
    "limit",
    [
        f"{MAX_INLINE_BYTES / 1_000_000} MB together",
        f"up to {MAX_UPLOAD_BYTES // MEBIBYTE} MiB",
        f"PUT for {UPLOAD_SECONDS // 60} minutes",
        f"{MAX_EMBEDDED_BYTES // MEBIBYTE} MiB as base64",
        f"{MAX_FILE_BYTES // MEBIBYTE} MiB in a form",
    ],
)
def test_page_has_the_limits(limit: str):
    assert limit in PAGE
