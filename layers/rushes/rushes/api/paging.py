"""Read all pages of a list."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Entry = TypeVar("Entry")


def entries_of(
    page: Callable[[str | None], tuple[Sequence[Entry], bool]],
    name_of: Callable[[Entry], str],
    after: str | None = None,
) -> Iterator[Entry]:
    """Yield the entries after a name; `page` returns those of one page, and whether more follow."""
    has_more = True
    while has_more:
        entries, has_more = page(after)
        yield from entries
        if not entries:
            return
        after = name_of(entries[-1])
