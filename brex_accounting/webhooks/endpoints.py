"""The operations of Brex's Webhooks API, each giving a ``Call``.

Source: Brex, Webhooks API reference; idempotency guide, for what ``repeat`` rests on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from ..converters.errors import TRACE_HEADER, refuse, refuse_with_cursor
from ..converters.exports import checked_key
from ..converters.pages import CursorBody, cursor_page
from ..converters.queries import checked_id, checked_text
from ..converters.webhooks import (
    CreateSubscription,
    MembersBody,
    UpdateSubscription,
    checked_event_types,
    checked_members,
    checked_status,
    checked_webhook_url,
)
from ..converters.wire import codec, to_json
from ..enums import SubscriptionStatus, WebhookEventType
from ..models import Page
from ..operations import call_of, quoted, reads
from ..session.call import Call, Repeat, Reply, trace_id
from ..webhook_models import GroupMember, WebhookGroup, WebhookSecret, WebhookSubscription

__all__ = [
    "add_members",
    "create_group",
    "create_subscription",
    "delete_group",
    "delete_subscription",
    "get_group",
    "get_subscription",
    "list_groups",
    "list_members",
    "list_secrets",
    "list_subscriptions",
    "remove_members",
    "update_subscription",
]

T = TypeVar("T")

_WEBHOOKS: Final = "/v1/webhooks"
_GROUPS: Final = "/v1/webhooks/groups"

READ: Final = Repeat(after_ambiguous=True, because="A GET changes nothing.")
CREATE: Final = Repeat(
    after_ambiguous=True,
    because="All POST requests accept an Idempotency-Key, and the same request with the same key is made once.",
)
UPDATE: Final = Repeat(
    after_ambiguous=True,
    because="A PUT says how the whole subscription is to be, so a second one changes nothing more.",
)
DELETE: Final = Repeat(
    after_ambiguous=True,
    because="What is gone stays gone: a second DELETE is answered with 404 at worst.",
)
MEMBERS: Final = Repeat(
    after_ambiguous=True,
    because="A customer is in a group or is not: coming in or going out twice is the same as once.",
)


def list_subscriptions(*, page_size: int, cursor: str | None) -> Call[Page[WebhookSubscription]]:
    """GET /v1/webhooks."""
    return _list("list webhook subscriptions", _WEBHOOKS, WebhookSubscription, page_size, cursor)


def create_subscription(
    *, url: str, event_types: Iterable[WebhookEventType | str], group_id: str | None, idempotency_key: str
) -> Call[WebhookSubscription]:
    """POST /v1/webhooks."""
    content = CreateSubscription(
        url=checked_webhook_url(url),
        event_types=checked_event_types(event_types),
        group_id=None if group_id is None else checked_id("group_id", group_id),
    )
    return _write(
        "create webhook subscription", "POST", _WEBHOOKS, CREATE, WebhookSubscription, content, idempotency_key
    )


def get_subscription(subscription_id: str) -> Call[WebhookSubscription]:
    """GET /v1/webhooks/{id}."""
    return call_of("get webhook subscription", "GET", _subscription(subscription_id), READ, reads(WebhookSubscription))


def update_subscription(
    subscription_id: str,
    *,
    url: str,
    event_types: Iterable[WebhookEventType | str],
    status: SubscriptionStatus | str,
    idempotency_key: str,
) -> Call[WebhookSubscription]:
    """PUT /v1/webhooks/{id}."""
    content = UpdateSubscription(
        url=checked_webhook_url(url), event_types=checked_event_types(event_types), status=checked_status(status)
    )
    path = _subscription(subscription_id)
    return _write("update webhook subscription", "PUT", path, UPDATE, WebhookSubscription, content, idempotency_key)


def delete_subscription(subscription_id: str) -> Call[None]:
    """DELETE /v1/webhooks/{id}."""
    return call_of("delete webhook subscription", "DELETE", _subscription(subscription_id), DELETE, _nothing)


def list_secrets() -> Call[tuple[WebhookSecret, ...]]:
    """GET /v1/webhooks/secrets."""

    def decode(reply: Reply) -> tuple[WebhookSecret, ...]:
        # A bare array, unlike all other lists.
        return codec().decode(reply.body, tuple[WebhookSecret, ...])

    return call_of("list webhook secrets", "GET", f"{_WEBHOOKS}/secrets", READ, decode)


def list_groups(*, page_size: int, cursor: str | None) -> Call[Page[WebhookGroup]]:
    """GET /v1/webhooks/groups."""
    return _list("list webhook groups", _GROUPS, WebhookGroup, page_size, cursor)


def create_group(name: str, *, idempotency_key: str) -> Call[WebhookGroup]:
    """POST /v1/webhooks/groups."""
    content = {"name": checked_text("name", name)}
    return _write("create webhook group", "POST", _GROUPS, CREATE, WebhookGroup, content, idempotency_key)


def get_group(group_id: str) -> Call[WebhookGroup]:
    """GET /v1/webhooks/groups/{id}."""
    return call_of("get webhook group", "GET", _group(group_id), READ, reads(WebhookGroup))


def delete_group(group_id: str) -> Call[None]:
    """DELETE /v1/webhooks/groups/{id}."""
    return call_of("delete webhook group", "DELETE", _group(group_id), DELETE, _nothing)


def list_members(group_id: str, *, page_size: int, cursor: str | None) -> Call[Page[GroupMember]]:
    """GET /v1/webhooks/groups/{id}/members."""
    return _list("list webhook group members", f"{_group(group_id)}/members", GroupMember, page_size, cursor)


def add_members(group_id: str, company_ids: Iterable[str], *, idempotency_key: str) -> Call[None]:
    """POST /v1/webhooks/groups/{id}/add_members."""
    return _members("add webhook group members", f"{_group(group_id)}/add_members", company_ids, idempotency_key)


def remove_members(group_id: str, company_ids: Iterable[str], *, idempotency_key: str) -> Call[None]:
    """POST /v1/webhooks/groups/{id}/remove_members."""
    return _members("remove webhook group members", f"{_group(group_id)}/remove_members", company_ids, idempotency_key)


def _subscription(subscription_id: str) -> str:
    return f"{_WEBHOOKS}/{quoted('subscription_id', subscription_id)}"


def _group(group_id: str) -> str:
    return f"{_GROUPS}/{quoted('group_id', group_id)}"


def _list(name: str, path: str, kind: type[T], page_size: int, cursor: str | None) -> Call[Page[T]]:
    def decode(reply: Reply) -> Page[T]:
        body: CursorBody[T] = codec().decode(reply.body, CursorBody[kind])  # type: ignore[valid-type]
        trace = trace_id(reply.headers, TRACE_HEADER)
        return cursor_page(body, reply.body, served_at=reply.served_at, trace_id=trace)

    query = (("limit", str(page_size)), *(() if cursor is None else (("cursor", cursor),)))
    refusing = refuse if cursor is None else refuse_with_cursor
    return call_of(name, "GET", path, READ, decode, query=query, refusing=refusing)


def _write(name: str, method: str, path: str, repeat: Repeat, kind: type[T], content: object, key: str) -> Call[T]:
    return call_of(name, method, path, repeat, reads(kind), headers=_headers(key), body=to_json(content))


def _members(name: str, path: str, company_ids: Iterable[str], key: str) -> Call[None]:
    body = to_json(MembersBody(members=checked_members(company_ids)))
    return call_of(name, "POST", path, MEMBERS, _nothing, headers=_headers(key), body=body)


def _headers(key: str) -> tuple[tuple[str, str], ...]:
    return (("Idempotency-Key", checked_key(key)),)


def _nothing(_reply: Reply) -> None:
    """What the answer holds is not documented."""
