"""Downstream example, deployed beside the stack, and its stored videos."""

import hashlib
import re
import time

from local.deployment import deploy
from local.packaging import ROOT, package
from local.stack import Stack
from rushes.jobs.job import Job
from tests.chaos.records import RETRIES

TEMPLATE = ROOT / "examples/downstream/template.yaml"
VIDEO_TAG = re.compile(r'<video src="(video/[^"_]+_(job_[0-9a-f]+)_0\.mp4)"')
POLL_SECONDS = 2.0


class Gallery:
    def __init__(self, stack: Stack) -> None:
        session, url = stack.session(), stack.engine_url
        self.s3 = session.client("s3", endpoint_url=url, config=RETRIES)
        cloudformation = session.client("cloudformation", endpoint_url=url, config=RETRIES)
        parameters = {name: stack.outputs[name] for name in ("BusName", "BucketName")}
        template_url = package(TEMPLATE, self.s3)
        self.bucket = deploy(cloudformation, "gallery", template_url, parameters)["GalleryName"]

    def page(self) -> str:
        try:
            return self.s3.get_object(Bucket=self.bucket, Key="index.html")["Body"].read().decode()
        except self.s3.exceptions.NoSuchKey:
            return ""

    def videos(self) -> dict[str, str]:
        """Return the videos on the page: job id → key."""
        return {job: key for key, job in VIDEO_TAG.findall(self.page())}

    def wait_for_videos(self, count: int, seconds: float) -> dict[str, str]:
        """Return the videos once there are `count`, or after `seconds`."""
        deadline = time.monotonic() + seconds
        while len(videos := self.videos()) < count and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return videos

    def fault(self, job: Job, key: str) -> str:
        """Return the fault of a video on the page, or an empty string."""
        try:
            content = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return f"{key} is on the page, not in the bucket"
        is_same = hashlib.sha256(content).hexdigest() == job.artifacts[0].sha256
        return "" if is_same else f"{key} differs from the job's artifact"
