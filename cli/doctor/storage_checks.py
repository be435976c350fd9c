"""Checks of the table and the bucket."""

from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.answer import Answer, Check, all_hold, failed, passed, unknown
from cli.doctor.deployment import Deployment
from cli.output import moment
from rushes.aws.dynamodb.items import INDEXES

TTL_ATTRIBUTE = "expires"
EXPIRING = ("outputs/", "archive/", "provider/", "uploads/", "inputs/")
"""Prefixes of the bucket whose objects a lifecycle rule deletes."""
PUBLIC_ACCESS = (
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
)
MAX_BACKUP_LAG = 15 * 60.0
"""Seconds; AWS keeps the latest restorable time five minutes behind."""
REDEPLOY = "deploy the stack again"
NOT_EMULATED = "the local stack's emulator does not apply it"
NOT_PROTECTED = "a local stack is deleted with its folder"


def table_status(deployment: Deployment) -> Answer:
    found = deployment.table["TableStatus"]
    if found != "ACTIVE":
        return failed(f"the table is {found}", "see the DynamoDB console")
    return passed(f"ACTIVE, about {deployment.table.get('ItemCount', 0):,} items")


def indexes(deployment: Deployment) -> Answer:
    status = {
        index["IndexName"]: index.get("IndexStatus", "ACTIVE")
        for index in deployment.table.get("GlobalSecondaryIndexes", ())
    }
    problems = [
        f"{name}: {status.get(name, 'missing')}" for name in INDEXES if status.get(name) != "ACTIVE"
    ]
    return all_hold(problems, "all indexes are ACTIVE", "deploy the stack again, and wait for it")


def time_to_live(deployment: Deployment) -> Answer:
    found = deployment.client("dynamodb").describe_time_to_live(TableName=deployment.target.table)
    description = found["TimeToLiveDescription"]
    if description["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        return failed("the table's TTL is off: items are kept for ever", REDEPLOY)
    attribute = description.get("AttributeName")
    if attribute != TTL_ATTRIBUTE:
        return failed(f"the table's TTL reads {attribute}, not {TTL_ATTRIBUTE}", REDEPLOY)
    return passed(f"items are deleted after the time in {TTL_ATTRIBUTE}")


def deletion_protection(deployment: Deployment) -> Answer:
    if deployment.table.get("DeletionProtectionEnabled"):
        return passed("the table cannot be deleted")
    return failed(
        "anyone with dynamodb:DeleteTable can delete all jobs",
        "deploy with DeletionProtection=true",
    )


def point_in_time_recovery(deployment: Deployment) -> Answer:
    found = _recovery(deployment)
    if found["PointInTimeRecoveryStatus"] == "ENABLED":
        return passed(f"kept for {found.get('RecoveryPeriodInDays', 35)} days")
    return failed("the table has no point-in-time recovery", REDEPLOY)


def restorable(deployment: Deployment) -> Answer:
    """Whether the table can be restored to a moment ago, and from when on."""
    found = _recovery(deployment)
    if found["PointInTimeRecoveryStatus"] != "ENABLED":
        return failed("nothing can be restored without point-in-time recovery", REDEPLOY)
    if "LatestRestorableDateTime" not in found:
        return unknown("AWS names no restorable time yet", "run doctor again in an hour")
    earliest, latest = (
        found[name].timestamp()
        for name in ("EarliestRestorableDateTime", "LatestRestorableDateTime")
    )
    window = f"restorable from {moment(earliest)} to {moment(latest)}"
    if deployment.now() - latest > MAX_BACKUP_LAG:
        return failed(f"{window}: later changes would be lost", "open a case with AWS Support")
    return passed(window)


def lifecycle(deployment: Deployment) -> Answer:
    rules = _bucket(deployment, "get_bucket_lifecycle_configuration").get("Rules", ())
    enabled = [rule for rule in rules if rule["Status"] == "Enabled"]
    expiring = {_prefix(rule) for rule in enabled if "Expiration" in rule}
    problems = [prefix for prefix in EXPIRING if prefix not in expiring]
    if not any("AbortIncompleteMultipartUpload" in rule for rule in enabled):
        problems.append("unfinished multipart uploads")
    return all_hold(
        [f"no rule deletes {prefix}" for prefix in problems], "rules delete all media", REDEPLOY
    )


def encryption(deployment: Deployment) -> Answer:
    found = _bucket(deployment, "get_bucket_encryption").get(
        "ServerSideEncryptionConfiguration", {}
    )
    for rule in found.get("Rules", ()):
        algorithm = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
        return passed(f"objects are encrypted with {algorithm}")
    return failed("the bucket has no default encryption", REDEPLOY)


def public_access(deployment: Deployment) -> Answer:
    found = _bucket(deployment, "get_public_access_block").get("PublicAccessBlockConfiguration", {})
    problems = [f"{name} is off" for name in PUBLIC_ACCESS if not found.get(name)]
    return all_hold(problems, "public access is blocked", REDEPLOY)


def notifications(deployment: Deployment) -> Answer:
    found = _bucket(deployment, "get_bucket_notification_configuration")
    if "EventBridgeConfiguration" in found:
        return passed("the bucket reports uploads to EventBridge")
    return failed("the bucket does not report uploads: oversized ones stay for a day", REDEPLOY)


def _recovery(deployment: Deployment) -> dict[str, Any]:
    found = deployment.client("dynamodb").describe_continuous_backups(
        TableName=deployment.target.table
    )
    recovery: dict[str, Any] = found["ContinuousBackupsDescription"][
        "PointInTimeRecoveryDescription"
    ]
    return recovery


ABSENT = frozenset(
    {
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)


def _bucket(deployment: Deployment, operation: str) -> dict[str, Any]:
    """Read a configuration of the bucket; empty if it has none."""
    try:
        found: dict[str, Any] = getattr(deployment.client("s3"), operation)(
            Bucket=deployment.target.bucket
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return {}
    return found


def _prefix(rule: dict[str, Any]) -> str:
    prefix: str = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    return prefix


CHECKS = (
    Check("table.status", table_status),
    Check("table.indexes", indexes),
    Check("table.ttl", time_to_live, not_local=NOT_EMULATED),
    Check("table.deletion_protection", deletion_protection, not_local=NOT_PROTECTED),
    Check("table.point_in_time_recovery", point_in_time_recovery, not_local=NOT_EMULATED),
    Check("table.restorable", restorable, not_local=NOT_EMULATED),
    Check("bucket.lifecycle", lifecycle, not_local=NOT_EMULATED),
    Check("bucket.encryption", encryption),
    Check("bucket.public_access", public_access),
    Check("bucket.notifications", notifications),
)
