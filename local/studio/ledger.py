"""What clients asked of the studio, so that a test can judge what reached the provider."""

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Literal

Source = Literal["create", "remix", "edits"]


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
    id: str | None = None
    accepted: bool = False
    at: float = field(default_factory=time.time)


class Ledger:
    def __init__(self) -> None:
        self.creates: list[Create] = []
        self.polls: Counter[str] = Counter()
        self.downloads: Counter[str] = Counter()
        self.deletes: list[str] = []

    def creates_of(self, prompt: str) -> int:
        return sum(create.prompt == prompt for create in self.creates)

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
