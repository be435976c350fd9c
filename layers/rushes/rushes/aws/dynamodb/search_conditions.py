"""DynamoDB expressions of a search's filters.

A summary without a status is of an open job. What it says of the model, the provider and the cost
may be outdated: the conditions let it pass, and the search reads the job's state.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from rushes.aws.dynamodb.items import BY_OWNER_LIST
from rushes.jobs.job_id import oldest_id
from rushes.jobs.status import TERMINAL, JobStatus
from rushes.jobs.summary import fold
from rushes.ports.search import JobFilter

LARGEST, DECIMALS = 1e15, 9
IS_OPEN = "attribute_not_exists(#status)"
BEHIND_HEX = "g"
"""Sorts behind all hexadecimal digits: behind every id of the same millisecond."""


@dataclass
class Names:
    """Names and values of an expression: those of a client are never part of its text."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def name(self, attribute: str) -> str:
        self.names[f"#{attribute}"] = attribute
        return f"#{attribute}"

    def text(self, value: str) -> str:
        return self._add({"S": value})

    def number(self, value: float) -> str:
        """Add a number that DynamoDB can store; those of jobs have six decimal places."""
        bounded = min(max(value, -LARGEST), LARGEST)
        return self._add({"N": str(round(bounded, DECIMALS))})

    def _add(self, value: dict[str, Any]) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = value
        return name


def search_request(
    account: str,
    jobs: JobFilter,
    after: str | None = None,
    *,
    newest_first: bool,
    with_deleted: bool = False,
) -> dict[str, Any] | None:
    """Return the parameters of a query, without the table and the limit; None if none can match.

    The query begins at the cursor: the job there is the first that it finds.
    """
    names = Names()
    oldest = None if jobs.since is None else oldest_id(max(jobs.since, 0.0))
    newest = None if jobs.until is None else f"{oldest_id(max(jobs.until, 0.0))}{BEHIND_HEX}"
    if after is not None and newest_first:
        newest = min(after, newest or after)
    elif after is not None:
        oldest = max(after, oldest or after)
    if oldest and newest and oldest > newest:
        return None
    keys = f"summary_pk = {names.text(account)}{_between(names, oldest, newest)}"
    conditions = list(_conditions(names, jobs))
    if not with_deleted:
        conditions.append(f"attribute_not_exists({names.name('deleted')})")
    request: dict[str, Any] = {
        "IndexName": BY_OWNER_LIST,
        "KeyConditionExpression": keys,
        "ExpressionAttributeValues": names.values,
        "ScanIndexForward": not newest_first,
    }
    if conditions:
        request["FilterExpression"] = " AND ".join(conditions)
        request["ExpressionAttributeNames"] = names.names
    return request


def has_conditions(jobs: JobFilter) -> bool:
    """Whether a query may read entries that do not match; those of other times it does not read."""
    return jobs != JobFilter(since=jobs.since, until=jobs.until)


def _between(names: Names, oldest: str | None, newest: str | None) -> str:
    if oldest and newest:
        return f" AND list_sk BETWEEN {names.text(oldest)} AND {names.text(newest)}"
    if oldest:
        return f" AND list_sk >= {names.text(oldest)}"
    return f" AND list_sk <= {names.text(newest)}" if newest else ""


def _conditions(names: Names, jobs: JobFilter) -> Iterator[str]:
    """Yield conditions that every matching job fulfils."""
    for name in ("key_id", "user", "modality"):
        if (value := getattr(jobs, name)) is not None:
            yield f"{names.name(name)} = {names.text(value)}"
    for number, (tag, value) in enumerate(jobs.tags.items()):
        names.names[f"#tag{number}"] = tag
        yield f"{names.name('tags')}.#tag{number} = {names.text(value)}"
    for comparison, moment in ((">=", jobs.since), ("<", jobs.until)):
        if moment is not None:
            yield f"{names.name('created_at')} {comparison} {names.number(moment)}"
    if jobs.text:
        yield _contains(names, fold(jobs.text))
    yield from _of_status(names, jobs.statuses)
    for condition in _of_ended(names, jobs):
        names.name("status")
        yield f"({IS_OPEN} OR {condition})"


def _of_status(names: Names, statuses: Collection[JobStatus]) -> Iterator[str]:
    """Compare the status; that of an open job, which has none, is in the job's state."""
    if not statuses:
        return
    status = names.name("status")
    ended = [names.text(value) for value in sorted(statuses) if value in TERMINAL]
    is_one = f"{status} IN ({', '.join(ended)})"
    if len(ended) == len(statuses):
        yield is_one
    else:
        yield f"({IS_OPEN} OR {is_one})" if ended else IS_OPEN


def _contains(names: Names, text: str) -> str:
    """Search the folded prompt, or the prompt itself if it has no other form."""
    value, folded, prompt = names.text(text), names.name("text"), names.name("prompt")
    return (
        f"(contains({folded}, {value})"
        f" OR (attribute_not_exists({folded}) AND contains({prompt}, {value})))"
    )


def _of_ended(names: Names, jobs: JobFilter) -> Iterator[str]:
    """Yield conditions on what does not change any more once the job has ended."""
    if jobs.provider is not None:
        yield f"{names.name('provider')} = {names.text(jobs.provider)}"
    if jobs.model is not None:
        model = names.text(jobs.model)
        yield f"{names.name('model')} = {model} OR {names.name('made_by')} = {model}"
    if jobs.min_cost is not None:
        yield _cost(names, ">=", jobs.min_cost)
    if jobs.max_cost is not None:
        yield _cost(names, "<=", jobs.max_cost)


def _cost(names: Names, comparison: str, amount: float) -> str:
    """Compare the settled amount; one that is unknown counts as the estimate, or else as 0."""
    settled, estimated = names.name("settled"), names.name("estimated")
    value = names.number(amount)
    unknown = f" OR attribute_not_exists({estimated})" if _holds(comparison, amount) else ""
    return (
        f"{settled} {comparison} {value} OR (attribute_not_exists({settled})"
        f" AND ({estimated} {comparison} {value}{unknown}))"
    )


def _holds(comparison: str, amount: float) -> bool:
    """Whether 0 fulfils the comparison."""
    return amount <= 0 if comparison == ">=" else amount >= 0
