"""Read OpenAI's `input_reference`: a file, or an object of `image_url` or `file_id`."""

from typing import Any

from rushes.dialects.input_files import NO_FILES, Files, read_file
from rushes.dialects.validation import without_empty
from rushes.errors import InvalidRequest, UnsupportedOperation
from rushes.jobs.request import Role


def read_input_reference(value: Any) -> Files:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        value = _image_url(without_empty(value))
    if value is None:
        return NO_FILES
    return read_file("input_reference", Role.IMAGE, value)


def _image_url(reference: dict[str, Any]) -> Any:  # noqa: ANN401 - checked by read_file
    if not reference:
        return None
    if set(reference) == {"file_id"}:
        raise UnsupportedOperation(
            "input_reference.file_id is not supported: this API has no Files API",
            param="input_reference",
        )
    if set(reference) != {"image_url"}:
        raise InvalidRequest(
            "input_reference must have exactly one of image_url and file_id",
            param="input_reference",
        )
    return reference["image_url"]
