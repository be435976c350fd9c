"""What users do, with whichever OpenAI SDK is installed where this is run.

    python journey.py BASE_URL API_KEY   → facts about it as JSON; a failed assertion fails it

A plain program, so that several versions of the SDK can each be asked in an interpreter of their
own. Small films: 128x72 pixels, one second.
"""

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import openai
from openai import DefaultHttpxClient, OpenAI

warnings.filterwarnings("ignore", category=DeprecationWarning)

SMALL: dict[str, Any] = {"model": "sora-2", "seconds": "1", "size": "128x72"}
POLL_MS = 200


class Journey:
    def __init__(self, base_url: str, api_key: str) -> None:
        self.sent: list[Any] = []
        watching = DefaultHttpxClient(event_hooks={"request": [self.sent.append]})
        self.client = OpenAI(
            base_url=base_url, api_key=api_key, http_client=watching, max_retries=0
        )
        self.base_url = base_url

    def create_and_poll(self) -> dict[str, Any]:
        video = self._make("a lighthouse in the fog")
        create = next(request for request in self.sent if request.method == "POST")
        return {
            "id": video.id,
            "status": video.status,
            "progress": video.progress,
            "seconds": video.seconds,
            "size": video.size,
            "sent_as": create.headers["content-type"].partition(";")[0],
        }

    def with_picture(self, png: bytes) -> dict[str, Any]:
        video = self._make(
            "the same, but later", input_reference=("reference.png", png, "image/png")
        )
        return {"status": video.status}

    def download(self, video_id: str, path: str) -> dict[str, Any]:
        response = self.client.videos.download_content(video_id)
        response.write_to_file(path)
        return {"content_type": response.response.headers["content-type"]}

    def remix(self, video_id: str) -> dict[str, Any]:
        remix = self.client.videos.remix(video_id, prompt="now at night")
        done = self.client.videos.poll(remix.id, poll_interval_ms=POLL_MS)
        return {"id": done.id, "status": done.status, "of": done.remixed_from_video_id}

    def failure(self) -> dict[str, Any]:
        video = self._make("something [filter]")
        assert video.error is not None
        return {"status": video.status, "code": video.error.code}

    def refusals(self) -> dict[str, Any]:
        key = "rk_0000000000000000_" + "x" * 43
        wrong = OpenAI(base_url=self.base_url, api_key=key, max_retries=0)
        return {
            "wrong key": refused(lambda: wrong.videos.retrieve("job_x")),
            "unknown id": refused(lambda: self.client.videos.retrieve("job_x")),
            "unknown model": refused(lambda: self._make("x", model="sora-9")),
            "size": refused(lambda: self._make("x", size="4x4")),
            "empty prompt": refused(lambda: self._make(" ")),
        }

    def pages(self) -> dict[str, Any]:
        """Every video once, over several pages."""
        ids = [video.id for video in self.client.videos.list(limit=2)]
        oldest_first = [video.id for video in self.client.videos.list(limit=2, order="asc")]
        return {"ids": ids, "oldest_first": oldest_first}

    def delete(self, video_id: str) -> dict[str, Any]:
        gone = self.client.videos.delete(video_id)
        return {
            "deleted": gone.deleted,
            "afterwards": refused(lambda: self.client.videos.retrieve(video_id)),
            "again": refused(lambda: self.client.videos.delete(video_id)),
        }

    def _make(self, prompt: str, **changes: Any) -> Any:
        asked = {**SMALL, **changes}
        return self.client.videos.create_and_poll(prompt=prompt, poll_interval_ms=POLL_MS, **asked)


def refused(call: Callable[[], object]) -> dict[str, Any]:
    """What the SDK makes of a refusal."""
    try:
        call()
    except openai.APIStatusError as error:
        return {"status": error.status_code, "code": error.code, "param": error.param}
    raise AssertionError("it was not refused")


def main() -> None:
    base_url, api_key, film, picture, lists = sys.argv[1:]
    journey = Journey(base_url, api_key)
    with open(picture, "rb") as file:  # noqa: PTH123 - needs nothing
        png = file.read()
    facts: dict[str, Any] = {"sdk": openai.__version__, "created": journey.create_and_poll()}
    first = facts["created"]["id"]
    facts["pictured"] = journey.with_picture(png)
    facts["downloaded"] = journey.download(first, film)
    facts["remixed"] = journey.remix(first)
    facts["failed"] = journey.failure()
    facts["refused"] = journey.refusals()
    if lists == "lists":
        facts["listed"] = journey.pages()
    facts["deleted"] = journey.delete(first)
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
