"""Duration of WAV files."""

from rushes.jobs.file_window import FileWindow

RIFF = b"RIFF"
MAX_CHUNKS = 200


def wav_duration(file: FileWindow) -> float | None:
    """Return the seconds of the chunk `data`; None if its size is unknown, as in a stream."""
    if file.read(0, 4) != RIFF:  # another byte order, or sizes of 64 bits
        return None
    start, bytes_per_second = 12, 0
    for _ in range(MAX_CHUNKS):
        header = file.read(start, 20)
        if len(header) < 8:
            return None
        kind, size = header[:4], int.from_bytes(header[4:8], "little")
        if kind == b"fmt ":
            bytes_per_second = int.from_bytes(header[16:20], "little")
        if kind == b"data":
            is_whole = start + 8 + size <= file.size
            return size / bytes_per_second if is_whole and bytes_per_second else None
        start += 8 + size + size % 2
    return None
