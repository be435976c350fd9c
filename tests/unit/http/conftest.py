from collections.abc import Iterator

import pytest

from rushes.http.client import SafeHttpClient
from tests.fakes import FakeBlobs
from tests.raw_http import RawServer, serving
from tests.unit.http.responses import NOTHING, Provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        blobs = FakeBlobs()
        blobs.objects[NOTHING.key] = b""
        yield Provider(server, blobs, SafeHttpClient(blobs, local_mode=True))


@pytest.fixture
def other_server() -> Iterator[RawServer]:
    with serving() as server:
        yield server
