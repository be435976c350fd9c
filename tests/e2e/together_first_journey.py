"""Calls of a user of the Together SDK, version 1, whose interface differs from later versions.

python together_first_journey.py BASE_URL API_KEY  → the results as JSON
"""

import json
import sys
import time
from importlib.metadata import version
from typing import Any

from together import Together
from together.error import TogetherException

SMALL: dict[str, Any] = {"model": "sandbox-together/sandbox-1", "seconds": "1"}
SMALL |= {"width": 128, "height": 72}
MAX_WAIT_SECONDS = 300


def run(client: Together, prompt: str, **changes: Any) -> dict[str, Any]:
    created = client.videos.create(prompt=prompt, **{**SMALL, **changes})
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while (video := client.videos.retrieve(created.id)).status in ("queued", "in_progress"):
        assert time.monotonic() < deadline, video
        time.sleep(0.2)
    return dict(video.model_dump())


def refused(client: Together, **changes: Any) -> Any:
    """Return the HTTP status of the SDK's exception."""
    try:
        run(client, "x", **changes)
    except TogetherException as error:
        return error.http_status
    raise AssertionError("the call was not refused")


def main() -> None:
    base_url, api_key = sys.argv[1:]
    client = Together(base_url=base_url, api_key=api_key, max_retries=0)
    wrong = Together(base_url=base_url, api_key="rk_0000000000000000_x", max_retries=0)
    results = {
        "sdk": version("together"),
        "made": run(client, "a lighthouse in the fog", seed=7),
        "failed": run(client, "[fail]"),
        "refused": {"size": refused(client, width=4, height=4), "key": refused(wrong)},
    }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
