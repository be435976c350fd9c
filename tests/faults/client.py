"""A client of the OpenAI Videos API: posts until it has its answer, and may change its mind."""

import json
from random import Random
from typing import TYPE_CHECKING, Any

from tests.faults.functions import PROVIDERS
from tests.faults.plans import Plan

if TYPE_CHECKING:
    from tests.faults.harness import Harness

PATH = "/openai/v1/videos"
ANSWER_LOST = "client: POST's answer lost, sent again"
MOST_TRIES = 10
AGAIN = frozenset({409, 500, 502, 503})


class Client:
    """`manner`: whether it sends an Idempotency-Key, counts its retries only, or never retries."""

    def __init__(self, harness: "Harness", plan: Plan, rng: Random) -> None:
        self.harness, self.plan, self.rng = harness, plan, rng
        self.provider = rng.choice(list(PROVIDERS))
        self.manner = rng.choices(("key", "count", "once"), (6, 3, 1))[0]
        self.tries = 0
        self.given: list[str] = []
        """The ids of all answers, those that were lost as well."""
        self.refusals: list[str] = []
        self.done = False
        self.deleted = False
        self.cancelled = False
        """Whether it was told that it is."""

    def post(self) -> None:
        retry = self.tries
        self.tries += 1
        answer = self._post(retry)
        if answer["statusCode"] == 200:
            lost = self.manner != "once" and self.plan.take(ANSWER_LOST)
            if not lost:
                self._accepted()
                return
        elif answer["statusCode"] == 404 and self.deleted:
            self.done = True
            return
        elif answer["statusCode"] not in AGAIN:
            self.refusals.append(f"POST answered {answer['statusCode']}: {answer.get('body')}")
            self.done = True
            return
        if self.manner == "once" or self.tries >= MOST_TRIES:
            self.done = True
        else:
            self.harness.clock.later(self.rng.uniform(0.5, 8), self.post)

    def post_at_once(self) -> None:
        """The same call a second time, while the first is still being answered."""
        if self.manner == "key":
            self._post(0)

    def _post(self, retry: int) -> dict[str, Any]:
        headers = {"x-stainless-retry-count": str(retry)} if self.manner != "once" else {}
        if self.manner == "key":
            headers["idempotency-key"] = f"key-of-{self.plan.tag}"
        body = {"model": f"{self.provider}/film", "prompt": f"{self.plan.tag} a fox in the snow"}
        answer = self.harness.ask(self.plan, "POST", PATH, body, headers)
        if answer["statusCode"] == 200:
            self.given.append(json.loads(answer["body"])["id"])
        return answer

    def _accepted(self) -> None:
        self.done = True
        later = self.harness.clock.later
        if self.plan.take("client: cancels"):
            later(self.rng.uniform(0, 60), self.cancel)
        if self.plan.take("client: deletes"):
            later(self.rng.uniform(0, 120), self.delete)
        later(self.rng.uniform(0, 60), self._glance)

    def look(self) -> str:
        """What it is told of its job; empty where there is none."""
        if not self.given:
            return ""
        answer = self.harness.ask(self.plan, "GET", f"{PATH}/{self.given[0]}")
        return str(json.loads(answer["body"])["status"]) if answer["statusCode"] == 200 else ""

    def _glance(self) -> None:
        self.look()

    def cancel(self) -> None:
        if self.given:
            path = f"/fal/{self.provider}/film/requests/{self.given[0]}/cancel"
            answer = self.harness.ask(self.plan, "PUT", path)
            self.cancelled |= answer["statusCode"] in (200, 202)

    def delete(self) -> None:
        if self.given:
            answer = self.harness.ask(self.plan, "DELETE", f"{PATH}/{self.given[0]}")
            self.deleted |= answer["statusCode"] == 200
