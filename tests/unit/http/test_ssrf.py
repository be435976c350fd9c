import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rushes.http.ssrf import is_public, resolve

NOT_PUBLIC = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],  # noqa: S104 - not to bind to
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fd12::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "fec0::1"],
    "metadata": ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254"],
    "other clouds' metadata": ["100.100.100.200", "168.63.129.16", "192.0.0.192"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "4000::1", "5f00::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "discarded": ["100::1", "100:0:0:1::1"],
    "protocols' own": ["192.0.0.1", "192.0.0.9", "192.0.0.170", "2001:1::1", "2001:3::1"],
    "sinks and relays": ["192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1"],
    "sinks, IPv6": ["2620:4f:8000::1", "2001:4:112::1"],
    "IPv4 mapped": ["::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1"],
    "IPv4 compatible": ["::127.0.0.1", "::8.8.8.8"],
    "IPv4 translated": ["::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a9fe:a9fe"],
    "6to4": ["2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1"],
    "Teredo": ["2001::1", "2001:0:53aa:64c:0:7c7e:f5ff:fffe"],
}


@pytest.mark.parametrize(
    "address", [address for some in NOT_PUBLIC.values() for address in some], ids=str
)
def test_is_public_refuses_special_ranges(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "52.216.0.1", "93.184.216.34", "172.15.255.255", "172.32.0.1"),
        *("100.63.255.255", "100.128.0.1", "169.253.255.255", "169.255.0.1", "192.0.1.1"),
        *("192.169.0.1", "198.17.255.255", "198.20.0.1", "223.255.255.254", "::ffff:8.8.8.8"),
        *("2606:4700::1111", "2600:1f18::1", "2a00:1450:4001::200e", "2001:200::1", "2003::1"),
    ],
)
def test_is_public_accepts_public_addresses(address: str):
    assert is_public(address)


def test_resolve_returns_distinct_addresses_in_order(monkeypatch: pytest.MonkeyPatch):
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2606:4700::1111", 443, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 443)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert resolve("one.example", 443) == ("2606:4700::1111", "1.1.1.1")


def test_check_form_loads_no_http_client():
    program = """
import sys
from rushes.http.ssrf import check_form
check_form("https://1.1.1.1/", local_mode=False)
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": "layers/rushes"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=True,
        text=True,
    )
    assert not {"httpx", "httpcore", "idna", "ssl", "pydantic"} & set(done.stdout.split())
