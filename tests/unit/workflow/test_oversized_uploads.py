"""Uploads that are too large are deleted when S3 reports them."""

from typing import Any

import pytest
from typing_extensions import override

from rushes.jobs.request import MAX_UPLOAD_BYTES, StoredFile
from rushes.workflow.oversized_uploads import OversizedUploads
from tests.fakes import FakeBlobs

KEY = "uploads/demo/0123.mp3"
TOO_LARGE = MAX_UPLOAD_BYTES + 1


class SizedBlobs(FakeBlobs):
    """`sizes` of objects whose content is not in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[str, int] = {}

    @override
    def find(self, key: str) -> StoredFile | None:
        found = super().find(key)
        size = self.sizes.get(key)
        return found.model_copy(update={"size": size}) if found and size else found


def detail(size: object = TOO_LARGE, key: object = KEY) -> dict[str, Any]:
    return {"version": "0", "bucket": {"name": "media"}, "object": {"key": key, "size": size}}


@pytest.fixture
def blobs() -> SizedBlobs:
    blobs = SizedBlobs()
    blobs.sizes = {KEY: TOO_LARGE}
    blobs.objects = {KEY: b"x", "uploads/demo/4567.mp3": b"y", "outputs/demo/job/0.mp4": b"z"}
    return blobs


def test_oversized_upload_is_deleted_and_no_other_file(blobs: FakeBlobs) -> None:
    assert OversizedUploads(blobs).delete(detail()) == 1
    assert set(blobs.objects) == {"uploads/demo/4567.mp3", "outputs/demo/job/0.mp4"}


def test_repeated_event_deletes_nothing_more(blobs: FakeBlobs) -> None:
    for _ in range(2):
        OversizedUploads(blobs).delete(detail())
    assert len(blobs.objects) == 2


@pytest.mark.parametrize("size", [1, MAX_UPLOAD_BYTES])
def test_file_that_replaced_an_oversized_one_is_kept(blobs: SizedBlobs, size: int) -> None:
    """The event is late, or a repeated one."""
    blobs.sizes[KEY] = size
    before = dict(blobs.objects)
    assert OversizedUploads(blobs).delete(detail()) == 0
    assert blobs.objects == before


def test_file_that_is_gone_is_not_deleted_again(blobs: SizedBlobs) -> None:
    del blobs.objects[KEY]
    blobs.objects[f"{KEY}.mp3"] = b"another"
    assert OversizedUploads(blobs).delete(detail()) == 0
    assert f"{KEY}.mp3" in blobs.objects


@pytest.mark.parametrize(
    "event",
    [
        detail(MAX_UPLOAD_BYTES),
        detail(key="outputs/demo/job/0.mp4"),
        detail(key="inputs/demo/job/0"),
        detail(key="uploadsX"),
        detail("many"),
        detail(None),
        detail(key=["uploads/"]),
        {"object": "uploads/"},
        {},
    ],
)
def test_other_objects_and_malformed_events_delete_nothing(
    blobs: FakeBlobs, event: dict[str, Any]
) -> None:
    before = dict(blobs.objects)
    assert OversizedUploads(blobs).delete(event) == 0
    assert blobs.objects == before
