"""What users do with fal's own client, where this is run.

    python fal_journey.py PICTURE   → facts about it as JSON; a failed assertion fails it

The client takes where to go and its key from the environment. Small films: 128x72, one second.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import fal_client

APP = "fal-ai/ltx-video"
SMALL: dict[str, Any] = {"duration": 1, "video_size": {"width": 128, "height": 72}}


def subscribe(prompt: str, **asked: Any) -> dict[str, Any]:
    """The client's whole loop; told are the states that it saw and how it ended."""
    seen: list[Any] = []
    ids: list[str] = []
    facts: dict[str, Any] = {}
    app = asked.pop("app", APP)
    headers = asked.pop("client", {})
    try:
        facts["result"] = fal_client.subscribe(
            app,
            {"prompt": prompt, **SMALL, **asked},
            with_logs=True,
            on_enqueue=ids.append,
            on_queue_update=seen.append,
            **headers,
        )
    except fal_client.FalClientHTTPError as error:
        facts["refused"] = told(error)
    states = [type(status).__name__ for status in seen]
    facts["states"] = list(dict.fromkeys(states))
    facts["in_order"] = states == sorted(states, key=["Queued", "InProgress", "Completed"].index)
    facts["id"] = ids[0] if ids else None
    if seen:
        facts["error_type"], facts["logs"] = seen[-1].error_type, seen[-1].logs
    return facts


def by_hand() -> dict[str, Any]:
    handle = fal_client.submit(APP, {"prompt": "a kite", **SMALL, "seed": 7})
    early = handle.client.get(handle.response_url)  # as those do who do not ask for the status
    result = handle.get()
    return {
        "id": handle.request_id,
        "early": {"status": early.status_code, "detail": early.json()["detail"]},
        "result": result,
        "again": type(fal_client.status(APP, handle.request_id, with_logs=True)).__name__,
        "same": fal_client.result(APP, handle.request_id)["video"]["file_name"],
        "too late": refused(handle.cancel),
        "addresses": [handle.response_url, handle.status_url, handle.cancel_url],
    }


def cancelled() -> dict[str, Any]:
    handle = fal_client.submit(APP, {"prompt": "a long one [slow=60]", **SMALL})
    while not isinstance(handle.status(), fal_client.InProgress):
        time.sleep(0.1)
    handle.cancel()
    *_, last = handle.iter_events(with_logs=True)
    return {
        "last": type(last).__name__,
        "error_type": last.error_type,
        "result": refused(handle.get),
    }


def refused(call: Callable[[], object]) -> dict[str, Any]:
    try:
        call()
    except fal_client.FalClientHTTPError as error:
        return told(error)
    raise AssertionError("it was not refused")


def told(error: fal_client.FalClientHTTPError) -> dict[str, Any]:
    return {"status": error.status_code, "type": error.error_type, "detail": error.message}


def main() -> None:
    with open(sys.argv[1], "rb") as file:  # noqa: PTH123 - needs nothing
        picture = fal_client.encode(file.read(), "image/png")
    image_app = f"{APP}/image-to-video"
    other_account = fal_client.SyncClient(key="rk_0000000000000000_" + "x" * 43)
    facts = {
        "subscribed": subscribe("a lighthouse"),
        "pictured": subscribe("later", app=image_app, image_url=picture),
        "hurried": subscribe("soon", client={"client_timeout": 120, "priority": "normal"}),
        "by hand": by_hand(),
        "cancelled": cancelled(),
        "filtered": subscribe("something [filter]"),
        "failed": subscribe("something [fail]"),
        "refused": {
            "model": subscribe("x", app="fal-ai/none")["refused"],
            "duration": subscribe("x", duration=99)["refused"],
            "option": subscribe("x", expand_prompt=True)["refused"],
            "picture": subscribe("x", app=image_app)["refused"],
            "webhook": refused(lambda: fal_client.submit(APP, SMALL, webhook_url="hooks.example")),
            "id": refused(lambda: fal_client.status(APP, "job_x")),
            "cancel": refused(lambda: fal_client.cancel(APP, "job_x")),
            "key": refused(lambda: other_account.submit(APP, SMALL)),
        },
    }
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
