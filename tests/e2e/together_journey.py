"""Calls of a user of the Together SDK, with the version installed in this interpreter.

    python together_journey.py BASE_URL API_KEY IMAGE  → the results as JSON

A program of its own, so that several SDK versions run in separate environments. Videos are 128x72
pixels and one second long.
"""

import base64
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import together
from together import Together

SMALL: dict[str, Any] = {"model": "sandbox-together/sandbox-1", "seconds": "1"}
SMALL |= {"width": 128, "height": 72}
MAX_WAIT_SECONDS = 300


class Journey:
    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.client = Together(base_url=base_url, api_key=api_key, max_retries=0)

    def run(self, prompt: str, **changes: Any) -> dict[str, Any]:
        created = self.client.videos.create(prompt=prompt, **{**SMALL, **changes})
        seen = [created.status]
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while (video := self.client.videos.retrieve(created.id)).status == "in_progress":
            assert time.monotonic() < deadline, video
            seen.append(video.status)
            time.sleep(0.2)
        return {**video.to_dict(), "seen": sorted({*seen, video.status})}

    def retrieve(self, video_id: str) -> dict[str, Any]:
        video: dict[str, Any] = self.client.videos.retrieve(video_id).to_dict()
        return video

    def refusals(self, image: str) -> dict[str, Any]:
        key = "rk_0000000000000000_" + "x" * 43
        wrong = Together(base_url=self.base_url, api_key=key, max_retries=0)
        keyframe = {"frame_images": [{"input_image": image, "frame": 12}]}
        return {
            "wrong key": refused(lambda: wrong.videos.retrieve("job_x")),
            "unknown id": refused(lambda: self.client.videos.retrieve("job_x")),
            "unknown model": refused(lambda: self.run("x", model="together/none")),
            "size": refused(lambda: self.run("x", width=4, height=4)),
            "length": refused(lambda: self.run("x", seconds="7")),
            "option": refused(lambda: self.run("x", ratio="16:9")),
            "audio": refused(lambda: self.run("x", generate_audio=True)),
            "keyframe": refused(lambda: self.run("x", model="sandbox/sandbox-1", media=keyframe)),
        }


def refused(call: Callable[[], object]) -> dict[str, Any]:
    """Return the attributes of the SDK's exception."""
    try:
        call()
    except together.APIStatusError as error:
        body: Any = error.body
        detail = body.get("error", body)
        return {"status": error.status_code, "code": detail["code"], "param": detail["param"]}
    raise AssertionError("the call was not refused")


def main() -> None:
    base_url, api_key, image_path = sys.argv[1:]
    with open(image_path, "rb") as file:  # noqa: PTH123 - no imports beyond the SDK
        image = base64.b64encode(file.read()).decode()
    journey = Journey(base_url, api_key)
    frames = [{"input_image": f"data:image/png;base64,{image}", "frame": "first"}]
    results: dict[str, Any] = {
        "sdk": together.__version__,
        "made": journey.run("a lighthouse in the fog", seed=7, fps=12, steps=10),
        "with image": journey.run("from an image", media={"frame_images": frames}),
        "with image, old field": journey.run(
            "from an image", extra_body={"frame_images": [{"input_image": image}]}
        ),
        "with reference": journey.run("as shown", media={"reference_images": [image]}),
        "by resolution": journey.run(
            "wide",
            model="sandbox-together/sandbox-1-pro",
            width=together.omit,
            height=together.omit,
            resolution="72p",
            ratio="16:9",
        ),
        "failed": journey.run("[fail]"),
        "filtered": journey.run("[filter]"),
        "expired": journey.run("[expire=3]"),
        "refused": journey.refusals(image),
    }
    if together.__version__.startswith("2."):  # version 3 lists the models of a project only
        results["models"] = [model.to_dict() for model in journey.client.models.list()]
    results["again"] = journey.retrieve(results["made"]["id"])
    link = results["made"]["outputs"]["video_url"]
    results["edited"] = journey.run("at night", media={"source_video": {"video": link}})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
