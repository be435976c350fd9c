"""Record of the requests that reached the sandbox; tests read it at `/_request_log`."""

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Literal

Source = Literal["create", "remix", "edits"]
COMPARED_FIELDS = ("source", "prompt", "model", "size", "seconds", "seed", "has_input_reference")


@dataclass
class Create:
    """One authenticated create call with a readable body, accepted or not."""

    source: Source
    prompt: str | None
    model: str | None
    size: str | None
    seconds: str | None
    seed: int | None
    idempotency_key: str | None
    has_input_reference: bool
    reference: dict[str, object] | None = None
    """The client's own name for the job, in protocols with such fields."""
    id: str | None = None
    accepted: bool = False
    replays: int = 0
    """Number of repetitions with the same idempotency key, which created no job."""
    at: float = field(default_factory=time.time)

    def same_request(self, other: "Create") -> bool:
        return all(getattr(self, name) == getattr(other, name) for name in COMPARED_FIELDS)


class RequestLog:
    def __init__(self) -> None:
        self.creates: list[Create] = []
        self.polls: Counter[str] = Counter()
        self.downloads: Counter[str] = Counter()
        self.deletes: list[str] = []

    def count_creates(self, prompt: str) -> int:
        """Count create calls with exactly this prompt, replays included."""
        return sum(1 + create.replays for create in self.creates if create.prompt == prompt)

    def find_by_key(self, key: str) -> Create | None:
        """Return the accepted create call with this idempotency key."""
        accepted = (create for create in self.creates if create.accepted)
        return next((create for create in accepted if create.idempotency_key == key), None)

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
