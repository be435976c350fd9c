"""docs/tags.md has the limits of the code."""

import pytest

from local.packaging import ROOT
from rushes.dialects.labels import (
    MAX_METADATA,
    MAX_METADATA_NAME,
    MAX_METADATA_VALUE,
    MAX_TAG_VALUE,
    MAX_TAGS,
    MAX_USER,
    TAGS_HEADER,
    USER_HEADER,
)

PAGE = (ROOT / "docs/tags.md").read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        f"| header `{TAGS_HEADER}`: `name=value`, separated by commas | {MAX_TAGS}; ",
        f"a value 1 to {MAX_TAG_VALUE} characters",
        f"header `{USER_HEADER}`; field `user` of the OpenAI and the Bifrost API | 1 to {MAX_USER}",
        f"| {MAX_METADATA}; a name has 1 to {MAX_METADATA_NAME} characters",
        f"characters, a value at most {MAX_METADATA_VALUE}",
    ],
)
def test_page_has_the_limits(text: str):
    assert text in PAGE
