"""From a create call to a job that can be stored: everything is checked before anything is kept."""

import re
import secrets
from dataclasses import dataclass

from rushes.catalog.models import Catalog, ModelEntry
from rushes.errors import InvalidRequest, NotFound
from rushes.jobs.content import primary_artifact
from rushes.jobs.content_type import family, sniff
from rushes.jobs.job import Job, folder_of, new_id
from rushes.jobs.request import (
    CreateRequest,
    GenerationRequest,
    Input,
    Role,
    StoredFile,
    Upload,
    family_of,
)
from rushes.jobs.status import JobStatus
from rushes.ports import Blobs, Clock, Jobs, UrlPolicy

MOST_FILES = 16
UPLOAD_BYTES = 200 * 1024 * 1024
UPLOAD_NAME = r"[a-z0-9]{1,64}\.[a-z0-9]{1,8}"
"""Names that S3 cannot even be asked for are none that were given out."""


@dataclass(frozen=True)
class JobBuilder:
    jobs: Jobs
    blobs: Blobs
    catalog: Catalog
    clock: Clock
    check_url: UrlPolicy
    """Of the address that a job is to be told of at."""

    def __call__(self, account: str, dialect: str, creation: CreateRequest) -> Job:
        """The job, its files in the bucket; nobody knows of it yet."""
        if creation.webhook:
            self.check_url(creation.webhook.url, "webhook_url")
        if creation.source_id:
            return self._remix(account, dialect, creation, creation.source_id)
        return self._create(account, dialect, creation)

    def forget(self, job: Job) -> None:
        """Remove the files of a job that was not stored."""
        if job.request.inputs:
            self.blobs.delete(folder_of(job, "inputs"))

    def _create(self, account: str, dialect: str, creation: CreateRequest) -> Job:
        name = creation.request.model or self.catalog.default_model
        model, *others = self.catalog.candidates(name, *creation.request.fallbacks)
        request = model.fit(creation.request.model_copy(update={"model": name}))
        model.check_files(_roles(creation))
        for other in others:
            if other.modality != model.modality:
                raise InvalidRequest(f"{other.name} makes no {model.modality}", param="fallbacks")
            other.fit(request)
            other.check_files(_roles(creation))
        _check_count(creation)
        uploads = [(role, _checked(role, upload)) for role, upload in creation.uploads]
        job = self._new(account, dialect, model, request)
        uploaded = [self._adopted(job, role, url) for role, url in creation.uploaded]
        stored = [self._keep(job, role, n, it) for n, (role, it) in enumerate(uploads)]
        inputs = (*request.inputs, *stored, *uploaded)
        whole = request.model_copy(update={"inputs": inputs})
        changes = {
            "request": whole,
            "preferences": creation.preferences,
            "webhook": creation.webhook,
            "fallbacks": tuple(other.name for other in others),
        }
        return job.model_copy(update=changes)

    def _remix(self, account: str, dialect: str, creation: CreateRequest, source_id: str) -> Job:
        """A job that reworks a finished one: same model, length and size, new prompt."""
        source = self.jobs.get(account, source_id)
        if source is None or source.deleted_at:
            raise NotFound(f"there is no job {source_id}", param="video_id")
        if source.status is not JobStatus.COMPLETED:
            raise InvalidRequest(f"{source_id} is not completed", param="video_id")
        model = self.catalog.find(source.request.model)
        model.check_files({Role.SOURCE_VIDEO: "model"})
        film = StoredFile(**primary_artifact(source, self.clock()).model_dump(exclude={"sha256"}))
        inputs = (Input(role=Role.SOURCE_VIDEO, file=film),)
        changes = {"prompt": creation.request.prompt, "inputs": inputs}
        request = model.fit(source.request.model_copy(update=changes))
        job = self._new(account, dialect, model, request)
        return job.model_copy(update={"remixed_from": source.id, "webhook": creation.webhook})

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

    def _keep(self, job: Job, role: Role, number: int, upload: Upload) -> Input:
        key = f"{folder_of(job, 'inputs')}upload-{number}"
        return Input(role=role, file=self.blobs.put(key, upload))

    def _adopted(self, job: Job, role: Role, address: str) -> Input:
        """A file that the client has PUT to an address of ours. The address is never fetched.

        It is copied: the client may PUT something else to its address as long as that is good.
        """
        key = self.blobs.key_of(address)
        ours = rf"uploads/{re.escape(job.account)}/{UPLOAD_NAME}"
        if key is None or not re.fullmatch(ours, key):
            raise InvalidRequest("URL is none that was given out to this account", param="URL")
        file = self.blobs.find(key)
        if file is None:
            raise InvalidRequest("nothing was uploaded to URL, or too long ago", param="URL")
        if file.size > UPLOAD_BYTES:
            raise InvalidRequest(f"the upload has more than {UPLOAD_BYTES} bytes", param="URL")
        if family(file.content_type) != family_of(role):
            raise InvalidRequest(f"what was uploaded is no {family_of(role)}", param="URL")
        copy = self.blobs.copy(file, f"{folder_of(job, 'inputs')}adopted")
        if copy is None:
            raise InvalidRequest("what was uploaded has just been changed", param="URL")
        return Input(role=role, file=copy)


def _roles(creation: CreateRequest) -> dict[Role, str]:
    """What the files that came with a call are for, and the fields that they came in."""
    roles = {it.role: "input_reference" for it in creation.request.inputs}
    roles |= {role: upload.field for role, upload in creation.uploads}
    return roles | {role: "URL" for role, _ in creation.uploaded}


def _check_count(creation: CreateRequest) -> None:
    count = len(creation.uploads) + len(creation.uploaded) + len(creation.request.inputs)
    if count > MOST_FILES:
        field = next(iter(_roles(creation).values()))
        raise InvalidRequest(f"a job works from at most {MOST_FILES} files", param=field)


def _checked(role: Role, upload: Upload) -> Upload:
    """The file with its real content type."""
    kind = sniff(upload.content)
    if kind is None or family(kind) != family_of(role):
        wanted = {"image": "an image", "video": "a film", "audio": "sound"}[family_of(role)]
        raise InvalidRequest(f"{upload.field} is not {wanted}", param=upload.field)
    return Upload(upload.field, kind, upload.content)
