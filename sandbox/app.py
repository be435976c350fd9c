"""Mount every provider protocol, and the unauthenticated health and request log routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.jobs import Sandbox
from sandbox.protocols import bifrost, minimax, output_files, replicate, runway, together, veo
from sandbox.protocols.fal_queue import routes as fal_queue
from sandbox.protocols.fal_queue.fal import FalQueue
from sandbox.protocols.fal_queue.pipelet import PipeletQueue
from sandbox.protocols.openai_videos import routes as openai_videos
from sandbox.protocols.tiyaro import routes as tiyaro
from sandbox.request_origin import RefuseForeignPages
from sandbox.response_faults import ResponseFaults


def create_app(api_key: str) -> Starlette:
    sandbox = Sandbox()

    @asynccontextmanager
    async def close_sandbox(_: Starlette) -> AsyncIterator[None]:
        # Not in __main__: uvicorn re-raises the signal after shutdown, which ends the process.
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

    with_lookup = openai_videos.WITH_LOOKUP
    return Starlette(
        routes=[
            Route("/health", health),
            Route("/_request_log", request_log),
            Route("/_reset", reset, methods=["POST"]),
            *output_files.routes(sandbox),
            Mount("/v1", openai_videos.create_app(sandbox, api_key)),
            Mount("/lookup/v1", openai_videos.create_app(sandbox, api_key, with_lookup)),
            Mount("/bifrost/v1", bifrost.create_app(sandbox, api_key)),
            Mount("/fal", fal_queue.create_app(FalQueue(sandbox), api_key)),
            Mount("/pipelet/queue", fal_queue.create_app(PipeletQueue(sandbox), api_key)),
            Mount("/replicate/v1", replicate.create_app(sandbox, api_key)),
            Mount("/tiyaro", tiyaro.create_app(sandbox, api_key)),
            Mount("/runway", runway.create_app(sandbox, api_key)),
            Mount("/gemini/v1beta", veo.create_gemini(sandbox, api_key)),
            Mount("/vertex", veo.create_vertex(sandbox, api_key)),
            Mount("/minimax", minimax.create_app(sandbox, api_key)),
            Mount("/together", together.create_app(sandbox, api_key)),
        ],
        middleware=[Middleware(RefuseForeignPages), Middleware(ResponseFaults)],
        lifespan=close_sandbox,
    )
