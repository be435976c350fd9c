"""The four calls of Tiyaro's published sample: create upload URL, upload, submit, poll.

    python transcribe.py BASE_URL API_KEY MODEL AUDIO   → the results as JSON

A program of its own, which runs in an environment with requests and without Rushes.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import requests

TIMEOUT = 120
INPUT = {
    "no_speech_threshold": 0.6,
    "patience": 1,
    "suppress_tokens": "-1",
    "compression_ratio_threshold": 2.4,
    "language": "en",
    "temperature_increment_on_fallback": 0.2,
    "length_penalty": None,
    "logprob_threshold": -1,
    "condition_on_previous_text": True,
    "initial_prompt": None,
    "task": "transcribe",
    "temperature": 0,
    "beam_size": 5,
    "best_of": 5,
}


def main() -> None:
    base, key, model, name = sys.argv[1:]
    audio = Path(name)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    url = f"{base}/v1/input/upload-url?extension={audio.suffix[1:]}"
    created = requests.post(url, json={}, headers=headers, timeout=TIMEOUT)
    upload_url = json.loads(created.text)["uploadUrl"]["PUT"]

    with audio.open("rb") as file:
        put = requests.put(upload_url, data=file, timeout=TIMEOUT)

    payload = {"input": INPUT, "URL": upload_url}
    url = f"{base}/v1/async/{model}?serviceTier=gpuflex"
    submitted = requests.post(url, headers=headers, json=payload, timeout=TIMEOUT)
    job = json.loads(submitted.text)["response"]

    seen: set[str] = set()
    while True:
        polled = requests.get(job["urls"]["GET"], headers=headers, timeout=TIMEOUT)
        view: dict[str, Any] = json.loads(polled.text)
        seen.add(view["status"])
        if view["status"] in ("success", "failed", "cancelled"):
            break
        time.sleep(0.2)

    results = {
        "codes": [created.status_code, put.status_code, submitted.status_code, polled.status_code],
        "put_with": dict(put.request.headers),
        "id": job["id"],
        "first": job["status"],
        "seen": sorted(seen),
        "text": (view["result"] or {}).get("text"),
        "job": view,
    }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
