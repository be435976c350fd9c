"""The sandbox's Bifrost API refuses what the published one does not take."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from sandbox.app import create_app

VIDEO = {"model": "sandbox/sandbox-1", "prompt": "a fox"}


@pytest.fixture
def client() -> Iterator[TestClient]:
    headers = {"authorization": "Bearer key"}
    with TestClient(create_app("key"), base_url="http://127.0.0.1", headers=headers) as client:
        yield client


def test_created_video_has_an_id_with_its_provider(client: TestClient):
    created = client.post("/bifrost/v1/videos", json={**VIDEO, "seconds": "1", "audio": True})
    assert created.status_code == 200
    video_id = created.json()["id"]
    assert video_id.endswith(":sandbox")
    encoded = video_id.replace(":", "%3A")
    assert client.get(f"/bifrost/v1/videos/{encoded}").json()["id"] == video_id
    assert client.delete(f"/bifrost/v1/videos/{encoded}").json()["deleted"] is True


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/videos", {"files": {"prompt": (None, "a fox")}}, 400),
        ("/videos", {"json": {**VIDEO, "generate_audio": True}}, 400),
        ("/videos", {"json": {**VIDEO, "model": "sandbox-1"}}, 400),
        ("/videos", {"json": {**VIDEO, "seconds": 4}}, 400),
        ("/videos/edits", {"json": VIDEO}, 405),
        ("/videos/1/remix", {"json": {"prompt": "b"}}, 400),
        ("/videos/1:sandbox/remix", {"json": {"prompt": "b"}}, 404),
    ],
)
def test_other_requests_are_refused(
    client: TestClient, path: str, sent: dict[str, object], status: int
):
    answer = client.post(f"/bifrost/v1{path}", **sent)  # type: ignore[arg-type]
    assert answer.status_code == status
