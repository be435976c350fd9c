"""What stands in a result whose form is the model's own: files by address or by value, or text."""

from collections.abc import Iterator
from typing import Any

from rushes.jobs.result import Output

FILES = ("video", "videos", "image", "images", "audio", "audio_file", "audio_url")
"""Where a result may have its files: an address, an object with one, or a list of either."""
ADDRESSES = ("url", "data_uri")
TEXTS = ("text", "transcription", "output")


def files_in(place: str, result: dict[str, Any]) -> tuple[Output, ...]:
    """The files that the reply at `place` names or holds."""
    return tuple(
        output for name in FILES for output in files_at(place, f"/{name}", result.get(name))
    )


def files_at(place: str, pointer: str, value: Any) -> Iterator[Output]:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        for number, member in enumerate(value):
            yield from files_at(place, f"{pointer}/{number}", member)
    elif isinstance(value, dict):
        name = next((it for it in ADDRESSES if value.get(it)), "")
        yield from files_at(place, f"{pointer}/{name}", value.get(name))
    elif isinstance(value, str) and value:
        yield _file(place, pointer, value)


def _file(place: str, pointer: str, text: str) -> Output:
    """Base64 has no colon: what begins like an address is one."""
    if is_http_url(text):
        return Output(url=text)
    return Output(url=place, needs_key=True, pointer=pointer)


def is_http_url(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def text_in(result: dict[str, Any]) -> dict[str, Any] | None:
    """The whole result as a document, its words under `text`; None where it has no words."""
    found = next((result[it] for it in TEXTS if isinstance(result.get(it), str)), None)
    return None if found is None else {**result, "text": found}
