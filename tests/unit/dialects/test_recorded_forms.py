"""Form posts recorded from Java's HTTP clients, curl and a browser are read as they are meant."""

from pathlib import Path

import pytest

from rushes.jobs.request import Role
from tests.unit.dialects.api_client import BASES, Caller, Reply

FOLDER = Path(__file__).parents[2] / "fixtures/form_posts"
FILES = sorted(FOLDER.glob("*.http"))
SPANISH = "un niño y una cometa"
IMAGE = (FOLDER / "image.png").read_bytes()
PLAIN_PROMPTS = (
    *("httpclient-strict", "httpclient-browser-compatible", "httpclient-rfc6532"),
    *("httpclient-file", "httpclient-typed-file"),
    *("okhttp", "okhttp-file", "okhttp-untyped-file"),
)
"""The others have a letter that is not ASCII, in the charset that the client declares."""


def replayed(caller: Caller, file: Path, path: str) -> Reply:
    """Send the recorded request to a path, with a valid key."""
    head, _, body = file.read_bytes().partition(b"\r\n\r\n")
    pairs = (line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
    headers = {name.lower(): value for name, value in pairs}
    assert int(headers["content-length"]) == len(body)
    return caller.raw("POST", path, body, {**headers, "authorization": f"Bearer {caller.key}"})


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_recorded_form_creates_a_job(caller: Caller, file: Path, base: str):
    request = caller.job(replayed(caller, file, base)).request
    expected = "a kite" if file.stem in PLAIN_PROMPTS else SPANISH
    assert (request.model, request.prompt, request.seconds) == ("sora-2", expected, 4)
    assert request.size == "1280x720"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_recorded_file_is_the_input_image(caller: Caller, file: Path):
    inputs = caller.job(replayed(caller, file, BASES[0])).request.inputs
    if not file.stem.endswith("-file"):  # also if a browser's form has an empty file input
        assert inputs == ()
        return
    (image,) = inputs
    assert image.file
    assert (image.role, image.file.content_type) == (Role.IMAGE, "image/png")
    assert caller.blobs.objects[image.file.key] == IMAGE


def test_forms_of_each_client_are_recorded():
    clients = {file.stem.partition("-")[0] for file in FILES}
    assert clients == {"httpclient", "okhttp", "curl", "browser"}
