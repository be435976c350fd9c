"""Transcribe speech: ffmpeg decodes the file, pocketsphinx recognises English.

Recognition runs as ``python speech.py RAW TRANSCRIPT`` in its own process: it blocks no event loop
and can be killed at any time.
"""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import imageio_ffmpeg
from pocketsphinx import Decoder, Vad

SAMPLE_RATE = 16_000
SAMPLE_BYTES = 2
FRAMES_PER_SECOND = 100
PAUSE_SECONDS = 0.5
"""A pause of this length ends a segment."""


class TranscriptionError(Exception):
    """The audio file cannot be decoded; the message is the end of the program's error output."""


async def transcribe(audio: Path, transcript: Path) -> None:
    """Write the transcript as JSON; cancellation kills the child process before it returns."""
    raw = transcript.with_name("speech.raw")
    pcm = ("-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "s16le")
    decode = (imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(audio), *pcm)
    await _run(*decode, str(raw))
    await _run(sys.executable, "-P", __file__, str(raw), str(transcript))


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        _, error_output = await process.communicate()
        if process.returncode:
            raise TranscriptionError(error_output.decode(errors="replace").strip()[-500:])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def recognise(raw: bytes) -> dict[str, object]:
    """Return the text and its segments with times in seconds."""
    words = _words(raw) if _is_speech(raw) else []
    segments = _segments(words)
    return {
        "text": " ".join(str(segment["text"]) for segment in segments),
        "segments": segments,
        "language": "en",
        "duration": round(len(raw) / SAMPLE_BYTES / SAMPLE_RATE, 3),
    }


def _is_speech(raw: bytes) -> bool:
    """Detect voice activity: pocketsphinx recognises words in silence, too."""
    vad = Vad(sample_rate=SAMPLE_RATE)
    starts = range(0, len(raw) - vad.frame_bytes + 1, vad.frame_bytes)
    return any(vad.is_speech(raw[start : start + vad.frame_bytes]) for start in starts)


def _words(raw: bytes) -> list[tuple[str, int, int]]:
    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(raw, full_utt=True)
    decoder.end_utt()
    if not decoder.hyp():
        return []
    return [(part.word, part.start_frame, part.end_frame + 1) for part in decoder.seg()]


def _segments(words: list[tuple[str, int, int]]) -> list[dict[str, object]]:
    """Group words into segments, split at long pauses."""
    groups: list[list[tuple[str, int, int]]] = []
    for word, start, end in words:
        if word.startswith(("<", "[")):  # silence and noise
            continue
        pause = start - groups[-1][-1][2] if groups else 0
        if not groups or pause > PAUSE_SECONDS * FRAMES_PER_SECOND:
            groups.append([])
        groups[-1].append((word.partition("(")[0], start, end))
    return [
        {
            "id": number,
            "start": group[0][1] / FRAMES_PER_SECOND,
            "end": group[-1][2] / FRAMES_PER_SECOND,
            "text": " ".join(word for word, _, _ in group),
        }
        for number, group in enumerate(groups)
    ]


if __name__ == "__main__":
    recognised = recognise(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_text(json.dumps(recognised))
