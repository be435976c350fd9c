"""A restored or retained table, bucket, key and secrets in place of the stack's own."""

import json

import pytest

from tests.template.deployed import deployed, properties
from tests.template.test_template import FUNCTIONS, logical_id

EXISTING = {
    "ExistingTableName": "old-table",
    "ExistingBucketName": "old-bucket",
    "ExistingSecretsPrefix": "old/providers",
    "ExistingWebhookKeyArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:old",
}
OWN = ("Table", "Bucket", "WebhookKey")


def environment(name: str, **parameters: str) -> dict[str, object]:
    variables: dict[str, object] = properties(logical_id(name), **parameters)["Environment"][
        "Variables"
    ]
    return variables


def test_stack_has_its_own_storage_by_default():
    assert set(OWN) <= set(deployed())
    for name in FUNCTIONS:
        assert environment(name)["TABLE_NAME"] == {"Ref": "Table"}
        assert environment(name)["BUCKET_NAME"] == {"Ref": "Bucket"}
    assert properties("TableArn")["Value"] == {"Fn::GetAtt": ["Table", "Arn"]}
    assert properties("BucketArn")["Value"] == {"Fn::GetAtt": ["Bucket", "Arn"]}
    prefix = properties("ProviderSecretsPrefix")["Value"]
    assert prefix == {"Fn::Sub": "${AWS::StackName}/providers"}


def test_existing_storage_is_used_and_nothing_refers_to_storage_of_the_stack():
    resources = deployed(**EXISTING)
    assert not set(OWN) & set(resources)
    text = json.dumps(resources)
    for name in OWN:
        assert f'"Ref": "{name}"' not in text
        assert f'"Fn::GetAtt": ["{name}"' not in text
        assert f"${{{name}}}" not in text
        assert f"${{{name}." not in text
    for name in FUNCTIONS:
        assert environment(name, **EXISTING)["TABLE_NAME"] == "old-table"
        assert environment(name, **EXISTING)["BUCKET_NAME"] == "old-bucket"
    assert environment("api", **EXISTING)["WEBHOOK_KEY"] == EXISTING["ExistingWebhookKeyArn"]
    assert environment("deliver", **EXISTING)["WEBHOOK_KEY"] == EXISTING["ExistingWebhookKeyArn"]
    assert properties("TableArn", **EXISTING)["Value"]["Fn::Sub"].endswith(":table/old-table")
    assert properties("BucketArn", **EXISTING)["Value"]["Fn::Sub"].endswith(":s3:::old-bucket")
    assert properties("ProviderSecretsPrefix", **EXISTING)["Value"] == "old/providers"


@pytest.mark.parametrize(
    ("parameter", "absent"),
    [
        ("ExistingTableName", "Table"),
        ("ExistingBucketName", "Bucket"),
        ("ExistingWebhookKeyArn", "WebhookKey"),
    ],
)
def test_each_parameter_replaces_its_resource_only(parameter: str, absent: str):
    resources = deployed(**{parameter: EXISTING[parameter]})
    assert {name for name in OWN if name not in resources} == {absent}


def test_uploads_of_an_existing_bucket_reach_the_sweeper():
    patterns = [
        resource["Properties"].get("EventPattern", {})
        for resource in deployed(**EXISTING).values()
        if resource["Type"] == "AWS::Events::Rule"
    ]
    buckets = [p["detail"]["bucket"] for p in patterns if p.get("source") == ["aws.s3"]]
    assert buckets == [{"name": ["old-bucket"]}]


def test_existing_bucket_has_the_bucket_policy_and_the_downloads():
    assert properties("BucketPolicy", **EXISTING)["Bucket"] == "old-bucket"
    downloads = properties("Downloads", CloudFrontDownloads="true", **EXISTING)
    (origin,) = downloads["DistributionConfig"]["Origins"]
    assert origin["DomainName"]["Fn::Sub"].startswith("old-bucket.s3.${AWS::Region}.")


def test_existing_storage_outlives_the_stack_that_used_it():
    """A parameter that names another table removes the resource, and does not delete it."""
    for name in OWN:
        assert deployed()[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert deployed()[name]["UpdateReplacePolicy"] == "Retain"
