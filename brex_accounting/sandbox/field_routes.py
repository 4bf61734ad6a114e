"""The operations about fields and companies over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from ..converters.fields import ValuesReply
from ..converters.wire import codec, to_json
from .field_reading import (
    read_changes,
    read_field,
    read_fields_request,
    read_keys,
    read_new_values,
    read_values_request,
)
from .idempotency import KeyedAnswers
from .refusal import bad_request
from .rules import COMPANY_READ, FIELD_READ, FIELD_WRITE, VALUE_READ, VALUE_WRITE, LocalBrex

__all__ = ["FieldRoutes"]

Action = Callable[[web.Request], Awaitable[bytes]]
Guard = Callable[[Action, Sequence[str]], Handler]

_FIELDS: Final = "/v1/fields"
_VALUES: Final = "/v1/fields/{field_id}/values"


class FieldRoutes:
    """Reads requests, asks the rules, writes answers. What surrounds each operation is ``guard``'s."""

    def __init__(self, brex: LocalBrex) -> None:
        self._brex = brex
        self._keyed = KeyedAnswers()

    def routes(self, guard: Guard) -> list[web.RouteDef]:
        """The routes of Brex's Fields API, and the one about the company."""
        fields, values = (FIELD_READ, FIELD_WRITE), (VALUE_READ, VALUE_WRITE)
        return [
            web.get("/v2/company", guard(self._company, (COMPANY_READ,)), allow_head=False),
            web.get(_FIELDS, guard(self._list_fields, fields), allow_head=False),
            web.post(_FIELDS, guard(self._create_field, (FIELD_WRITE,))),
            web.get(_FIELDS + "/{field_id}", guard(self._get_field, fields), allow_head=False),
            web.put(_FIELDS + "/{field_id}", guard(self._update_field, (FIELD_WRITE,))),
            web.delete(_FIELDS + "/{field_id}", guard(self._delete_field, (FIELD_WRITE,))),
            web.get(_VALUES, guard(self._list_values, values), allow_head=False),
            web.post(_VALUES, guard(self._create_values, (VALUE_WRITE,))),
            web.put(_VALUES, guard(self._update_values, (VALUE_WRITE,))),
            # The scope that Brex documents for it, unlike that of its neighbours.
            web.delete(_VALUES, guard(self._delete_values, (FIELD_WRITE,))),
            web.get(_VALUES + "/{brex_id}", guard(self._get_value, values), allow_head=False),
        ]

    async def _company(self, _request: web.Request) -> bytes:
        return to_json(self._brex.company)

    async def _list_fields(self, request: web.Request) -> bytes:
        return to_json(self._brex.fields.list_fields(read_fields_request(list(request.query.items()))))

    async def _create_field(self, request: web.Request) -> bytes:
        body = await _json_of(request)

        async def create() -> bytes:
            return to_json(self._brex.fields.create_field(read_field(body)))

        return await self._once(request, body, create, required=True)

    async def _get_field(self, request: web.Request) -> bytes:
        return to_json(self._brex.fields.get_field(request.match_info["field_id"]))

    async def _update_field(self, request: web.Request) -> bytes:
        body = await _json_of(request)

        async def update() -> bytes:
            return to_json(self._brex.fields.update_field(request.match_info["field_id"], read_field(body)))

        return await self._once(request, body, update)

    async def _delete_field(self, request: web.Request) -> bytes:
        self._brex.fields.delete_field(request.match_info["field_id"])
        return b""

    async def _list_values(self, request: web.Request) -> bytes:
        asked = read_values_request(list(request.query.items()))
        return to_json(self._brex.fields.list_values(request.match_info["field_id"], asked))

    async def _create_values(self, request: web.Request) -> bytes:
        body = await _json_of(request)

        async def create() -> bytes:
            made = self._brex.fields.create_values(request.match_info["field_id"], read_new_values(body))
            return to_json(ValuesReply(items=made))

        return await self._once(request, body, create, required=True)

    async def _update_values(self, request: web.Request) -> bytes:
        body = await _json_of(request)

        async def update() -> bytes:
            changed = self._brex.fields.update_values(request.match_info["field_id"], read_changes(body))
            return to_json(ValuesReply(items=changed))

        return await self._once(request, body, update)

    async def _delete_values(self, request: web.Request) -> bytes:
        keys = read_keys(await _json_of(request))
        self._brex.fields.delete_values(request.match_info["field_id"], keys)
        return codec().dumps({})

    async def _get_value(self, request: web.Request) -> bytes:
        return to_json(self._brex.fields.get_value(request.match_info["field_id"], request.match_info["brex_id"]))

    async def _once(
        self, request: web.Request, body: bytes, make: Callable[[], Awaitable[bytes]], *, required: bool = False
    ) -> bytes:
        key = request.headers.get("Idempotency-Key")
        if required and not key:
            raise bad_request("The header Idempotency-Key is required.")
        asked = f"{request.method} {request.path}\n".encode() + body
        return await self._keyed.answer(key, asked, make)


async def _json_of(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise bad_request("The body must be application/json.")
    return await request.read()
