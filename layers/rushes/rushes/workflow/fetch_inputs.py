"""Copy the input URLs of a request into the bucket."""

from dataclasses import dataclass, replace

from rushes.errors import InvalidInputFile
from rushes.jobs.content_type import found_and_allowed, is_input, sniff_output
from rushes.jobs.job import Job
from rushes.jobs.job_state import folder_of
from rushes.jobs.request import Input, role_media_type
from rushes.ports.http import HttpClient
from rushes.ports.storage import Blobs
from rushes.workflow import wait_times
from rushes.workflow.slots import INPUT_FETCHES, JobSlots
from rushes.workflow.task import JobContext, NextStep, Transition, pending

INPUT_BYTES = 50 * 1024 * 1024
FETCHES_SECONDS = 60.0
"""No further fetch begins later: one takes 25 seconds, and the function's time limit is 280."""
MIN_SLOT_DELAY = 2.0
"""Minimum seconds before another try to get a slot."""


@dataclass(frozen=True)
class FetchInputs:
    context: JobContext
    http_client: HttpClient
    blobs: Blobs
    slots: JobSlots

    def run(self, job: Job) -> NextStep:
        """Fetch inputs in an invocation of their own; each is recorded before the next one.

        Raises
        ------
        InvalidInputFile
            If a URL cannot be fetched or its file does not fit its role.
        """
        with self.slots.held(INPUT_FETCHES, job) as has_slot:
            if not has_slot:
                waited = self.context.waited(job)
                return pending(wait_times.next_poll_delay(waited, None, MIN_SLOT_DELAY))
            begun = self.context.clock()
            for number, entry in enumerate(job.request.inputs):
                late = self.context.clock() - begun > FETCHES_SECONDS
                if late or job.has_outcome or job.cancel_requested_at:
                    break
                if entry.url:
                    fetched = self._fetch(job, number, entry)
                    job = self.context.update(job, _with_input(number, fetched))
        return pending(1)

    def _fetch(self, job: Job, number: int, entry: Input) -> Input:
        upload = self.http_client.fetch(entry.url or "", INPUT_BYTES)
        content_type, required = sniff_output(upload.content), role_media_type(entry.role)
        if content_type is None or not is_input(content_type, required):
            raise InvalidInputFile(
                f"{entry.role.value} must be a URL of type {required}"
                f" {found_and_allowed(content_type, required)}"
            )
        key = f"{folder_of(job, 'inputs')}{number}"
        file = self.blobs.put(key, replace(upload, content_type=content_type))
        return entry.model_copy(update={"url": None, "file": file})


def _with_input(number: int, fetched: Input) -> Transition:
    """Replace one URL, unless another invocation has done so: it may have fetched more."""

    def change(job: Job, now: float) -> Job:
        inputs = job.request.inputs
        if not inputs[number].url:
            return job
        return job.fetched(now, (*inputs[:number], fetched, *inputs[number + 1 :]))

    return change
