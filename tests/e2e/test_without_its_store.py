"""The API without the right to its table or its bucket: 503 in every dialect, and nothing told.

To a client a table that is gone and one that may not be used are the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.api_clients import CALLERS, CallFailedError
from local.stack import Stack
from tests.e2e.test_permissions import without

ASK = {"prompt": "a fox", "seconds": 1, "width": 128, "height": 72}
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4"
    "z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)
WORDS: dict[str, tuple[str, ...]] = {
    "OpenAI": ("error", "code"),
    "Bifrost": ("error", "code"),
    "Together": ("error", "code"),
    "Tiyaro": ("code",),
}
"""Where the dialects that have codes have theirs; the queues have a text only."""
TRACES = (
    "Traceback",
    "AccessDenied",
    "dynamodb",
    "DynamoDB",
    "arn:",
    "boto",
    "PutObject",
    "Error(",
)


@contextmanager
def speaking(stack: Stack, dialect: str, answers: list[httpx.Response]) -> Iterator[Any]:
    """The least client of the dialect; what it is answered is kept."""

    def keep(answer: httpx.Response) -> None:
        answer.read()
        answers.append(answer)

    scheme = "Key" if dialect == "fal" else "Bearer"
    headers = {"authorization": f"{scheme} {stack.environment()['RUSHES_API_KEY']}"}
    with httpx.Client(
        base_url=stack.url, headers=headers, timeout=60, event_hooks={"response": [keep]}
    ) as http:
        yield CALLERS[dialect](http)


def check_unavailable(dialect: str, answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert not [trace for trace in TRACES if trace in answer.text]
    body = answer.json()
    if dialect not in WORDS:
        assert body == {"detail": "the service cannot answer at the moment"}
        return
    for name in WORDS[dialect]:
        body = body[name]
    assert body == "service_unavailable"


@pytest.mark.parametrize("action", ["dynamodb:PutItem", "dynamodb:GetItem"])
def test_without_its_table_every_dialect_says_503_in_its_own_envelope(stack, aws, action):
    """Without the right to write nothing is accepted; without that to read nothing is shown."""
    with without(aws, "ApiFunctionRole", action):
        for dialect in CALLERS:
            answers: list[httpx.Response] = []
            with speaking(stack, dialect, answers) as caller, pytest.raises(CallFailedError):
                caller.look(caller.create("sandbox/sandbox-1", ASK))
            check_unavailable(dialect, answers[-1])


def test_without_its_bucket_a_file_is_not_taken_and_nothing_is_told(client, aws):
    prompt = f"a fox {uuid4()}"
    body = {"model": "sandbox/sandbox-1", "prompt": prompt, "seconds": "1", "size": "128x72"}
    with without(aws, "ApiFunctionRole", "s3:PutObject"):
        answer = client.post("/openai/v1/videos", json={**body, "input_reference": PICTURE})
    check_unavailable("OpenAI", answer)
    listed = client.get("/openai/v1/videos?limit=5").json()["data"]
    assert prompt not in {it["prompt"] for it in listed}
    taken = client.post("/openai/v1/videos", json={**body, "input_reference": PICTURE})
    assert taken.status_code == 200, taken.text
