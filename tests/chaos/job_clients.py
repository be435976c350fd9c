"""Clients that submit small jobs and repeat each create call, with its key, until answered."""

from typing import Any

import httpx

from local.api_clients import API_CLIENTS
from local.stack import Stack
from tests.chaos.repeating_clients import RepeatingClients

SLOW_EVERY, SLOW_PROMPT = 3, " [hang-create=1]"
"""Every third create call is answered a second late, so that a process can be killed meanwhile."""
VIDEO = {"seconds": 1, "width": 128, "height": 72}
REQUESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("OpenAI", "sandbox-key/sandbox-1", VIDEO),
    ("OpenAI", "sandbox-lookup/sandbox-1", VIDEO),
    ("fal", "sandbox-fal/tone", {"seconds": 1}),
    ("Together", "sandbox-key/sandbox-1", VIDEO),
    ("Pipelet", "sandbox-lookup/sandbox-1", VIDEO),
    ("fal", "sandbox-fal/image", {}),
    ("Tiyaro", "sandbox-pipelet/video", VIDEO),
    ("Bifrost", "sandbox-lookup/sandbox-1", VIDEO),
)
"""Create calls in rotation: dialect, model and arguments."""


class JobClients(RepeatingClients):
    """`accepted` maps the prompt of each accepted job to its model."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(self._create_numbered)
        self._stack = stack
        self._transport = httpx.HTTPTransport(verify=False)

    def _create_numbered(self, number: int) -> None:
        dialect, model, arguments = REQUESTS[number % len(REQUESTS)]
        slow = "" if number % SLOW_EVERY else SLOW_PROMPT
        prompt = f"{self.run_id} number {number}{slow}"
        key = self._stack.environment()["RUSHES_API_KEY"]
        scheme = "Key" if dialect == "fal" else "Bearer"
        headers = {"authorization": f"{scheme} {key}", "idempotency-key": prompt}
        http = httpx.Client(
            base_url=self._stack.url, headers=headers, timeout=35, transport=self._transport
        )

        def call() -> bool:
            API_CLIENTS[dialect](http).create(model, {**arguments, "prompt": prompt})
            return True

        if self.repeat(dialect, call):
            self.accepted[prompt] = model
