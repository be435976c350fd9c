"""The routes of the sandbox: its protocols, and what tests and scripts ask without a key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox import minimax, outputs, runway, veo
from sandbox.jobs import Sandbox
from sandbox.openai_videos import routes as openai_videos
from sandbox.queue import routes as queue
from sandbox.queue.fal import FalQueue
from sandbox.queue.pipelet import PipeletQueue
from sandbox.replicate import routes as replicate
from sandbox.responses import SpoiledAnswers
from sandbox.tiyaro import routes as tiyaro
from sandbox.together import routes as together


def create_app(api_key: str) -> Starlette:
    sandbox = Sandbox()

    @asynccontextmanager
    async def close_at_the_end(_: Starlette) -> AsyncIterator[None]:
        # Files go here and not in __main__: uvicorn lets a signal end the process afterwards.
        try:
            yield
        finally:
            await sandbox.close()

    async def health(_: Request) -> Response:
        return JSONResponse({"ok": True})

    async def request_log(_: Request) -> Response:
        return JSONResponse(sandbox.request_log.view())

    async def reset(_: Request) -> Response:
        sandbox.request_log.reset()
        return JSONResponse({"ok": True})

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/_ledger", request_log),
            Route("/_reset", reset, methods=["POST"]),
            *outputs.routes(sandbox),
            Mount("/v1", openai_videos.create_app(sandbox, api_key)),
            Mount("/find/v1", openai_videos.create_app(sandbox, api_key, openai_videos.SEARCHABLE)),
            Mount("/fal", queue.create_app(FalQueue(sandbox), api_key)),
            Mount("/pipelet/queue", queue.create_app(PipeletQueue(sandbox), api_key)),
            Mount("/replicate/v1", replicate.create_app(sandbox, api_key)),
            Mount("/tiyaro", tiyaro.create_app(sandbox, api_key)),
            Mount("/runway", runway.create_app(sandbox, api_key)),
            Mount("/gemini/v1beta", veo.create_gemini(sandbox, api_key)),
            Mount("/vertex", veo.create_vertex(sandbox, api_key)),
            Mount("/minimax", minimax.create_app(sandbox, api_key)),
            Mount("/together", together.create_app(sandbox, api_key)),
        ],
        middleware=[Middleware(SpoiledAnswers)],
        lifespan=close_at_the_end,
    )
