"""Cases of the Bifrost and the OpenAI video APIs, which share their paths and bodies."""

import base64
from typing import Any

from tests.contract.golden_common import WEBHOOK_FIELDS, Api, common, invalid
from tests.contract.golden_jobs import (
    MODEL,
    PICTURE_ADDRESS,
    PNG,
    STATES,
    STATES_AFTER_CANCEL,
    VIDEO,
    WEBHOOK,
)
from tests.contract.golden_recorder import Recorder
from tests.contract.golden_session import Session, session

FIELDS = {"prompt": "a cat", "model": MODEL, "size": "1280x720", "seconds": "4"}
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
VARIED_FIELDS: dict[str, dict[str, Any]] = {
    "every field": {
        "seed": 7,
        "negative_prompt": "dogs",
        "guidance_scale": 5.5,
        "extras": {"a": [1, {"b": None}]},
        "input_reference": DATA_URL,
    },
    "prompt and model only": {"size": ..., "seconds": ...},
    "no model": {"model": ...},
    "alias": {"model": "clip"},
    "alias of several": {"model": "either"},
    "published provider": {"model": "openai/plain"},
    "fallbacks": {"fallbacks": [{"provider": "globex", "model": "video-2"}]},
    "fallbacks, unknown": {"fallbacks": [{"provider": "globex", "model": "none"}]},
    "fallbacks, other kind": {"fallbacks": [{"provider": "acme", "model": "image-1"}]},
    "fallbacks, incomplete": {"fallbacks": [{"provider": "globex"}]},
    "fallbacks, unfit": {
        "fallbacks": [{"provider": "globex", "model": "video-2"}],
        "size": "720x1280",
    },
    "audio": {"model": "acme/all-inputs", "audio": True},
    "generate_audio": {"model": "acme/all-inputs", "generate_audio": False},
    "audio, not taken": {"audio": True},
    "seconds as number": {"seconds": 8},
    "seconds as float": {"seconds": 8.0},
    "seconds not on offer": {"seconds": 5},
    "seconds of zero": {"seconds": 0},
    "seconds as boolean": {"seconds": True},
    "seconds as text": {"seconds": "long"},
    "size not on offer": {"size": "4x4"},
    "size of number": {"size": 5},
    "model unknown": {"model": "acme/none"},
    "model empty": {"model": ""},
    "model of number": {"model": 5},
    "model of other kind": {"model": "acme/image-1"},
    "prompt missing": {"prompt": ...},
    "prompt empty": {"prompt": " "},
    "prompt long": {"prompt": "x" * 201},
    "prompt of list": {"prompt": ["a"]},
    "prompt of other letters": {"prompt": 'une for\u00eat \u2014 \U0001f333 "quoted" \\ \n'},
    "seed as text": {"seed": "seven"},
    "unknown field": {"sharpness": 1},
    "picture address": {"input_reference": PICTURE_ADDRESS},
    "picture object": {"input_reference": {"image_url": PICTURE_ADDRESS}},
    "picture file_id": {"input_reference": {"file_id": "file-1"}},
    "picture of two": {"input_reference": {"image_url": DATA_URL, "file_id": "file-1"}},
    "picture no address": {"input_reference": "cat.png"},
    "picture bad base64": {"input_reference": "data:image/png;base64,!"},
    "picture no data URL": {"input_reference": "data:,cat"},
    "picture no image": {"input_reference": "data:text/plain;base64,aGk="},
    "picture not taken": {"input_reference": DATA_URL, "model": "openai/plain"},
    "picture needed": {"model": "acme/needs-image"},
    "picture given": {"model": "acme/needs-image", "input_reference": DATA_URL},
    **WEBHOOK_FIELDS,
}


def videos(record: Recorder, base: str) -> None:
    spoken = Api(base, FIELDS, {**FIELDS, "prompt": "a dog"}, f"{base}/{{id}}")
    common(record, spoken)
    invalid(record, spoken, VARIED_FIELDS)
    _forms(record, spoken)
    _states(record, spoken)
    _remixes(record, spoken)
    _edits(record, spoken)
    _lists(record, spoken)
    _elsewhere(record, spoken)


def routes(record: Recorder, base: str) -> None:
    """One case of each route, where a prefix is only another name."""
    spoken = Api(base, FIELDS, FIELDS, f"{base}/{{id}}")
    with session(record, f"routes of {base}") as api:
        job_id = spoken.create(api, "create")
        api.set_state(job_id, "completed")
        api.call("retrieve", "GET", spoken.one(job_id))
        api.call("list", "GET", base, provider="acme")
        api.call("content", "GET", f"{base}/{job_id}/content")
        api.call("remix", "POST", f"{base}/{job_id}/remix", {"prompt": "a dog"})
        api.call("edit", "POST", f"{base}/edits", {"prompt": "a dog", "video": {"id": job_id}})
        api.call("delete", "DELETE", spoken.one(job_id))
        _unsupported(api, base)


def _unsupported(api: Session, base: str) -> None:
    api.call("extensions", "POST", f"{base}/extensions", {"prompt": "a"})
    api.call("characters", "POST", f"{base}/characters", {"name": "a"})
    api.call("character", "GET", f"{base}/characters/char_1")


def _forms(record: Recorder, spoken: Api) -> None:
    base, fields = spoken.create_path, tuple(FIELDS.items())
    with session(record, "form") as api:
        api.form("fields only", base, *fields)
        api.form("with picture", base, *fields, ("input_reference", "image/png", PNG))
        api.form("picture of other type", base, *fields, ("input_reference", "text/html", PNG))
        api.form("picture that is none", base, *fields, ("input_reference", "image/png", b"x"))
        api.form("picture as text", base, *fields, ("input_reference", PICTURE_ADDRESS))
        api.form("picture as object", base, *fields, ("input_reference[image_url]", DATA_URL))
        api.form("webhook", base, *fields, ("webhook", WEBHOOK))
        parts = ("webhook[url]", WEBHOOK), ("webhook[format]", "fal")
        api.form("webhook as object", base, *fields, *parts)
        api.form("a field twice", base, *fields, ("prompt", "b"))
        api.form("another file", base, *fields, ("extras", "image/png", PNG))
        api.form("list", base, *fields, ("extras[]", "a"), ("extras[]", "b"))


def _states(record: Recorder, spoken: Api) -> None:
    base = spoken.create_path
    for state in STATES:
        with session(record, f"state {state}") as api:
            job_id = spoken.create(api)
            api.tick(60)
            api.set_state(job_id, state)
            one = spoken.one(job_id)
            api.call("retrieve", "GET", one)
            api.call("retrieve as first provider", "GET", f"{one}:acme")
            api.call("list", "GET", base, provider="acme")
            api.call("content", "GET", f"{one}/content")
            api.call("remix", "POST", f"{one}/remix", {"prompt": "a dog"})
            api.call("delete", "DELETE", one)
            api.call("retrieve deleted", "GET", one)
    for state in STATES_AFTER_CANCEL:
        with session(record, f"delete that ends in {state}") as api:
            job_id = spoken.create(api)
            api.end_at_cancel(state)
            api.call("delete", "DELETE", spoken.one(job_id))
    _contents(record, spoken)


def _contents(record: Recorder, spoken: Api) -> None:
    with session(record, "content") as api:
        job_id = spoken.create(api)
        api.set_state(job_id, "completed")
        for variant in ("video", "thumbnail", "spritesheet", "sprite_sheet", "poster"):
            api.call(variant, "GET", f"{spoken.one(job_id)}/content", variant=variant)
    with session(record, "with webhook") as api:
        api.call("retrieve", "GET", spoken.one(spoken.create(api, webhook=WEBHOOK)))
    with session(record, "with picture") as api:
        job_id = spoken.create(api, input_reference=DATA_URL)
        api.call("retrieve", "GET", spoken.one(job_id))
        api.call("delete", "DELETE", spoken.one(job_id))


def _remixes(record: Recorder, spoken: Api) -> None:
    with session(record, "remix") as api:
        job_id = spoken.create(api, seed=7, input_reference=PICTURE_ADDRESS)
        api.set_state(job_id, "completed")
        path = f"{spoken.one(job_id)}/remix"
        made = api.call("created", "POST", path, {"prompt": "a dog"})
        api.call("created, retrieve", "GET", spoken.one(made.json["id"]))
        api.form("form", path, ("prompt", "a dog"))
        api.call("with provider", "POST", f"{spoken.one(job_id)}:acme/remix", {"prompt": "a"})
        api.call("no prompt", "POST", path, {})
        api.call("empty prompt", "POST", path, {"prompt": ""})
        api.call("unknown field", "POST", path, {"prompt": "a", "seconds": 8})
        api.call("absent job", "POST", f"{spoken.one('job_x')}/remix", {"prompt": "a"})
        api.call("another account's job", "POST", path, {"prompt": "a"}, api.other_account())
        key = {"idempotency-key": "order-1"}
        for name in ("first", "replay"):
            api.call(name, "POST", path, {"prompt": "a dog"}, key)
        api.call("conflict", "POST", path, {"prompt": "a fox"}, key)
        plain = spoken.create(api, model="openai/plain")
        api.set_state(plain, "completed")
        api.call("model takes no video", "POST", f"{spoken.one(plain)}/remix", {"prompt": "a"})


def _edits(record: Recorder, spoken: Api) -> None:
    path = f"{spoken.create_path}/edits"
    with session(record, "edit") as api:
        job_id = spoken.create(api)
        api.set_state(job_id, "completed")
        for name, video in {
            "by id": {"id": job_id},
            "by id with provider": {"id": f"{job_id}:acme"},
            "by id of absent job": {"id": "job_x"},
            "by nothing": {},
            "by number": 5,
            "by address": "https://videos.example/1.mp4",
        }.items():
            api.call(name, "POST", path, {"prompt": "a dog", "video": video})
        api.call("no video", "POST", path, {"prompt": "a dog"})
        api.call("no prompt", "POST", path, {"video": {"id": job_id}})
        api.call("unknown field", "POST", path, {"prompt": "a", "video": {}, "seed": 1})
        source = {"prompt": "a", "video": {"id": job_id}}
        api.call("another account's job", "POST", path, source, api.other_account())
        api.form("file", path, ("prompt", "a dog"), ("video", "video/mp4", VIDEO))
        api.form("id in form", path, ("prompt", "a dog"), ("video[id]", job_id))
        api.form("file that is none", path, ("prompt", "a dog"), ("video", "video/mp4", b"x"))
        api.form("picture for video", path, ("prompt", "a dog"), ("video", "video/mp4", PNG))


def _lists(record: Recorder, spoken: Api) -> None:
    base = spoken.create_path
    with session(record, "list") as api:
        api.call("empty, no provider", "GET", base)
        api.call("empty", "GET", base, provider="acme")
        ids = []
        for model in (MODEL, "globex/video-2", MODEL, "openai/plain", MODEL):
            api.tick()
            ids.append(spoken.create(api, model=model))
        api.set_state(ids[2], "completed")
        api.set_state(ids[4], "failed")
        queries: dict[str, dict[str, str]] = {
            "all": {},
            "page 1": {"limit": "2"},
            "page 2": {"limit": "2", "after": ids[3]},
            "page 3": {"limit": "2", "after": ids[1]},
            "behind the last": {"limit": "2", "after": ids[0]},
            "oldest first": {"limit": "2", "order": "asc"},
            "oldest first, page 2": {"limit": "2", "order": "asc", "after": ids[1]},
            "after with provider": {"after": f"{ids[2]}:acme"},
            "after escaped": {"after": f"{ids[2]}%3Aacme"},
            "after empty": {"after": ""},
            "limit 0": {"limit": "0"},
            "limit 101": {"limit": "101"},
            "limit text": {"limit": "many"},
            "order unknown": {"order": "up"},
            "after unknown": {"after": "job_x"},
            "after malformed": {"after": "a.b"},
            "unknown query": {"colour": "red"},
        }
        for name, query in queries.items():
            api.call(name, "GET", base, **query)
            api.call(f"{name}, of acme", "GET", base, **{"provider": "acme", **query})
        api.call("of globex", "GET", base, provider="globex")
        api.call("of openai", "GET", base, provider="openai")
        api.call("of nobody", "GET", base, provider="nonesuch")
        api.call("another account's", "GET", base, None, api.other_account(), provider="acme")


def _elsewhere(record: Recorder, spoken: Api) -> None:
    base = spoken.create_path
    with session(record, "elsewhere") as api:
        _unsupported(api, base)
        api.call("unsupported without key", "POST", f"{base}/extensions", {}, {"authorization": ""})
        api.call("unknown URL", "GET", f"{base}/job_x/frames/1")
        api.call("unknown method", "PUT", base, {})
        api.call("unknown method of a job", "PATCH", spoken.one("job_x"), {})
        api.call("slash behind", "GET", f"{base}/")
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
            api.call(f"absent {method}{path}", method, f"{spoken.one('job_x')}{path}")
        other_account, job_id = api.other_account(), spoken.create(api)
        for method, path in (("DELETE", ""), ("GET", "/content")):
            name = f"another account's {method}{path}"
            api.call(name, method, f"{spoken.one(job_id)}{path}", None, other_account)
