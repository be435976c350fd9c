"""Minimal client of each dialect: submit a job, poll it, download its file."""

import base64
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import httpx
from typing_extensions import override

MAX_WAIT_SECONDS = 300.0
PAUSE_SECONDS = 0.3


class ApiClientError(Exception):
    """The API refused the job, or the job failed; the message is the API's."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class ApiClient(ABC):
    """`params` has `prompt`, and for videos and audio `seconds`, `width` and `height`."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def generate(self, model: str, params: dict[str, Any]) -> bytes:
        """Run one job, and return the bytes of its file."""
        handle = self.create(model, params)
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while time.monotonic() < deadline:
            content = self.poll(handle)
            if content is not None:
                return content
            time.sleep(PAUSE_SECONDS)
        raise ApiClientError(f"no file after {MAX_WAIT_SECONDS:.0f} s")

    @abstractmethod
    def create(self, model: str, params: dict[str, Any]) -> Any: ...  # noqa: ANN401 - own handle

    @abstractmethod
    def poll(self, handle: Any) -> bytes | None:  # noqa: ANN401
        """Return the file's bytes, or None before the job ends."""

    def call(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - JSON
        reply = self.http.request(method, path, **options)
        if reply.status_code >= 400:
            body = reply.json() if reply.text.startswith("{") else {}
            error = body.get("error")
            param = error.get("param") if isinstance(error, dict) else None
            raise ApiClientError(reply.text[:200], param)
        return reply.json()

    def fetch(self, url: str) -> bytes:
        reply = httpx.get(url, timeout=MAX_WAIT_SECONDS)
        if reply.status_code != 200:
            raise ApiClientError(f"file URL returned {reply.status_code}")
        return reply.content


class OpenAIClient(ApiClient):
    path = "/openai/v1/videos"

    @override
    def create(self, model: str, params: dict[str, Any]) -> Any:
        body = {"model": model, "prompt": params["prompt"]}
        if "seconds" in params:
            body["seconds"] = str(params["seconds"])
        if "width" in params:
            body["size"] = f"{params['width']}x{params['height']}"
        return self.call("POST", self.path, json=body)["id"]

    @override
    def poll(self, handle: Any) -> bytes | None:
        video = self.call("GET", f"{self.path}/{handle}")
        if video["status"] == "failed":
            raise ApiClientError(str(video["error"]))
        return self.content(video) if video["status"] == "completed" else None

    def content(self, video: dict[str, Any]) -> bytes:
        reply = self.http.get(f"{self.path}/{video['id']}/content")
        return self.fetch(reply.headers["location"])


class BifrostClient(OpenAIClient):
    path = "/v1/videos"

    @override
    def content(self, video: dict[str, Any]) -> bytes:
        return self.fetch(video["videos"][0]["url"])


class TogetherClient(OpenAIClient):
    path = "/v2/videos"

    @override
    def create(self, model: str, params: dict[str, Any]) -> Any:
        body = {**params, "model": model}
        if "seconds" in params:
            body["seconds"] = str(params["seconds"])
        return self.call("POST", self.path, json=body)["id"]

    @override
    def content(self, video: dict[str, Any]) -> bytes:
        return self.fetch(video["outputs"]["video_url"])


class QueueClient(ApiClient):
    """Base of the Pipelet and fal clients; `prefix` is the API's path."""

    prefix = ""

    @override
    def create(self, model: str, params: dict[str, Any]) -> Any:
        return self.call("POST", f"{self.prefix}/{model}", json=self.body(params))

    @override
    def poll(self, handle: Any) -> bytes | None:
        status = self.call("GET", handle["status_url"])
        if status["status"] == "FAILED" or status.get("error"):
            raise ApiClientError(str(status))
        if status["status"] != "COMPLETED":
            return None
        return self.read(self.call("GET", handle["response_url"]))

    @abstractmethod
    def body(self, params: dict[str, Any]) -> dict[str, Any]: ...

    @abstractmethod
    def read(self, result: dict[str, Any]) -> bytes: ...


class PipeletClient(QueueClient):
    prefix = "/pipelet/queue"

    @override
    def body(self, params: dict[str, Any]) -> dict[str, Any]:
        names = {"prompt": "prompt", "seconds": "duration", "width": "width", "height": "height"}
        return {names[name]: value for name, value in params.items()}

    @override
    def read(self, result: dict[str, Any]) -> bytes:
        content: str = next(iter(result.values()))["data_uri"]
        if content.startswith("http"):
            return self.fetch(content)
        return base64.b64decode(content)


class FalClient(QueueClient):
    prefix = "/fal"

    @override
    def body(self, params: dict[str, Any]) -> dict[str, Any]:
        body = {"prompt": params["prompt"]}
        if "seconds" in params:
            body["duration"] = params["seconds"]
        if "width" in params:
            body["video_size"] = {"width": params["width"], "height": params["height"]}
        return body

    @override
    def read(self, result: dict[str, Any]) -> bytes:
        files = next(iter(result.values()))
        file = files[0] if isinstance(files, list) else files
        return self.fetch(file["url"])


class TiyaroClient(ApiClient):
    @override
    def create(self, model: str, params: dict[str, Any]) -> Any:
        fields: dict[str, Any] = {
            name: params[name] for name in ("prompt", "seconds") if name in params
        }
        if "width" in params:
            fields["size"] = f"{params['width']}x{params['height']}"
        reply = self.call("POST", f"/v1/async/{model}", json={"input": fields})
        return reply["response"]["urls"]["GET"]

    @override
    def poll(self, handle: Any) -> bytes | None:
        job = self.call("GET", handle)
        if job["status"] in ("failed", "cancelled"):
            raise ApiClientError(str(job["error"]))
        return self.fetch(job["result"]["outputs"][0]["url"]) if job["result"] else None


API_CLIENTS: dict[str, Callable[[httpx.Client], ApiClient]] = {
    "OpenAI": OpenAIClient,
    "Bifrost": BifrostClient,
    "Together": TogetherClient,
    "Pipelet": PipeletClient,
    "fal": FalClient,
    "Tiyaro": TiyaroClient,
}


def auth_headers(dialect: str, api_key: str) -> dict[str, str]:
    return {"authorization": f"{'Key' if dialect == 'fal' else 'Bearer'} {api_key}"}
