"""Differences between the servers of the OpenAI Videos API."""

from dataclasses import dataclass
from typing import Literal

from rushes.catalog.provider_config import VideoServer

Edit = Literal["edits", "remix", "none"]


@dataclass(frozen=True)
class Server:
    """How a server takes a create call, an edit and a delete.

    `edit` is its way to edit a video: `POST /videos/edits` with the file; `POST /videos/{id}/remix`
    for a video of its own, and else `video_uri` in the create call; or none.
    """

    takes_form: bool = True
    audio_field: str = "generate_audio"
    edit: Edit = "edits"
    cancels: bool = True
    quotes_colon: bool = False
    """Whether a colon in an id is percent-encoded in paths."""
    delete_stops_job: bool = True
    """Whether a job that was deleted has certainly stopped."""


SERVERS: dict[VideoServer | None, Server] = {
    None: Server(),
    "openai": Server(),
    "bifrost": Server(
        takes_form=False,
        audio_field="audio",
        edit="remix",
        quotes_colon=True,
        delete_stops_job=False,
    ),
    "litellm": Server(cancels=False),
    "vllm_omni": Server(audio_field="generate_sound", edit="none"),
    "sglang": Server(edit="none", cancels=False),
}
"""LiteLLM has no delete; SGLang's delete does not end the generation."""
