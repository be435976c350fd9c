"""Requests that the client APIs refuse on purpose, for docs/compatibility.md."""

from dataclasses import dataclass
from typing import Any

from tests.contract.requirements.bench import Bench
from tests.unit.dialects.api_client import BIFROST, OPENAI, Reply

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Refusal:
    dialect: str
    feature: str
    """What the client asks for, in the words of its API."""
    method: str
    path: str
    """`{id}` is a queued job's id, `{done}` that of a completed one."""
    body: Any = None
    headers: Headers = ()

    def send(self, bench: Bench) -> Reply:
        queued = bench.ok("POST", OPENAI, {"prompt": "a kite"})["id"]
        done = bench.ok("POST", OPENAI, {"prompt": "a kite"})["id"]
        bench.complete(done)
        path = self.path.format(id=queued, done=done)
        names = {name.replace("-", "_"): value for name, value in self.headers}
        return bench.call(self.method, path, self.body, **names)


SORA = {"model": "sora-2", "prompt": "a kite"}
HAILUO = {"model": "minimax/hailuo-02", "prompt": "a kite"}
KITE = {"prompt": "a kite"}
FILE_ID = {**SORA, "input_reference": {"file_id": "file-1"}}
TOGETHER, FAL, PIPELET = "/v2/videos", "/fal/fal-ai/ltx-video", "/queue/wan22-fast-t2v"
WHISPER, UPLOAD = "/v1/async/ent/tiyarofs/1/openai/whisper-large", "/v1/input/upload-url"
LONG = {**KITE, "width": 1280, "height": 720, "duration": 6}
FOREIGN_FILE = {"input": {}, "URL": "https://files.example/speech.mp3"}
OTHER_ARGUMENT = "an argument that the model does not have"
PRIORITY = (("x-fal-queue-priority", "low"),)
LIFECYCLE = (("x-fal-object-lifecycle-preference", '{"expiration_duration_seconds": 60}'),)
OUTPUT = (("x-pipelet-output", "json"),)


def _get(dialect: str, feature: str, path: str) -> Refusal:
    return Refusal(dialect, feature, "GET", path)


def _post(dialect: str, feature: str, path: str, body: Any, headers: Headers = ()) -> Refusal:
    return Refusal(dialect, feature, "POST", path, body, headers)


REFUSALS = (
    _post("openai", "input_reference.file_id (there is no Files API)", OPENAI, FILE_ID),
    _post("openai", "extensions of a video", f"{OPENAI}/extensions", SORA),
    _post("openai", "characters", f"{OPENAI}/characters", {"name": "a"}),
    _post("openai", OTHER_ARGUMENT, OPENAI, {**SORA, "fps": 9}),
    _post("openai", "a length that the model does not have", OPENAI, {**SORA, "seconds": 7}),
    _get("openai", "an unknown filter of the list", f"{OPENAI}?colour=red"),
    _get("openai", "content before completion", f"{OPENAI}/{{id}}/content"),
    _get("openai", "variant=thumbnail", f"{OPENAI}/{{done}}/content?variant=thumbnail"),
    _get("bifrost", "a list without provider", BIFROST),
    _post("bifrost", "a create call without model", BIFROST, KITE),
    _get("bifrost", "variant=spritesheet", f"{BIFROST}/{{done}}/content?variant=spritesheet"),
    _post("bifrost", "a remix before completion", f"{BIFROST}/{{id}}/remix", KITE),
    _post("together", "width without height", TOGETHER, {**HAILUO, "width": 1366}),
    _post("together", OTHER_ARGUMENT, TOGETHER, {**HAILUO, "generate_audio": True}),
    _post("pipelet", "720p for more than 5 seconds", PIPELET, LONG),
    _post("pipelet", "x-pipelet-output other than binary", PIPELET, KITE, OUTPUT),
    _post("fal", "X-Fal-Queue-Priority: low", FAL, KITE, PRIORITY),
    _post("fal", "X-Fal-Object-Lifecycle-Preference", FAL, KITE, LIFECYCLE),
    _post("fal", OTHER_ARGUMENT, FAL, {**KITE, "loras": []}),
    _post("tiyaro", "a file that the upload call did not issue", WHISPER, FOREIGN_FILE),
    _post("tiyaro", "an upload of an unknown type", f"{UPLOAD}?extension=exe", {}),
)
