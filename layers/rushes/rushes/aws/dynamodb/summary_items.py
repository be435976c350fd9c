"""A job's summary as a third item of its partition, which the index `by_owner_list` contains whole.

    pk                  sk       index
    JOB#account#job id  summary  summary_pk: the account; list_sk: the job's id

It is written when the job is created, and with the write that ends, changes or deletes an ended
job. Until the job has ended it has no `status`: then its state says what is true now.
"""

from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from rushes.aws.dynamodb.items import Item
from rushes.aws.dynamodb.job_items import DAY, job_key
from rushes.errors import CorruptRecord
from rushes.jobs.job import Job
from rushes.jobs.summary import JobSummary, fold, summary_of

SUMMARY = "summary"
"""Sort key."""
RETENTION_SECONDS = 400 * DAY
"""After the job's creation: longer than a year, for reports of usage."""
TEXTS = ("modality", "model", "provider", "made_by", "key_id", "user", "prompt", "status")
NUMBERS = ("created_at", "finished_at", "estimated", "settled", "refunded")


def writes_summary(before: Job, after: Job) -> bool:
    """Whether a write of the job writes its summary, too: it is absent, or differs for good."""
    if not before.has_summary:
        return True
    is_final = after.is_finished or after.deleted_at is not None
    return is_final and summary_of(before) != summary_of(after)


def summary_item(job: Job) -> Item:
    """Return the item; texts that are empty, and amounts that are unknown, are left out."""
    summary = summary_of(job)
    texts = {name: value for name in TEXTS if (value := getattr(summary, name))}
    numbers = {name: value for name in NUMBERS if (value := getattr(summary, name)) is not None}
    item: Item = {
        **job_key(job.account, job.id),
        "sk": {"S": SUMMARY},
        "summary_pk": {"S": job.account},
        "list_sk": {"S": job.id},
        "expires": {"N": str(int(job.created_at + RETENTION_SECONDS))},
        **{name: {"S": str(value)} for name, value in texts.items()},
        **{name: {"N": _plain(value)} for name, value in numbers.items()},
    }
    if summary.prompt and (text := fold(summary.prompt)) != summary.prompt:
        item["text"] = {"S": text}
    if summary.tags:
        item["tags"] = {"M": {name: {"S": value} for name, value in summary.tags.items()}}
    if summary.deleted:
        item["deleted"] = {"BOOL": True}
    return item


def _plain(value: float) -> str:
    """Write a number as DynamoDB returns it: without an exponent and zeros at the end."""
    return format(Decimal(str(value)).normalize(), "f")


def read_summary(item: Item) -> JobSummary:
    """Parse an item.

    Raises
    ------
    CorruptRecord
    """
    try:
        fields: dict[str, Any] = {
            "id": item["list_sk"]["S"],
            "account": item["summary_pk"]["S"],
            "tags": {name: value["S"] for name, value in item.get("tags", {"M": {}})["M"].items()},
            "deleted": "deleted" in item,
            **{name: item[name]["S"] for name in TEXTS if name in item},
            **{name: float(item[name]["N"]) for name in NUMBERS if name in item},
        }
        return JobSummary.model_validate(fields)
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptRecord(f"the summary cannot be read ({type(error).__name__})") from None
