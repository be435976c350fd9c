"""Examples of Together's documentation, with the SDK version installed in this interpreter.

python together_examples.py BASE_URL API_KEY IMAGE  → the finished videos as JSON
"""

import base64
import json
import sys
import time
from typing import Any

from together import Together

MAX_WAIT_SECONDS = 600


def finished(client: Together, **arguments: Any) -> dict[str, Any]:
    """Create a video and poll it as the documentation does."""
    job = client.videos.create(**arguments)
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        status = client.videos.retrieve(job.id)
        if status.status in ("completed", "failed"):
            video: dict[str, Any] = status.to_dict()
            return video
        assert time.monotonic() < deadline, status
        time.sleep(0.5)


def main() -> None:
    base_url, api_key, image_path = sys.argv[1:]
    with open(image_path, "rb") as file:  # noqa: PTH123 - no imports beyond the SDK
        image = base64.b64encode(file.read()).decode("utf-8")
    client = Together(base_url=base_url, api_key=api_key)
    hailuo: dict[str, Any] = {"model": "minimax/hailuo-02", "width": 1366, "height": 768}
    frame = {"input_image": image, "frame": 0}
    results = {
        "first": finished(
            client,
            prompt="A serene sunset over the ocean with gentle waves",
            model="minimax/video-01-director",
            width=1366,
            height=768,
        ),
        "all parameters": finished(
            client,
            prompt="A futuristic city at night with neon lights reflecting on wet streets",
            seconds="6",
            fps=30,
            steps=30,
            guidance_scale=8.0,
            output_format="MP4",
            output_quality=20,
            seed=42,
            negative_prompt="blurry, low quality, distorted",
            **hailuo,
        ),
        "keyframe": finished(
            client,
            prompt="Smooth transition from day to night",
            fps=24,
            extra_body={"frame_images": [frame]},
            **hailuo,
        ),
        "reference": finished(
            client,
            prompt="A cat dancing energetically",
            seconds="6",
            extra_body={"reference_images": [image]},
            **hailuo,
        ),
        "no size": finished(client, prompt="a lighthouse in the fog", model="google/veo-3.0"),
        "resolution and ratio": finished(
            client,
            prompt="a lighthouse in the fog",
            model="Wan-AI/wan2.7-t2v",
            width=720,
            height=1280,
            seconds="2",
        ),
    }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
