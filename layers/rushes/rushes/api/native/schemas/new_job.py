"""The create request of a job, in one form for all models and modalities."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from rushes.dialects.validation import Integer, Members, Seconds, Seed, StrictModel
from rushes.jobs.request import Role

MAX_PROMPT = 32_000
MAX_NAME = 300
Text = Annotated[str, Field(max_length=MAX_NAME)]


class NewInput(StrictModel):
    """An input file: by a URL, or by the id of an upload."""

    role: Annotated[Role, Field(description="Purpose of the file.")]
    url: Annotated[
        str | None, Field(description="https URL, data URL, or the URL of an upload.")
    ] = None
    upload: Annotated[
        Text | None, Field(description="`id` of the response of `POST /rushes/v1/uploads`.")
    ] = None
    frame: Annotated[
        Annotated[Integer, Field(ge=1, le=100_000)] | None,
        Field(description="Number of the frame, of the role `frame`."),
    ] = None


class NewWebhook(StrictModel):
    """Where the events of this job are sent, besides the account's endpoints."""

    url: Annotated[str, Field(description="Public https URL.")]


class JobParameters(StrictModel):
    """A generation. An absent field selects the model's default.

    A field or value that the model does not have is refused; it is never ignored.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "sora-2",
                    "prompt": "A paper boat on a stream, at dawn",
                    "seconds": 4,
                    "aspect_ratio": "16:9",
                    "tags": {"team": "ads"},
                }
            ]
        }
    )

    model: Annotated[
        Text, Field(description="`provider/model`, or an alias; absent: the default model.")
    ] = ""
    prompt: Annotated[str, Field(max_length=MAX_PROMPT)] = ""
    seconds: Annotated[Seconds | None, Field(description="Length.")] = None
    size: Annotated[Text | None, Field(description="Pixels, such as `1280x720`.")] = None
    resolution: Annotated[
        Text | None, Field(description="Instead of `size`: the shorter side, such as `720p`.")
    ] = None
    aspect_ratio: Annotated[
        Text | None, Field(description="Instead of `size`: such as `16:9`.")
    ] = None
    seed: Seed | None = None
    negative_prompt: Annotated[str, Field(max_length=MAX_PROMPT)] | None = None
    generate_audio: bool | None = None
    inputs: Members[NewInput] = ()
    fallbacks: Annotated[Members[Text], Field(description="Models to fail over to, in order.")] = ()
    provider_options: Annotated[
        dict[str, Any],
        Field(
            default_factory=dict,
            description="Further options of the model, by its names.",
        ),
    ]
    arguments: Annotated[
        dict[str, Any],
        Field(
            default_factory=dict,
            description="Arguments by the vendor's own names, in place of the fields above.",
        ),
    ]
    tags: Annotated[
        dict[str, str],
        Field(
            default_factory=dict,
            description="Names and values to find jobs and to add up costs by.",
        ),
    ]
    metadata: Annotated[
        dict[str, str],
        Field(
            default_factory=dict,
            description="Texts that are returned as they are.",
        ),
    ]
    user: Annotated[
        str | None, Field(description="Your id of the person who asked for the job.")
    ] = None
    webhook: NewWebhook | None = None


class NewJob(JobParameters):
    """A generation to run, or only to check."""

    dry_run: Annotated[
        bool, Field(description="Validate and price the request; create no job.")
    ] = False
