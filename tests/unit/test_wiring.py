"""How the real things are made."""

import boto3
import pytest

from rushes import wiring
from rushes.config import Settings, settings
from rushes.jobs.request import StoredFile

FILE = StoredFile(key="outputs/one/0.mp4", content_type="video/mp4", size=1)


@pytest.mark.parametrize(
    ("local_mode", "begins"),
    [
        ("false", "https://media.s3.eu-central-1.amazonaws.com/outputs/one/0.mp4?"),
        ("true", "https://s3.eu-central-1.amazonaws.com/media/outputs/one/0.mp4?"),
    ],
)
def test_links_name_the_buckets_region(monkeypatch, local_mode, begins):
    """The global host redirects for young buckets, and a redirect breaks the signature."""
    variables = {str(field.alias): "1" for field in Settings.model_fields.values()}
    for name, value in {**variables, "BUCKET_NAME": "media", "LOCAL_MODE": local_mode}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    here = boto3.session.Session(region_name="eu-central-1")
    monkeypatch.setattr(wiring, "ONE_SESSION", here)
    settings.cache_clear()
    wiring._client.cache_clear()
    try:
        assert wiring._bucket().link(FILE, "one.mp4").startswith(begins)
    finally:
        settings.cache_clear()
        wiring._client.cache_clear()
