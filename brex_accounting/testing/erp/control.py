"""What steers a running ERP and looks into it, from any process."""

from __future__ import annotations

from typing import TypeVar

import aiohttp
import attrs
import msgspec

from .counting import Counts, Summary
from .options import Options
from .orders import Order
from .values import Document

__all__ = ["Control", "State"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class State:
    """What an ERP was asked since its process began, and its ways."""

    requests: int
    struck: int
    options: Options


class Control:
    """The control endpoints of the ERP at ``url``. Every method raises ``ValueError`` when the ERP refuses it."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def change(self, **options: object) -> Options:
        """Change options of ``Options`` by name, for good: they outlive the process."""
        return await self._ask("POST", "options", Options, msgspec.json.encode(options))

    async def order(self, kind: str, **order: object) -> None:
        """Order misbehaviour, as in ``Order``. Orders end with the process."""
        await self._tell("POST", "orders", msgspec.json.encode(_order(kind, order)))

    async def calm(self) -> None:
        """End all orders."""
        await self._tell("DELETE", "orders")

    async def log_out(self) -> None:
        """End all sessions."""
        await self._tell("DELETE", "sessions")

    async def offline(self, seconds: float) -> None:
        """Close every connection and refuse new ones for so many seconds."""
        await self._tell("POST", "offline", msgspec.json.encode(seconds))

    async def state(self) -> State:
        """Requests so far, and the options."""
        return await self._ask("GET", "state", State)

    async def summary(self) -> Summary:
        """Totals per account and currency, exact."""
        return await self._ask("GET", "summary", Summary)

    async def counts(self) -> Counts:
        """Documents per key, number and revision."""
        return await self._ask("GET", "counts", Counts)

    async def documents(self) -> list[Document]:
        """Every document, oldest first."""
        return await self._ask("GET", "documents", list[Document])

    async def _ask(self, method: str, path: str, cls: type[T], body: bytes | None = None) -> T:
        return msgspec.json.decode(await self._tell(method, path, body), type=cls)

    async def _tell(self, method: str, path: str, body: bytes | None = None) -> bytes:
        async with aiohttp.request(method, f"{self._url}/_/{path}", data=body) as response:
            answer = await response.read()
        if response.status >= 400:
            raise ValueError(msgspec.json.decode(answer, type=dict[str, object]).get("message"))
        return answer


def _order(kind: str, order: dict[str, object]) -> dict[str, object]:
    counted = order.keys() & {"next", "every", "at"}
    Order(kind=kind, **(order if counted else {**order, "next": 1}))  # type: ignore[arg-type]  # it checks them
    return {"kind": kind, **order} if counted else {"kind": kind, **order, "next": 1}
