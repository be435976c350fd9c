"""What a client can do: the same verbs for every dialect."""

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
from rushes.request import Creation, GenerationRequest, StoredFile, Upload

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
        model = self.catalog.find(name)
        request = model.fit(creation.request.model_copy(update={"model": name}))
        wants_image = creation.image is not None or request.image_url is not None
        model.check_files(image=wants_image, source=creation.source_video is not None)
        uploads = _checked(creation)
        job = self._new(account, dialect, model, request)
        files = {name: self._keep(job, name, upload) for name, upload in uploads.items()}
        return self._accept(job.model_copy(update={"request": request.model_copy(update=files)}))

    def remix(self, account: str, dialect: str, source_id: str, prompt: str) -> Job:
        """A new job that reworks a finished one: same model, length and size, new prompt."""
        source = self.get(account, source_id)
        if source.status is not JobStatus.COMPLETED:
            raise InvalidRequest(f"{source_id} is not completed", param="video_id")
        model = self.catalog.find(source.request.model)
        model.check_files(image=False, source=True)
        film = self._artifact(source)
        changes = {
            "prompt": prompt,
            "source_video": StoredFile(**film.model_dump(exclude={"sha256"})),
        }
        request = model.fit(
            source.request.model_copy(update={**changes, "image": None, "image_url": None})
        )
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
        return self.jobs.page(account, query)

    def content(self, account: str, job_id: str, variant: str) -> str:
        """An address to download the job's film from, good for an hour."""
        job = self.get(account, job_id)
        if variant != "video":
            raise VariantNotAvailable(f"there is no {variant} of {job_id}", param="variant")
        return self.link(job, self._artifact(job))

    def link(self, job: Job, artifact: Artifact) -> str:
        extension = media.EXTENSIONS.get(artifact.content_type, "bin")
        return self.blobs.link(artifact, f"{job.id}.{extension}")

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
        if job.expires_at and job.expires_at < self.clock():
            raise ContentNotReady(
                f"the content of {job.id} has expired", param="video_id", code="content_expired"
            )
        if job.status is not JobStatus.COMPLETED or not job.artifacts:
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
            request=request,
            created_at=now,
            updated_at=now,
            deadline_at=now + model.deadline_seconds,
            cost=model.price(request.seconds or 0),
        )

    def _keep(self, job: Job, name: str, upload: Upload) -> StoredFile:
        return self.blobs.put(f"inputs/{job.account}/{job.id}/{name}", upload)

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


def _checked(creation: Creation) -> dict[str, Upload]:
    """The files that came along, by what they are for, with their real content types."""
    found: dict[str, Upload] = {}
    for name, upload, is_right in (
        ("image", creation.image, media.is_image),
        ("source_video", creation.source_video, media.is_video),
    ):
        if upload is None:
            continue
        kind = media.sniff(upload.content)
        if kind is None or not is_right(kind):
            wanted = "an image" if name == "image" else "a film"
            raise InvalidRequest(f"{upload.field} is not {wanted}", param=upload.field)
        found[name] = Upload(upload.field, kind, upload.content)
    return found
