import boto3
import pytest

from rushes.config import Settings
from rushes.jobs.charges import Threshold
from rushes.jobs.request import StoredFile
from rushes.wiring import api, aws
from tests.fakes import FakeBus
from tests.wiring_caches import clear_wiring

FILE = StoredFile(key="outputs/one/0.mp4", content_type="video/mp4", size=1)


@pytest.mark.parametrize(
    ("local_mode", "begins"),
    [
        ("false", "https://media.s3.eu-central-1.amazonaws.com/outputs/one/0.mp4?"),
        ("true", "https://s3.eu-central-1.amazonaws.com/media/outputs/one/0.mp4?"),
    ],
)
def test_presigned_urls_have_the_regional_host_name(monkeypatch, local_mode, begins):
    """The global host redirects for new buckets, and a redirect breaks the signature."""
    variables = {str(field.alias): "1" for field in Settings.model_fields.values()}
    for name, value in {**variables, "BUCKET_NAME": "media", "LOCAL_MODE": local_mode}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    session = boto3.session.Session(region_name="eu-central-1")
    monkeypatch.setattr(aws, "SESSION", session)
    clear_wiring()
    try:
        assert aws.aws().bucket.link(FILE, "one.mp4").startswith(begins)
    finally:
        clear_wiring()


@pytest.mark.parametrize(("rejections", "is_published"), [([], True), ([[0]], False)])
def test_api_publishes_thresholds_of_budgets(monkeypatch, rejections, is_published):
    class Adapters:
        bus = FakeBus()

    Adapters.bus.rejections = rejections
    monkeypatch.setattr(api, "aws", Adapters)
    reached = Threshold("demo#2027-01", 80, used=8.0, limit=10.0, reached_at=1_800_000_000.0)
    assert api._publish(reached) is is_published
    types = [event["type"] for event in Adapters.bus.events]
    assert types == ["budget.threshold_reached"] * is_published
