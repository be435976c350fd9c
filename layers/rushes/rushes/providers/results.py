"""Find files and text in a result whose fields depend on the model."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from rushes.jobs.result import Output

FILE_FIELDS = ("video", "videos", "image", "images", "audio", "audio_file", "audio_url")
"""Each holds a URL, base64, an object with either, or a list of these."""
URL_FIELDS = ("url", "data_uri")
MAX_FILES = 1000
"""Files of one result that are read, many more than `limits` accepts."""
TEXT_FIELDS = ("text", "transcription", "output")


def files_in(path: str, result: dict[str, Any]) -> tuple[Output, ...]:
    """Return the files that the reply at `path` links to or contains."""
    return first_files(
        output for name in FILE_FIELDS for output in files_at(path, f"/{name}", result.get(name))
    )


def first_files(outputs: Iterable[Output]) -> tuple[Output, ...]:
    return tuple(islice(outputs, MAX_FILES))


def files_at(path: str, pointer: str, value: Any) -> Iterator[Output]:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        for number, member in enumerate(value):
            yield from files_at(path, f"{pointer}/{number}", member)
    elif isinstance(value, dict):
        name = next((field for field in URL_FIELDS if value.get(field)), "")
        yield from files_at(path, f"{pointer}/{name}", value.get(name))
    elif isinstance(value, str) and value:
        yield _file(path, pointer, value)


def _file(path: str, pointer: str, text: str) -> Output:
    """Base64 contains no colon: a text with an HTTP scheme is a URL."""
    if is_http_url(text):
        return Output(url=text)
    return Output(url=path, needs_key=True, pointer=pointer)


def is_http_url(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def text_in(result: dict[str, Any]) -> dict[str, Any] | None:
    """Return the whole result with its text under `text`; None if the result has no text."""
    texts = (result[name] for name in TEXT_FIELDS if isinstance(result.get(name), str))
    text = next(texts, None)
    return None if text is None else {**result, "text": text}
