"""What users do, with whichever Together SDK is installed where this is run.

    python together_journey.py BASE_URL API_KEY PICTURE  → facts about it as JSON

A plain program, so that several versions of the SDK can each be asked in an interpreter of their
own. Small films: 128x72 pixels, one second.
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
PATIENCE_SECONDS = 60


class Journey:
    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.client = Together(base_url=base_url, api_key=api_key, max_retries=0)

    def make(self, prompt: str, **changes: Any) -> dict[str, Any]:
        created = self.client.videos.create(prompt=prompt, **{**SMALL, **changes})
        seen = [created.status]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (video := self.client.videos.retrieve(created.id)).status == "in_progress":
            assert time.monotonic() < deadline, "it takes too long"
            seen.append(video.status)
            time.sleep(0.2)
        return {**video.to_dict(), "seen": sorted({*seen, video.status})}

    def again(self, video_id: str) -> dict[str, Any]:
        video: dict[str, Any] = self.client.videos.retrieve(video_id).to_dict()
        return video

    def refusals(self, picture: str) -> dict[str, Any]:
        key = "rk_0000000000000000_" + "x" * 43
        wrong = Together(base_url=self.base_url, api_key=key, max_retries=0)
        keyframe = {"frame_images": [{"input_image": picture, "frame": 12}]}
        return {
            "wrong key": refused(lambda: wrong.videos.retrieve("job_x")),
            "unknown id": refused(lambda: self.client.videos.retrieve("job_x")),
            "unknown model": refused(lambda: self.make("x", model="together/none")),
            "size": refused(lambda: self.make("x", width=4, height=4)),
            "length": refused(lambda: self.make("x", seconds="7")),
            "option": refused(lambda: self.make("x", ratio="16:9")),
            "sound": refused(lambda: self.make("x", generate_audio=True)),
            "keyframe": refused(lambda: self.make("x", media=keyframe)),
        }


def refused(call: Callable[[], object]) -> dict[str, Any]:
    """What the SDK makes of a refusal."""
    try:
        call()
    except together.APIStatusError as error:
        body: Any = error.body
        told = body.get("error", body)
        return {"status": error.status_code, "code": told["code"], "param": told["param"]}
    raise AssertionError("it was not refused")


def main() -> None:
    base_url, api_key, picture_path = sys.argv[1:]
    with open(picture_path, "rb") as file:  # noqa: PTH123 - needs nothing
        picture = base64.b64encode(file.read()).decode()
    journey = Journey(base_url, api_key)
    frames = [{"input_image": f"data:image/png;base64,{picture}", "frame": "first"}]
    facts: dict[str, Any] = {
        "sdk": together.__version__,
        "made": journey.make("a lighthouse in the fog", seed=7, fps=12, steps=10),
        "pictured": journey.make("from a picture", media={"frame_images": frames}),
        "pictured as before": journey.make(
            "from a picture", extra_body={"frame_images": [{"input_image": picture}]}
        ),
        "referenced": journey.make("as shown", media={"reference_images": [picture]}),
        "by resolution": journey.make(
            "wide",
            model="sandbox-together/sandbox-1-pro",
            width=together.omit,
            height=together.omit,
            resolution="72p",
            ratio="16:9",
        ),
        "failed": journey.make("[fail]"),
        "filtered": journey.make("[filter]"),
        "expired": journey.make("[expire=3]"),
        "refused": journey.refusals(picture),
    }
    facts["again"] = journey.again(facts["made"]["id"])
    link = facts["made"]["outputs"]["video_url"]
    facts["edited"] = journey.make("at night", media={"source_video": {"video": link}})
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
