"""Times that options read."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.errors import FAILED, CommandError
from cli.times import past_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-29", datetime(2026, 11, 29, tzinfo=UTC)),
        ("2026-11-29T08:00:00Z", datetime(2026, 11, 29, 8, tzinfo=UTC)),
        ("2026-11-29T08:00+02:00", datetime(2026, 11, 29, 6, tzinfo=UTC)),
        ("99999d", datetime(1971, 1, 1, tzinfo=UTC)),
    ],
)
def test_days_and_times_are_in_utc(text: str, expected: datetime):
    assert past_time(text, "--since") == expected


@pytest.mark.parametrize(
    ("text", "ago"),
    [("30m", timedelta(minutes=30)), ("2h", timedelta(hours=2)), ("7d", timedelta(days=7))],
)
def test_durations_end_now(text: str, ago: timedelta):
    before = datetime.now(UTC)
    found = past_time(text, "--since")
    assert before - ago <= found <= datetime.now(UTC) - ago


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2026-13-01", "2026-11-31", "2026-11-29T08:00:00", "2 h", "-1h", "0d"),
        *("1.5h", "2w", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "20261129"),
    ],
)
def test_other_texts_are_refused_with_the_option_and_the_value(text: str):
    with pytest.raises(CommandError) as refused:
        past_time(text, "--since")
    message = str(refused.value)
    assert message.startswith("--since must be a UTC day such as 2026-11-29, a time with a time")
    assert message.endswith(f", or 30m, 2h, 7d ago (got {text!r})")
    assert refused.value.exit_code == FAILED
