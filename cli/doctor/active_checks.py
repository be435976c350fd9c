"""Checks that change something (`--active`): a real job, its download, and webhook messages."""

import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from cli.doctor.answer import Answer, Check, failed, passed, unknown
from cli.doctor.deployment import TIMEOUT, Deployment

JOBS, ENDPOINTS = "/openai/v1/videos", "/openai/v1/webhook_endpoints"
PROMPT = "A fox runs over fresh snow"
PAUSE = 2.0
RUNNING = ("queued", "in_progress")
FIX = "`rushes job show JOB` has the attempts and the reason"


@dataclass
class ActiveChecks:
    """`model` empty: the default model of the configuration."""

    api_key: str
    model: str
    max_seconds: float
    _job: dict[str, Any] = field(default_factory=dict)

    def checks(self) -> tuple[Check, ...]:
        return (
            Check("active.job", self.job),
            Check("active.download", self.download),
            Check("active.webhooks", self.webhooks),
        )

    def job(self, deployment: Deployment) -> Answer:
        """Create a job, which its provider bills, and wait for its end."""
        body = {"prompt": PROMPT, **({"model": self.model} if self.model else {})}
        reply = deployment.http.post(JOBS, json=body, headers=self._headers)
        if reply.status_code != 200:
            return failed(f"POST {JOBS} answered {reply.status_code}: {reply.text[:200]}", FIX)
        created = reply.json()
        started = deployment.now()
        while (job := self._read(deployment, created["id"]))["status"] in RUNNING:
            if deployment.now() - started > self.max_seconds:
                return failed(f"job {job['id']} has not ended in {self.max_seconds:.0f} s", FIX)
            time.sleep(PAUSE)
        if job["status"] != "completed":
            reason = (job.get("error") or {}).get("message", "")
            return failed(f"job {job['id']} {job['status']}: {reason}", FIX)
        self._job = job
        return passed(f"job {job['id']} completed in {deployment.now() - started:.0f} s")

    def download(self, deployment: Deployment) -> Answer:
        """Fetch the output by its presigned link, without the API key."""
        if not self._job:
            return unknown("there is no completed job")
        reply = deployment.http.get(f"{JOBS}/{self._job['id']}/content", headers=self._headers)
        link = reply.headers.get("location")
        if link is None:
            return failed(f"the content answered {reply.status_code}, without a link", FIX)
        with httpx.stream("GET", link, timeout=TIMEOUT) as download:
            if download.status_code != 200:
                return failed(
                    f"the link answered {download.status_code}",
                    "the bucket's policy or the role of api denies s3:GetObject on outputs/",
                )
            received = sum(map(len, download.iter_raw()))
        return passed(f"{received:,} bytes of {download.headers.get('content-type')}")

    def webhooks(self, deployment: Deployment) -> Answer:
        """Send a test message to each enabled endpoint of the key's account."""
        reply = deployment.http.get(ENDPOINTS, headers=self._headers).raise_for_status()
        endpoints = [one for one in reply.json()["data"] if one.get("status") == "enabled"]
        if not endpoints:
            return unknown("the account has no webhook endpoint")
        problems = []
        for endpoint in endpoints:
            path = f"{ENDPOINTS}/{endpoint['id']}/test"
            answer = deployment.http.post(path, json={}, headers=self._headers, timeout=60).json()
            status = answer.get("status_code")
            if not (status and 200 <= status < 300):
                problems.append(f"{endpoint['url']} answered {status or answer.get('error')}")
        if problems:
            return failed("; ".join(problems), "see the receiver's log")
        return passed(f"{len(endpoints)} endpoints accepted a test message")

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.api_key}"}

    def _read(self, deployment: Deployment, job_id: str) -> dict[str, Any]:
        reply = deployment.http.get(f"{JOBS}/{job_id}", headers=self._headers)
        job: dict[str, Any] = reply.raise_for_status().json()
        return job
