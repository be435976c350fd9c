"""Validate a create request, store its input files and build the job."""

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass

from rushes.catalog.models import Catalog, ModelEntry
from rushes.errors import AwsUnavailable, InvalidRequest, NotFound
from rushes.jobs.content import primary_artifact
from rushes.jobs.content_type import media_type_of, sniff
from rushes.jobs.job import Job, folder_of, new_id
from rushes.jobs.request import (
    MAX_UPLOAD_BYTES,
    CreateRequest,
    GenerationRequest,
    Input,
    Role,
    StoredFile,
    Upload,
    role_media_type,
)
from rushes.jobs.status import JobStatus
from rushes.ports import Clock
from rushes.ports.http import UrlPolicy
from rushes.ports.jobs import Jobs
from rushes.ports.storage import Blobs

INPUT_FIELD = "input_reference"
"""Name in errors of an input without a field, such as one of a job that an operator retries."""
MAX_FILES = 16
MAX_FALLBACKS = 8
"""Each may leave a handle and an error in the job's item."""
UPLOAD_NAME = r"[a-z0-9]{1,64}\.[a-z0-9]{1,8}"
"""Also excludes names that are no valid S3 keys."""


@dataclass(frozen=True)
class JobBuilder:
    jobs: Jobs
    blobs: Blobs
    catalog: Catalog
    clock: Clock
    validate_url: UrlPolicy
    """Applied to the webhook URL of a request."""
    validate_input_url: UrlPolicy
    """Applied to the URLs of input files."""

    def build(self, account: str, dialect: str, create_request: CreateRequest) -> Job:
        """Return a job whose input files are in the bucket; the caller stores the job."""
        if create_request.webhook:
            self.validate_url(create_request.webhook.url, "webhook_url")
        if create_request.source_id:
            return self._remix(account, dialect, create_request, create_request.source_id)
        return self._create(account, dialect, create_request)

    def delete_inputs(self, job: Job) -> None:
        """Delete the input files of a job that was not stored."""
        if job.request.inputs:
            self.blobs.delete(folder_of(job, "inputs"))

    def _create(self, account: str, dialect: str, create_request: CreateRequest) -> Job:
        name = create_request.request.model or self.catalog.default_model
        model, *fallbacks = self.catalog.resolve(name, *create_request.request.fallbacks)
        named = create_request.request.model_copy(update={"model": name})
        request = model.validate_and_fill(named)
        roles = _roles(create_request)
        model.validate_inputs(roles)
        if len(fallbacks) > MAX_FALLBACKS:
            raise InvalidRequest(
                f"fallbacks: at most {MAX_FALLBACKS} models are allowed (got {len(fallbacks)})",
                param="fallbacks",
            )
        for fallback in fallbacks:
            if fallback.modality != model.modality:
                modalities = f"{fallback.modality}, not {model.modality}"
                raise InvalidRequest(
                    f"fallbacks: {fallback.name} generates {modalities}", param="fallbacks"
                )
            fallback.validate_and_fill(request)
            fallback.validate_inputs(roles)
        _validate_count(create_request)
        for entry in create_request.request.inputs:
            if entry.url is not None:
                self.validate_input_url(entry.url, entry.field or INPUT_FIELD)
        uploads = [(role, _validated(role, upload)) for role, upload in create_request.uploads]
        job = self._new(account, dialect, model, request)
        adopted = [self._adopt(job, role, url) for role, url in create_request.uploaded]
        folder = folder_of(job, "inputs")
        stored = [
            Input(role=role, file=self.blobs.put(f"{folder}upload-{number}", upload))
            for number, (role, upload) in enumerate(uploads)
        ]
        inputs = (*request.inputs, *stored, *adopted)
        changes = {
            "request": request.model_copy(update={"inputs": inputs}),
            "preferences": create_request.preferences,
            "webhook": create_request.webhook,
            "fallbacks": tuple(fallback.name for fallback in fallbacks),
        }
        return job.model_copy(update=changes)

    def _remix(
        self, account: str, dialect: str, create_request: CreateRequest, source_id: str
    ) -> Job:
        """Build a job from a completed one: its video, model, length and size, a new prompt."""
        source = self.jobs.get(account, source_id)
        if source is None or source.deleted_at:
            raise NotFound(f"job {source_id} not found", param="video_id")
        if source.status is not JobStatus.COMPLETED:
            raise InvalidRequest(
                f"job {source_id} is not completed (status {source.status.value})", param="video_id"
            )
        model = self.catalog.find(source.request.model)
        model.validate_inputs({Role.SOURCE_VIDEO: "model"})
        video = StoredFile(**primary_artifact(source, self.clock()).model_dump(exclude={"sha256"}))
        if media_type_of(video.content_type) != "video":  # an animation, such as a GIF
            raise InvalidRequest(
                f"job {source_id} has no video (found {video.content_type})", param="video_id"
            )
        inputs = (Input(role=Role.SOURCE_VIDEO, file=video),)
        changes = {"prompt": create_request.request.prompt, "inputs": inputs}
        request = model.validate_and_fill(source.request.model_copy(update=changes))
        job = self._new(account, dialect, model, request)
        return job.model_copy(update={"remixed_from": source.id, "webhook": create_request.webhook})

    def _new(
        self, account: str, dialect: str, model: ModelEntry, request: GenerationRequest
    ) -> Job:
        now = self.clock()
        return Job(
            id=new_id(now, secrets.token_hex(10)),
            account=account,
            dialect=dialect,
            provider=model.provider,
            upstream_model=model.model_at_provider,
            model=model.name,
            request=request,
            modality=model.modality,
            created_at=now,
            updated_at=now,
            deadline_at=now + model.deadline_seconds,
            cost=model.price(request.seconds),
        )

    def _adopt(self, job: Job, role: Role, url: str) -> Input:
        """Copy a file that the client PUT to a presigned URL; the URL itself is never fetched.

        The copy is necessary: the client can overwrite the object until the URL expires.
        """
        key = self.blobs.key_of(url)
        own_key = rf"uploads/{re.escape(job.account)}/{UPLOAD_NAME}"
        if key is None or not re.fullmatch(own_key, key):
            raise InvalidRequest(
                "URL was not issued by POST /v1/input/upload-url for this account", param="URL"
            )
        file = self.blobs.find(key)
        if file is None:
            raise InvalidRequest("URL: no file was uploaded, or it has expired", param="URL")
        try:
            _validate_uploaded(role, file)
        except InvalidRequest:
            with suppress(AwsUnavailable):  # a lifecycle rule deletes it within a day
                self.blobs.delete(key)
            raise
        copy = self.blobs.copy(file, f"{folder_of(job, 'inputs')}adopted")
        if copy is None:
            raise InvalidRequest("URL: uploaded file changed during this request", param="URL")
        return Input(role=role, file=copy)


def _roles(create_request: CreateRequest) -> dict[Role, str]:
    """Return the roles of the input files, each with the request field of the file."""
    roles = {file.role: file.field or INPUT_FIELD for file in create_request.request.inputs}
    roles |= {role: upload.field for role, upload in create_request.uploads}
    return roles | {role: "URL" for role, _ in create_request.uploaded}


def _validate_count(create_request: CreateRequest) -> None:
    files = (*create_request.uploads, *create_request.uploaded, *create_request.request.inputs)
    if len(files) > MAX_FILES:
        field = next(iter(_roles(create_request).values()))
        raise InvalidRequest(
            f"{field}: at most {MAX_FILES} files are allowed (got {len(files)})", param=field
        )


def _validated(role: Role, upload: Upload) -> Upload:
    """Return the file with the content type of its bytes."""
    content_type = sniff(upload.content)
    _ensure_media_type(role, content_type, upload.field)
    return Upload(upload.field, content_type or "", upload.content)


def _validate_uploaded(role: Role, file: StoredFile) -> None:
    if file.size > MAX_UPLOAD_BYTES:
        raise InvalidRequest(
            f"URL: uploaded file must have at most {MAX_UPLOAD_BYTES} bytes (got {file.size})",
            param="URL",
        )
    _ensure_media_type(role, file.content_type, "URL")


def _ensure_media_type(role: Role, content_type: str | None, field: str) -> None:
    wanted = role_media_type(role)
    if content_type is None or media_type_of(content_type) != wanted:
        article = {"image": "an image", "video": "a video", "audio": "audio"}[wanted]
        raise InvalidRequest(
            f"{field}: uploaded file is not {article} (found {content_type or 'an unknown type'})",
            param=field,
        )
