"""Render a spec to H.264 in MP4: ffmpeg draws the background and adds the overlays."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg

from sandbox.rendering.drawing import TimeCode, draw_background, draw_card, gradient_colours
from sandbox.rendering.layout import lay_out
from sandbox.rendering.render_spec import RenderSpec

# ultrafast keeps tests short. faststart puts the index first, so that players start early.
ENCODING = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", "-pix_fmt", "yuv420p"),
    *("-movflags", "+faststart", "-progress", "pipe:1", "-stats_period", "0.1"),
)


class RenderError(Exception):
    """ffmpeg failed; the message is the end of its error output."""


async def render_video(spec: RenderSpec, video: Path, on_progress: Callable[[float], None]) -> None:
    """Write the video; cancellation kills ffmpeg before it returns."""
    command = await asyncio.to_thread(_prepare, spec, video)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        _, _, error_output = await asyncio.gather(
            _feed(process, TimeCode(spec).strips()),
            _watch(process, spec.frames, on_progress),
            _read_errors(process),
        )
        if await process.wait():
            raise RenderError(error_output.strip()[-500:])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _prepare(spec: RenderSpec, video: Path) -> list[str]:
    """Draw the still overlays next to the video file, and return ffmpeg's command."""
    card = video.with_name("card.png")
    draw_card(spec, card)
    background = None
    if spec.image:
        background = video.with_name("background.png")
        draw_background(spec, spec.image, background)
    clock = lay_out(spec.width, spec.height).clock
    rate = str(spec.fps)
    strips = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{clock.width}x{clock.height}")
    return [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"),
        *_background_input(spec, background),
        *("-i", str(card)),
        *(*strips, "-r", rate, "-i", "pipe:0"),
        *(("-stream_loop", "-1", "-i", str(spec.clip)) if spec.clip else ()),
        *("-filter_complex", ";".join(_filters(spec)), "-map", "[out]"),
        *("-frames:v", str(spec.frames), "-r", rate, *ENCODING, str(video)),
    ]


def _background_input(spec: RenderSpec, image: Path | None) -> tuple[str, ...]:
    if image:
        return ("-framerate", str(spec.fps), "-i", str(image))
    # A gradient has no detail: rendering a quarter of the size and scaling up is cheaper.
    size = f"{spec.width // 4}x{spec.height // 4}"
    first, second, third = gradient_colours(spec)
    colours = f"n=3:c0={first}:c1={second}:c2={third}"
    seed = (spec.seed or 0) % 2**32
    gradient = f"gradients=s={size}:r={spec.fps}:{colours}:speed=0.03:seed={seed}"
    return ("-f", "lavfi", "-i", gradient)


def _filters(spec: RenderSpec) -> Iterator[str]:
    layout = lay_out(spec.width, spec.height)
    size = f"{spec.width}:{spec.height}"
    if spec.image:
        # Repeat one decoded frame; the crop window drifts from left to right.
        drift = f"crop={size}:(iw-ow)*n/{spec.frames}:(ih-oh)/2"
        yield f"[0:v]loop=-1:1,setpts=N/{spec.fps}/TB,{drift},format=yuv420p[back]"
    else:
        yield f"[0:v]scale={size}:flags=fast_bilinear,format=yuv420p[back]"
    yield f"[back][1:v]overlay={layout.card.x}:{layout.card.y}[titled]"
    clocked = "clocked" if spec.clip else "out"
    yield f"[titled][2:v]overlay={layout.clock.x}:{layout.clock.y}[{clocked}]"
    if spec.clip:
        box = layout.inset
        width, height = box.width - 4, box.height - 4
        # At least two pixels: a very wide or very tall clip would be scaled to zero.
        across = f"max(2,trunc(min({width},{height}*a)/2)*2)"
        down = f"max(2,trunc(min({height},{width}/a)/2)*2)"
        framed = "pad=iw+4:ih+4:2:2:white"
        yield f"[3:v]fps={spec.fps},scale=w='{across}':h='{down}',{framed}[inset]"
        right, bottom = f"{box.x + box.width}-w", f"{box.y + box.height}-h"
        yield f"[clocked][inset]overlay={right}:{bottom}[out]"


async def _feed(process: Process, strips: Iterator[bytes]) -> None:
    if process.stdin is None:
        raise RenderError("ffmpeg has no stdin")
    try:
        for strip in strips:
            process.stdin.write(strip)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # ffmpeg has ended; render_video checks its exit status
    finally:
        process.stdin.close()


async def _watch(process: Process, frames: int, on_progress: Callable[[float], None]) -> None:
    if process.stdout is None:
        raise RenderError("ffmpeg has no stdout")
    async for line in process.stdout:
        name, _, figure = line.decode().strip().partition("=")
        if name == "frame":
            on_progress(int(figure) / frames)


async def _read_errors(process: Process) -> str:
    return (await process.stderr.read()).decode(errors="replace") if process.stderr else ""
