"""Several companies' sandboxes behind one address: the bearer token tells whose request it is, as it does at Brex, and
the OAuth server is one for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from brex_accounting.sandbox import Sandbox
from brex_accounting.sandbox.server import OAUTH

__all__ = ["Gateway", "behind", "several"]


class Gateway:
    """Where it listens, and the sandboxes behind it. Sandboxes know only their own tokens.

    What is asked of those in ``silent`` is never answered.
    """

    def __init__(self, url: str, sandboxes: Sequence[Sandbox], silent: set[Sandbox]) -> None:
        self.url = url
        self.oauth_url = url + OAUTH
        self.sandboxes = sandboxes
        self.silent = silent

    def of(self, company_id: str) -> Sandbox:
        """The sandbox of a company."""
        return next(one for one in self.sandboxes if one.brex.company.id == company_id)


@asynccontextmanager
async def several(count: int) -> AsyncIterator[Gateway]:
    """So many companies, of twenty records each."""
    async with behind([Sandbox(records=20, seed=seed) for seed in range(count)]) as gateway:
        yield gateway


@asynccontextmanager
async def behind(sandboxes: Sequence[Sandbox]) -> AsyncIterator[Gateway]:
    """These companies, each known by the tokens that its customer's consent gave."""
    async with AsyncExitStack() as stack:
        for sandbox in sandboxes:
            await stack.enter_async_context(sandbox)
            sandbox.brex.tokens.clear()
        session = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        app = web.Application()
        silent: set[Sandbox] = set()

        async def forward(request: web.Request) -> web.Response:
            body = await request.read()
            headers = CIMultiDict(request.headers)
            headers.popall("Host", None)
            owner = _owner(sandboxes, request, body)
            if owner in silent:
                await asyncio.Event().wait()
            url = owner.url + request.raw_path
            async with session.request(request.method, url, data=body, headers=headers) as answer:
                kept = {name: answer.headers[name] for name in ("Content-Type", "Date") if name in answer.headers}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)

        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield Gateway(f"http://{host}:{port}", sandboxes, silent)


def _owner(sandboxes: Sequence[Sandbox], request: web.Request, body: bytes) -> Sandbox:
    """Whose request it is; the first one's, which refuses it, when no company knows what it carries."""
    if request.path.startswith(OAUTH):
        given = {value for values in parse_qs(body.decode()).values() for value in values}
        return next((one for one in sandboxes if given & {*one.oauth._codes, *one.oauth._grants}), sandboxes[0])
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return next((one for one in sandboxes if token in one.brex.tokens), sandboxes[0])
