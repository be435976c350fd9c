"""A brief becomes an H.264 MP4: ffmpeg draws the background and joins it with our overlays."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg

from sandbox.layout import lay_out
from sandbox.render_spec import Brief
from sandbox.test_image import TimeCode, draw_background, draw_card, gradient_colours

# ultrafast: a clip must cost less time than its test. faststart: players begin before the end.
ENCODING = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", "-pix_fmt", "yuv420p"),
    *("-movflags", "+faststart", "-progress", "pipe:1", "-stats_period", "0.1"),
)


class RenderError(Exception):
    """ffmpeg gave up; the message is its last words."""


async def render(brief: Brief, video: Path, on_progress: Callable[[float], None]) -> None:
    """Write the video; when cancelled, ffmpeg is killed before this returns."""
    command = await asyncio.to_thread(_prepare, brief, video)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        _, _, complaints = await asyncio.gather(
            _feed(process, TimeCode(brief).strips()),
            _watch(process, brief.frames, on_progress),
            _read_errors(process),
        )
        if await process.wait():
            raise RenderError(complaints.strip()[-500:])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _prepare(brief: Brief, video: Path) -> list[str]:
    """Draw the still parts beside the video and return ffmpeg's command."""
    card = video.with_name("card.png")
    draw_card(brief, card)
    background = None
    if brief.image:
        background = video.with_name("background.png")
        draw_background(brief, brief.image, background)
    clock = lay_out(brief.width, brief.height).clock
    rate = str(brief.fps)
    strips = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{clock.width}x{clock.height}")
    return [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"),
        *_background_input(brief, background),
        *("-i", str(card)),
        *(*strips, "-r", rate, "-i", "pipe:0"),
        *(("-stream_loop", "-1", "-i", str(brief.clip)) if brief.clip else ()),
        *("-filter_complex", ";".join(_filters(brief)), "-map", "[out]"),
        *("-frames:v", str(brief.frames), "-r", rate, *ENCODING, str(video)),
    ]


def _background_input(brief: Brief, picture: Path | None) -> tuple[str, ...]:
    if picture:
        return ("-framerate", str(brief.fps), "-i", str(picture))
    # A gradient has no detail: a quarter of the size, scaled up, looks the same and is cheap.
    size = f"{brief.width // 4}x{brief.height // 4}"
    first, second, third = gradient_colours(brief)
    colours = f"n=3:c0={first}:c1={second}:c2={third}"
    seed = (brief.seed or 0) % 2**32
    gradient = f"gradients=s={size}:r={brief.fps}:{colours}:speed=0.03:seed={seed}"
    return ("-f", "lavfi", "-i", gradient)


def _filters(brief: Brief) -> Iterator[str]:
    layout = lay_out(brief.width, brief.height)
    size = f"{brief.width}:{brief.height}"
    if brief.image:
        # One decoded frame, repeated; the crop window drifts over it from left to right.
        drift = f"crop={size}:(iw-ow)*n/{brief.frames}:(ih-oh)/2"
        yield f"[0:v]loop=-1:1,setpts=N/{brief.fps}/TB,{drift},format=yuv420p[back]"
    else:
        yield f"[0:v]scale={size}:flags=fast_bilinear,format=yuv420p[back]"
    yield f"[back][1:v]overlay={layout.card.x}:{layout.card.y}[titled]"
    clocked = "clocked" if brief.clip else "out"
    yield f"[titled][2:v]overlay={layout.clock.x}:{layout.clock.y}[{clocked}]"
    if brief.clip:
        box = layout.inset
        width, height = box.width - 4, box.height - 4
        # Never less than two pixels, which a very long or very tall clip would come to.
        across = f"max(2,trunc(min({width},{height}*a)/2)*2)"
        down = f"max(2,trunc(min({height},{width}/a)/2)*2)"
        framed = "pad=iw+4:ih+4:2:2:white"
        yield f"[3:v]fps={brief.fps},scale=w='{across}':h='{down}',{framed}[inset]"
        right, bottom = f"{box.x + box.width}-w", f"{box.y + box.height}-h"
        yield f"[clocked][inset]overlay={right}:{bottom}[out]"


async def _feed(process: Process, strips: Iterator[bytes]) -> None:
    if process.stdin is None:
        raise RenderError("ffmpeg was started without an input")
    try:
        for strip in strips:
            process.stdin.write(strip)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # ffmpeg has ended; whether well or ill, its exit status tells
    finally:
        process.stdin.close()


async def _watch(process: Process, frames: int, on_progress: Callable[[float], None]) -> None:
    if process.stdout is None:
        raise RenderError("ffmpeg was started without an output")
    async for line in process.stdout:
        name, _, figure = line.decode().strip().partition("=")
        if name == "frame":
            on_progress(int(figure) / frames)


async def _read_errors(process: Process) -> str:
    return (await process.stderr.read()).decode(errors="replace") if process.stderr else ""
