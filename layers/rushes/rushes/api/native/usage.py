"""Usage of the own account and, for operators, of all accounts: JSON or CSV."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from rushes.api.keys.schemas import AccountName
from rushes.api.native.resource import Call, EmptyBody, Result, Route
from rushes.api.native.services import NativeServices
from rushes.api.usage.csv_format import CONTENT_TYPE
from rushes.api.usage.dimensions import parse_dimensions
from rushes.api.usage.period import month_of, period_between
from rushes.api.usage.query import UsageQuery, read_filters
from rushes.api.usage.views import UsageReport, report_csv, report_view
from rushes.dialects.base import HttpResponse
from rushes.dialects.response_headers import NO_STORE_HEADERS
from rushes.errors import InvalidRequest
from rushes.jobs.times import utc_time
from rushes.ports.api_keys import Scope

NEXT_CURSOR = "rushes-next-cursor"
"""Header of a CSV that is a part of a report."""
Text = Annotated[str, Field(max_length=200)]


class UsageParameters(BaseModel):
    """Days begin and end in UTC; a job counts on the day on which it was accepted."""

    group_by: Text = Field(
        default="",
        description="Comma-separated dimensions: account, key, model, requested_model, provider,"
        " user, modality, status, day, month, tag:NAME. Without it, one row has the total.",
    )
    since: Text | None = Field(
        default=None, alias="from", description="First day or time; default: the month's begin."
    )
    until: Text | None = Field(
        default=None, alias="to", description="Day or time that is excluded; default: now."
    )
    month: Text | None = Field(default=None, description="YYYY-MM in place of `from` and `to`.")
    key: Text | None = Field(default=None, description="Only jobs of this API key.")
    model: Text | None = Field(default=None, description="Only jobs of this model.")
    provider: Text | None = Field(default=None, description="Only jobs of this provider.")
    user: Text | None = Field(default=None, description="Only jobs of this end user.")
    modality: Text | None = Field(default=None, description="Only jobs of this modality.")
    status: Text | None = Field(
        default=None, description="Only jobs that are open, completed, failed or cancelled."
    )
    tags: dict[str, str] = Field(
        default_factory=dict, description="Only jobs with these tags: `tags[team]=ads`."
    )
    format: Literal["json", "csv"] = "json"
    cursor: Annotated[str, Field(max_length=500)] | None = Field(
        default=None, description="`next_cursor` of the part before."
    )


class OperatorUsageParameters(UsageParameters):
    account: AccountName | None = Field(default=None, description="By default all accounts.")


def own_usage(services: NativeServices, call: Call[EmptyBody, UsageParameters]) -> Result:
    return _report(services, call.query, (call.account,))


def usage_of_accounts(
    services: NativeServices, call: Call[EmptyBody, OperatorUsageParameters]
) -> Result:
    account = call.query.account
    return _report(services, call.query, None if account is None else (account,))


def _report(
    services: NativeServices, given: UsageParameters, accounts: tuple[str, ...] | None
) -> Result:
    query = _query(services, given, accounts)
    part = services.usage.part(query, given.cursor)
    if given.format == "csv":
        headers = {**NO_STORE_HEADERS, "content-type": CONTENT_TYPE}
        if part.next_cursor:
            headers[NEXT_CURSOR] = part.next_cursor
        return HttpResponse(200, report_csv(part), headers)
    return report_view(part, utc_time(part.period.since), utc_time(part.period.until))


def _query(
    services: NativeServices, given: UsageParameters, accounts: tuple[str, ...] | None
) -> UsageQuery:
    requested = (given.month, given.since, given.until)
    if given.month is not None and (given.since or given.until):
        raise InvalidRequest("month must be given without from and to", param="month")
    period = (
        month_of(given.month)
        if given.month is not None
        else period_between(given.since, given.until, services.usage.clock())
    )
    names = ("key", "model", "provider", "user", "modality", "status")
    filters = read_filters({name: getattr(given, name) for name in names}, given.tags)
    dimensions = parse_dimensions(given.group_by)
    return UsageQuery(accounts, period, dimensions, filters, requested)


ROUTES = (
    Route(
        "GET",
        "/usage",
        Scope.READ,
        own_usage,
        name="usage.retrieve",
        summary="Add up what the account's jobs cost",
        response=UsageReport,
        query=UsageParameters,
        text_types=("text/csv",),
    ),
    Route(
        "GET",
        "/admin/usage",
        Scope.ADMIN,
        usage_of_accounts,
        name="admin.usage.retrieve",
        summary="Add up what the jobs of one account or of all accounts cost",
        response=UsageReport,
        query=OperatorUsageParameters,
        text_types=("text/csv",),
    ),
)
