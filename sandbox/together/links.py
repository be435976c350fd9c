"""Addresses that films are fetched from without a key, and for a while only."""

import secrets
import time

from sandbox.openai_videos.errors import ApiError

LINK_SECONDS = 24 * 3600


class Links:
    def __init__(self) -> None:
        self._given: dict[str, tuple[str, float]] = {}

    def give(self, job_id: str, seconds: int) -> str:
        """A token that opens a job's film for so long."""
        token = secrets.token_urlsafe(16)
        self._given[token] = job_id, time.time() + seconds
        return token

    def open(self, token: str) -> str:
        """The id of the job."""
        job_id, dies_at = self._given.get(token, ("", 0.0))
        if time.time() >= dies_at:
            raise ApiError(403, "This link has expired, or never was one.", code="expired_link")
        return job_id
