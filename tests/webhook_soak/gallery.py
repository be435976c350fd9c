"""The example application downstream, deployed beside the stack, and what it has kept."""

import hashlib
import re
import time

from botocore.config import Config

from local.deployment import deploy
from local.packaging import ROOT, package
from local.stack import Stack
from rushes.jobs.job import Job

TEMPLATE = ROOT / "examples/downstream/template.yaml"
DIRECT = Config(proxies={}, retries={"total_max_attempts": 5})
NAMED = re.compile(r'<video src="(video/[^"_]+_(job_[0-9a-f]+)_0\.mp4)"')
LOOK_SECONDS = 2.0


class Gallery:
    def __init__(self, stack: Stack) -> None:
        session, url = stack.session(), stack.engine_url
        self._s3 = session.client("s3", endpoint_url=url, config=DIRECT)
        cloudformation = session.client("cloudformation", endpoint_url=url, config=DIRECT)
        parameters = {name: stack.outputs[name] for name in ("BusName", "BucketName")}
        template = package(TEMPLATE, self._s3)
        self._bucket = deploy(cloudformation, "gallery", template, parameters)["GalleryName"]

    def films(self) -> dict[str, str]:
        """Those on its page: job to key."""
        try:
            page = self._s3.get_object(Bucket=self._bucket, Key="index.html")["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return {}
        return {job: key for key, job in NAMED.findall(page.decode())}

    def settled(self, count: int, patience: float) -> dict[str, str]:
        """Once there are so many films on the page, or patience is over."""
        deadline = time.monotonic() + patience
        while len(films := self.films()) < count and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return films

    def fault(self, job: Job, key: str) -> str:
        """What is wrong with a film that is on the page."""
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return f"{key} is on the page, not in the bucket"
        same = hashlib.sha256(content).hexdigest() == job.artifacts[0].sha256
        return "" if same else f"{key} is not the film that its job's row names"
