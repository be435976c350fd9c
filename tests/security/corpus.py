"""Generate URLs that must not be connected to: special IP ranges in many notations.

The corpus is deterministic; `python -m tests.security.corpus` counts them.
"""

import ipaddress
import tomllib
from collections.abc import Iterator
from pathlib import Path

RANGES = tomllib.loads((Path(__file__).parent / "special_ranges.toml").read_text())
PUBLIC = "93.184.216.34"
CIRCLED = str.maketrans("0123456789.", "⓪①②③④⑤⑥⑦⑧⑨.")
FULL_WIDTH = str.maketrans(
    "0123456789.", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\u3002"
)
TARGETS = ("127.0.0.1", "169.254.169.254", "169.254.170.2", "10.0.0.1", "[::1]", "[fd00:ec2::254]")
NAMES = (
    *("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost"),
    *("instance-data", "metadata", "metadata.google.internal", "kubernetes.default.svc"),
    *("intranet", "db.internal", "printer.local", "inside.example", "ipv6.inside.example"),
    *("mixed.example", "mixed6.example", "empty.example", "nowhere.example", "loop.example"),
)
"""`observed_connections` has their addresses."""


def corpus() -> tuple[str, ...]:
    """URLs, each once, in a fixed order."""
    urls: list[str] = []
    for address in samples("ipv4"):
        urls += (f"https://{host}/latest/meta-data/" for host in ipv4_spellings(address))
    for address in samples("ipv6"):
        urls += (f"https://{host}/x" for host in ipv6_spellings(address))
    for target in (*TARGETS, "localhost"):
        urls += tricks(target)
    urls += (f"https://{name}/" for name in NAMES)
    urls += bad_forms_of_good_hosts()
    return tuple(dict.fromkeys(urls))


def samples(family: str) -> tuple[str, ...]:
    """Return the first address of each range, the last, and one in between."""
    found: list[str] = []
    for blocks in RANGES[family].values():
        for block in map(ipaddress.ip_network, blocks):
            count = block.num_addresses
            places = (0, count // 3, count - 1)
            found += (str(block[place]) for place in places if place < count)
    return tuple(dict.fromkeys(found))


def ipv4_spellings(address: str) -> Iterator[str]:
    """Yield the notations that some parser or resolver accepts for this address."""
    number = int(ipaddress.IPv4Address(address))
    a, b, c, d = address.split(".")
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    yield from (address, f"{address}.", f"{number}", f"{number:#x}", f"0{number:o}", f"{number:#X}")
    yield from (f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{number & 0xFFFF}")
    yield ".".join(f"{int(byte):#x}" for byte in (a, b, c, d))
    yield ".".join(f"0{int(byte):o}" for byte in (a, b, c, d))
    yield ".".join(f"{int(byte):08o}" for byte in (a, b, c, d))
    yield f"{int(a):#x}.{b}.0{int(c):o}.{d}"
    yield f"0x0000000000{number:08x}"
    yield f"{a}.{b}.{c}.{int(d) + 256}"
    yield f"{number + 2**32}"
    yield from (address.translate(CIRCLED), address.translate(FULL_WIDTH))
    yield from (address.replace(".", dot) for dot in ("\uff0e", "\uff61", "%2e"))
    yield "".join(f"%{ord(char):02x}" for char in address)
    yield from (f"{address}.nip.io", f"{address.replace('.', '-')}.sslip.io")
    yield from (f"[::ffff:{address}]", f"[::ffff:{high}:{low}]", f"[0:0:0:0:0:FFFF:{address}]")
    yield from (f"[::{address}]", f"[::ffff:0:{address}]", f"[64:ff9b::{address}]")
    yield from (f"[64:ff9b:1::{high}:{low}]", f"[2002:{high}:{low}::1]")
    flipped = number ^ 0xFFFFFFFF
    yield from (f"[2001:0:{high}:{low}::1]", f"[2001::{flipped >> 16:x}:{flipped & 0xFFFF:x}]")
    yield f"[fe80::5efe:{address}]"


def ipv6_spellings(address: str) -> Iterator[str]:
    parsed = ipaddress.IPv6Address(address)
    yield from (f"[{address}]", f"[{parsed.exploded}]", f"[{parsed.exploded.upper()}]")
    yield from (f"[{address}%25eth0]", f"[{address}%eth0]", f"[{address}]:443", address)
    yield f"{parsed.exploded.replace(':', '-')}.sslip.io"


def tricks(host: str) -> Iterator[str]:
    """Yield URLs from which parsers may read different hosts."""
    yield from (f"https://{host}:{port}/" for port in (0, 22, 80, 443, 2375, 6379, 8443, 9001))
    yield f"http://{host}:9001/2018-06-01/runtime/invocation/next"
    yield from (f"https://files.example@{host}/", f"https://files.example:443@{host}/")
    yield from (f"https://files.example%40{host}/", f"https://files.example%2f@{host}/")
    yield from (f"https://files.example\\@{host}/", f"https://{host}\\@files.example/")
    yield from (f"https://{host}#@files.example/", f"https://{host}?@files.example/")
    yield from (f"https://{host};files.example/", f"https://{host},files.example/")
    yield from (f"https://{host} .files.example/", f"https://{host}%20.files.example/")
    yield from (f"https://files.example {host}/", f"https://files.example&@{host}/")
    yield from (f"https://{host}\t/", f"https://{host}\n/", f"https://{host}\r\nHost: x/")
    yield from (f"https://{host}\x00.files.example/", f"https://{host}%00.files.example/")
    yield from (f" https://{host}/", f"\thttps://{host}/", f"https://{host} /")
    yield from (f"\u2003https://{host}/", f"https:// {host}/", f"https://\u200b{host}/")
    yield from (f"https://\u00ad{host}/", f"https://.{host}/")
    yield from (f"https:{host}/", f"https:/{host}/", f"https:///{host}/", f"https:\\\\{host}\\")
    yield from (f"//{host}/", f"\\\\{host}\\share", f"///{host}/", f"{host}", f"{host}:443/")
    yield from (f"https://{host}:/", f"https://{host}:00443/", f"https://{host}:+443/")
    yield from (f"https://{host}:443:80/", f"https://{host}:-1/", f"https://{host}:99999/")
    yield from (f"https://{host}:\uff14\uff14\uff13/", f"https://{host}\u2044files.example/")
    yield from (f"https://{host}\uff0ffiles.example/", f"https://{host}\uff03files.example/")
    yield from (f"https://{host}\uff20files.example/", f"https://files.example\uff20{host}/")
    schemes = "http HTTP ftp gopher dict file ldap ws wss tftp jar sftp smb git rtsp data"
    yield from (f"{scheme}://{host}/" for scheme in schemes.split())
    yield from (f"url:https://{host}/", f"view-source:https://{host}/", f"jar:https://{host}!/")
    yield from (f"http\u017f://{host}/", f"h\u200bttps://{host}/", f"https\u200b://{host}/")


def harmless() -> tuple[str, ...]:
    """Return URLs with a private host in the fragment, query or path only."""
    forms = ("#@{}:80/", "?@{}:80/", "/@{}/", "/\\@{}/", ":443/?https://{}")
    suffixes = (form.format(target) for form in forms for target in TARGETS)
    return tuple(f"https://files.example{suffix}" for suffix in suffixes)


def bad_forms_of_good_hosts() -> Iterator[str]:
    """Yield URLs of public hosts with a forbidden port, scheme or user name."""
    ports = (0, 1, 21, 22, 25, 80, 3306, 5432, 6379, 8000, 8080, 8443, 9001, 11211, 65535, 65536)
    for host in (PUBLIC, "files.example", "[2606:4700::1111]"):
        yield from (f"https://{host}:{port}/" for port in ports)
        yield from (f"https://user@{host}/", f"https://:@{host}/", f"https://@{host}/")
        yield from (f"http://{host}/", f"ftp://{host}/", f"file://{host}/etc/passwd")
    yield from ("", " ", "/", "//", "https:", "https://", "https:///x", "https://?", "https://#")
    yield from ("file:///proc/self/environ", "data:text/plain,x", "javascript:alert(1)", "about:x")
    yield from ("https://[", "https://]", "https://[]", "https://[::1", "https://::1]/")
    yield from ("https://[g]/", "https://a..example/", "https://..", "https://-")
    yield from (f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/")
    yield f"https://files.example/{'x' * 9000}"


if __name__ == "__main__":
    print(len(corpus()))  # noqa: T201
