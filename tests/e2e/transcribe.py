"""What users of Tiyaro's asynchronous inference do: four steps, with nothing but requests.

    python transcribe.py BASE_URL API_KEY MODEL SOUND   → facts about it as JSON

A plain program, so that it runs in an interpreter that has requests and nothing of ours. It calls
and reads as the vendor's published sample does.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import requests

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
    sound = Path(name)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    where = f"{base}/v1/input/upload-url?extension={sound.suffix[1:]}"
    given = requests.post(where, json={}, headers=headers, timeout=30)
    upload_url = json.loads(given.text)["uploadUrl"]["PUT"]

    with sound.open("rb") as file:
        put = requests.put(upload_url, data=file, timeout=30)

    payload = {"input": INPUT, "URL": upload_url}
    where = f"{base}/v1/async/{model}?serviceTier=gpuflex"
    submitted = requests.post(where, headers=headers, json=payload, timeout=30)
    job = json.loads(submitted.text)["response"]

    seen: set[str] = set()
    while True:
        polled = requests.get(job["urls"]["GET"], headers=headers, timeout=30)
        told: dict[str, Any] = json.loads(polled.text)
        seen.add(told["status"])
        if told["status"] in ("success", "failed", "cancelled"):
            break
        time.sleep(0.2)

    facts = {
        "codes": [given.status_code, put.status_code, submitted.status_code, polled.status_code],
        "put_with": dict(put.request.headers),
        "id": job["id"],
        "first": job["status"],
        "seen": sorted(seen),
        "text": (told["result"] or {}).get("text"),
        "told": told,
    }
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
