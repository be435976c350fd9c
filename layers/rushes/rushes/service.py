"""What a client can do: the same verbs for every dialect."""

import re
import secrets
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes import media
from rushes.catalog import Catalog, ModelEntry
from rushes.errors import (
    AlreadyFinished,
    ContentNotReady,
    InvalidRequest,
    NotFound,
    RushesError,
    UnknownCursor,
    VariantNotAvailable,
)
from rushes.job import Artifact, Job, JobPage, JobStatus
from rushes.ports import Blobs, Clock, Executions, JobQuery, Jobs
from rushes.request import (
    Creation,
    GenerationRequest,
    Input,
    Role,
    StoredFile,
    Upload,
    family_of,
)

MOST_FILES = 16
UPLOAD_BYTES = 200 * 1024 * 1024
UPLOAD_NAME = r"[a-z0-9]{1,64}\.[a-z0-9]{1,8}"
"""Names that S3 cannot even be asked for are none that were given out."""

PAGE_BYTES = 3 * 1024 * 1024
"""A function's answer may have 6 MB."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Service:
    jobs: Jobs
    blobs: Blobs
    executions: Executions
    catalog: Catalog
    clock: Clock

    def create(self, account: str, dialect: str, creation: Creation) -> Job:
        """Accept a job: everything is checked before anything is stored."""
        if creation.source_id:
            return self.remix(account, dialect, creation.source_id, creation.request.prompt)
        name = creation.request.model or self.catalog.default_model
        model, *others = self.catalog.candidates(name, *creation.request.fallbacks)
        request = model.fit(creation.request.model_copy(update={"model": name}))
        model.check_files(_roles(creation))
        for other in others:
            if other.kind != model.kind:
                raise InvalidRequest(f"{other.name} makes no {model.kind}", param="fallbacks")
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
            "candidates": tuple(other.name for other in others),
        }
        return self._accept(job.model_copy(update=changes))

    def remix(self, account: str, dialect: str, source_id: str, prompt: str) -> Job:
        """A new job that reworks a finished one: same model, length and size, new prompt."""
        source = self.get(account, source_id)
        if source.status is not JobStatus.COMPLETED:
            raise InvalidRequest(f"{source_id} is not completed", param="video_id")
        model = self.catalog.find(source.request.model)
        model.check_files({Role.SOURCE_VIDEO: "model"})
        film = StoredFile(**self._artifact(source).model_dump(exclude={"sha256"}))
        inputs = (Input(role=Role.SOURCE_VIDEO, file=film),)
        changes = {"prompt": prompt, "inputs": inputs}
        request = model.fit(source.request.model_copy(update=changes))
        job = self._new(account, dialect, model, request)
        return self._accept(job.model_copy(update={"remixed_from": source.id}))

    def get(self, account: str, job_id: str) -> Job:
        """The job.

        Raises
        ------
        NotFound
            If it is absent, deleted or somebody else's: the answer is the same.
        """
        job = self.jobs.get(account, job_id)
        if job is None or job.deleted_at:
            raise NotFound(f"there is no job {job_id}", param="video_id")
        return job

    def list(self, account: str, query: JobQuery) -> JobPage:
        if query.after and self.jobs.get(account, query.after) is None:
            raise UnknownCursor(f"there is no job {query.after} to go on after", param="after")
        if query.limit == 0:
            return JobPage()
        return _short(self.jobs.page(account, query))

    def content(self, account: str, job_id: str, variant: str) -> str:
        """An address to download the job's film from, good for an hour."""
        job = self.get(account, job_id)
        if variant != "video":
            raise VariantNotAvailable(f"there is no {variant} of {job_id}", param="variant")
        return self.link(job, self._artifact(job))

    def check_kept(self, job: Job) -> None:
        """Refuse to give out what may have been deleted by its age."""
        if job.expires_at and job.expires_at < self.clock():
            raise ContentNotReady(
                f"the content of {job.id} has expired", param="video_id", code="content_expired"
            )

    def link(self, job: Job, artifact: Artifact) -> str:
        extension = media.EXTENSIONS.get(artifact.content_type, "bin")
        return self.blobs.link(artifact, f"{job.id}.{extension}")

    def upload_address(self, account: str, extension: str) -> str:
        """An address to PUT one input file to; it belongs to the account."""
        name = f"{secrets.token_hex(16)}.{extension}"
        return self.blobs.upload_link(f"uploads/{account}/{name}")

    def cancel(self, account: str, job_id: str) -> Job:
        """Have a job stopped: at once where it waits, at the provider where it runs."""
        self.get(account, job_id)

        def request(job: Job) -> Job:
            if job.is_decided:
                raise AlreadyFinished(f"{job_id} has ended already")
            return job if job.cancel_requested_at else job.cancel_requested(self.clock())

        job = self.jobs.change(account, job_id, request)
        self._start(job)
        return job

    def delete(self, account: str, job_id: str) -> None:
        """Remove a job and its files; one that still runs is cancelled first."""
        if not self.get(account, job_id).is_decided:
            self._cancel_if_possible(account, job_id)
        self.jobs.change(
            account, job_id, lambda job: job if job.deleted_at else job.deleted(self.clock())
        )
        self.blobs.delete(f"outputs/{account}/{job_id}/")
        self.blobs.delete(f"inputs/{account}/{job_id}/")

    def _cancel_if_possible(self, account: str, job_id: str) -> None:
        try:
            self.cancel(account, job_id)
        except AlreadyFinished:
            return

    def _artifact(self, job: Job) -> Artifact:
        self.check_kept(job)
        if job.status is JobStatus.COMPLETED and not job.artifacts:
            raise ContentNotReady(
                f"{job.id} came to words, not to a file", param="video_id", code="no_content"
            )
        if job.status is not JobStatus.COMPLETED:
            raise ContentNotReady(
                f"{job.id} is {job.status.value}: it has no content", param="video_id"
            )
        return job.artifacts[0]

    def _new(
        self, account: str, dialect: str, model: ModelEntry, request: GenerationRequest
    ) -> Job:
        now = self.clock()
        return Job(
            id=f"job_{int(now * 1000):012x}{secrets.token_hex(10)}",
            account=account,
            dialect=dialect,
            provider=model.provider,
            upstream_model=model.model_at_provider,
            model=model.name,
            request=request,
            kind=model.kind,
            created_at=now,
            updated_at=now,
            deadline_at=now + model.deadline_seconds,
            cost=model.price(request.seconds),
        )

    def _keep(self, job: Job, role: Role, number: int, upload: Upload) -> Input:
        key = f"inputs/{job.account}/{job.id}/upload-{number}"
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
        if media.family(file.content_type) != family_of(role):
            raise InvalidRequest(f"what was uploaded is no {family_of(role)}", param="URL")
        copy = self.blobs.copy(file, f"inputs/{job.account}/{job.id}/adopted")
        if copy is None:
            raise InvalidRequest("what was uploaded has just been changed", param="URL")
        return Input(role=role, file=copy)

    def _accept(self, job: Job) -> Job:
        self.jobs.add(job)
        self._start(job)
        return job

    def _start(self, job: Job) -> None:
        """Start the newest execution. The job is stored: what fails here, the sweeper repairs."""
        try:
            self.executions.start(job)
        except RushesError as error:
            logger.warning("not started yet", job_id=job.id, reason=error.message)


def _short(page: JobPage) -> JobPage:
    """As much of the page as fits into an answer; the rest is on the next one."""
    length = 0
    for count, job in enumerate(page.jobs):
        length += len(job.model_dump_json())
        if count and length > PAGE_BYTES:
            return JobPage(jobs=page.jobs[:count], has_more=True)
    return page


def _roles(creation: Creation) -> dict[Role, str]:
    """What the files that came with a call are for, and the fields that they came in."""
    roles = {it.role: "input_reference" for it in creation.request.inputs}
    roles |= {role: upload.field for role, upload in creation.uploads}
    return roles | {role: "URL" for role, _ in creation.uploaded}


def _check_count(creation: Creation) -> None:
    count = len(creation.uploads) + len(creation.uploaded) + len(creation.request.inputs)
    if count > MOST_FILES:
        field = next(iter(_roles(creation).values()))
        raise InvalidRequest(f"a job works from at most {MOST_FILES} files", param=field)


def _checked(role: Role, upload: Upload) -> Upload:
    """The file with its real content type."""
    kind = media.sniff(upload.content)
    if kind is None or media.family(kind) != family_of(role):
        wanted = {"image": "an image", "video": "a film", "audio": "sound"}[family_of(role)]
        raise InvalidRequest(f"{upload.field} is not {wanted}", param=upload.field)
    return Upload(upload.field, kind, upload.content)
