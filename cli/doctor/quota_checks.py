"""Checks of the account's quotas against the load model."""

from botocore.exceptions import ClientError

from cli.doctor.answer import Answer, Check, failed, passed
from cli.doctor.deployment import Deployment
from cli.load_model import THREE_MINUTES, Quota, ceilings, read_quotas

MIN_CONCURRENCY = 100
"""A new account has 10: a few downloads then stop the API."""
CONCURRENCY = "Lambda: concurrent executions"
NOT_LOCAL = "the local stack has no quotas"


def concurrency(deployment: Deployment) -> Answer:
    limits = deployment.client("lambda").get_account_settings()["AccountLimit"]
    total = limits["ConcurrentExecutions"]
    free = limits.get("UnreservedConcurrentExecutions", total)
    if free < MIN_CONCURRENCY:
        return failed(
            f"{total} concurrent executions, {free} of them not reserved",
            "request an increase of `Concurrent executions` (L-B99A9384) in Service Quotas",
        )
    return passed(f"{total} concurrent executions, {free} of them not reserved")


def ceiling(deployment: Deployment) -> Answer:
    """Compare the rate at which the first quota is reached with the wanted one."""
    region = deployment.target.session.region_name or ""
    quotas = read_quotas().quotas
    applied = {quota.name: value for quota in quotas if (value := _applied(deployment, quota))}
    first = ceilings(THREE_MINUTES, quotas, region, applied)[0]
    reason = (
        f"about {first.jobs_per_second:.0f} jobs/s of three minutes; {first.quota.name} is reached"
        f" first ({len(applied)} quotas read, the others by default)"
    )
    if first.jobs_per_second < deployment.jobs_per_second:
        fix = f"request an increase of {first.quota.name} in Service Quotas"
        return failed(f"{reason}, wanted are {deployment.jobs_per_second:g}", fix)
    return passed(reason)


def _applied(deployment: Deployment, quota: Quota) -> float | None:
    """Return the account's own value; None if it is not listed, or may not be read."""
    if quota.name == CONCURRENCY:
        limits = deployment.client("lambda").get_account_settings()["AccountLimit"]
        return float(limits["ConcurrentExecutions"])
    if not quota.quota_name:
        return None
    pages = deployment.client("service-quotas").get_paginator("list_service_quotas")
    try:
        found = [
            entry["Value"]
            for page in pages.paginate(ServiceCode=quota.service_code)
            for entry in page["Quotas"]
            if entry["QuotaName"] == quota.quota_name
        ]
    except ClientError:
        return None
    return float(found[0]) if found else None


CHECKS = (
    Check("quotas.concurrency", concurrency, not_local=NOT_LOCAL),
    Check("quotas.ceiling", ceiling, not_local=NOT_LOCAL),
)
