"""What a client attaches to a job for its own use: tags, metadata and the id of an end user.

The gateway stores labels, returns them and reports by them. No provider gets them.
"""

from pydantic import Field

from rushes.jobs.stored import StoredModel


class Labels(StoredModel):
    tags: dict[str, str] = Field(default_factory=dict)
    """By name. Jobs are found, and their cost is added up, by tags."""
    metadata: dict[str, str] = Field(default_factory=dict)
    """Texts that are returned as they were sent."""
    user: str | None = None
    """The client's own id of the person or system for which it created the job."""


NO_LABELS = Labels()
