"""Outputs of an earlier poll are recognized among those of a later one."""

from typing import Any

import pytest

from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, CollectedOutput, Output
from rushes.workflow.collected_outputs import described, fingerprint, free_number, reusable
from tests.harness import MP4_BYTES, Harness

FOLDER = "outputs/a/job_1/"


def stored(*urls: str) -> tuple[CollectedOutput, ...]:
    return tuple(
        described(artifact(number), number, Output(url=url)) for number, url in enumerate(urls)
    )


def artifact(number: int) -> Artifact:
    key = f"{FOLDER}{number}.mp4"
    return Artifact(key=key, content_type="video/mp4", size=3, sha256=f"{number}" * 64)


def reused(collected: tuple[CollectedOutput, ...], *urls: str) -> dict[int, str]:
    """Return the name of the reused file by position."""
    found = reusable(FOLDER, collected, tuple(Output(url=url) for url in urls))
    assert all(file.position == position for position, file in found.items())
    return {position: file.key.removeprefix(FOLDER) for position, file in found.items()}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a", "a b", {0: "0.mp4"}),
        ("a", "b a", {1: "0.mp4"}),
        ("a b", "b c a", {0: "1.mp4", 2: "0.mp4"}),
        ("a b", "b", {0: "1.mp4"}),
        ("a b", "b c", {0: "1.mp4"}),
        ("a a", "a a b", {0: "0.mp4", 1: "1.mp4"}),
        ("", "a b", {}),
    ],
)
def test_file_is_reused_for_the_same_output_only(
    before: str, after: str, expected: dict[int, str]
) -> None:
    assert reused(stored(*before.split()), *after.split()) == expected


def test_files_whose_paths_change_at_every_poll_are_reused_by_position() -> None:
    assert reused(stored("/1/a", "/1/b"), "/2/a", "/2/b", "/2/c") == {0: "0.mp4", 1: "1.mp4"}
    assert reused(stored("/t", "/1/b"), "/t", "/2/b", "/2/c") == {0: "0.mp4", 1: "1.mp4"}


def test_files_of_earlier_releases_are_reused_by_position() -> None:
    old = tuple(
        CollectedOutput.model_validate_json(artifact(number).model_dump_json())
        for number in range(2)
    )
    assert reused(old, "/a", "/b", "/c") == {0: "0.mp4", 1: "1.mp4"}
    assert reused(old, "/a") == {0: "0.mp4"}


def test_files_of_another_folder_are_not_reused() -> None:
    assert reusable("archive/a/job_1/", stored("/a"), (Output(url="/a"),)) == {}


def test_fingerprint_ignores_origin_and_signature() -> None:
    url = "https://cdn.example/v/1.mp4"
    same = [url, f"{url}?sig=1", "https://eu.cdn.example/v/1.mp4?sig=2#x", "/v/1.mp4"]
    assert len({fingerprint(Output(url=url)) for url in same}) == 1
    others = [Output(url="https://cdn.example/v/2.mp4"), Output(url=url, pointer="/0")]
    assert len({fingerprint(output) for output in (Output(url=url), *others)}) == 3
    assert fingerprint(Output(url="http://["))


def test_new_file_overwrites_no_kept_one() -> None:
    files = stored("/a", "/b", "/c")
    assert [free_number(FOLDER, kept) for kept in ((), files, files[1:], files[:1])] == [0, 3, 0, 1]


def test_outputs_in_another_order_are_not_mixed(harness: Harness) -> None:
    """One file per invocation; each poll between them returns another order and signature."""
    contents = {f"/o/{name}": MP4_BYTES + name.encode() for name in "abc"}
    job = harness.running()
    orders = ["abc", "cab", "bca"]
    downloads: list[str] = []
    for number, order in enumerate(orders):
        outputs = tuple(Output(url=f"/o/{name}?sig={number}") for name in order)
        harness.http_client.files = {f"{path}?sig={number}": c for path, c in contents.items()}
        harness.change(job, generated(outputs))
        harness.blobs.put_stream = slow(harness, downloads)  # type: ignore[method-assign]
        harness.collect(job)
    files = harness.now(job).artifacts
    assert [harness.blobs.objects[file.key] for file in files] == [
        contents[f"/o/{name}"] for name in orders[-1]
    ]
    assert len(downloads) == len(contents)
    assert all("fingerprint" not in file.model_dump() for file in files)


def generated(outputs: tuple[Output, ...]) -> Any:
    return lambda job, now: Job.generated(job, now, outputs, None)


def slow(harness: Harness, downloads: list[str]) -> Any:
    """Store files slowly, so that each invocation stores one."""
    store = type(harness.blobs).put_stream

    def put_stream(key: str, *rest: Any) -> Artifact:
        downloads.append(key)
        harness.clock.advance(40)
        return store(harness.blobs, key, *rest)

    return put_stream
