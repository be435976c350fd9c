"""The OpenAI Videos API of OpenAI's SDKs. Every field is present; an empty one is null."""

from typing import Any

from rushes.dialects.base import HttpResponse, JobView, PageView, Verb
from rushes.dialects.json_format import as_json
from rushes.dialects.model_list import ModelPage
from rushes.dialects.openai_errors import error_object, job_error
from rushes.dialects.openai_models import model_list, model_routes
from rushes.dialects.openai_videos.openai_format import FIELD_NAMES, completed_at, status_of
from rushes.dialects.openai_videos.videos_dialect import VideosDialect, video_routes
from rushes.dialects.response_headers import JSON_HEADERS, MODEL_HEADERS, POLL_HEADERS
from rushes.errors import RushesError
from rushes.jobs.job import Job


class OpenAIDialect(VideosDialect):
    name = "openai"
    routes = (*video_routes("/openai/v1/videos"), *model_routes("/openai/v1/models"))
    webhook_format = "openai"

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:  # noqa: ARG002 - same for all
        return HttpResponse(200, as_json(_video(view.job)), POLL_HEADERS)

    def write_page(self, view: PageView) -> HttpResponse:
        videos = [_video(job) for job in view.page.jobs]
        page = {
            "object": "list",
            "data": videos,
            "first_id": videos[0]["id"] if videos else None,
            "last_id": videos[-1]["id"] if videos else None,
            "has_more": view.page.has_more,
        }
        return HttpResponse(200, as_json(page), JSON_HEADERS)

    def write_deleted(self, job: Job) -> HttpResponse:
        deletion = {"id": job.id, "object": "video.deleted", "deleted": True}
        return HttpResponse(200, as_json(deletion), JSON_HEADERS)

    def write_models(self, page: ModelPage) -> HttpResponse:
        return HttpResponse(200, as_json(model_list(page)), MODEL_HEADERS)

    def write_error(self, error: RushesError) -> HttpResponse:
        body = {"error": error_object(error, FIELD_NAMES)}
        return HttpResponse(error.http_status, as_json(body), JSON_HEADERS)


def _video(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "object": "video",
        "model": job.request.model,
        "status": status_of(job),
        "progress": job.progress,
        "created_at": int(job.created_at),
        "completed_at": completed_at(job),
        "expires_at": int(job.expires_at) if job.expires_at else None,
        "prompt": job.request.prompt,
        "size": job.request.size or "",
        "seconds": str(job.request.seconds or ""),
        "remixed_from_video_id": job.remixed_from,
        "error": job_error(job),
    }
