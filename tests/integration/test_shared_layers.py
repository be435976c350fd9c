"""The local engine unpacks a layer once; the processes of all functions use the same folder."""

import httpx

from local.stack import Stack
from tests.e2e.small_jobs import completes, create


def test_processes_use_the_same_unpacked_layers(stack: Stack, client: httpx.Client):
    assert completes(client, create(client).json()["id"])
    folder = stack.folder / "functions"
    assert len(list(folder.glob("layer-*/python/rushes"))) >= 1
    assert len(list(folder.glob("layer-*/python/pydantic"))) >= 1
    assert len(list(folder.glob("ministack-lambda-*/layer_*/unpacked"))) >= 6
    assert list(folder.glob("ministack-lambda-*/layer_*/python")) == []
