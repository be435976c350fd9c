"""Response schemas of the dialects of Pipelet, fal and Tiyaro."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from scripts.openapi.shared_responses import Closed, JobError, Open


class PipeletRequest(Closed):
    request_id: str
    response_url: str
    status_url: str
    cancel_url: str


class PipeletMessages(Closed):
    message: str = ""
    detail_message: str = ""


class PipeletStatus(Closed):
    model_config = ConfigDict(title="Request status")

    status: Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED"]
    queue_position: Annotated[int, Field(ge=0)]
    messages: PipeletMessages = Field(alias="statusMessages")
    eta: int = Field(0, alias="etaSeconds")
    logs: None
    response_url: str


class PipeletFile(Closed):
    """A file in base64, or a link, which is under both names."""

    data_uri: str
    data_url: str = ""


class PipeletResult(Open):
    """The file is under the name of its modality."""

    video: PipeletFile | None = None
    image: PipeletFile | None = None
    audio: PipeletFile | None = None


class PipeletErrorResponse(Open):
    model_config = ConfigDict(title="Error")

    detail: str
    video: Literal[False] = False


class PipeletLargeResult(Closed):
    """An error for a file that is too large for base64, with its link."""

    detail: str
    data_url: str
    video: Literal[False]


class FalRequest(Closed):
    request_id: str
    status: Literal["IN_QUEUE"]
    queue_position: Annotated[int, Field(ge=0)]
    response_url: str
    status_url: str
    cancel_url: str


class FalLog(Closed):
    message: str
    level: str
    source: str
    timestamp: str


class FalMetrics(Closed):
    inference_time: float


class FalStatus(Closed):
    model_config = ConfigDict(title="Request status")

    request_id: str
    status: Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    queue_position: Annotated[int, Field(ge=0)]
    logs: list[FalLog]
    error: str = ""
    error_type: str = ""
    metrics: FalMetrics = FalMetrics(inference_time=0)
    response_url: str
    status_url: str
    cancel_url: str


class FalFile(Closed):
    url: str
    content_type: str
    file_name: str
    file_size: int


class FalResult(Open):
    """The files are under the name of their modality."""

    video: FalFile | None = None
    images: list[FalFile] = Field(default_factory=list)
    audio: FalFile | None = None


class FalCancellation(Closed):
    status: Literal["CANCELLATION_REQUESTED", "ALREADY_COMPLETED", "NOT_FOUND"]


class FalValidationError(Closed):
    loc: list[str | int]
    msg: str
    type: str
    url: str


class FalErrorResponse(Open):
    """A list of errors for arguments and failed models, one text for all others."""

    model_config = ConfigDict(title="Error")

    detail: str | list[FalValidationError]
    error_type: str = ""


class FalModel(Open):
    endpoint_id: str
    metadata: dict[str, Any]


class FalModelPage(Closed):
    models: list[FalModel]
    next_cursor: str | None
    has_more: bool


class FalUploadUrl(Closed):
    """PUT the file to `upload_url`, then send `file_url` in a field for files."""

    upload_url: str
    file_url: str


class TiyaroPut(Closed):
    PUT: str


class TiyaroUploadUrlInner(Closed):
    upload_url: TiyaroPut = Field(alias="uploadUrl")
    misspelt_url: TiyaroPut = Field(alias="uplaodUrl")


class TiyaroUploadUrl(Closed):
    upload_url: TiyaroPut = Field(alias="uploadUrl")
    response: TiyaroUploadUrlInner


class TiyaroUrls(Closed):
    GET: str


class TiyaroJobInner(Closed):
    id: str
    model: str
    status: Literal["accepted", "pending", "processing", "success", "failed", "cancelled"]
    accepted_at: str | None = Field(alias="acceptedAt")
    started_at: str | None = Field(alias="startedAt")
    completed_at: str | None = Field(alias="completedAt")
    result: dict[str, Any] | None
    error: JobError | None
    urls: TiyaroUrls


class TiyaroJob(TiyaroJobInner):
    model_config = ConfigDict(title="Inference job")

    response: TiyaroJobInner


class TiyaroErrorResponse(Closed):
    model_config = ConfigDict(title="Error")

    message: str
    code: str
    param: str | None
