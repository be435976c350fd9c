"""A JSON result that is too large for a response is replaced by a link to its file."""

from typing import Any

import pytest

from rushes.dialects.base import MAX_DOCUMENT_BYTES
from rushes.jobs.request import StoredFile
from tests.unit.dialects.api_client import OPENAI, Caller

RESULTS = {
    "/fal/any/model/requests/{id}": lambda body: body,
    "/pipelet/queue/any/requests/{id}": lambda body: body,
    "/v1/async/requests/{id}": lambda body: body["result"],
}


@pytest.mark.parametrize("path", RESULTS)
@pytest.mark.parametrize("excess", [0, 1])
def test_large_result_is_a_link_to_its_file(caller: Caller, path: str, excess: int):
    content = b'{"text": "' + b"x" * (MAX_DOCUMENT_BYTES - 12) + b'"}'
    key = "outputs/demo/job/document.json"
    caller.blobs.objects[key] = content
    size = MAX_DOCUMENT_BYTES + excess
    file = StoredFile(key=key, content_type="application/json", size=size)
    job = caller.job(caller.create(OPENAI))
    job_id = caller.complete(job, modality="transcription", document_file=file)
    result: dict[str, Any] = RESULTS[path](caller.call("GET", path.format(id=job_id)).json)
    if excess:
        link = result["result_file"]
        assert (link["content_type"], link["size"]) == ("application/json", size)
        assert key in link["url"]
    else:
        assert len(result["text"]) == MAX_DOCUMENT_BYTES - 12
