"""Calls of a user of the OpenAI SDK, with the version installed in this interpreter.

    python journey.py BASE_URL API_KEY VIDEO IMAGE LISTS  → the results as JSON

A program of its own, so that several SDK versions run in separate environments. A failed assertion
ends it. Videos are 128x72 pixels and one second long.
"""

import json
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import openai
from openai import DefaultHttpxClient, OpenAI

warnings.filterwarnings("ignore", category=DeprecationWarning)

SMALL: dict[str, Any] = {"model": "sora-2", "seconds": "1", "size": "128x72"}
POLL_MS = 200


class Journey:
    def __init__(self, base_url: str, api_key: str) -> None:
        self.sent: list[Any] = []
        recording = DefaultHttpxClient(event_hooks={"request": [self.sent.append]})
        self.client = OpenAI(
            base_url=base_url, api_key=api_key, http_client=recording, max_retries=0
        )
        self.base_url = base_url

    def create_and_poll(self) -> dict[str, Any]:
        video = self._run("a lighthouse in the fog")
        create = next(request for request in self.sent if request.method == "POST")
        return {
            "id": video.id,
            "status": video.status,
            "progress": video.progress,
            "seconds": video.seconds,
            "size": video.size,
            "sent_as": create.headers["content-type"].partition(";")[0],
        }

    def with_image(self, png: bytes) -> dict[str, Any]:
        video = self._run(
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
        video = self._run("something [filter]")
        assert video.error is not None
        return {"status": video.status, "code": video.error.code}

    def refusals(self) -> dict[str, Any]:
        key = "rk_0000000000000000_" + "x" * 43
        wrong = OpenAI(base_url=self.base_url, api_key=key, max_retries=0)
        return {
            "wrong key": refused(lambda: wrong.videos.retrieve("job_x")),
            "unknown id": refused(lambda: self.client.videos.retrieve("job_x")),
            "unknown model": refused(lambda: self._run("x", model="sora-9")),
            "size": refused(lambda: self._run("x", size="4x4")),
            "empty prompt": refused(lambda: self._run(" ")),
        }

    def pages(self) -> dict[str, Any]:
        """List every video over several pages."""
        ids = [video.id for video in self.client.videos.list(limit=2)]
        oldest_first = [video.id for video in self.client.videos.list(limit=2, order="asc")]
        return {"ids": ids, "oldest_first": oldest_first}

    def models(self) -> dict[str, Any]:
        """List the models, and retrieve one by a name with and one without slashes."""
        models: Iterable[Any] = self.client.models.list()
        listed: dict[str, Any] = {model.id: model.to_dict() for model in models}
        alias = listed[SMALL["model"]]
        names = (alias["id"], alias["models"][0])
        retrieved = [self.client.models.retrieve(name).to_dict() for name in names]
        return {
            "alias": alias,
            "same": retrieved == [listed[name] for name in names],
            "unknown": refused(lambda: self.client.models.retrieve("sora-9")),
        }

    def delete(self, video_id: str) -> dict[str, Any]:
        reply = self.client.videos.delete(video_id)
        return {
            "deleted": reply.deleted,
            "afterwards": refused(lambda: self.client.videos.retrieve(video_id)),
            "again": refused(lambda: self.client.videos.delete(video_id)),
        }

    def _run(self, prompt: str, **changes: Any) -> Any:
        params = {**SMALL, **changes}
        return self.client.videos.create_and_poll(prompt=prompt, poll_interval_ms=POLL_MS, **params)


def refused(call: Callable[[], object]) -> dict[str, Any]:
    """Return the attributes of the SDK's exception."""
    try:
        call()
    except openai.APIStatusError as error:
        return {"status": error.status_code, "code": error.code, "param": error.param}
    raise AssertionError("the call was not refused")


def main() -> None:
    base_url, api_key, video, image, lists = sys.argv[1:]
    journey = Journey(base_url, api_key)
    with open(image, "rb") as file:  # noqa: PTH123 - no imports beyond the SDK
        png = file.read()
    results: dict[str, Any] = {"sdk": openai.__version__, "created": journey.create_and_poll()}
    first = results["created"]["id"]
    results["with image"] = journey.with_image(png)
    results["downloaded"] = journey.download(first, video)
    results["remixed"] = journey.remix(first)
    results["failed"] = journey.failure()
    results["refused"] = journey.refusals()
    results["models"] = journey.models()
    if lists == "lists":
        results["listed"] = journey.pages()
    results["deleted"] = journey.delete(first)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
