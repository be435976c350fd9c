"""A client of the Together dialect."""

from typing import Any

from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.jobs.job import Job
from tests.unit.dialects.api_client import Caller, Reply

CATALOG = read_catalog("""
default_model = "together/all"
[providers.together]
protocol = "together"
[aliases]
short = "together/all"
[[models]]
name = "together/all"
seconds = [4, 8]
sizes = ["1280x720", "720x1280"]
options = ["seed", "negative_prompt", "generate_audio", "fps", "steps", "guidance_scale",
    "output_format", "output_quality", "camera"]
inputs = ["image", "last_frame", "reference", "source_video", "audio", "frame", "frame_video",
    "reference_video"]
needs_prompt = false
price_per_second = 0.07
[[models]]
name = "together/plain"
options = ["resolution", "ratio"]
[[models]]
name = "together/named"
resolutions = ["720p", "480p"]
aspect_ratios = ["16:9", "9:16"]
inputs = ["image"]
follows_input = true
""")
PATHS = ("/v2/videos", "/v1/v2/videos")
BODY = {"model": "together/all", "prompt": "a cat"}


class TogetherCaller(Caller):
    @override
    def create(self, base: str = PATHS[0], **fields: Any) -> Reply:
        return self.call("POST", base, {**BODY, **fields})

    def created_job(self, **fields: Any) -> Job:
        return self.job(self.create(**fields))
