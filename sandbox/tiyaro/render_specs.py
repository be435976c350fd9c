"""From a submission to a brief for the sandbox."""

import dataclasses
import shutil
import uuid
from pathlib import Path

from sandbox import inputs
from sandbox.errors import UnusableInputError
from sandbox.forms import Body
from sandbox.jobs import Sandbox
from sandbox.openai_videos.errors import ApiError
from sandbox.openai_videos.fields import check
from sandbox.render_spec import Brief
from sandbox.tiyaro.fields import FILMS, WHISPERS, FilmInput, Submission, WhisperInput
from sandbox.tiyaro.uploads import Uploads


def brief_of(sandbox: Sandbox, uploads: Uploads, model: str, wish: Submission) -> Brief:
    if model in WHISPERS:
        return _transcription(sandbox, model, wish, _file(uploads, wish.url))
    if model not in FILMS:
        raise ApiError(404, f"The model '{model}' does not exist.", code="model_not_found")
    fields = check(FilmInput, Body(wish.input, typed=True))
    width, height = map(int, fields.size.split("x"))
    brief = Brief(fields.prompt, model, width, height, fields.seconds, seed=fields.seed)
    if wish.url is None:
        return brief
    picture = _file(uploads, wish.url).read_bytes()
    try:
        return dataclasses.replace(brief, image=inputs.keep_picture(picture, sandbox.folder))
    except UnusableInputError as problem:
        raise _bad_address(str(problem)) from problem


def _transcription(sandbox: Sandbox, model: str, wish: Submission, file: Path) -> Brief:
    """What whisper calls its initial prompt is where directives stand."""
    fields = check(WhisperInput, Body(wish.input, typed=True))
    sound = sandbox.folder / uuid.uuid4().hex
    shutil.copyfile(file, sound)  # what is uploaded may be written anew at any time
    prompt = fields.initial_prompt or ""
    return Brief(prompt, model, 0, 0, 0, kind="transcription", sound=sound)


def _file(uploads: Uploads, address: str | None) -> Path:
    if address is None:
        raise _bad_address("This model works from an uploaded file.")
    file = uploads.find(address)
    if file is None:
        raise _bad_address("Nothing was uploaded there, or the address is none of ours.")
    return file


def _bad_address(text: str) -> ApiError:
    return ApiError(400, text, code="invalid_value", param="URL")
