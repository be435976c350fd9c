"""What clients asked of the sandbox, so that a test can judge what reached the provider."""

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Literal

Source = Literal["create", "remix", "edits"]
ASKED = ("source", "prompt", "model", "size", "seconds", "seed", "has_input_reference")


@dataclass
class Create:
    """One create call that carried the key and a readable body, accepted or not."""

    source: Source
    prompt: str | None
    model: str | None
    size: str | None
    seconds: str | None
    seed: int | None
    idempotency_key: str | None
    has_input_reference: bool
    reference: dict[str, object] | None = None
    """What the client gave to know the job by, where the protocol has that."""
    id: str | None = None
    accepted: bool = False
    replays: int = 0
    """How often the call came again under the same idempotency key, and made nothing."""
    at: float = field(default_factory=time.time)

    def is_of(self, other: "Create") -> bool:
        """Whether both calls ask for the same."""
        return all(getattr(self, name) == getattr(other, name) for name in ASKED)


class RequestLog:
    def __init__(self) -> None:
        self.creates: list[Create] = []
        self.polls: Counter[str] = Counter()
        self.downloads: Counter[str] = Counter()
        self.deletes: list[str] = []

    def calls_of(self, prompt: str) -> int:
        """How many create calls came with exactly this prompt."""
        return sum(1 + it.replays for it in self.creates if it.prompt == prompt)

    def of_key(self, key: str) -> Create | None:
        """The create that made a job under this key."""
        return next((it for it in self.creates if it.accepted and it.idempotency_key == key), None)

    def view(self) -> dict[str, object]:
        return {
            "creates": [asdict(create) for create in self.creates],
            "polls": dict(self.polls),
            "downloads": dict(self.downloads),
            "deletes": list(self.deletes),
        }

    def reset(self) -> None:
        self.creates.clear()
        self.polls.clear()
        self.downloads.clear()
        self.deletes.clear()
