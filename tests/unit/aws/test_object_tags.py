"""Tags of S3 objects."""

from collections.abc import Iterator
from typing import Any

import boto3
import moto
import pytest
from botocore.stub import Stubber

from rushes.aws.object_tags import tag_set
from rushes.aws.s3 import Bucket
from rushes.errors import AwsUnavailable
from rushes.jobs.request import Upload

KEY = "outputs/demo/job_1/0.mp4"


@pytest.fixture
def client() -> Iterator[Any]:
    with moto.mock_aws():
        client: Any = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="media")
        yield client


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("ads", "ads"),
        ("spring sale", "spring sale"),
        ("a+b-c=d._:/@", "a+b-c=d._:/@"),
        ("München 広告 ١٢", "München 広告 ١٢"),
        ('50% "off", a&b', "50_ _off__ a_b"),
        ("👩‍👧", "___"),
        ("a\tb", "a_b"),
        ("v" * 128, "v" * 128),
    ],
)
def test_characters_that_s3_refuses_are_replaced(client: Any, value: str, accepted: str):
    bucket = Bucket(client, "media", 10**9)
    bucket.put(KEY, Upload("file", "video/mp4", b"video"))
    bucket.tag(KEY, {"team": value})
    stored = client.get_object_tagging(Bucket="media", Key=KEY)["TagSet"]
    assert stored == [{"Key": "team", "Value": accepted}]


def test_ten_tags_with_the_longest_names_are_stored(client: Any):
    bucket = Bucket(client, "media", 10**9)
    bucket.put(KEY, Upload("file", "video/mp4", b"video"))
    tags = {f"{n}{'n' * 39}": "ü" * 128 for n in range(10)}
    bucket.tag(KEY, tags)
    stored = client.get_object_tagging(Bucket="media", Key=KEY)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in stored} == tags
    assert bucket.read(KEY) == b"video"


def test_refused_tags_are_an_error_of_aws(client: Any):
    with Stubber(client) as stubber:
        stubber.add_client_error("put_object_tagging", "AccessDenied")
        with pytest.raises(AwsUnavailable, match="PutObjectTagging returned AccessDenied"):
            Bucket(client, "media", 10**9).tag(KEY, {"team": "ads"})


def test_no_tag_gets_another_name():
    assert tag_set({"cost.centre_7-a": "x"}) == [{"Key": "cost.centre_7-a", "Value": "x"}]
