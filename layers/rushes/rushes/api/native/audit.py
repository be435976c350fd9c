"""Audit log: the changes that operators made."""

from pydantic import BaseModel, Field

from rushes.api.audit_views import AuditEntryView, AuditQuery, entry_view, filter_of
from rushes.api.native.resource import Call, EmptyBody, Route
from rushes.api.native.services import NativeServices
from rushes.ports.api_keys import Scope


class AuditList(BaseModel):
    data: list[AuditEntryView] = Field(description="The newest first.")
    next_cursor: str | None = Field(
        description="Value of `cursor` for the next page, which may follow an empty one."
    )


def list_entries(services: NativeServices, call: Call[EmptyBody, AuditQuery]) -> AuditList:
    query = call.query
    page = services.audit.page(filter_of(query), query.limit, query.cursor)
    return AuditList(
        data=[entry_view(entry) for entry in page.entries], next_cursor=page.next_cursor
    )


ROUTES = (
    Route(
        "GET",
        "/admin/audit",
        Scope.ADMIN,
        list_entries,
        name="admin.audit.list",
        summary="List the changes that operators made",
        response=AuditList,
        query=AuditQuery,
    ),
)
