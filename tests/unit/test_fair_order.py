"""Tests of turns between owners."""

import random

from rushes.fair_order import MIN_PER_PART, Shares, in_turns


def owner(entry: str) -> str:
    return entry[0]


def test_in_turns_alternates_and_keeps_the_order_of_each_owner():
    assert in_turns(["a1", "a2", "a3", "b1", "c1", "b2"], owner) == [
        *("a1", "b1", "c1"),
        *("a2", "b2", "a3"),
    ]


def test_in_turns_leaves_one_owner_unchanged():
    entries = [f"a{number}" for number in range(30)]
    assert in_turns(iter(entries), owner) == entries
    assert in_turns([], owner) == []


def test_in_turns_bounds_the_wait_of_any_entry():
    """The n-th entry of an owner has at most n entries of each other owner before it."""
    source = random.Random(7)  # noqa: S311 - no secret
    entries = [(source.choice("aaaaaaaaab"), number) for number in range(500)]
    turns = in_turns(entries, lambda entry: entry[0])
    assert sorted(turns) == sorted(entries)
    own = [entry for entry in entries if entry[0] == "b"]
    for number, entry in enumerate(own):
        assert turns.index(entry) <= 2 * (number + 1)


def test_share_is_the_first_entries_of_an_owner_and_a_few_of_each_part():
    shares = Shares(20)
    assert [shares.take("a", "slow") for _ in range(30)] == [True] * 20 + [False] * 10
    assert [shares.take("a", "other") for _ in range(9)] == [True] * MIN_PER_PART + [False] * 4
    assert shares.take("b", "slow")
    assert shares.used_up() == [("a", "slow"), ("a", "other")]


def test_share_of_a_part_is_at_most_the_limit():
    shares = Shares(2)
    assert [shares.take("a", "job") for _ in range(3)] == [True, True, False]
    assert [shares.take("a", "other") for _ in range(3)] == [True, True, False]


def test_part_without_its_entries_is_not_used_up():
    shares = Shares(20)
    for part in ["slow"] * 25 + ["other"]:
        shares.take("a", part)
    assert shares.used_up() == [("a", "slow")]
