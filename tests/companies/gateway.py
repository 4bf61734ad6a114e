"""Several companies' sandboxes behind one address: the bearer token tells whose request it is, as it does at Brex."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from brex_accounting.sandbox import Sandbox

__all__ = ["Gateway", "several"]


class Gateway:
    """Where it listens, and the sandboxes behind it. Sandboxes know only their own tokens."""

    def __init__(self, url: str, sandboxes: Sequence[Sandbox]) -> None:
        self.url = url
        self.sandboxes = sandboxes

    def of(self, company_id: str) -> Sandbox:
        """The sandbox of a company."""
        return next(one for one in self.sandboxes if one.brex.company.id == company_id)


@asynccontextmanager
async def several(count: int) -> AsyncIterator[Gateway]:
    """So many companies, of twenty records each."""
    async with AsyncExitStack() as stack:
        sandboxes = [await stack.enter_async_context(Sandbox(records=20, seed=seed)) for seed in range(count)]
        for sandbox in sandboxes:
            sandbox.brex.tokens.clear()
        session = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        app = web.Application()

        async def forward(request: web.Request) -> web.Response:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            owner = next((one for one in sandboxes if token in one.brex.tokens), sandboxes[0])
            headers = CIMultiDict(request.headers)
            headers.popall("Host", None)
            url = owner.url + request.raw_path
            async with session.request(request.method, url, data=await request.read(), headers=headers) as answer:
                kept = {name: answer.headers[name] for name in ("Content-Type", "Date") if name in answer.headers}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)

        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield Gateway(f"http://{host}:{port}", sandboxes)
