"""Cursors of lists: valid in their own list only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import UnknownCursor
from rushes.jobs.job_id import new_id
from rushes.jobs.list_cursor import CursorScope

DIGEST = "0123456789abcdef" * 4
SCOPE = CursorScope(DIGEST)
JOB_ID = new_id(1_800_000_000.0, "0" * 20)


def test_cursor_returns_its_position_in_its_own_list():
    assert SCOPE.decode(SCOPE.encode(JOB_ID)) == JOB_ID


def test_cursor_of_another_list_is_refused():
    cursor = CursorScope(f"f{DIGEST[1:]}").encode(JOB_ID)
    with pytest.raises(UnknownCursor, match="cursor is of another list") as refused:
        SCOPE.decode(cursor)
    assert refused.value.param == "cursor"


@given(st.text(max_size=300))
def test_other_texts_are_refused(text: str):
    with pytest.raises(UnknownCursor) as refused:
        SCOPE.decode(text)
    assert refused.value.param == "cursor"


@given(st.text(alphabet=st.characters(max_codepoint=0x7E), max_size=60))
def test_position_can_be_an_id_only(position: str):
    cursor = SCOPE.encode(position)
    try:
        assert SCOPE.decode(cursor) == position
    except UnknownCursor:
        return
    assert position.replace("-", "").replace("_", "").isalnum()
