"""Client of the OpenAI Videos API: repeats its create call until it is answered, may cancel."""

import json
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tests.faults.functions import PROVIDERS
from tests.faults.plans import Plan

if TYPE_CHECKING:
    from tests.faults.harness import Harness

PATH = "/openai/v1/videos"
ANSWER_LOST = "client: POST's answer lost, sent again"
MAX_TRIES = 10
RETRIED_STATUSES = frozenset({409, 500, 502, 503})


@dataclass(frozen=True)
class Refusal:
    """Unexpected answer to a create call."""

    status: int
    code: str | None
    param: str | None
    text: str


class Client:
    """`retry_style`: sends an Idempotency-Key, sends only a retry count, or never retries."""

    def __init__(self, harness: "Harness", plan: Plan, rng: Random) -> None:
        self.harness, self.plan, self.rng = harness, plan, rng
        self.provider = rng.choice(list(PROVIDERS))
        self.retry_style = rng.choices(("key", "count", "once"), (6, 3, 1))[0]
        self.tries = 0
        self.job_ids: list[str] = []
        """The job ids of all answers, including lost ones."""
        self.refusals: list[Refusal] = []
        self.done = False
        self.cancelled = False
        """Whether a cancel call succeeded."""

    def post(self) -> None:
        retry = self.tries
        self.tries += 1
        answer = self._post(retry)
        if answer["statusCode"] == 200:
            lost = self.retry_style != "once" and self.plan.consume(ANSWER_LOST)
            if not lost:
                self._accepted()
                return
        elif answer["statusCode"] not in RETRIED_STATUSES:
            self.refusals.append(refusal(answer))
            self.done = True
            return
        if self.retry_style == "once" or self.tries >= MAX_TRIES:
            self.done = True
        else:
            self.harness.clock.later(self.rng.uniform(0.5, 8), self.post)

    def post_concurrently(self) -> None:
        """Repeat the create call while the first one is running."""
        if self.retry_style == "key":
            self._post(0)

    def _post(self, retry: int) -> dict[str, Any]:
        headers = {"x-stainless-retry-count": str(retry)} if self.retry_style != "once" else {}
        if self.retry_style == "key":
            headers["idempotency-key"] = f"key-of-{self.plan.tag}"
        body = {"model": f"{self.provider}/video", "prompt": f"{self.plan.tag} a fox in the snow"}
        answer = self.harness.request(self.plan, "POST", PATH, body, headers)
        if answer["statusCode"] == 200:
            self.job_ids.append(json.loads(answer["body"])["id"])
        return answer

    def _accepted(self) -> None:
        self.done = True
        later = self.harness.clock.later
        if self.plan.consume("client: cancels"):
            later(self.rng.uniform(0, 60), self.cancel)
        if self.plan.consume("client: deletes"):
            later(self.rng.uniform(0, 120), self.delete)
        later(self.rng.uniform(0, 60), self.get_status)

    def get_status(self) -> str:
        """Return the status of the job; empty if it has no id or the call fails."""
        if not self.job_ids:
            return ""
        answer = self.harness.request(self.plan, "GET", f"{PATH}/{self.job_ids[0]}")
        return str(json.loads(answer["body"])["status"]) if answer["statusCode"] == 200 else ""

    def cancel(self) -> None:
        if self.job_ids:
            path = f"/fal/{self.provider}/video/requests/{self.job_ids[0]}/cancel"
            answer = self.harness.request(self.plan, "PUT", path)
            self.cancelled |= answer["statusCode"] in (200, 202)

    def delete(self) -> None:
        if self.job_ids:
            self.harness.request(self.plan, "DELETE", f"{PATH}/{self.job_ids[0]}")


def refusal(answer: dict[str, Any]) -> Refusal:
    status, body = answer["statusCode"], answer.get("body") or ""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError):
        error = {}
    text = f"POST answered {status}: {body}"
    return Refusal(status, error.get("code"), error.get("param"), text)
