"""The epoch of a table: which jobs it has from a backup."""

from dataclasses import dataclass

from typing_extensions import override


@dataclass(frozen=True)
class Epoch:
    """A restored table has another name, or a higher number of restores; its jobs have the old one.

    Neither is part of the table, so that a restore does not restore it.
    """

    table: str = ""
    restores: int = 0

    @override
    def __str__(self) -> str:
        return f"{self.table}#{self.restores}"

    def has(self, epoch: str | None) -> bool:
        """Whether a job was written in this epoch; None: by version 0.2.0 or earlier."""
        return self.restores == 0 if epoch is None else epoch == str(self)


FIRST_EPOCH = Epoch()
