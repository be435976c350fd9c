"""Clients that create small jobs: most complete, some fail, are cancelled, or are of others."""

from typing import Any

import httpx

from local.api_clients import ApiClientError
from local.stack import Stack
from tests.chaos.repeating_clients import RepeatingClients

BODY = {"model": "sandbox-key/sandbox-1", "seconds": "1", "size": "128x72"}
TO_BE_CANCELLED = "[queue=60]"
DIRECTIVES = ("", "", "[fail]", "", TO_BE_CANCELLED, "", "", "[refuse]", "", "[slow=2]")
"""Used in turns."""
OTHER_ACCOUNTS = 20
"""Every 20th job is also created by another account."""


class JobClients(RepeatingClients):
    """`accepted` (with the prompts) and `other_accounts` hold the job ids of two accounts."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(self._create_numbered)
        self.other_accounts: set[str] = set()
        environment = stack.environment()
        self._keys = environment["RUSHES_API_KEY"], environment["RUSHES_OTHER_API_KEY"]
        self._http = httpx.Client(base_url=stack.url, timeout=35, trust_env=False)

    def _create_numbered(self, number: int) -> None:
        own, other = self._keys
        prompt = f"number {number} {DIRECTIVES[number % len(DIRECTIVES)]}".strip()
        if job_id := self._create(own, prompt):
            self.accepted[job_id] = prompt
            if TO_BE_CANCELLED in prompt:
                # 4xx if an earlier call cancelled it and its response was lost.
                self._call(own, "PUT", f"/fal/any/app/requests/{job_id}/cancel")
        if number % OTHER_ACCOUNTS == 0 and (job_id := self._create(other, f"number {number}")):
            self.other_accounts.add(job_id)

    def _create(self, key: str, prompt: str) -> str | None:
        body = {**BODY, "prompt": prompt}
        reply = self._call(key, "POST", "/openai/v1/videos", json=body, name=prompt)
        if reply and reply.is_success:
            return str(reply.json()["id"])
        if reply is not None:
            self.abandon(reply.text[:200])
        return None

    def _call(
        self, key: str, method: str, path: str, *, name: str = "", **options: Any
    ) -> httpx.Response | None:
        """Repeat a call until there is a response; `name` becomes its idempotency key."""
        headers = {"authorization": f"Bearer {key}"}
        if name:
            headers["idempotency-key"] = f"{self.run_id} {name}"

        def call() -> httpx.Response:
            reply = self._http.request(method, path, headers=headers, **options)
            if reply.status_code == 429 or reply.status_code >= 500:
                raise ApiClientError(f"{reply.status_code} {reply.text[:200]}")
            return reply

        return self.repeat(f"{method} {path}", call)
