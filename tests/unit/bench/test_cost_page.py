"""docs/cost.md is `bench.cost`'s page of the recorded measurements and the list prices."""

from datetime import date

import pytest

from bench.cost import PAGE, rendered
from bench.measured_jobs import kind_named, measure, measure_idle, read_measured
from cli.aws_prices import read_prices


def test_page_is_up_to_date():
    assert PAGE.read_text("utf-8") == rendered(), "run `python -m bench.cost --write`"


def test_prices_have_a_source_and_a_date():
    prices = read_prices()
    assert date.fromisoformat(prices.date) >= date(2026, 11, 1)
    for price in prices.prices.values():
        assert price.source.startswith("https://aws.amazon.com/")
        assert price.dollars > 0


@pytest.mark.parametrize("kind", ["560 characters", "32,000 characters", "120 KB transcript"])
def test_recorded_measurements_are_those_of_the_code(kind: str):
    recorded = next(job for job in read_measured().jobs if job.kind == kind)
    accounts = 2 * recorded.accounts // recorded.jobs  # jobs of one account share reads of its key
    measured = measure(kind_named(kind), recorded.seconds, jobs=2, accounts=accounts)
    for name in ("write_units", "read_units", "transitions", "events", "stored_bytes"):
        expected = getattr(recorded, name)
        found = getattr(measured, name)
        message = f"{name}: run `python -m bench.cost --measure`"
        assert found == pytest.approx(expected, rel=0.1, abs=1.0), message


def test_recorded_idle_reads_are_those_of_the_code():
    assert measure_idle() == pytest.approx(read_measured().idle_read_units, rel=0.1)
