"""The sandbox's controls under ``/_sandbox/``, for tests in other processes and other languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import msgspec
from aiohttp import web

from ..converters.wire import codec, from_json, to_json
from ..enums import ReviewStatus
from ..errors import DecodeError
from ..models import AccountingRecord
from .faults import Fault, FaultPlan
from .mishaps import Mishap
from .refusal import invalid, not_found
from .rules import ALL_SCOPES, LocalBrex
from .statistics import Statistics
from .table import Wanted

__all__ = ["Steering"]


class Steering:
    """Reads and changes the state of a sandbox. No token is asked for: it listens on loopback."""

    def __init__(self, brex: LocalBrex, faults: FaultPlan, statistics: Statistics) -> None:
        self._brex = brex
        self._faults = faults
        self._statistics = statistics

    def routes(self) -> list[web.RouteDef]:
        """The routes below ``/_sandbox/``."""
        return [
            web.get("/_sandbox/state", self._state),
            web.post("/_sandbox/records", self._put_record),
            web.delete("/_sandbox/records/{id}", self._remove_record),
            web.post("/_sandbox/records/{id}/review_status", self._set_status),
            web.post("/_sandbox/export", self._export),
            web.post("/_sandbox/webhooks/rotate", self._rotate),
            web.post("/_sandbox/webhooks/revoke", self._revoke_secret),
            web.post("/_sandbox/mishaps", self._add_mishap),
            web.delete("/_sandbox/mishaps", self._clear_mishaps),
            web.post("/_sandbox/faults", self._add_fault),
            web.delete("/_sandbox/faults", self._clear_faults),
            web.post("/_sandbox/rules", self._set_rules),
            web.put("/_sandbox/tokens/{token}", self._add_token),
            web.delete("/_sandbox/tokens/{token}", self._revoke_token),
        ]

    async def _state(self, _request: web.Request) -> web.Response:
        table = self._brex.table
        state = {
            "records": len(table),
            "by_review_status": {status.value: table.count(Wanted(review_status=status)) for status in ReviewStatus},
            "requests": self._statistics.requests,
            "faults": self._statistics.faults,
            "throttled": self._statistics.throttled,
        }
        return _json(state)

    async def _put_record(self, request: web.Request) -> web.Response:
        try:
            record = from_json(await request.read(), AccountingRecord)
        except DecodeError as error:
            raise invalid(str(error)) from None
        self._brex.table.put(record)
        return web.Response(body=to_json(record), content_type="application/json")

    async def _remove_record(self, request: web.Request) -> web.Response:
        self._brex.table.remove(self._row(request))
        return web.Response(status=204)

    async def _set_status(self, request: web.Request) -> web.Response:
        row = self._row(request)
        content = await _object(request)
        status = content.get("review_status")
        if not isinstance(status, str):
            raise invalid("review_status must be a string.")
        self._brex.review([request.match_info["id"]], ReviewStatus(status))
        return web.Response(body=to_json(self._brex.table.record(row)), content_type="application/json")

    async def _export(self, request: web.Request) -> web.Response:
        ids = (await _object(request)).get("ids")
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise invalid("ids is a list of accounting records.")
        self._brex.export(ids)
        return web.Response(status=204)

    async def _rotate(self, _request: web.Request) -> web.Response:
        self._brex.webhooks.rotate()
        return web.Response(status=204)

    async def _revoke_secret(self, _request: web.Request) -> web.Response:
        self._brex.webhooks.revoke()
        return web.Response(status=204)

    async def _add_mishap(self, request: web.Request) -> web.Response:
        self._brex.webhooks.mishaps.add(_made(Mishap, await _object(request)))
        return web.Response(status=204)

    async def _clear_mishaps(self, _request: web.Request) -> web.Response:
        self._brex.webhooks.mishaps.clear()
        return web.Response(status=204)

    async def _add_fault(self, request: web.Request) -> web.Response:
        self._faults.add(_made(Fault, await _object(request)))
        return web.Response(status=204)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def _set_rules(self, request: web.Request) -> web.Response:
        content = await _object(request)
        switches = {"rate_limit", "rate_window", "retry_after", "access_token_lifetime", "send_expires_in"}
        if content.keys() - switches:
            raise invalid(f"The switches are {', '.join(sorted(switches))}.")
        self._brex.rules = _made(lambda **changes: attrs.evolve(self._brex.rules, **changes), content)
        return web.Response(status=204)

    async def _add_token(self, request: web.Request) -> web.Response:
        self._brex.tokens[request.match_info["token"]] = ALL_SCOPES
        return web.Response(status=204)

    async def _revoke_token(self, request: web.Request) -> web.Response:
        self._brex.tokens.pop(request.match_info["token"], None)
        return web.Response(status=204)

    def _row(self, request: web.Request) -> int:
        row = self._brex.table.row_of(request.match_info["id"])
        if row is None:
            raise not_found("accounting record")
        return row


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, RecursionError):
        raise invalid("The body is not JSON.") from None
    if not isinstance(content, dict):
        raise invalid("The body must be an object.")
    return content


def _made(make: Callable[..., Any], content: dict[str, Any]) -> Any:
    try:
        return make(**content)
    except (TypeError, ValueError) as error:
        raise invalid(str(error)) from None


def _json(content: object) -> web.Response:
    return web.Response(body=codec().dumps(content), content_type="application/json")
