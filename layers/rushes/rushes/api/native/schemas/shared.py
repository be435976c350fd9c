"""Parts of responses that several resources have."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from rushes.jobs.times import utc_time

Member = TypeVar("Member", bound=BaseModel)


class Closed(BaseModel):
    """A response that has exactly these fields; an empty one is null."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Closed, Generic[Member]):
    """One page of a list. A page with fewer entries than `limit` may have a next one."""

    data: list[Member]
    next_cursor: Annotated[
        str | None, Field(description="Send it as `cursor` for the next page; null on the last.")
    ]


class Problem(BaseModel):
    """An error, as problem details of RFC 9457."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "type": "/docs/errors#invalid_value",
                    "title": "Bad Request",
                    "status": 400,
                    "detail": "seconds must be one of 4, 8 (got 9)",
                    "code": "invalid_value",
                    "param": "seconds",
                    "allowed": [4, 8],
                    "retryable": False,
                    "request_id": "dV8x2jQmIAMEPzQ=",
                }
            ]
        },
    )

    type: Annotated[str, Field(description="Page that explains the code.")]
    title: Annotated[str, Field(description="The HTTP status in words.")]
    status: int
    detail: Annotated[str, Field(description="The field, its value and what is allowed.")]
    code: Annotated[str, Field(description="Stable name of the error, for programs.")]
    param: Annotated[str, Field(description="Field or parameter that the error is about.")] = ""
    allowed: Annotated[
        list[str | int], Field(description="Accepted values, if they are a list.")
    ] = []
    retryable: Annotated[bool, Field(description="Whether the same request may succeed later.")]
    request_id: str = ""


def moment_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else utc_time(seconds)
