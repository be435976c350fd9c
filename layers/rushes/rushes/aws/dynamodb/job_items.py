"""A job as two items of one partition: its state, and what it was asked for.

    pk                  sk       document
    JOB#account#job id  job      the fields of the job, without those of the request
    JOB#account#job id  request  `REQUEST_FIELDS`, which change at a failover and a fetch of inputs

The third item of the partition is the job's summary (`summary_items.py`); `summary` says that it is
stored.

A prompt of 32,000 characters is thus written once, not at every step. The state names the revision
of the request that it belongs to. Fields with their default are not stored.
"""

from typing import Any

from pydantic import ValidationError

from rushes.aws.dynamodb.items import Item, key
from rushes.errors import CorruptRecord
from rushes.jobs.job import Job
from rushes.json_parser import MAX_REPLY_VALUES, parse_json

REQUEST_FIELDS = frozenset(
    {
        "request",
        "requested",
        "preferences",
        "webhook",
        "labels",
        "key_id",
        "remixed_from",
        "remixed_from_provider",
        "remixed_operation",
        "remixed_provider",
    }
)
"""Fields of a job that its steps do not change."""
STATE, REQUEST = "job", "request"
"""Sort keys."""
DAY = 24 * 3600.0
RETENTION_SECONDS = 90 * DAY
"""After a job's last change."""
SETTLED_SECONDS = 7 * DAY
"""A job's age after which few change: a later write extends the life of its request, too."""
EXPIRY_SPREAD = 7 * DAY
"""Time by which the request outlives the state: TTL deletes items up to two days late."""


class MismatchedRequest(CorruptRecord):
    """The request is absent, or of another revision than the state names."""


def job_key(account: str, job_id: str) -> Item:
    return key("JOB", f"{account}#{job_id}")


def account_and_id(item: Item) -> tuple[str, str]:
    """Return the account and the id that a job's partition key names."""
    _, account, job_id = item["pk"]["S"].split("#", 2)
    return account, job_id


def state_item(job: Job) -> Item:
    """Return the state without the keys of indexes."""
    return {
        **job_key(job.account, job.id),
        "document": {"S": job.model_dump_json(exclude=set(REQUEST_FIELDS), exclude_defaults=True)},
        "status": {"S": job.status.value},
        "version": {"N": str(job.version)},
        "provider": {"S": job.provider},
        "summary": {"BOOL": True},
        "expires": {"N": str(int(job.updated_at + RETENTION_SECONDS))},
    }


def request_item(job: Job) -> Item:
    expires = max(job.created_at + SETTLED_SECONDS, job.updated_at)
    return {
        **job_key(job.account, job.id),
        "sk": {"S": REQUEST},
        "document": {"S": job.model_dump_json(include=set(REQUEST_FIELDS), exclude_defaults=True)},
        "revision": {"N": str(job.request_revision)},
        "expires": {"N": str(int(expires + RETENTION_SECONDS + EXPIRY_SPREAD))},
    }


def writes_request(before: Job, after: Job) -> bool:
    """Whether the request item is written, too: it differs, is absent, or must live longer."""
    is_late = after.updated_at > after.created_at + SETTLED_SECONDS
    is_stored = before.request_revision is not None and not is_late
    return not is_stored or any(
        getattr(before, name) != getattr(after, name) for name in REQUEST_FIELDS
    )


def revised(job: Job) -> Job:
    """Give the request that is written with the state a revision of its own."""
    return job.model_copy(update={"request_revision": job.version})


def read_job(state: Item, request: Item | None) -> Job:
    """Parse the items of a job.

    Raises
    ------
    CorruptRecord
        If an item is invalid, or its attributes contradict its document. Such a job is neither
        acted on nor overwritten.
    """
    try:
        job = Job.model_validate(_fields(state, request))
        attributes = (state["status"]["S"], int(state["version"]["N"]), state["pk"], state["sk"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise CorruptRecord(f"the record cannot be read ({type(error).__name__})") from None
    expected = job_key(job.account, job.id)
    if attributes != (job.status.value, job.version, expected["pk"], expected["sk"]):
        raise CorruptRecord(f"the attributes of record {job.id} contradict its document")
    return job


def read_state(state: Item, model: str) -> Job:
    """Parse the state alone: of the request, the job has the requested model only.

    Raises
    ------
    CorruptRecord
    """
    try:
        return Job.model_validate({"request": {"model": model}, **_object(state)})
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise CorruptRecord(f"the record cannot be read ({type(error).__name__})") from None


def _fields(state: Item, request: Item | None) -> dict[str, Any]:
    """Return the stored fields; an item of release 0.2.0 or earlier has all of them."""
    fields = {**_object(state), "has_summary": "summary" in state}
    if "request" in fields:
        return {**fields, "request_revision": None}
    revision = int(request["revision"]["N"]) if request else None
    if request is None or revision != fields.get("request_revision", 0):
        raise MismatchedRequest(f"the record's request has revision {revision}")
    # The state keeps fields of a newer release: the next write of the request omits them.
    others = Job.model_fields.keys() - REQUEST_FIELDS
    return {
        **{name: value for name, value in _object(request).items() if name not in others},
        **fields,
    }


def _object(item: Item) -> dict[str, Any]:
    document = parse_json(item["document"]["S"], MAX_REPLY_VALUES)
    if not isinstance(document, dict):
        raise TypeError("the document is no JSON object")
    return document
