"""The only builder of real things: each function asks here for the one thing that it calls.

Imports stand inside where only some functions want what they bring: the api function, which
clients wait for, loads neither httpx nor a provider.
"""

import time
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config

from rushes.catalog import catalog
from rushes.config import settings
from rushes.executions import StateMachine
from rushes.store import JobTable, KeyTable, TimingTable

if TYPE_CHECKING:
    from rushes.blobs import Bucket
    from rushes.endpoints import Endpoints
    from rushes.sweeper import Sweeper
    from rushes.workflow.collect import Collect
    from rushes.workflow.finish import Finish
    from rushes.workflow.poll import Poll
    from rushes.workflow.submit import Submit

DAY = 24 * 3600

ONE_SESSION = boto3.session.Session()
RETRIES = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=20
)


def _s3() -> Config:
    """Links must name the bucket's region: a new bucket's others redirect, and break signatures.

    By host name, then; but the local engine has no host names.
    """
    style: Literal["path", "virtual"] = "path" if settings().local_mode else "virtual"
    return RETRIES.merge(
        Config(
            signature_version="s3v4",
            request_checksum_calculation="when_required",  # a stream is read once
            s3={"addressing_style": style, "payload_signing_enabled": False},
            read_timeout=120,
        )
    )


@cache
def _client(service: str, config: Config = RETRIES) -> Any:  # noqa: ANN401 - boto3 makes it
    make: Any = ONE_SESSION.client  # the stubs have an overload for each literal name
    return make(service, config=config)


@cache
def endpoints() -> "Endpoints":
    from rushes.auth import Authenticator
    from rushes.endpoints import Endpoints
    from rushes.service import Service

    service = Service(
        jobs=JobTable(_client("dynamodb"), settings().table_name),
        blobs=_bucket(),
        executions=StateMachine(_client("stepfunctions"), settings().state_machine_arn),
        catalog=catalog(),
        clock=time.time,
    )
    keys = KeyTable(_client("dynamodb"), settings().table_name)
    return Endpoints(service, Authenticator(keys), settings().public_url.rstrip("/"))


@cache
def submit() -> "Submit":
    from rushes.workflow.submit import Submit

    return Submit(**_tools())


@cache
def poll() -> "Poll":
    from rushes.workflow.poll import Poll

    return Poll(**_tools())


@cache
def collect() -> "Collect":
    from rushes.workflow.collect import Collect

    return Collect(**_tools())


@cache
def finish() -> "Finish":
    from rushes.workflow.finish import Finish

    return Finish(
        jobs=JobTable(_client("dynamodb"), settings().table_name),
        blobs=_bucket(),
        timings=TimingTable(_client("dynamodb"), settings().table_name),
        clock=time.time,
        bucket=settings().bucket_name,
        keep_seconds=settings().output_days * DAY,
    )


@cache
def sweeper() -> "Sweeper":
    from rushes.sweeper import Sweeper

    return Sweeper(
        jobs=JobTable(_client("dynamodb"), settings().table_name),
        executions=StateMachine(_client("stepfunctions"), settings().state_machine_arn),
        clock=time.time,
    )


def _bucket() -> "Bucket":
    from rushes.blobs import Bucket

    return Bucket(_client("s3", _s3()), settings().bucket_name, settings().output_bytes)


def _tools() -> dict[str, Any]:
    from rushes.credentials import ProviderSecret
    from rushes.egress import HttpEgress
    from rushes.providers import adapter

    bucket, table = _bucket(), settings().table_name
    secret_arn = settings().provider_secret_arn
    return {
        "jobs": JobTable(_client("dynamodb"), table),
        "blobs": bucket,
        "timings": TimingTable(_client("dynamodb"), table),
        "upstreams": ProviderSecret(_client("secretsmanager"), secret_arn, catalog()),
        "egress": HttpEgress(bucket, local_mode=settings().local_mode),
        "catalog": catalog(),
        "adapter": adapter,
        "clock": time.time,
    }
