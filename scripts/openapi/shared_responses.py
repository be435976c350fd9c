"""Response schemas that several dialects share."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Closed(BaseModel):
    """A response whose fields are all listed; a field with a default may be absent."""

    model_config = ConfigDict(extra="forbid")


class Open(BaseModel):
    """A response with further fields that depend on the model or the configuration."""

    model_config = ConfigDict(extra="allow")


class JobError(Closed):
    """Error of a failed job."""

    code: str
    message: str


class OpenAIError(Closed):
    message: str
    type: Literal["invalid_request_error", "authentication_error", "server_error"]
    param: str | None
    code: str


class OpenAIErrorResponse(Closed):
    model_config = ConfigDict(title="Error")

    error: OpenAIError


class Model(Open):
    """A model or an alias of the configuration, with its limits and prices."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(Closed):
    object: Literal["list"]
    data: list[Model]


class AnyObject(Open):
    """An object whose fields depend on the model."""


class UploadUrl(Closed):
    """PUT the file to `url`, then send `url` in a field for files."""

    object: Literal["upload_url"]
    url: str
    method: Literal["PUT"]
    expires_in: int
    max_bytes: int
