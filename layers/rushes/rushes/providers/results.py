"""Find files and text in a result whose fields depend on the model."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from rushes.jobs.result import Output
from rushes.providers.states import plain

FILE_FIELDS = ("video", "videos", "image", "images", "audio", "audio_file", "audio_url")
"""Each holds a URL, base64, an object with either, or a list of these."""
URL_FIELDS = ("url", "data_uri")
MEDIA = ("video", "image", "audio")
"""Words in names of fields, the primary file first."""
_URL_NAME = re.compile(r"(?:url|uri|link|href)s?$", re.IGNORECASE)
_RESULT_NAME = re.compile(r"^(?:final_?)?(?:outputs?|results?|videos?)$", re.IGNORECASE)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
MAX_FILES = 1000
"""Files of one result that are read, many more than `limits` accepts."""
TEXT_FIELDS = ("text", "transcription", "output")
LINK_FIELDS = (
    *("video_url", "url", "download_url", "output_url", "result_url", "media_url", "file_url"),
    *("signed_url", "presigned_url", "public_url"),
    *("uri", "href", "urls", "video_urls", "output_urls", "result_urls"),
)
"""Names under which vendors and gateways link to the generated files, in any spelling."""
INLINE_FIELDS = (
    *("data_uri", "base64", "b64_json", "video_base64", "bytes_base64_encoded", "file_data"),
    "data",
)
"""The same for a file in base64."""
RESULT_FIELDS = (
    *("output", "outputs", "result", "results", "generations", "artifacts"),
    *("generated_videos", "generated_samples", "creations"),
)
"""Names of objects and lists that have such fields; a URL may also be their value."""
CONTAINER_FIELDS = (
    *("video", "videos", "data", "assets", "response", "content", "files", "file", "media"),
    "items",
)
"""The same, but the client's own files may have these names, too."""
_LINK_NAMES = frozenset(map(plain, LINK_FIELDS))
MAX_DEPTH = 6
MAX_REFERENCE_CHARACTERS = 8192
_NOT_BASE64 = re.compile(r"[.?&%~:#]")
_JPEG_IN_BASE64 = "/9j/"


def files_in(path: str, result: dict[str, Any]) -> tuple[Output, ...]:
    """Return the files that the reply at `path` links to or contains."""
    return first_files(
        output for name in FILE_FIELDS for output in files_at(path, f"/{name}", result.get(name))
    )


def linked_files(path: str, job: dict[str, Any]) -> tuple[Output, ...]:
    """Return the files that a job's reply at `path` links to or contains, in any usual place.

    Only names of results are searched: the reply may also have the URLs of the job's inputs.
    """
    return tuple(dict.fromkeys(first_files(_results_in(path, "", job, MAX_DEPTH))))


def _results_in(path: str, pointer: str, value: Any, depth: int) -> Iterator[Output]:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        for number, member in enumerate(value):
            yield from _results_in(path, f"{pointer}/{number}", member, depth)
    elif isinstance(value, dict) and depth:
        yield from _results_of_object(path, pointer, value, depth)
    elif isinstance(value, str) and is_data_url(value):
        yield inline(path, pointer)
    elif isinstance(value, str) and value and _is_link(pointer, value):
        yield linked(path, value)


def _results_of_object(
    path: str, pointer: str, value: dict[str, Any], depth: int
) -> Iterator[Output]:
    """Yield the files of an object; of several names for one file the first one counts."""
    spellings = {plain(name): name for name in value}
    for name in _spelled((*RESULT_FIELDS, *LINK_FIELDS, *CONTAINER_FIELDS), spellings):
        found = list(_results_in(path, f"{pointer}/{name}", value[name], depth - 1))
        if found:
            yield from found
            return
    for name in _spelled(INLINE_FIELDS, spellings):
        if isinstance(value[name], str) and value[name]:
            yield inline(path, f"{pointer}/{name}")
            return


def _spelled(names: Iterable[str], spellings: dict[str, str]) -> list[str]:
    """Return the names as the object spells them, such as `videoUrl` for `video_url`."""
    return [spellings[plain(name)] for name in names if plain(name) in spellings]


def _is_link(pointer: str, text: str) -> bool:
    """Whether a text is a URL; in a field that is named for one, also a relative reference."""
    (name, *_) = (name for name in reversed(pointer.split("/")) if not name.isdigit())
    return is_http_url(text) or (plain(name) in _LINK_NAMES and is_reference(text))


def files_of_any_name(path: str, result: dict[str, Any]) -> tuple[Output, ...]:
    """Return the files under any other names: objects with a URL, and URLs by their field's name.

    Videos come first, then images, audio and the rest.
    """
    fields = sorted(result.items(), key=lambda field: _rank(field[0]))
    files = (file for name, value in fields for file in _linked_files(path, f"/{name}", value))
    return tuple(dict.fromkeys(first_files(files)))


def with_videos(path: str, result: dict[str, Any], files: tuple[Output, ...]) -> tuple[Output, ...]:
    """Return the files after those of fields such as `output_video`, if no video is among them.

    The files under the usual names may be a thumbnail alone.
    """
    if result.get("video") or result.get("videos"):
        return files
    fields = {name: value for name, value in result.items() if _is_video_name(name)}
    videos = (video for video in files_of_any_name(path, fields) if video not in files)
    return first_files((*videos, *files))


def _is_video_name(name: str) -> bool:
    lowered = name.lower()
    return "video" in lowered and not lowered.startswith(("input", "source", "original"))


def _rank(name: str) -> int:
    return next((rank for rank, word in enumerate(MEDIA) if word in name.lower()), len(MEDIA))


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
    return bool(
        _URL_NAME.search(names[-1]) or _RESULT_NAME.search(names[-1]) or _is_video_name(names[-1])
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
    if is_http_url(text) or is_reference(text):
        return linked(path, text)
    return inline(path, pointer)


def inline(path: str, pointer: str) -> Output:
    """Return the file inside the reply at `path`, which may be the absolute URL of a poll."""
    relative_to = "/" if is_http_url(path) else None
    return Output(url=path, needs_key=True, pointer=pointer, relative_to=relative_to)


def linked(path: str, url: str) -> Output:
    """Return the file at a URL in the reply at `path`, which may be relative to that reply."""
    url = url.strip()
    if is_http_url(url):
        return Output(url=url)
    return Output(url=url, needs_key=True, relative_to=path)


def is_http_url(text: str) -> bool:
    return text[:8].lower().startswith(("https://", "http://"))


def is_data_url(text: str) -> bool:
    return text[:5].lower() == "data:"


def is_reference(text: str) -> bool:
    """Whether a text is a relative reference (RFC 3986) and neither base64 nor a data URL."""
    text = text.strip()
    if len(text) > MAX_REFERENCE_CHARACTERS or SCHEME.match(text):
        return False
    if " " in text or not text.isprintable():
        return False
    starts_as_path = text.startswith("/") and not text.startswith(_JPEG_IN_BASE64)
    return starts_as_path or bool(_NOT_BASE64.search(text))


def text_in(result: dict[str, Any]) -> dict[str, Any] | None:
    """Return the whole result with its text under `text`; None if the result has no text."""
    texts = (result[name] for name in TEXT_FIELDS if isinstance(result.get(name), str))
    text = next(texts, None)
    return None if text is None else {**result, "text": text}
