"""List and search the account's jobs. Each filter is honoured, or refused by name."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from rushes.api.keys.schemas import AccountName
from rushes.api.native.job_views import cost_of
from rushes.api.native.resource import Call, EmptyBody, Route
from rushes.api.native.schemas.job import JobListEntry
from rushes.api.native.schemas.shared import Page, moment_or_none
from rushes.api.native.services import NativeServices
from rushes.catalog.model_entry import Modality
from rushes.dialects.labels import check_tags
from rushes.dialects.validation import shown
from rushes.errors import InvalidRequest
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import JobSummary
from rushes.jobs.times import utc_time
from rushes.ports.api_keys import Scope
from rushes.ports.search import MAX_PAGE, JobFilter

Text = Annotated[str, Field(max_length=300)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Moment = Annotated[
    AwareDatetime, Field(description="RFC 3339, such as `2026-11-29T08:00:00Z`, or Unix seconds.")
]


def _split(values: object) -> object:
    if not isinstance(values, list):
        return values
    return [value for text in values for value in str(text).split(",")]


class JobQuery(BaseModel):
    """Filters, order and page. All filters must match."""

    status: Annotated[
        tuple[JobStatus, ...],
        BeforeValidator(_split),
        Field(description="One of these: repeat it, or separate them by commas."),
    ] = ()
    model: Annotated[Text | None, Field(description="As requested, or that made it.")] = None
    provider: Text | None = None
    key: Annotated[Text | None, Field(description="Id of the API key that created the job.")] = None
    user: Text | None = None
    modality: Modality | None = None
    tag: Annotated[
        tuple[Text, ...], Field(max_length=10, description="`name:value`; repeat it for several.")
    ] = ()
    tags: Annotated[
        dict[str, Text], Field(max_length=10, description="The same, as `tags[name]=value`.")
    ] = {}
    text: Annotated[
        str | None,
        Field(max_length=200, description="Part of the first 200 characters of the prompt."),
    ] = None
    created_after: Annotated[Moment | None, Field(description="That time or later.")] = None
    created_before: Annotated[Moment | None, Field(description="Earlier than that time.")] = None
    min_cost: Annotated[
        Dollars | None, Field(description="US dollars: settled, or estimated until the end.")
    ] = None
    max_cost: Dollars | None = None
    sort: Literal["newest", "oldest"] = "newest"
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    cursor: Annotated[str | None, Field(description="`next_cursor` of the page before.")] = None


class OperatorJobQuery(JobQuery):
    """The same for any account."""

    account: AccountName


class JobListPage(Page[JobListEntry]):
    """A page of jobs. It may have fewer than `limit`, or none, and still a next page."""


def list_jobs(services: NativeServices, call: Call[EmptyBody, JobQuery]) -> JobListPage:
    return _page(services, call.account, call.query)


def list_jobs_of(services: NativeServices, call: Call[EmptyBody, OperatorJobQuery]) -> JobListPage:
    return _page(services, call.query.account, call.query)


def _page(services: NativeServices, account: str, query: JobQuery) -> JobListPage:
    page = services.search.page(
        account,
        _filter(query),
        query.limit,
        query.cursor,
        newest_first=query.sort == "newest",
    )
    entries = [_entry(summary) for summary in page.jobs]
    return JobListPage(data=entries, next_cursor=page.next_cursor)


def _filter(query: JobQuery) -> JobFilter:
    _check_bounds("created_after", query.created_after, "created_before", query.created_before)
    _check_bounds("min_cost", query.min_cost, "max_cost", query.max_cost)
    return JobFilter(
        statuses=frozenset(query.status),
        model=query.model,
        provider=query.provider,
        key_id=query.key,
        user=query.user,
        modality=query.modality,
        since=_seconds(query.created_after),
        until=_seconds(query.created_before),
        tags=_tags(query),
        text=query.text,
        min_cost=query.min_cost,
        max_cost=query.max_cost,
    )


def _seconds(time: datetime | None) -> float | None:
    return time.timestamp() if time else None


def _check_bounds(
    lower_name: str,
    lower: datetime | float | None,
    upper_name: str,
    upper: datetime | float | None,
) -> None:
    """Refuse a range that no job is in."""
    if lower is not None and upper is not None and lower > upper:  # type: ignore[operator]
        raise InvalidRequest(
            f"{lower_name} must be at most {upper_name} (got {lower} and {upper})",
            param=lower_name,
        )


def _tags(query: JobQuery) -> dict[str, str]:
    pairs = {*(_pair(text) for text in query.tag), *query.tags.items()}
    return check_tags(sorted(pairs), "tag")


def _pair(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (name and colon and value):
        raise InvalidRequest(f"tag must be name:value (got {shown(text)})", param="tag")
    return name, value


def _entry(summary: JobSummary) -> JobListEntry:
    return JobListEntry(
        id=summary.id,
        status=summary.status or JobStatus.QUEUED,
        modality=summary.modality,
        model=summary.model,
        made_by=summary.made_by,
        provider=summary.provider,
        key_id=summary.key_id,
        prompt=summary.prompt,
        tags=summary.tags,
        user=summary.user,
        created_at=utc_time(summary.created_at),
        finished_at=moment_or_none(summary.finished_at),
        cost=cost_of(summary),
    )


ROUTES = (
    Route(
        "GET", "/jobs", Scope.READ, list_jobs, "jobs.list",
        "List and search the account's jobs", JobListPage, query=JobQuery,
    ),
    Route(
        "GET", "/admin/jobs", Scope.ADMIN, list_jobs_of, "admin.jobs.list",
        "List and search the jobs of an account", JobListPage, query=OperatorJobQuery,
    ),
)  # fmt: skip
