"""Compare `is_public` with ssrfguard, an independent library.

Rushes refuses every address that ssrfguard refuses; further refusals are listed with reasons.
"""

import ipaddress
import random

import pytest
from ssrfguard import DEFAULT_DENIED, Address, Policy, SSRFGuardError, resolve

from rushes.http.ssrf import is_public
from tests.security.corpus import RANGES, corpus, samples
from tests.security.observed_connections import Observer, observing
from tests.security.test_ssrf_corpus import GOOD

REASONS = {
    # Globally reachable by the registry, but special-purpose: no video and no webhook is there.
    "192.0.0.9/32": "Port Control Protocol anycast",
    "192.0.0.10/32": "TURN anycast",
    "192.31.196.0/24": "AS112",
    "192.175.48.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "2001:1::1/128": "Port Control Protocol anycast",
    "2001:1::2/128": "TURN anycast",
    "2001:1::3/128": "DNS-SD anycast",
    "2001:3::/32": "AMT",
    "2001:4:112::/48": "AS112",
    "2001:20::/28": "ORCHIDv2",
    "2001:30::/28": "drone ids",
    "2620:4f:8000::/48": "AS112",
    # Global, but used by a platform on its machines.
    "168.63.129.16/32": "Azure platform",
    # ssrfguard checks the embedded IPv4 address; Rushes refuses every embedding.
    "64:ff9b::/96": "NAT64 of a public address",
    "2002::/16": "6to4 of a public address",
    "2001::/32": "Teredo between public addresses",
    "::/96": "IPv4-compatible of a public address",
    # Unassigned: global unicast is 2000::/3.
    "::/3": "unassigned",
    "4000::/2": "unassigned",
    "8000::/1": "unassigned",
}
STRICTER = {ipaddress.ip_network(block): reason for block, reason in REASONS.items()}


def some_addresses() -> list[str]:
    """Return the samples of the corpus, 8,000 random addresses, and 50 of each special range."""
    chance = random.Random(1)  # noqa: S311 - deterministic
    found = [*samples("ipv4"), *samples("ipv6")]
    found += (str(ipaddress.IPv4Address(chance.getrandbits(32))) for _ in range(4000))
    found += (str(ipaddress.IPv6Address(chance.getrandbits(128))) for _ in range(2000))
    found += (str(ipaddress.IPv6Address(1 << 125 | chance.getrandbits(125))) for _ in range(2000))
    for family in RANGES.values():
        for block in (ipaddress.ip_network(text) for blocks in family.values() for text in blocks):
            found += (str(block[chance.randrange(block.num_addresses)]) for _ in range(50))
    return found


def why_stricter(address: str) -> str | None:
    parsed = ipaddress.ip_address(address)
    return next((reason for block, reason in STRICTER.items() if parsed in block), None)


def test_is_public_is_stricter_than_ssrfguard_for_listed_reasons_only():
    reasons = set()
    for address in some_addresses():
        theirs, ours = not DEFAULT_DENIED.classify(address).blocked, is_public(address)
        assert theirs or not ours, f"{address} is refused by ssrfguard and allowed by is_public"
        if theirs and not ours:
            reason = why_stricter(address)
            assert reason, f"{address} is refused by is_public only"
            reasons.add(reason)
    assert reasons == set(REASONS.values())


def test_ssrfguard_accepts_only_explained_urls_of_the_corpus():
    policy = Policy(allowed_schemes=frozenset({"https"}))
    accepted = []
    with observing(Observer()):
        for url in corpus():
            if (address := _connects_to(policy, url)) is not None:
                accepted.append(url)
                assert address.port == 80 or why_stricter(str(address.ip)), url
    assert 400 < len(accepted) < 600  # Rushes refuses them all: see test_ssrf_corpus


def _connects_to(policy: Policy, url: str) -> Address | None:
    try:
        return resolve(policy.check_url(url), policy=policy)[0]
    except (SSRFGuardError, OSError):
        return None


@pytest.mark.parametrize("url", GOOD)
def test_ssrfguard_accepts_good_urls(url: str):
    with observing(Observer()):
        assert _connects_to(Policy(), url.replace(" ", "%20"))
