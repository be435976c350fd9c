"""Access to a job's stored files, and their expiry."""

from rushes.errors import ContentNotReady, InvalidOutput
from rushes.jobs.content_type import ARCHIVES, extension_of, media_type_of
from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile
from rushes.jobs.result import Artifact
from rushes.jobs.status import JobStatus

POSSIBLE_TYPES = {
    "video": ("image/gif", "image/webp", "image/avif", *ARCHIVES),
    "audio": ("video/mp4", "video/webm", "video/quicktime", *ARCHIVES),
    "image": tuple(ARCHIVES),
}
"""By modality: an image of these types may be animated, a video has sound, an archive anything.

Jobs of earlier releases also have audio with the type of a video.
"""
SAME, POSSIBLE, OTHER = range(3)


def ensure_not_expired(job: Job, now: float) -> None:
    """Raise ContentNotReady once the retention period has ended."""
    if job.expires_at and job.expires_at < now:
        raise ContentNotReady(
            f"the content of job {job.id} has expired", param="video_id", code="content_expired"
        )


def ordered_artifacts(job: Job) -> tuple[Artifact, ...]:
    """Return the job's files, those of its modality first: a thumbnail may precede its video.

    Files that may be of the modality, such as a GIF of a video model, are next.
    """
    return tuple(sorted(job.artifacts, key=lambda file: _rank(file, job.modality)))


def ensure_modality(job: Job, artifacts: tuple[Artifact, ...]) -> None:
    """Raise InvalidOutput unless the files, or the JSON result, are of the job's modality.

    Further files of other types, such as thumbnails, are allowed.
    """
    if job.modality == "transcription":
        if job.document is not None or job.document_file is not None:
            return
        expected = "a transcript"
    elif any(_rank(artifact, job.modality) < OTHER for artifact in artifacts):
        return
    else:
        expected = {"image": "an image"}.get(job.modality, f"a file of type {job.modality}")
    types = sorted({artifact.content_type for artifact in artifacts})
    found = ", ".join(types) or "a JSON result only"
    raise InvalidOutput(f"the provider's result must contain {expected} (found {found})")


def _rank(file: Artifact, modality: str) -> int:
    if media_type_of(file.content_type) == modality:
        return SAME
    return POSSIBLE if file.content_type in POSSIBLE_TYPES.get(modality, ()) else OTHER


def primary_artifact(job: Job, now: float) -> Artifact:
    """Return the job's first file of its modality, or else its first file.

    Raises
    ------
    ContentNotReady
        If there is none yet, it has expired, or the job has no file.
    """
    ensure_not_expired(job, now)
    if job.status is not JobStatus.COMPLETED:
        raise ContentNotReady(
            f"job {job.id} is {job.status.value}; only a completed job has content",
            param="video_id",
        )
    if not job.artifacts:
        raise ContentNotReady(
            f"job {job.id} produced a transcript; it has no downloadable content",
            param="video_id",
            code="no_content",
        )
    return ordered_artifacts(job)[0]


def thumbnail(job: Job, video: Artifact) -> Artifact | None:
    """Return the image that the provider returned with a video."""
    others = (file for file in job.artifacts if file.key != video.key)
    images = (file for file in others if media_type_of(file.content_type) == "image")
    return next(images, None) if job.modality == "video" else None


def file_name(job: Job, file: StoredFile) -> str:
    """Return the file's name in a download."""
    return f"{job.id}.{extension_of(file.content_type)}"
