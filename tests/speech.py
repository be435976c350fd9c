"""A voice for tests: a sentence becomes a file in which it is said."""

import ctypes
import subprocess
import wave
from pathlib import Path

import espeakng_loader
import imageio_ffmpeg

SENTENCE = "He was born in New York City on Monday."
VOICE = b"en-us+f5"
"""Of those that espeak-ng has, the one that the sandbox's recogniser understands best."""
WORDS_A_MINUTE = 130

_SYNCHRONOUS, _CHARACTERS, _UTF8, _RATE = 2, 1, 1, 1
_Listener = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def speak(folder: Path, extension: str = "wav", sentence: str = SENTENCE) -> Path:
    """The sentence, in a file of that kind."""
    rate, samples = _samples(sentence)
    file = folder / "speech.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples)
    if extension == "wav":
        return file
    other = file.with_suffix(f".{extension}")
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([ffmpeg, "-v", "error", "-y", "-i", file, "-b:a", "64k", other], check=True)
    return other


def _samples(sentence: str) -> tuple[int, bytes]:
    engine = ctypes.CDLL(espeakng_loader.get_library_path())
    samples = bytearray()

    def listen(wav: object, count: int, _: object) -> int:
        if wav and count > 0:
            samples.extend(ctypes.string_at(wav, 2 * count))  # type: ignore[arg-type]
        return 0

    listener = _Listener(listen)
    data = espeakng_loader.get_data_path().encode()
    rate = engine.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
    try:
        engine.espeak_SetSynthCallback(listener)
        engine.espeak_SetVoiceByName(VOICE)
        engine.espeak_SetParameter(_RATE, WORDS_A_MINUTE, 0)
        text = sentence.encode() + b"\0"
        engine.espeak_Synth(text, len(text), 0, _CHARACTERS, 0, _UTF8, None, None)
    finally:
        engine.espeak_Terminate()
    return rate, bytes(samples)
