"""The conditions of the writes that publish a configuration, by botocore's model of the service."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from rushes.aws.config_store import POINTER_KEY, ConfigStore
from rushes.catalog.published_config import ConfigPointer
from rushes.errors import WriteConflict
from rushes.wiring.aws import s3_config

POINTER = ConfigPointer(version=1, sha256="0" * 64, published_at=1.0, published_by="ops")


@pytest.fixture
def s3() -> Any:
    return boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        config=s3_config(local_mode=False),
    )


@pytest.mark.parametrize(
    ("etag", "condition"), [(None, {"IfNoneMatch": "*"}), ('"1"', {"IfMatch": '"1"'})]
)
def test_pointer_is_written_under_a_condition(s3: Any, etag: str | None, condition: dict[str, str]):
    written = {
        "Bucket": "media",
        "Key": POINTER_KEY,
        "Body": POINTER.model_dump_json().encode(),
        "ContentType": "application/json",
        **condition,
    }
    with Stubber(s3) as stubber:
        stubber.add_response("put_object", {}, written)
        ConfigStore(lambda: s3, "media").move_pointer(POINTER, etag)


def test_pointer_that_another_publication_wrote_is_a_conflict(s3: Any):
    with Stubber(s3) as stubber:
        stubber.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
        stubber.add_client_error("get_object", "NoSuchKey", http_status_code=404)
        with pytest.raises(WriteConflict):
            ConfigStore(lambda: s3, "media").move_pointer(POINTER, '"1"')


def test_streamed_upload_computes_no_checksum_before(s3: Any):
    """A checksum would need the whole stream, which can be read only once."""
    assert s3.meta.config.request_checksum_calculation == "when_required"
