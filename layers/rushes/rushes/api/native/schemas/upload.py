"""Uploads of input files."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from rushes.api.native.schemas.shared import Closed


class UploadTarget(Closed):
    """PUT the file to `url`, with the header `Content-Type` if the request declared one.

    Then create jobs with `{"role": "image", "upload": id}`.
    """

    id: str
    url: Annotated[str, Field(description="Presigned URL of one PUT; it needs no API key.")]
    method: Literal["PUT"] = "PUT"
    expires_at: datetime
    max_bytes: int
