"""Synthesize speech with espeak-ng, as recordings for transcription tests."""

import ctypes
import subprocess
import wave
from pathlib import Path

import espeakng_loader
import imageio_ffmpeg

SENTENCE = "He was born in New York City on Monday."
VOICE = b"en-us+f5"
"""The espeak-ng voice that pocketsphinx recognises best."""
WORDS_PER_MINUTE = 130

_SYNCHRONOUS, _CHARACTERS, _UTF8, _RATE = 2, 1, 1, 1
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def synthesize_speech(folder: Path, extension: str = "wav", sentence: str = SENTENCE) -> Path:
    """Write the spoken sentence as an audio file with that extension."""
    rate, samples = _samples(sentence)
    file = folder / "speech.wav"
    with wave.open(str(file), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(samples)
    if extension == "wav":
        return file
    converted = file.with_suffix(f".{extension}")
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([ffmpeg, "-v", "error", "-y", "-i", file, "-b:a", "64k", converted], check=True)
    return converted


def _samples(sentence: str) -> tuple[int, bytes]:
    engine = ctypes.CDLL(espeakng_loader.get_library_path())
    samples = bytearray()

    def append(wav: object, count: int, _: object) -> int:
        if wav and count > 0:
            samples.extend(ctypes.string_at(wav, 2 * count))  # type: ignore[arg-type]
        return 0

    callback = _Callback(append)
    data = espeakng_loader.get_data_path().encode()
    rate = engine.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
    try:
        engine.espeak_SetSynthCallback(callback)
        engine.espeak_SetVoiceByName(VOICE)
        engine.espeak_SetParameter(_RATE, WORDS_PER_MINUTE, 0)
        text = sentence.encode() + b"\0"
        engine.espeak_Synth(text, len(text), 0, _CHARACTERS, 0, _UTF8, None, None)
    finally:
        engine.espeak_Terminate()
    return rate, bytes(samples)
