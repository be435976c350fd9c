"""One cell of the matrix: a job at one provider through one dialect."""

from typing import Any

import httpx

from local.api_clients import API_CLIENTS, ApiClientError, auth_headers
from local.stack import Stack
from local.video_probe import VideoProbeError
from tests.matrix.media_check import SECONDS, SIZE, check_media

Cell = tuple[str, str]
"""Row and dialect."""
FAILED = "failed: "
VIDEO_ONLY = ("OpenAI", "Bifrost", "Together")
"""Dialects that refuse a model of another modality with 400 and the field `model`."""
AUDIO: dict[str, Any] = {"prompt": "a fox", "seconds": SECONDS}
VIDEO = {**AUDIO, "width": SIZE[0], "height": SIZE[1]}
IMAGE = {"prompt": "a fox"}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_compatible": ("sandbox/sandbox-1", VIDEO),
    "openai_with_lookup": ("sandbox-lookup/sandbox-1", VIDEO),
    "together": ("sandbox-together/sandbox-1", VIDEO),
    "pipelet": ("sandbox-pipelet/video", VIDEO),
    "fal": ("sandbox-fal/video/standard", VIDEO),
    "fal, image": ("sandbox-fal/image", IMAGE),
    "fal, audio": ("sandbox-fal/tone", AUDIO),
    "tiyaro": ("sandbox-tiyaro/video", VIDEO),
    "replicate": ("sandbox-replicate/video", VIDEO),
    "runway": ("sandbox-runway/sandbox-1", VIDEO),
    "gemini": ("sandbox-gemini/sandbox-1", VIDEO),
    "vertex": ("sandbox-vertex/sandbox-1", VIDEO),
    "declarative (MiniMax's API)": ("sandbox-minimax/sandbox-1", VIDEO),
}


def run_cell(stack: Stack, cell: Cell) -> str:
    """Run the job, and return the cell's text."""
    row, dialect = cell
    model, params = ROWS[row]
    headers = auth_headers(dialect, stack.environment()["RUSHES_API_KEY"])
    try:
        with httpx.Client(base_url=stack.url, headers=headers, timeout=120) as http:
            content = API_CLIENTS[dialect](http).generate(model, params)
        return f"✔ {check_media(content)}"
    except ApiClientError as error:
        refuses_model = dialect in VIDEO_ONLY and params is not VIDEO and error.param == "model"
        return "— video only" if refuses_model else failed(error)
    except (VideoProbeError, KeyError, httpx.HTTPError) as error:
        return failed(error)


def failed(error: Exception) -> str:
    return f"{FAILED}{error}".replace("|", "/").replace("\n", " ")[:120]
