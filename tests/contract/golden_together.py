"""Cases of Together's video API."""

import base64
from typing import Any

from tests.contract.golden_common import WEBHOOK_FIELDS, Api, common, invalid
from tests.contract.golden_jobs import MODEL, PICTURE_ADDRESS, PNG, STATES, WEBHOOK
from tests.contract.golden_recorder import Recorder
from tests.contract.golden_session import session

BASE, SECOND_BASE = "/v2/videos", "/v1/v2/videos"
FIELDS = {"prompt": "a cat", "model": MODEL, "seconds": "4"}
BARE = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{BARE}"
ALL = {"model": "acme/all-inputs"}
FRAME = {"input_image": PICTURE_ADDRESS}
VARIED_FIELDS: dict[str, dict[str, Any]] = {
    "every field": {
        **ALL,
        "width": 1280,
        "height": 720,
        "resolution": "720p",
        "ratio": "16:9",
        "fps": 24,
        "steps": 20,
        "seed": 7,
        "guidance_scale": 5,
        "output_format": "MP4",
        "output_quality": 20,
        "negative_prompt": "dogs",
        "generate_audio": True,
        "style": "noir",
    },
    "resolution without size": {**ALL, "resolution": "720p"},
    "no prompt": {"prompt": ...},
    "no seconds": {"seconds": ...},
    "no model": {"model": ...},
    "model empty": {"model": ""},
    "model unknown": {"model": "acme/none"},
    "model of other kind": {"model": "acme/image-1"},
    "alias": {"model": "clip"},
    "width only": {"width": 1280},
    "height only": {"height": 720},
    "size": {"width": 720, "height": 1280},
    "size not on offer": {"width": 4, "height": 4},
    "steps few": {**ALL, "steps": 5},
    "guidance_scale as float": {**ALL, "guidance_scale": 5.5},
    "guidance_scale as text": {**ALL, "guidance_scale": "5"},
    "output_format unknown": {**ALL, "output_format": "AVI"},
    "fps not taken": {"fps": 24},
    "unknown field": {"sharpness": 1},
    "frame": {"media": {"frame_images": [FRAME]}},
    "frames": {**ALL, "media": {"frame_images": [FRAME, {"input_image": DATA_URL}]}},
    "frames by name": {
        **ALL,
        "frame_images": [{**FRAME, "frame": "last"}, {"input_image": BARE, "frame": "first"}],
    },
    "frames the same": {**ALL, "frame_images": [{**FRAME, "frame": 0}, {**FRAME, "frame": 0}]},
    "frame in the middle": {**ALL, "frame_images": [{**FRAME, "frame": 12}]},
    "frames three": {**ALL, "frame_images": [FRAME, FRAME, FRAME]},
    "frames twice": {**ALL, "frame_images": [FRAME], "media": {"frame_images": [FRAME]}},
    "frame without image": {**ALL, "frame_images": [{}]},
    "references": {**ALL, "reference_images": [PICTURE_ADDRESS, DATA_URL]},
    "references in media": {**ALL, "media": {"reference_images": [BARE]}},
    "source video": {**ALL, "media": {"source_video": "https://videos.example/1.mp4"}},
    "source video object": {**ALL, "media": {"source_video": {"video": PICTURE_ADDRESS}}},
    "audio": {**ALL, "media": {"audio_inputs": [{"audio": "https://sounds.example/1.mp3"}]}},
    "audio not taken": {"media": {"audio_inputs": ["https://sounds.example/1.mp3"]}},
    "frame videos": {**ALL, "media": {"frame_videos": [FRAME]}},
    "reference videos": {**ALL, "media": {"reference_videos": [FRAME]}},
    "media unknown": {**ALL, "media": {"masks": []}},
    "picture is none": {"media": {"frame_images": [{"input_image": "data:;base64,aGk="}]}},
    "picture needed": {"model": "acme/needs-image"},
    "too many files": {**ALL, "reference_images": [PICTURE_ADDRESS] * 17},
    **WEBHOOK_FIELDS,
}


def together(record: Recorder) -> None:
    spoken = Api(BASE, FIELDS, {**FIELDS, "prompt": "a dog"}, f"{BASE}/{{id}}")
    common(record, spoken)
    invalid(record, spoken, VARIED_FIELDS)
    with session(record, "create") as api:
        api.form("form", BASE, *FIELDS.items())
        job_id = spoken.create(api, "second prefix, create")
        api.call("second prefix, retrieve", "GET", f"{SECOND_BASE}/{job_id}")
        api.call("second prefix", "POST", SECOND_BASE, {**FIELDS, "webhook": WEBHOOK})
        api.call("list is unknown", "GET", BASE)
        api.call("delete is unknown", "DELETE", f"{BASE}/{job_id}")
        api.call("content is unknown", "GET", f"{BASE}/{job_id}/content")
    for state in STATES:
        with session(record, f"state {state}") as api:
            job_id = spoken.create(api)
            api.tick(60)
            api.set_state(job_id, state)
            api.call("retrieve", "GET", spoken.one(job_id))
