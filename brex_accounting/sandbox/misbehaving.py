"""What a server does to a connection when a fault is ordered."""

from __future__ import annotations

from aiohttp import web

__all__ = ["cut", "hang_up"]


def hang_up(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def cut(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """An answer whose body ends half way."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
