"""Cases of Tiyaro's asynchronous inference."""

from typing import Any

from tests.contract.golden_common import Api, common, invalid
from tests.contract.golden_jobs import MODEL, PNG, SOUND, STATES, VIDEO
from tests.contract.golden_recorder import Recorder
from tests.contract.golden_session import Session, session
from tests.fakes import BUCKET

BASE, JOBS, UPLOADS = "/v1/async", "/v1/async/requests", "/v1/input/upload-url"
MODELS = ("clip", MODEL, "a/b/c", "a/b/c/d", "a/b/c/d/e", "a/b/c/d/e/f", "a/b/c/d/e/f/g")
INPUT = {"prompt": "a cat", "seconds": 4}
VARIED_FIELDS: dict[str, dict[str, Any]] = {
    name: {"input": value}
    for name, value in {
        "input missing": ...,
        "input of text": "a cat",
        "input empty": {},
        "input with null": {"prompt": "a cat", "seed": None},
        "every field": {**INPUT, "size": "720x1280", "seed": 7, "negative_prompt": "dogs"},
        "seconds not on offer": {**INPUT, "seconds": 5},
        "seconds as text": {**INPUT, "seconds": "x"},
        "size not on offer": {**INPUT, "size": "4x4"},
        "unknown field": {**INPUT, "sharpness": 1},
        "generate_audio": {**INPUT, "generate_audio": True},
        "prompt of number": {"prompt": 5},
        "option": {**INPUT, "guidance_scale": 5.5},
    }.items()
} | {
    "URL of others": {"URL": "https://elsewhere.example/1.png"},
    "URL without extension": {"URL": f"{BUCKET}uploads/alice/x"},
    "URL malformed": {"URL": "https://["},
    "URL of number": {"URL": 5},
    "URL of another account": {"URL": f"{BUCKET}uploads/bob/x.png"},
    "URL of nothing": {"URL": f"{BUCKET}uploads/alice/x.png"},
    "unknown member": {"webhook": "https://hooks.example/in"},
}
FILES = {"png": PNG, "mp4": VIDEO, "mp3": SOUND}


def tiyaro(record: Recorder) -> None:
    spoken = Api(
        f"{BASE}/{MODEL}", {"input": INPUT}, {"input": {"prompt": "a dog"}}, JOBS + "/{id}"
    )
    common(record, spoken)
    invalid(record, spoken, VARIED_FIELDS)
    _uploads(record)
    _routes(record)
    for state in STATES:
        with session(record, f"state {state}") as api:
            job_id = spoken.create(api)
            api.tick(60)
            api.set_state(job_id, state)
            api.call("retrieve", "GET", spoken.one(job_id))


def _uploaded(api: Session, extension: str, content: bytes) -> str:
    reply = api.call(f"upload {extension}", "POST", UPLOADS, {}, extension=extension)
    address: str = reply.json["uploadUrl"]["PUT"]
    api.caller.blobs.objects[address.removeprefix(BUCKET).partition("?")[0]] = content
    return address


def _uploads(record: Recorder) -> None:
    with session(record, "uploads") as api:
        for extension, content in FILES.items():
            address = _uploaded(api, extension, content)
            body = {"input": {"prompt": "a cat"}, "URL": address}
            for model in ("acme/all-inputs", MODEL, "acme/transcript-1"):
                api.call(f"{model} from {extension}", "POST", f"{BASE}/{model}", body)
        wrong = _uploaded(api, "wav", PNG)
        api.call("other content", "POST", f"{BASE}/acme/all-inputs", {"input": INPUT, "URL": wrong})
        api.call("no upload", "POST", f"{BASE}/acme/transcript-1", {"input": {}})
        for name, query in {
            "unknown": {"extension": "exe"},
            "in capitals": {"extension": "MP4"},
            "missing": {},
            "and more": {"extension": "mp3", "n": "2"},
        }.items():
            api.call(f"extension {name}", "POST", UPLOADS, {}, **query)
        api.call("no key", "POST", UPLOADS, {}, {"authorization": ""}, extension="mp3")


def _routes(record: Recorder) -> None:
    with session(record, "routes") as api:
        for length, model in enumerate((*MODELS, f"{MODELS[-1]}/h"), 1):
            api.tick()
            made = api.call(f"create {length}", "POST", f"{BASE}/{model}", {"input": INPUT})
            api.call(f"retrieve {length}", "GET", f"{JOBS}/{made.json['id']}")
        tier = {"serviceTier": "gpuflex"}
        body = {"input": INPUT}
        api.call("tier", "POST", f"{BASE}/acme/all-inputs", body, serviceTier="cpuflex")
        api.call("tier not taken", "POST", f"{BASE}/{MODEL}", body, **tier)
        api.call("tier unknown", "POST", f"{BASE}/{MODEL}", body, serviceTier="fast")
        api.call("other query", "POST", f"{BASE}/{MODEL}", body, colour="red")
        api.call("model unknown", "POST", f"{BASE}/acme/none", body)
        for model in ("acme/image-1", "acme/speech-1"):
            api.call(model, "POST", f"{BASE}/{model}", {"input": {"prompt": "a cat"}})
        api.call("unknown URL", "GET", f"{BASE}/{MODEL}")
        api.call("unknown method", "DELETE", f"{JOBS}/job_x")
        api.call("too deep", "POST", f"{BASE}/a/b/c/d/e/f/g/h/i", body)
        parts = (("input", "x"),)
        api.form("form", f"{BASE}/{MODEL}", *parts)
