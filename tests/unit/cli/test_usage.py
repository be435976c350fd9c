"""`rushes usage` and `rushes usage statement`, on simulated jobs."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli import account_names, deployment_options, usage_commands
from rushes.api.usage.service import UsageService
from tests.fakes import FakeAccounts, FakeClock
from tests.unit.api.usage.simulated_jobs import ACCOUNTS, World, make_world
from tests.unit.cli.test_app import run

NOVEMBER = ("--month", "2026-11")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world: Any = make_world(8, 200)
    service = UsageService(world, FakeAccounts(), FakeClock())
    monkeypatch.setattr(deployment_options, "find_target", lambda *_, **__: None)
    monkeypatch.setattr(usage_commands, "account_names", lambda _: list(ACCOUNTS))
    monkeypatch.setattr(account_names, "account_names", lambda _: list(ACCOUNTS))
    monkeypatch.setattr(usage_commands, "usage_service", lambda _: service)
    monkeypatch.setattr(usage_commands, "job_search", lambda _: world)
    return world  # type: ignore[no-any-return]


def report(*arguments: str) -> Any:
    result = run("usage", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_report_of_all_accounts_has_their_jobs_and_a_total(world: World):
    found = report(*NOVEMBER)
    assert {row["group"]["account"] for row in found["rows"]} == set(ACCOUNTS)
    of_month = [job for job in world.jobs if job.created_at < 1_793_491_200 + 30 * 86_400]
    assert found["total"]["jobs"] == len(of_month) == sum(row["jobs"] for row in found["rows"])


def test_report_of_an_account_by_tag_with_filters(world: World):
    arguments = ("--account", "games", "--by", "tag:team", "--status", "completed")
    found = report(*arguments, "--tag", "campaign=spring", *NOVEMBER)
    expected = [
        job
        for job in world.jobs
        if job.account == "games"
        and job.labels.tags.get("campaign") == "spring"
        and job.status == "completed"
        and job.created_at < 1_793_491_200 + 30 * 86_400
    ]
    assert found["total"]["jobs"] == len(expected) > 0


def test_csv_has_exact_amounts_and_no_formulas(world: World, tmp_path: Path):
    result = run("usage", *NOVEMBER, "--by", "tag:team", "--csv")
    lines = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {line["tag:team"] for line in lines} == {"red", "blue", "'=sum", ""}
    total = report(*NOVEMBER)["total"]["settled"]
    assert sum(Decimal(line["settled"]) for line in lines) == Decimal(repr(total))
    file = tmp_path / "usage.csv"
    run("usage", *NOVEMBER, "--by", "tag:team", "--csv", "--output", str(file))
    assert file.read_bytes().startswith(b"\xef\xbb\xbftag:team,jobs,open")
    assert b"\r\n" in file.read_bytes()
    assert world.jobs


@pytest.mark.usefixtures("world")
def test_report_for_people_has_a_line_for_each_value_and_the_total():
    result = run("usage", *NOVEMBER, "--by", "model")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["model", *usage_commands.AMOUNTS]
    assert lines[-1].startswith("total")
    assert "no jobs in this period" in run("usage", "--month", "2020-01").stdout


@pytest.mark.usefixtures("world")
def test_statement_as_text_json_and_csv(tmp_path: Path):
    command = ("usage", "statement", "--account", "games", *NOVEMBER, "--tag", "team")
    text = run(*command)
    assert text.stdout.startswith("Statement of games, 2026-11 (UTC), US dollars")
    made = json.loads(run(*command, "--json").stdout)
    assert {line["section"] for line in made["lines"]} == {"model", "key", "tag:team"}
    file = tmp_path / "games.csv"
    assert run(*command, "--format", "csv", "-o", str(file)).stdout == f"wrote {file}\n"
    lines = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
    assert lines[-1]["section"] == "total"
    assert Decimal(lines[-1]["settled"]) == Decimal(repr(made["total"]["settled"]))


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("--by", "colour"), "--by must be one or more of account, key", 2),
        (("--month", "november"), "month must be a month, YYYY-MM", 2),
        (("--month", "2026-11", "--from", "2026-11-01"), "give either --month or", 2),
        (("--from", "tomorrow"), "from must be a day", 2),
        (("--status", "queued"), "status must be one of open", 2),
        (("--modality", "games"), "modality must be one of video, image", 2),
        (("--account", "absent"), "account 'absent' not found", 1),
        (("statement", "--account", "absent", "--month", "2026-11"), "'absent' not found", 1),
        (
            ("statement", "--account", "games", "--month", "2026-11", "--tag", "a b"),
            "got 'a b'",
            2,
        ),
        (("--tag", "team"), "--tag must be NAME=VALUE", 2),
        (("--csv", "--json"), "give either --csv or --json", 2),
        (("statement", "--account", "games", "--month", "2026"), "month must be a month", 2),
        (("--csv", "--month", "2026-11", "-o", "/nonexistent/x.csv"), "cannot be written", 2),
    ],
)
@pytest.mark.usefixtures("world")
def test_other_values_are_refused_by_name(arguments: tuple[str, ...], message: str, code: int):
    result = run("usage", *arguments)
    assert (result.exit_code, message in result.stderr) == (code, True), result.output
