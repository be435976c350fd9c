"""Validate a create request, store its input files and build the job."""

import secrets
from dataclasses import dataclass, replace
from typing import Any

from rushes.api.choose_models import (
    INPUT_FIELD,
    ChosenModels,
    choose_for_remix,
    choose_models,
    roles_of,
)
from rushes.api.uploaded_files import UploadedFiles, UploadUrl, ensure_media_type
from rushes.catalog.models import Catalog
from rushes.catalog.selection import Candidate
from rushes.catalog.source import CatalogSource
from rushes.errors import InvalidRequest, NotFound, TooLarge
from rushes.jobs.content import primary_artifact
from rushes.jobs.content_type import media_type_of, sniff_output
from rushes.jobs.epoch import FIRST_EPOCH, Epoch
from rushes.jobs.job import Job
from rushes.jobs.job_id import new_id
from rushes.jobs.job_state import folder_of
from rushes.jobs.request import (
    MAX_INLINE_BYTES,
    UPLOAD_HINT,
    CreateRequest,
    Input,
    Role,
    StoredFile,
    Upload,
    megabytes,
)
from rushes.jobs.result import Artifact
from rushes.jobs.status import JobStatus
from rushes.ports import Clock
from rushes.ports.http import UrlPolicy
from rushes.ports.jobs import Jobs
from rushes.ports.storage import Blobs

MAX_FILES = 16
TIYARO_ROUTE = "POST /v1/input/upload-url"


@dataclass(frozen=True)
class JobBuilder:
    jobs: Jobs
    blobs: Blobs
    catalogs: CatalogSource
    clock: Clock
    validate_url: UrlPolicy
    """Applied to the webhook URL of a request."""
    validate_input_url: UrlPolicy
    """Applied to the URLs of input files."""
    epoch: Epoch = FIRST_EPOCH

    def build(self, account: str, dialect: str, create_request: CreateRequest) -> Job:
        """Return a job whose input files are in the bucket; the caller stores the job."""
        if create_request.webhook:
            self.validate_url(create_request.webhook.url, "webhook_url")
        version = self.catalogs.current()
        if create_request.source_id:
            job = self._remix(account, dialect, create_request, version.catalog)
        else:
            job = self._create(account, dialect, create_request, version.catalog)
        return job.model_copy(update={"config_version": version.number})

    def plan(
        self, account: str, dialect: str, create_request: CreateRequest
    ) -> tuple[Job, ChosenModels]:
        """Return the job that `build` would return, and its models, without storing a file."""
        if create_request.webhook:
            self.validate_url(create_request.webhook.url, "webhook_url")
        version = self.catalogs.current()
        chosen = self._choose(create_request, version.catalog)
        files = UploadedFiles(self.blobs)
        for entry in create_request.request.inputs:
            if entry.url is not None and files.is_upload(entry.url):
                files.check(account, UploadUrl(entry.role, entry.url, _field(entry)))
        for role, upload in create_request.uploads:
            _validated(role, upload)
        job = self._new(account, dialect, chosen.first)
        changes = {**_choices(chosen), "config_version": version.number}
        return job.model_copy(update=changes), chosen

    def delete_inputs(self, job: Job) -> None:
        """Delete the input files of a job that was not stored."""
        if job.request.inputs:
            self.blobs.delete(folder_of(job, "inputs"))

    def _create(
        self, account: str, dialect: str, create_request: CreateRequest, catalog: Catalog
    ) -> Job:
        chosen = self._choose(create_request, catalog)
        uploads = [(role, _validated(role, upload)) for role, upload in create_request.uploads]
        job = self._new(account, dialect, chosen.first)
        referenced, adopted = self._adopted(job, create_request)
        folder = folder_of(job, "inputs")
        stored = [
            Input(
                role=role,
                file=self.blobs.put(f"{folder}upload-{number}", upload),
                frame=upload.frame,
            )
            for number, (role, upload) in enumerate(uploads)
        ]
        inputs = (*referenced, *stored, *adopted)
        changes = {
            "request": chosen.first.request.model_copy(update={"inputs": inputs}),
            "preferences": create_request.preferences,
            "webhook": create_request.webhook,
            **_choices(chosen),
        }
        return job.model_copy(update=changes)

    def _choose(self, create_request: CreateRequest, catalog: Catalog) -> ChosenModels:
        chosen = choose_models(catalog, create_request)
        _validate_count(create_request)
        _validate_size(create_request)
        for entry in create_request.request.inputs:
            if entry.url is not None:
                self.validate_input_url(entry.url, _field(entry))
        return chosen

    def _adopted(self, job: Job, create_request: CreateRequest) -> tuple[list[Input], list[Input]]:
        """Copy the files that are in the bucket; URLs of other files stay URLs."""
        files, inputs = UploadedFiles(self.blobs), create_request.request.inputs
        referenced = [self._referenced(job, number, entry) for number, entry in enumerate(inputs)]
        adopted = [
            files.adopt(job, number, UploadUrl(role, url, "URL", route=TIYARO_ROUTE))
            for number, (role, url) in enumerate(create_request.uploaded, len(inputs))
        ]
        return referenced, adopted

    def _referenced(self, job: Job, number: int, entry: Input) -> Input:
        files = UploadedFiles(self.blobs)
        if entry.url is not None and files.is_upload(entry.url):
            upload = UploadUrl(entry.role, entry.url, _field(entry), entry.frame)
            return files.adopt(job, number, upload)
        if entry.file is None:
            return entry
        # Its ETag, if there is one, is of the upload that it is a copy of. It does not change.
        file = entry.file.model_copy(update={"etag": None})
        copy = self.blobs.copy(file, f"{folder_of(job, 'inputs')}copied-{number}")
        if copy is None:
            raise InvalidRequest(f"{_field(entry)}: the file has expired", param=_field(entry))
        return entry.model_copy(update={"file": copy})

    def _remix(
        self, account: str, dialect: str, create_request: CreateRequest, catalog: Catalog
    ) -> Job:
        """Build a job from a completed one: its video, model, length and size, a new prompt.

        The client chose neither length nor size: the nearest that the model accepts are used.
        """
        source_id = create_request.source_id or ""
        source = self.jobs.get(account, source_id)
        if source is None or source.deleted_at:
            raise NotFound(f"job {source_id} not found", param="video_id")
        if source.status is not JobStatus.COMPLETED:
            raise InvalidRequest(
                f"job {source_id} is not completed (status {source.status.value})", param="video_id"
            )
        video = _stored_file(primary_artifact(source, self.clock()))
        if media_type_of(video.content_type) != "video":  # an animation, such as a GIF
            raise InvalidRequest(
                f"job {source_id} has no video (found {video.content_type})", param="video_id"
            )
        inputs = (Input(role=Role.SOURCE_VIDEO, file=video),)
        changes = {
            "prompt": create_request.request.prompt,
            "inputs": inputs,
            "fallbacks": create_request.request.fallbacks,
        }
        request = source.request.model_copy(update=changes)
        chosen = choose_for_remix(catalog, request, create_request.request.fallbacks)
        job = self._new(account, dialect, chosen.first)
        origin = {
            "fallbacks": chosen.names,
            "nearest_models": chosen.nearest_names,
            "requested": chosen.requested if chosen.fallbacks else None,
            "remixed_from": source.id,
            "remixed_from_provider": source.first_provider,
            "remixed_operation": source.operation,
            "remixed_provider": source.provider,
            "webhook": create_request.webhook,
        }
        return job.model_copy(update=origin)

    def _new(self, account: str, dialect: str, candidate: Candidate) -> Job:
        now, model = self.clock(), candidate.model
        price = model.price(candidate.request)
        job = Job(
            id=new_id(now, secrets.token_hex(10)),
            account=account,
            dialect=dialect,
            provider=model.provider,
            upstream_model=model.model_at_provider,
            model=model.name,
            request=candidate.request,
            modality=model.modality,
            created_at=now,
            updated_at=now,
            deadline_at=now + model.deadline_seconds,
            cost=price,
            estimate=price,
            epoch=str(self.epoch),
        )
        return job.with_warnings(*candidate.warnings)


def _choices(chosen: ChosenModels) -> dict[str, Any]:
    """Return the fields of a job for its models."""
    return {
        "fallbacks": chosen.names,
        "nearest_models": chosen.nearest_names,
        "requested": chosen.requested if chosen.fallbacks or chosen.first.warnings else None,
    }


def _validate_count(create_request: CreateRequest) -> None:
    files = (*create_request.uploads, *create_request.uploaded, *create_request.request.inputs)
    if len(files) > MAX_FILES:
        field = next(iter(roles_of(create_request).values()))
        raise InvalidRequest(
            f"{field}: at most {MAX_FILES} files are allowed (got {len(files)})", param=field
        )


def _validate_size(create_request: CreateRequest) -> None:
    size = sum(len(upload.content) for _, upload in create_request.uploads)
    if size > MAX_INLINE_BYTES:
        field = create_request.uploads[0][1].field
        raise TooLarge(
            f"{field}: the files in a request must have at most {megabytes(MAX_INLINE_BYTES)}"
            f" (got {megabytes(size)}); {UPLOAD_HINT}",
            param=field,
        )


def _stored_file(artifact: Artifact) -> StoredFile:
    return StoredFile(**artifact.model_dump(include=set(StoredFile.model_fields)))


def _field(entry: Input) -> str:
    return entry.field or INPUT_FIELD


def _validated(role: Role, upload: Upload) -> Upload:
    """Return the file with the content type of its bytes."""
    content_type = sniff_output(upload.content)
    ensure_media_type(role, content_type, upload.field)
    return replace(upload, content_type=content_type or "")
