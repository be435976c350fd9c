"""Find files and text in a result whose fields depend on the model."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from rushes.jobs.result import Output

FILE_FIELDS = ("video", "videos", "image", "images", "audio", "audio_file", "audio_url")
"""Each holds a URL, base64, an object with either, or a list of these."""
URL_FIELDS = ("url", "data_uri")
MEDIA = ("video", "image", "audio")
"""Words in names of fields, the primary file first."""
_URL_NAME = re.compile(r"(?:^|_)(?:url|uri)s?$")
MAX_FILES = 1000
"""Files of one result that are read, many more than `limits` accepts."""
TEXT_FIELDS = ("text", "transcription", "output")


def files_in(path: str, result: dict[str, Any]) -> tuple[Output, ...]:
    """Return the files that the reply at `path` links to or contains."""
    return first_files(
        output for name in FILE_FIELDS for output in files_at(path, f"/{name}", result.get(name))
    )


def files_of_any_name(path: str, result: dict[str, Any]) -> tuple[Output, ...]:
    """Return the files under any other names: objects with a URL, and URLs by their field's name.

    Videos come first, then images, audio and the rest.
    """
    fields = sorted(result.items(), key=lambda field: _rank(field[0]))
    files = (file for name, value in fields for file in _linked_files(path, f"/{name}", value))
    return tuple(dict.fromkeys(first_files(files)))


def _rank(name: str) -> int:
    return next((rank for rank, word in enumerate(MEDIA) if word in name), len(MEDIA))


def _linked_files(path: str, pointer: str, value: Any) -> Iterator[Output]:  # noqa: ANN401 - any JSON value
    """Yield the files below a field; nested objects are searched, as models group their files."""
    if isinstance(value, list):
        for number, member in enumerate(value):
            yield from _linked_files(path, f"{pointer}/{number}", member)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _linked_files(path, f"{pointer}/{name}", member)
    elif isinstance(value, str) and is_http_url(value) and _is_named_url(pointer):
        yield Output(url=value)


def _is_named_url(pointer: str) -> bool:
    names = [name for name in pointer.split("/") if not name.isdigit()]
    return bool(_URL_NAME.search(names[-1]))


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
