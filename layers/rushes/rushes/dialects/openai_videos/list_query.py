"""Query parameters of the job list, with its cursor."""

from typing import Literal
from urllib.parse import unquote

from pydantic import BaseModel, Field

from rushes.dialects.job_reference import JOB_ID
from rushes.errors import UnknownCursor


class ListQuery(BaseModel):
    limit: int = Field(default=20, ge=0, le=100)
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    provider: str | None = None


def read_cursor(raw: str | None) -> str | None:
    if not raw:
        return None
    job_id = unquote(raw).partition(":")[0]
    if not JOB_ID.fullmatch(job_id):
        raise UnknownCursor("after: unknown cursor", param="after")
    return job_id
