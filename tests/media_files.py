"""Media files of each kind, made with ffmpeg, Pillow and libheif when a test first needs one."""

import io
import struct
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pillow_heif
from PIL import Image

VIDEO = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=0.6")
AUDIO = ("-f", "lavfi", "-i", "sine=frequency=440:duration=0.4:sample_rate=16000")
LONG_AUDIO = ("-f", "lavfi", "-i", "anoisesrc=duration=4:sample_rate=16000:seed=1")
LONG_VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25:duration=2")
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac")
FRAGMENTED = ("-movflags", "+frag_keyframe+empty_moov")
FILE_TIMEOUT = 60


def ffmpeg(extension: str, *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file.{extension}")
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *options, path]
        subprocess.run(command, check=True, capture_output=True, timeout=FILE_TIMEOUT)
        return path.read_bytes()


@cache
def images() -> list[Image.Image]:
    return [Image.effect_noise((32, 32), sigma).convert("RGB") for sigma in (10, 60, 90)]


def pillow(name: str, image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or images()[0]).save(buffer, name, **options)
    return buffer.getvalue()


def animation(name: str) -> bytes:
    return pillow(name, save_all=True, append_images=images()[1:])


def heic(count: int = 1) -> bytes:
    file = pillow_heif.from_pillow(images()[0])
    for image in images()[1:count]:
        file.add_from_pillow(image)
    buffer = io.BytesIO()
    file.save(buffer)
    return buffer.getvalue()


def without_ftyp(content: bytes) -> bytes:
    """Replace the first box by padding of the same size, as in files of old cameras."""
    length = int.from_bytes(content[:4])
    return content[:4] + b"free" + bytes(length - 8) + content[length:]


def with_brands(content: bytes, major: bytes, *compatible: bytes) -> bytes:
    """Replace the brands of a file whose offsets do not matter."""
    length = int.from_bytes(content[:4])
    brands = b"".join([major, bytes(4), *compatible])
    return struct.pack(">I", len(brands) + 8) + b"ftyp" + brands + content[length:]


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("0.png", pillow("png"))
    return buffer.getvalue()


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        entry = tarfile.TarInfo("weights.safetensors")
        entry.size = 4
        file.addfile(entry, io.BytesIO(b"1234"))
    return buffer.getvalue()


def glb() -> bytes:
    scene = b'{"asset":{"version":"2.0"}}'
    scene += b" " * (-len(scene) % 4)
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(scene), len(scene), 0x4E4F534A) + scene


def svg() -> bytes:
    return b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg' width='9'></svg>"


@dataclass(frozen=True)
class MediaFile:
    """A kind of file, its content type, and whether a field for its media type takes it."""

    name: str
    content_type: str
    make: Callable[[], bytes]
    is_input: bool = True

    @property
    def content(self) -> bytes:
        return content_of(self.name)


@cache
def content_of(name: str) -> bytes:
    return FILES[name].make()


def _of_ffmpeg(name: str, content_type: str, extension: str, *options: str) -> MediaFile:
    return MediaFile(name, content_type, lambda: ffmpeg(extension, *options))


def _of_pillow(name: str, content_type: str, format_name: str, **options: Any) -> MediaFile:
    return MediaFile(name, content_type, lambda: pillow(format_name, **options))


def _animated(name: str, content_type: str, format_name: str) -> MediaFile:
    return MediaFile(name, content_type, lambda: animation(format_name))


def _output(name: str, content_type: str, make: Callable[[], bytes]) -> MediaFile:
    return MediaFile(name, content_type, make, is_input=False)


BOTH = (*VIDEO, *AUDIO, *H264, *AAC)
VIDEOS = (
    _of_ffmpeg("mp4", "video/mp4", "mp4", *BOTH, "-movflags", "+faststart"),
    _of_ffmpeg("mp4 with its tracks at the end", "video/mp4", "mp4", *BOTH),
    _of_ffmpeg(
        "long mp4 with its tracks at the end", "video/mp4", "mp4", *LONG_VIDEO, *H264, "-qp", "0"
    ),
    _of_ffmpeg("fragmented mp4", "video/mp4", "mp4", *BOTH, *FRAGMENTED),
    _of_ffmpeg("m4v", "video/mp4", "mp4", *BOTH, "-f", "ipod"),
    _of_ffmpeg("mov", "video/quicktime", "mov", *BOTH),
    MediaFile("mov without ftyp", "video/quicktime", lambda: without_ftyp(ffmpeg("mov", *BOTH))),
    _of_ffmpeg("3gp", "video/3gpp", "3gp", *VIDEO, "-c:v", "mpeg4"),
    _of_ffmpeg("3g2", "video/3gpp2", "3g2", *VIDEO, "-c:v", "mpeg4"),
    _of_ffmpeg(
        "webm", "video/webm", "webm", *VIDEO, *AUDIO, "-c:v", "libvpx-vp9", "-c:a", "libopus"
    ),
    _of_ffmpeg(
        "live webm", "video/webm", "webm", *VIDEO, "-c:v", "libvpx", "-f", "webm", "-live", "1"
    ),
    _of_ffmpeg("mkv", "video/x-matroska", "mkv", *BOTH),
    _of_ffmpeg("avi", "video/x-msvideo", "avi", *VIDEO, *AUDIO, "-c:v", "mpeg4"),
    _of_ffmpeg("flv", "video/x-flv", "flv", *VIDEO, "-c:v", "flv"),
    _of_ffmpeg("wmv", "video/x-ms-wmv", "wmv", *VIDEO, *AUDIO, "-c:v", "wmv2", "-c:a", "wmav2"),
    _of_ffmpeg("mpeg-ts", "video/mp2t", "ts", *BOTH),
    _of_ffmpeg("m2ts", "video/mp2t", "m2ts", *BOTH, "-mpegts_m2ts_mode", "1"),
    _of_ffmpeg("mpeg-ps", "video/mpeg", "mpg", *VIDEO, "-c:v", "mpeg1video", "-r", "25"),
    _of_ffmpeg("ogv", "video/ogg", "ogv", *VIDEO, *AUDIO, "-c:v", "libtheora", "-c:a", "libvorbis"),
)
AUDIOS = (
    _of_ffmpeg("m4a", "audio/mp4", "m4a", *AUDIO, *AAC),
    _of_ffmpeg("aac in mp4", "audio/mp4", "mp4", *AUDIO, *AAC),
    _of_ffmpeg(
        "aac in fragmented mp4", "audio/mp4", "mp4", *AUDIO, *AAC, *FRAGMENTED, "-brand", "dash"
    ),
    _of_ffmpeg(
        "long alac in mp4 with its tracks at the end",
        "audio/mp4",
        "mp4",
        *LONG_AUDIO,
        "-c:a",
        "alac",
    ),
    _of_ffmpeg("aac in mov", "audio/mp4", "mov", *AUDIO, *AAC),
    _of_ffmpeg("long pcm in mov", "audio/mp4", "mov", *LONG_AUDIO, "-c:a", "pcm_s16le"),
    _of_ffmpeg("aac in 3gp", "audio/3gpp", "3gp", *AUDIO, *AAC),
    _of_ffmpeg("opus in webm", "audio/webm", "webm", *AUDIO, "-c:a", "libopus"),
    _of_ffmpeg("vorbis in mka", "audio/x-matroska", "mka", *AUDIO, "-c:a", "libvorbis"),
    _of_ffmpeg("opus in ogg", "audio/ogg", "opus", *AUDIO, "-c:a", "libopus"),
    _of_ffmpeg("vorbis in ogg", "audio/ogg", "ogg", *AUDIO, "-c:a", "libvorbis"),
    _of_ffmpeg("flac in ogg", "audio/ogg", "oga", *AUDIO, "-c:a", "flac"),
    _of_ffmpeg("flac", "audio/flac", "flac", *AUDIO),
    _of_ffmpeg("wav", "audio/wav", "wav", *AUDIO),
    _of_ffmpeg("rf64", "audio/wav", "wav", *AUDIO, "-rf64", "always"),
    _of_ffmpeg("aiff", "audio/aiff", "aiff", *AUDIO),
    _of_ffmpeg("aifc", "audio/aiff", "aiff", *AUDIO, "-c:a", "pcm_alaw"),
    _of_ffmpeg("mp3 with id3", "audio/mpeg", "mp3", *AUDIO, "-metadata", "title=a"),
    _of_ffmpeg("mp3", "audio/mpeg", "mp3", *AUDIO, "-id3v2_version", "0", "-write_xing", "0"),
    _of_ffmpeg("mp2", "audio/mpeg", "mp2", *AUDIO),
    _of_ffmpeg("aac", "audio/aac", "aac", *AUDIO),
    _of_ffmpeg(
        "aac with id3", "audio/aac", "aac", *AUDIO, "-write_id3v2", "1", "-metadata", "title=a"
    ),
    _of_ffmpeg("amr", "audio/amr", "amr", *AUDIO, "-ar", "8000"),
    _of_ffmpeg("wma", "audio/x-ms-wma", "wma", *AUDIO, "-c:a", "wmav2"),
)
IMAGES = (
    _of_pillow("png", "image/png", "png"),
    _animated("animated png", "image/png", "png"),
    _of_pillow("jpeg", "image/jpeg", "jpeg"),
    _animated("jpeg of several images", "image/jpeg", "mpo"),
    _of_pillow("gif", "image/gif", "gif"),
    _animated("animated gif", "image/gif", "gif"),
    _of_pillow("webp", "image/webp", "webp"),
    _animated("animated webp", "image/webp", "webp"),
    _of_pillow("avif", "image/avif", "avif"),
    _animated("animated avif", "image/avif", "avif"),
    _of_ffmpeg(
        "avif sequence", "image/avif", "avif", *VIDEO, "-c:v", "libaom-av1", "-cpu-used", "8"
    ),
    MediaFile(
        "avif sequence with a brand of video",
        "image/avif",
        lambda: with_brands(animation("avif"), b"iso8", b"avis", b"mif1"),
    ),
    MediaFile(
        "avif by compatible brand",
        "image/avif",
        lambda: with_brands(pillow("avif"), b"mif1", b"avif", b"miaf"),
    ),
    MediaFile("heic", "image/heic", heic),
    MediaFile("heic of several images", "image/heic", lambda: heic(3)),
    MediaFile(
        "heic by compatible brand",
        "image/heic",
        lambda: with_brands(heic(), b"mif1", b"heic", b"miaf"),
    ),
    MediaFile(
        "heif without a brand of images",
        "image/heif",
        lambda: with_brands(heic(), b"isom", b"iso8"),
    ),
    _of_pillow("bmp", "image/bmp", "bmp"),
    _of_pillow("tiff", "image/tiff", "tiff"),
    _of_pillow("big tiff", "image/tiff", "tiff", big_tiff=True),
    MediaFile(
        "big-endian tiff",
        "image/tiff",
        lambda: pillow("tiff", Image.new("I;16B", (32, 32))),
    ),
)
OTHERS = (
    _output("svg", "image/svg+xml", svg),
    _output("ico", "image/x-icon", lambda: pillow("ico")),
    _output("jpeg 2000", "image/jp2", lambda: pillow("jpeg2000")),
    _output(
        "jpeg xl",
        "image/jxl",
        lambda: ffmpeg("jxl", *VIDEO, "-frames:v", "1", "-c:v", "libjxl"),
    ),
    _output("pdf", "application/pdf", lambda: pillow("pdf")),
    _output("zip", "application/zip", archive),
    _output("tar", "application/x-tar", tar),
    _output("glb", "model/gltf-binary", glb),
    _output("aac in mpeg-ts", "audio/mp2t", lambda: ffmpeg("ts", *AUDIO, *AAC)),
    _output("mp3 in flv", "audio/x-flv", lambda: ffmpeg("flv", *AUDIO, "-ar", "22050")),
    _output("pcm in avi", "audio/x-msvideo", lambda: ffmpeg("avi", *AUDIO)),
)
RARE = (
    _output("caf", "audio/x-caf", lambda: ffmpeg("caf", *AUDIO)),
    _output("au", "audio/x-au", lambda: ffmpeg("au", *AUDIO)),
    _output("wavpack", "audio/x-wavpack", lambda: ffmpeg("wv", *AUDIO)),
    _output("tga", "image/tga", lambda: pillow("tga")),
    _output("icns", "image/x-icns", lambda: pillow("icns")),
)
FILES = {file.name: file for file in (*VIDEOS, *AUDIOS, *IMAGES, *OTHERS, *RARE)}
KNOWN = tuple(file.name for file in FILES.values() if file not in RARE)
