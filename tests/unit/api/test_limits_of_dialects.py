"""Refusals by the limits of an account or an API key, in every dialect's envelope."""

import re
from typing import Any

import pytest

from rushes.catalog.limits import AccountLimit, Limit, Limits
from rushes.catalog.models import Catalog
from rushes.jobs.status import JobStatus
from tests.unit.api.test_jobs_limits import CREATES
from tests.unit.dialects.api_client import CATALOG, OPENAI, Caller, Reply

NOON = 1_800_014_400.0
"""2027-01-15T12:00Z."""
HALF_A_DAY = 12 * 3600
DAYS_OF_JANUARY = 16


def with_limits(limits: Limits, price: float = 0.4) -> Catalog:
    models = [model.model_copy(update={"price_per_job": price}) for model in CATALOG.models]
    return CATALOG.model_copy(update={"models": tuple(models), "limits": limits})


def key_id(caller: Caller) -> str:
    return caller.key.split("_")[1]


@pytest.fixture
def api(caller: Caller) -> Caller:
    caller.clock.now = NOON
    return caller


def finish_first(api: Caller) -> None:
    account, job_id = next(iter(api.jobs.rows))
    job = api.jobs.get(account, job_id)
    assert job
    api.complete(job)


def refused(api: Caller, dialect: str, accepted: int) -> Reply:
    """The reply to the first create call that is refused, after a number of accepted ones."""
    path, body = CREATES[dialect]
    replies = [api.call("POST", path, body) for _ in range(accepted + 1)]
    assert [reply.status < 300 for reply in replies] == [True] * accepted + [False]
    assert replies[-1].status == 429
    assert not replies[-1].has_side_effects
    return replies[-1]


BUDGETS: dict[str, tuple[Limits, int, str, str, str]] = {
    "daily": (
        Limits(daily_dollars=1),
        HALF_A_DAY,
        '"daily_dollars";q=100;qu="cents";w=86400',
        '"daily_dollars";r=20;t=43200',
        (
            "daily budget exceeded: $0.80 of $1.00 spent or reserved, the job reserves $0.40;"
            " resets 2027-01-16T00:00Z"
        ),
    ),
    "monthly": (
        Limits(monthly_dollars=1.19),
        HALF_A_DAY + DAYS_OF_JANUARY * 24 * 3600,
        '"monthly_dollars";q=119;qu="cents";w=2678400',
        f'"monthly_dollars";r=39;t={HALF_A_DAY + DAYS_OF_JANUARY * 24 * 3600}',
        (
            "monthly budget exceeded: $0.80 of $1.19 spent or reserved, the job reserves $0.40;"
            " resets 2027-02-01T00:00Z"
        ),
    ),
    "own of the account": (
        Limits(daily_dollars=9, accounts={"alice": AccountLimit(daily_dollars=0.8)}),
        HALF_A_DAY,
        '"daily_dollars";q=80;qu="cents";w=86400',
        '"daily_dollars";r=0;t=43200',
        "daily budget exceeded: $0.80 of $0.80 spent or reserved",
    ),
}


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("dialect", CREATES)
def test_budget_is_refused_until_it_resets(api: Caller, dialect: str, budget: str):
    limits, seconds, policy, left, message = BUDGETS[budget]
    api.use(with_limits(limits))
    reply = refused(api, dialect, accepted=2)
    assert reply.headers["retry-after"] == str(seconds)
    assert reply.headers["x-should-retry"] == "false"
    assert (reply.headers["ratelimit-policy"], reply.headers["ratelimit"]) == (policy, left)
    assert message in reply.text
    api.clock.advance(seconds)
    path, body = CREATES[dialect]
    assert api.call("POST", path, body).status < 300


@pytest.mark.parametrize("dialect", CREATES)
def test_budget_of_a_key_leaves_the_account_its_own(api: Caller, dialect: str):
    api.use(with_limits(Limits(keys={key_id(api): Limit(daily_dollars=0.5)})))
    reply = refused(api, dialect, accepted=1)
    assert "daily budget of the API key exceeded: $0.40 of $0.50" in reply.text
    assert reply.headers["ratelimit-policy"].startswith('"key_daily_dollars";q=50')
    api.key = api.new_key("alice")
    path, body = CREATES[dialect]
    assert api.call("POST", path, body).status < 300


@pytest.mark.parametrize("dialect", CREATES)
def test_open_jobs_are_refused_until_one_has_ended(api: Caller, dialect: str):
    api.use(with_limits(Limits(open_jobs=2)))
    reply = refused(api, dialect, accepted=2)
    assert "too many open jobs: 2 of 2" in reply.text
    assert reply.headers["ratelimit-policy"] == '"open_jobs";q=2;qu="concurrent-requests"'
    assert reply.headers["ratelimit"] == '"open_jobs";r=0'
    assert int(reply.headers["retry-after"]) >= 1
    assert "x-should-retry" not in reply.headers
    finish_first(api)
    path, body = CREATES[dialect]
    assert api.call("POST", path, body).status < 300
    assert api.call("POST", path, body).status == 429


@pytest.mark.parametrize("dialect", CREATES)
def test_open_jobs_of_a_key_are_its_own(api: Caller, dialect: str):
    api.use(with_limits(Limits(open_jobs=3, keys={key_id(api): Limit(open_jobs=1)})))
    reply = refused(api, dialect, accepted=1)
    assert "too many open jobs of the API key: 1 of 1" in reply.text
    api.key = api.new_key("alice")
    assert "too many open jobs: 3 of 3" in refused(api, dialect, accepted=2).text


def test_refused_call_leaves_every_limit_as_it_was(api: Caller):
    """The key's budget has room, the account's has not."""
    api.use(with_limits(Limits(daily_dollars=0.5, keys={key_id(api): Limit(open_jobs=9)})))
    refused(api, "openai", accepted=1)
    amounts = {name: usage.total for name, usage in api.jobs.limits.rows.items()}
    assert amounts == {"alice#2027-01-15": 0.4, f"alice#{key_id(api)}#open": 1}


def test_no_limit_writes_nothing(api: Caller):
    assert [api.create().status for _ in range(30)] == [200] * 30
    assert api.jobs.limits.rows == {}


@pytest.mark.parametrize("zero", [Limits(daily_dollars=0, open_jobs=0, creates_per_minute=0)])
def test_zero_sets_no_limit(api: Caller, zero: Limits):
    api.use(with_limits(zero))
    assert [api.create().status for _ in range(9)] == [200] * 9
    assert api.jobs.limits.rows == {}


def test_other_accounts_have_limits_of_their_own(api: Caller):
    api.use(with_limits(Limits(open_jobs=1)))
    refused(api, "openai", accepted=1)
    api.key = api.other_accounts_key
    assert api.create().status == 200


@pytest.mark.parametrize(
    "fields",
    [{"negative_prompt": "x" * 100_000}, {"extras": "x" * 10_001}, {"extras": ["x"] * 101}],
)
@pytest.mark.parametrize("dialect", ["openai", "bifrost", "together", "tiyaro"])
def test_long_fields_are_refused_by_name(api: Caller, dialect: str, fields: dict[str, Any]):
    path, body = CREATES[dialect]
    (name, value), *_ = fields.items()
    sent = {"input": {**body["input"], **fields}} if dialect == "tiyaro" else {**body, **fields}
    reply = api.call("POST", path, sent)
    assert reply.status in (400, 422)
    assert re.search(rf"{name} must have at most [\d]+ \w+ \(got {len(value)}\)", reply.text)
    assert not reply.has_side_effects


def test_remix_is_charged_to_the_limits_of_its_key(api: Caller):
    api.use(with_limits(Limits(keys={key_id(api): Limit(open_jobs=2)})))
    job = api.finished_job(JobStatus.COMPLETED)
    replies = [api.request_job("remix", OPENAI, job) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
