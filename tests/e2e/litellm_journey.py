"""Calls of a user of LiteLLM, whose OpenAI provider is the stack.

    python litellm_journey.py BASE_URL API_KEY VIDEO IMAGE  → the results as JSON

A failed assertion ends the program. Videos are 128x72 pixels and one second long.
"""

import json
import os
import sys
import time
from contextlib import redirect_stdout
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it downloads prices otherwise

import litellm

MODEL = "openai/sora-2"
SMALL = {"seconds": "1", "size": "128x72"}
MAX_WAIT_SECONDS = 300


class Journey:
    def __init__(self, base_url: str, api_key: str) -> None:
        self.account = {"api_base": base_url, "api_key": api_key}

    def run(self, prompt: str, **changes: Any) -> Any:
        created = litellm.video_generation(
            prompt=prompt, model=MODEL, **{**SMALL, **changes}, **self.account
        )
        return self.wait(created.id)

    def wait(self, video_id: str) -> Any:
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while (video := litellm.video_status(video_id, **self.account)).status in (
            "queued",
            "in_progress",
        ):
            assert time.monotonic() < deadline, video
            time.sleep(0.2)
        return video

    def remix(self, video_id: str) -> Any:
        remix = litellm.video_remix(video_id, "now at night", **self.account)
        return self.wait(remix.id)

    def listed(self) -> list[Any]:
        return list(litellm.video_list(limit=100, custom_llm_provider="openai", **self.account))


def shown(video: Any) -> dict[str, Any]:
    return {"id": video.id, "status": video.status, "error": video.error}


def main() -> None:
    with redirect_stdout(sys.stderr):  # it prints advice on errors
        results = run_all(*sys.argv[1:])
    json.dump(results, sys.stdout)


def run_all(base_url: str, api_key: str, video_path: str, image_path: str) -> dict[str, Any]:
    journey = Journey(base_url, api_key)
    made = journey.run("a lighthouse in the fog")
    with open(video_path, "wb") as file:  # noqa: PTH123 - no imports beyond the client
        file.write(litellm.video_content(made.id, **journey.account))
    with open(image_path, "rb") as file:  # noqa: PTH123 - the same
        with_image = journey.run("the same, but later", input_reference=file)
    return {
        "made": shown(made),
        "with image": shown(with_image),
        "remixed": shown(journey.remix(made.id)),
        "failed": shown(journey.run("something [filter]")),
        "listed": len(journey.listed()),
    }


if __name__ == "__main__":
    main()
