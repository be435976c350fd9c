"""Response schemas of the dialects of OpenAI, Bifrost and Together."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from scripts.openapi.shared_responses import Closed, JobError, ModelList, Open

Progress = Annotated[int, Field(ge=0, le=100)]
Status = Literal["queued", "in_progress", "completed", "failed"]


class OpenAIVideo(Closed):
    model_config = ConfigDict(title="Video job")

    id: str
    object: Literal["video"]
    model: str
    status: Status
    progress: Progress
    created_at: int
    completed_at: int | None
    expires_at: int | None
    prompt: str
    size: str
    seconds: str
    remixed_from_video_id: str | None
    error: JobError | None


class OpenAIVideoPage(Closed):
    object: Literal["list"]
    data: list[OpenAIVideo]
    first_id: str | None
    last_id: str | None
    has_more: bool


class OpenAIDeletedVideo(Closed):
    id: str
    object: Literal["video.deleted"]
    deleted: Literal[True]


class BifrostVideoUrl(Closed):
    type: Literal["url"]
    url: str
    content_type: str


class BifrostContentFilter(Closed):
    filtered_count: int
    reasons: list[str]


class BifrostExtraFields(Closed):
    request_type: str
    provider: str = ""
    model_requested: str = ""
    model_deployment: str | None = None


class BifrostListedVideo(Closed):
    """A video job in a list; empty fields are absent."""

    id: str
    object: Literal["video"]
    model: str
    status: Status
    progress: Progress
    created_at: int
    prompt: str
    completed_at: int = 0
    expires_at: int = 0
    size: str = ""
    seconds: str = ""
    remixed_from_video_id: str = ""
    error: JobError = JobError(code="", message="")


class BifrostVideo(BifrostListedVideo):
    model_config = ConfigDict(title="Video job")

    videos: list[BifrostVideoUrl] = Field(default_factory=list)
    content_filter: BifrostContentFilter = BifrostContentFilter(filtered_count=0, reasons=[])
    extra_fields: BifrostExtraFields


class BifrostVideoPage(Closed):
    object: Literal["list"]
    data: list[BifrostListedVideo]
    first_id: str = ""
    last_id: str = ""
    has_more: bool
    extra_fields: BifrostExtraFields


class BifrostDeletedVideo(Closed):
    id: str
    object: Literal["video.deleted"]
    deleted: Literal[True]
    extra_fields: BifrostExtraFields


class BifrostModelList(ModelList):
    extra_fields: BifrostExtraFields
    next_page_token: str = ""


class BifrostError(Closed):
    message: str
    type: str
    param: str = ""
    code: str


class BifrostErrorResponse(Closed):
    model_config = ConfigDict(title="Error")

    type: str
    is_bifrost_error: Literal[True]
    status_code: int
    error: BifrostError
    extra_fields: Open


class TogetherOutputs(Closed):
    cost: float
    video_url: str


class TogetherVideo(Closed):
    """State of a video generation job; `outputs` has the video once the job has completed."""

    model_config = ConfigDict(title="Video job")

    id: str
    object: Literal["video"]
    model: str
    status: Literal["in_progress", "completed", "failed"]
    created_at: int
    completed_at: int = 0
    size: str
    seconds: str
    error: JobError = JobError(code="", message="")
    outputs: TogetherOutputs = TogetherOutputs(cost=0, video_url="")


class TogetherModel(Open):
    id: str
    object: Literal["model"]
    created: int
    type: str
    organization: str


class TogetherModels(RootModel[list[TogetherModel]]):
    """A bare list, as Together's."""
