"""Calls of a user of fal's client, with the version installed in this interpreter.

    python fal_journey.py IMAGE   → the results as JSON; a failed assertion ends the program

The client reads URL and key from the environment. Videos are 128x72 pixels and one second long.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import fal_client

APP = "fal-ai/ltx-video"
SMALL: dict[str, Any] = {"duration": 1, "video_size": {"width": 128, "height": 72}}


def subscribe(prompt: str, **arguments: Any) -> dict[str, Any]:
    """Run the client's polling loop; return its statuses and its result or error."""
    seen: list[Any] = []
    ids: list[str] = []
    results: dict[str, Any] = {}
    app = arguments.pop("app", APP)
    headers = arguments.pop("client", {})
    try:
        results["result"] = fal_client.subscribe(
            app,
            {"prompt": prompt, **SMALL, **arguments},
            with_logs=True,
            on_enqueue=ids.append,
            on_queue_update=seen.append,
            **headers,
        )
    except fal_client.FalClientHTTPError as error:
        results["refused"] = describe(error)
    states = [type(status).__name__ for status in seen]
    results["states"] = list(dict.fromkeys(states))
    results["in_order"] = states == sorted(states, key=["Queued", "InProgress", "Completed"].index)
    results["id"] = ids[0] if ids else None
    if seen:
        results["error_type"], results["logs"] = seen[-1].error_type, seen[-1].logs
    return results


def by_hand() -> dict[str, Any]:
    handle = fal_client.submit(APP, {"prompt": "a kite", **SMALL, "seed": 7})
    early = handle.client.get(handle.response_url)  # some clients do not poll the status first
    result = handle.get()
    return {
        "id": handle.request_id,
        "early": {"status": early.status_code, "detail": early.json()["detail"]},
        "result": result,
        "again": type(fal_client.status(APP, handle.request_id, with_logs=True)).__name__,
        "same": fal_client.result(APP, handle.request_id)["video"]["file_name"],
        "too late": refused(handle.cancel),
        "urls": [handle.response_url, handle.status_url, handle.cancel_url],
    }


def cancelled() -> dict[str, Any]:
    handle = fal_client.submit(APP, {"prompt": "a long one [slow=600]", **SMALL})
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
        return describe(error)
    raise AssertionError("the call was not refused")


def describe(error: fal_client.FalClientHTTPError) -> dict[str, Any]:
    return {"status": error.status_code, "type": error.error_type, "detail": error.message}


def main() -> None:
    with open(sys.argv[1], "rb") as file:  # noqa: PTH123 - no imports beyond the client
        image = fal_client.encode(file.read(), "image/png")
    image_app = f"{APP}/image-to-video"
    other_account = fal_client.SyncClient(key="rk_0000000000000000_" + "x" * 43)
    results = {
        "subscribed": subscribe("a lighthouse"),
        "with image": subscribe("later", app=image_app, image_url=image),
        "with headers": subscribe("soon", client={"client_timeout": 120, "priority": "normal"}),
        "by hand": by_hand(),
        "cancelled": cancelled(),
        "filtered": subscribe("something [filter]"),
        "failed": subscribe("something [fail]"),
        "refused": {
            "model": subscribe("x", app="fal-ai/none")["refused"],
            "duration": subscribe("x", duration=99)["refused"],
            "option": subscribe("x", expand_prompt=True)["refused"],
            "image": subscribe("x", app=image_app)["refused"],
            "webhook": refused(lambda: fal_client.submit(APP, SMALL, webhook_url="hooks.example")),
            "id": refused(lambda: fal_client.status(APP, "job_x")),
            "cancel": refused(lambda: fal_client.cancel(APP, "job_x")),
            "key": refused(lambda: other_account.submit(APP, SMALL)),
        },
    }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
