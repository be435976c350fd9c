"""Check create calls for another Rushes deployment against this release's own OpenAI dialect."""

from pydantic import ValidationError

from rushes.catalog.model_entry import ModelEntry
from rushes.dialects.openai_videos.schemas import CreateBody
from rushes.ports.http import FormFile, HttpCall
from tests.contract.vendors.openai import errors as openai_errors

SOURCE = "the OpenAI dialect of this release"


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    texts = {
        name: value for name, value in (call.form or {}).items() if not isinstance(value, FormFile)
    }
    try:
        body = CreateBody.model_validate(texts)
    except ValidationError as error:
        return [str(error)]
    return [f"{name} is unknown" for name in body.model_extra or {}] or openai_errors(model, call)
