"""Read the create request of the native API."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rushes.api.native.schemas.new_job import JobParameters, NewInput
from rushes.catalog.models import Catalog
from rushes.dialects.fal_queue.fal_arguments import read_arguments
from rushes.dialects.fal_queue.model_arguments import find_model
from rushes.dialects.input_files import Files, Uploads, read_file
from rushes.dialects.labels import (
    TAGS_HEADER,
    check_metadata,
    check_tags,
    check_user,
    read_tags_header,
    with_header_labels,
)
from rushes.dialects.validation import check_request_size
from rushes.dialects.webhook_param import read_webhook_url
from rushes.errors import InvalidRequest
from rushes.jobs.labels import Labels
from rushes.jobs.request import UPLOADS, CreateRequest, GenerationRequest, Input, Upload
from rushes.ports.storage import Blobs

UPLOAD_ID = re.compile(r"[a-z0-9]{1,64}\.[a-z0-9]{1,8}")
NEUTRAL = ("prompt", "seconds", "size", "resolution", "aspect_ratio", "seed", "negative_prompt",
           "generate_audio")  # fmt: skip
"""Fields that a vendor's arguments may express, too."""
UPLOAD_ROUTE = "POST /rushes/v1/uploads"


def read_create_request(
    body: JobParameters,
    headers: Mapping[str, str],
    account: str,
    blobs: Blobs,
    catalog: Catalog,
) -> CreateRequest:
    """Return the create request of a body, with the labels that the headers add.

    Raises
    ------
    InvalidRequest
        If a field has the wrong form, or two fields say the same.
    """
    uploads, inputs = _files(body, account, blobs)
    given, argument_uploads = _with_arguments(body, catalog)
    generation = given.model_copy(
        update={"inputs": (*inputs, *given.inputs), "fallbacks": body.fallbacks}
    )
    check_request_size(generation)
    labels = _labels(body, headers)
    webhook = read_webhook_url("webhook.url", body.webhook.url, "rushes") if body.webhook else None
    return CreateRequest(
        generation, uploads=(*uploads, *argument_uploads), webhook=webhook, labels=labels
    )


def _labels(body: JobParameters, headers: Mapping[str, str]) -> Labels:
    """Return the labels of the body and the headers, which must not contradict each other."""
    tags = check_tags(list(body.tags.items()), "tags")
    if tags and read_tags_header(headers) not in ({}, tags):
        raise InvalidRequest(f"{TAGS_HEADER} must be equal to tags, or absent", param=TAGS_HEADER)
    user = None if body.user is None else check_user(body.user)
    labels = Labels(tags=tags, metadata=check_metadata(body.metadata), user=user)
    return with_header_labels(labels, headers)


def _with_arguments(body: JobParameters, catalog: Catalog) -> tuple[GenerationRequest, Uploads]:
    """Return the request with the vendor's arguments in the fields that express them."""
    own = {name: getattr(body, name) for name in NEUTRAL}
    options = dict(body.provider_options)
    uploads: Uploads = ()
    translated = GenerationRequest(model=body.model)
    name = body.model or catalog.default_model
    if body.arguments and (model := find_model(catalog, name)):
        translated, uploads = read_arguments(name, body.arguments, model)
        translated = translated.model_copy(update={"model": body.model})
        options = _joined(translated.provider_options, options)
    elif body.arguments:  # other vendors' models have their arguments as options
        options = _joined(body.arguments, options)
    for field, value in own.items():
        if value in (None, ""):
            continue
        if getattr(translated, field) not in (None, ""):
            raise InvalidRequest(f"{field} is given twice, also in arguments", param=field)
        translated = translated.model_copy(update={field: value})
    return translated.model_copy(update={"provider_options": options}), uploads


def _joined(arguments: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    for name in arguments.keys() & options.keys():
        raise InvalidRequest(
            f"{name[:80]} is given twice, in provider_options and in arguments", param=name[:80]
        )
    return {**arguments, **options}


def _files(body: JobParameters, account: str, blobs: Blobs) -> Files:
    uploads: list[tuple[Any, Upload]] = []
    inputs: list[Input] = []
    for number, entry in enumerate(body.inputs):
        name = f"inputs.{number}"
        new_uploads, new_inputs = read_file(*_file(entry, name, account, blobs))
        uploads += [(role, replace(upload, frame=entry.frame)) for role, upload in new_uploads]
        inputs += [file.model_copy(update={"frame": entry.frame}) for file in new_inputs]
    return tuple(uploads), tuple(inputs)


def _file(entry: NewInput, name: str, account: str, blobs: Blobs) -> tuple[str, Any, str]:
    """Return field, role and URL of an input; an upload's URL is made from its id."""
    if (entry.url is None) == (entry.upload is None):
        raise InvalidRequest(f"{name} must have either url or upload", param=name)
    if entry.url is not None:
        return f"{name}.url", entry.role, entry.url
    field = f"{name}.upload"
    if not UPLOAD_ID.fullmatch(entry.upload or ""):
        raise InvalidRequest(f"{field} must be the id of a response of {UPLOAD_ROUTE}", param=field)
    return field, entry.role, blobs.upload_link(f"{UPLOADS}{account}/{entry.upload}")
