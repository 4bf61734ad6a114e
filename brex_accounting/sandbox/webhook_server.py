"""aiohttp.web in front of the rules for webhooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from ..converters.wire import codec, to_json
from .refusal import Refused, invalid
from .webhook_reading import read_create, read_items, read_key, read_members, read_name, read_update
from .webhooks import LocalWebhooks

__all__ = ["WebhookFront"]

# guess: Brex asks for openid and offline_access, and a sandbox keeps no such scopes with its tokens
_ANY_SCOPE = ("accounting.integration.write", "accounting.record.read", "accounting.record.write")
_JSON = "application/json"
Action = Callable[[web.Request], Awaitable[bytes]]
Guarded = Callable[[Action, Sequence[str]], Handler]


class WebhookFront:
    """Subscriptions, groups and secrets over HTTP."""

    def __init__(self, webhooks: LocalWebhooks) -> None:
        self._webhooks = webhooks

    def routes(self, guarded: Guarded) -> list[web.RouteDef]:
        """The routes of Brex's Webhooks API; ``guarded`` is what surrounds each operation."""
        hooks, groups = "/v1/webhooks", "/v1/webhooks/groups"
        one, group = hooks + "/{id}", groups + "/{id}"
        table = [
            # Before the paths with an id, which would match them.
            ("GET", f"{hooks}/secrets", self._secrets),
            ("GET", groups, self._list_groups),
            ("POST", groups, self._create_group),
            ("GET", group, self._get_group),
            ("DELETE", group, self._delete_group),
            ("GET", f"{group}/members", self._list_members),
            ("POST", f"{group}/add_members", self._add_members),
            ("POST", f"{group}/remove_members", self._remove_members),
            ("GET", hooks, self._list),
            ("POST", hooks, self._create),
            ("GET", one, self._get),
            ("PUT", one, self._update),
            ("DELETE", one, self._delete),
        ]
        return [
            web.RouteDef(method, path, guarded(_refusing(action), _ANY_SCOPE), {}) for method, path, action in table
        ]

    async def _list(self, request: web.Request) -> bytes:
        return codec().dumps(self._webhooks.list_subscriptions(read_items(list(request.query.items()))))

    async def _create(self, request: web.Request) -> bytes:
        key = read_key(request.headers)
        return to_json(self._webhooks.create_subscription(read_create(await _content(request)), key))

    async def _get(self, request: web.Request) -> bytes:
        return to_json(self._webhooks.subscription(request.match_info["id"]))

    async def _update(self, request: web.Request) -> bytes:
        content = read_update(await _content(request))
        return to_json(self._webhooks.update_subscription(request.match_info["id"], content))

    async def _delete(self, request: web.Request) -> bytes:
        self._webhooks.delete_subscription(request.match_info["id"])
        return b""

    async def _secrets(self, _request: web.Request) -> bytes:
        return codec().dumps([attrs.asdict(one) for one in self._webhooks.secrets()])

    async def _list_groups(self, request: web.Request) -> bytes:
        return codec().dumps(self._webhooks.list_groups(read_items(list(request.query.items()))))

    async def _create_group(self, request: web.Request) -> bytes:
        key = read_key(request.headers)
        return to_json(self._webhooks.create_group(read_name(await _content(request)), key))

    async def _get_group(self, request: web.Request) -> bytes:
        return to_json(self._webhooks.group(request.match_info["id"]))

    async def _delete_group(self, request: web.Request) -> bytes:
        self._webhooks.delete_group(request.match_info["id"])
        return b""

    async def _list_members(self, request: web.Request) -> bytes:
        items = read_items(list(request.query.items()))
        return codec().dumps(self._webhooks.list_members(request.match_info["id"], items))

    async def _add_members(self, request: web.Request) -> bytes:
        self._webhooks.add_members(request.match_info["id"], read_members(await _content(request)))
        return b"{}"

    async def _remove_members(self, request: web.Request) -> bytes:
        self._webhooks.remove_members(request.match_info["id"], read_members(await _content(request)))
        return b"{}"


def _refusing(action: Action) -> Action:
    """The action, refusing in the shape of Brex's general error guide: these are not accounting's errors."""

    async def act(request: web.Request) -> bytes:
        try:
            return await action(request)
        except Refused as refused:
            raise attrs.evolve(refused, shape="gateway", details=None) from None

    return act


async def _content(request: web.Request) -> bytes:
    if request.content_type != _JSON:
        raise invalid("The body must be application/json.")
    return await request.read()
