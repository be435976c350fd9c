"""Content types of Ogg, MPEG, Flash and ASF streams by the streams that they contain."""

from collections.abc import Iterator

from rushes.jobs.file_window import FileWindow

SCANNED_BYTES = 64 * 1024
"""Of the beginning of a file, in which all its streams are described."""

OGG = b"OggS"
OGG_HEADER_BYTES = 27
OGG_FIRST_PAGE = 2
"""Flag of the first page of a stream; they precede all other pages (RFC 3533)."""
OGG_VIDEO = (b"\x80theora", b"BBCD\0", b"OVP80", b"\x01video\0")
MAX_PAGES = 32

TS_SYNC = 0x47
TS_PACKET_BYTES = 188
TS_OFFSETS = {0: 188, 4: 192}
"""Length of a packet by the place of its first sync byte; Blu-ray adds 4 bytes in front."""
MIN_TS_PACKETS = 3
TS_VIDEO = frozenset({0x01, 0x02, 0x10, 0x1B, 0x20, 0x21, 0x24, 0x33, 0x42, 0xD1, 0xD2, 0xEA})

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_VIDEO = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
ASF_AUDIO = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")

FLV = b"FLV\x01"
FLV_VIDEO, FLV_AUDIO, FLV_HEADER_BYTES = 1, 4, 9


def ogg_type(file: FileWindow) -> str:
    """Return the type by the first packet of each stream."""
    packets = _first_packets(file)
    has_video = any(packet.startswith(OGG_VIDEO) for packet in packets)
    return "video/ogg" if has_video else "audio/ogg"


def _first_packets(file: FileWindow) -> Iterator[bytes]:
    start = 0
    for _ in range(MAX_PAGES):
        header = file.read(start, OGG_HEADER_BYTES + 255)
        if header[:4] != OGG or len(header) < OGG_HEADER_BYTES or not header[5] & OGG_FIRST_PAGE:
            return
        segments = header[OGG_HEADER_BYTES : OGG_HEADER_BYTES + header[26]]
        content = start + OGG_HEADER_BYTES + len(segments)
        yield file.read(content, 8)
        start = content + sum(segments)


def transport_stream_type(file: FileWindow) -> str | None:
    """Return the type of an MPEG transport stream, or None for any other file.

    Its program map lists the streams; without one it is video.
    """
    head = file.read(0, SCANNED_BYTES)
    for offset, length in TS_OFFSETS.items():
        starts = range(offset, len(head) - TS_PACKET_BYTES + 1, length)
        packets = [head[start : start + TS_PACKET_BYTES] for start in starts]
        if len(packets) >= MIN_TS_PACKETS and all(packet[0] == TS_SYNC for packet in packets):
            types = _stream_types(packets)
            return "audio/mp2t" if types and not types & TS_VIDEO else "video/mp2t"
    return None


def _stream_types(packets: list[bytes]) -> set[int]:
    map_id: int | None = None
    for packet in packets:
        packet_id = int.from_bytes(packet[1:3]) & 0x1FFF
        section = _section(packet)
        if packet_id == 0 and len(section) >= 12:
            map_id = int.from_bytes(section[10:12]) & 0x1FFF
        elif packet_id == map_id and len(section) >= 12:
            return set(_map_types(section))
    return set()


def _section(packet: bytes) -> bytes:
    """Return the table that begins in a packet, after an adaptation field and a pointer."""
    if not packet[1] & 0x40:
        return b""
    start = 5 + packet[4] if packet[3] & 0x20 else 4
    pointer = packet[start] if start < len(packet) else 0
    return packet[start + 1 + pointer :]


def _map_types(section: bytes) -> Iterator[int]:
    end = min(3 + (int.from_bytes(section[1:3]) & 0xFFF) - 4, len(section))
    start = 12 + (int.from_bytes(section[10:12]) & 0xFFF)
    while start + 5 <= end:
        yield section[start]
        start += 5 + (int.from_bytes(section[start + 3 : start + 5]) & 0xFFF)


def asf_type(file: FileWindow) -> str:
    head = file.read(0, SCANNED_BYTES)
    return "audio/x-ms-wma" if ASF_AUDIO in head and ASF_VIDEO not in head else "video/x-ms-wmv"


def flv_type(head: bytes) -> str | None:
    """Return the type by the flags of the header, or None if it is not one."""
    if len(head) < FLV_HEADER_BYTES or head[4] & ~(FLV_VIDEO | FLV_AUDIO):
        return None
    if int.from_bytes(head[5:9]) != FLV_HEADER_BYTES:
        return None
    return "audio/x-flv" if head[4] == FLV_AUDIO else "video/x-flv"


def avi_type(file: FileWindow) -> str:
    """Return the type by the headers of the streams."""
    head = file.read(0, SCANNED_BYTES)
    return "audio/x-msvideo" if b"auds" in head and b"vids" not in head else "video/x-msvideo"
