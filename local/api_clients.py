"""The least that a client of each dialect does: hand in a job, wait, and get its file's bytes."""

import base64
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import httpx
from typing_extensions import override

PATIENCE = 120.0


class CallFailedError(Exception):
    """The dialect refused the job, or the job failed; the message is the dialect's."""


class Caller(ABC):
    """`ask` is what is to be made: prompt, and for films and sounds seconds, width, height."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def make(self, model: str, ask: dict[str, Any]) -> bytes:
        handle = self.create(model, ask)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            content = self.look(handle)
            if content is not None:
                return content
            time.sleep(0.3)
        raise CallFailedError(f"nothing after {PATIENCE:.0f} s")

    @abstractmethod
    def create(self, model: str, ask: dict[str, Any]) -> Any: ...  # noqa: ANN401 - its own handle

    @abstractmethod
    def look(self, handle: Any) -> bytes | None:  # noqa: ANN401
        """The file's bytes, None while there are none yet."""

    def call(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - JSON
        reply = self.http.request(method, path, **options)
        if reply.status_code >= 400:
            raise CallFailedError(reply.text[:200])
        return reply.json()

    def fetch(self, address: str) -> bytes:
        reply = httpx.get(address)
        if reply.status_code != 200:
            raise CallFailedError(f"the file's address answered {reply.status_code}")
        return reply.content


class OpenAICaller(Caller):
    path = "/openai/v1/videos"

    @override
    def create(self, model: str, ask: dict[str, Any]) -> Any:
        body = {"model": model, "prompt": ask["prompt"]}
        if "seconds" in ask:
            body["seconds"] = str(ask["seconds"])
        if "width" in ask:
            body["size"] = f"{ask['width']}x{ask['height']}"
        return self.call("POST", self.path, json=body)["id"]

    @override
    def look(self, handle: Any) -> bytes | None:
        video = self.call("GET", f"{self.path}/{handle}")
        if video["status"] == "failed":
            raise CallFailedError(str(video["error"]))
        return self.content(video) if video["status"] == "completed" else None

    def content(self, video: dict[str, Any]) -> bytes:
        reply = self.http.get(f"{self.path}/{video['id']}/content")
        return self.fetch(reply.headers["location"])


class BifrostCaller(OpenAICaller):
    path = "/v1/videos"

    @override
    def content(self, video: dict[str, Any]) -> bytes:
        return self.fetch(video["videos"][0]["url"])


class TogetherCaller(Caller):
    @override
    def create(self, model: str, ask: dict[str, Any]) -> Any:
        body = {**ask, "model": model}
        if "seconds" in ask:
            body["seconds"] = str(ask["seconds"])
        return self.call("POST", "/v2/videos", json=body)["id"]

    @override
    def look(self, handle: Any) -> bytes | None:
        video = self.call("GET", f"/v2/videos/{handle}")
        if video["status"] == "failed":
            raise CallFailedError(str(video["error"]))
        done = video["status"] == "completed"
        return self.fetch(video["outputs"]["video_url"]) if done else None


class QueueCaller(Caller):
    """Pipelet's and fal's; `prefix` is where, and `read` finds the file in a result."""

    prefix = ""

    @override
    def create(self, model: str, ask: dict[str, Any]) -> Any:
        return self.call("POST", f"{self.prefix}/{model}", json=self.body(ask))

    @override
    def look(self, handle: Any) -> bytes | None:
        status = self.call("GET", handle["status_url"])
        if status["status"] == "FAILED" or status.get("error"):
            raise CallFailedError(str(status))
        if status["status"] != "COMPLETED":
            return None
        return self.read(self.call("GET", handle["response_url"]))

    @abstractmethod
    def body(self, ask: dict[str, Any]) -> dict[str, Any]: ...

    @abstractmethod
    def read(self, result: dict[str, Any]) -> bytes: ...


class PipeletCaller(QueueCaller):
    prefix = "/pipelet/queue"

    @override
    def body(self, ask: dict[str, Any]) -> dict[str, Any]:
        names = {"prompt": "prompt", "seconds": "duration", "width": "width", "height": "height"}
        return {names[name]: value for name, value in ask.items()}

    @override
    def read(self, result: dict[str, Any]) -> bytes:
        content: str = next(iter(result.values()))["data_uri"]
        if content.startswith("http"):
            return self.fetch(content)
        return base64.b64decode(content)


class FalCaller(QueueCaller):
    prefix = "/fal"

    @override
    def body(self, ask: dict[str, Any]) -> dict[str, Any]:
        body = {"prompt": ask["prompt"]}
        if "seconds" in ask:
            body["duration"] = ask["seconds"]
        if "width" in ask:
            body["video_size"] = {"width": ask["width"], "height": ask["height"]}
        return body

    @override
    def read(self, result: dict[str, Any]) -> bytes:
        files = next(iter(result.values()))
        file = files[0] if isinstance(files, list) else files
        return self.fetch(file["url"])


class TiyaroCaller(Caller):
    @override
    def create(self, model: str, ask: dict[str, Any]) -> Any:
        wanted: dict[str, Any] = {it: ask[it] for it in ("prompt", "seconds") if it in ask}
        if "width" in ask:
            wanted["size"] = f"{ask['width']}x{ask['height']}"
        body = {"input": wanted}
        return self.call("POST", f"/v1/async/{model}", json=body)["response"]["urls"]["GET"]

    @override
    def look(self, handle: Any) -> bytes | None:
        job = self.call("GET", handle)
        if job["status"] in ("failed", "cancelled"):
            raise CallFailedError(str(job["error"]))
        return self.fetch(job["result"]["outputs"][0]["url"]) if job["result"] else None


CALLERS: dict[str, Callable[[httpx.Client], Caller]] = {
    "OpenAI": OpenAICaller,
    "Bifrost": BifrostCaller,
    "Together": TogetherCaller,
    "Pipelet": PipeletCaller,
    "fal": FalCaller,
    "Tiyaro": TiyaroCaller,
}
