"""What a request of the Webhooks API says, or the refusal it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import attrs
import msgspec

from ..converters.webhooks import CreateSubscription, MembersBody, UpdateSubscription
from ..converters.wire import codec
from ..enums import SubscriptionStatus, WebhookEventType
from ..errors import DecodeError
from ..urls import is_loopback
from ..webhook_models import GroupMember
from .refusal import invalid

__all__ = ["ListItems", "read_create", "read_items", "read_key", "read_members", "read_name", "read_update"]

T = TypeVar("T")

_MAX_LIMIT = 1000  # guess: the general paging guide's


@attrs.frozen(kw_only=True)
class ListItems:
    """A list request."""

    limit: int = 100
    cursor: str | None = None


def read_items(query: Sequence[tuple[str, str]]) -> ListItems:
    """A list request from its query: ``limit`` and ``cursor``, each once."""
    given = dict(query)
    if len(given) < len(query) or given.keys() - {"limit", "cursor"}:
        raise invalid("The query keys are limit and cursor, each once.")
    limit = given.get("limit", "100")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= _MAX_LIMIT):
        raise invalid(f"limit is a whole number from 1 to {_MAX_LIMIT}.")
    return ListItems(limit=int(limit), cursor=given.get("cursor"))


def read_key(headers: Mapping[str, str]) -> str:
    """The Idempotency-Key, which these requests must have."""
    key = headers.get("Idempotency-Key", "")
    if not key:
        raise invalid("Idempotency-Key is a required header here.")
    return key


def read_create(body: bytes) -> CreateSubscription:
    """The content of a new subscription."""
    content = _read(body, CreateSubscription)
    _check(content.url, content.event_types)
    return content


def read_update(body: bytes) -> UpdateSubscription:
    """The whole new content of a subscription."""
    content = _read(body, UpdateSubscription)
    _check(content.url, content.event_types)
    if content.status not in (SubscriptionStatus.ACTIVE, SubscriptionStatus.INACTIVE):
        raise invalid("status is ACTIVE or INACTIVE.")
    return content


def read_members(body: bytes) -> tuple[GroupMember, ...]:
    """Companies that come in or go out."""
    members = _read(body, MembersBody).members
    if not members or any(one.member_type != "ACCOUNT" or not one.member_id for one in members):
        raise invalid("members holds at least one member of the type ACCOUNT.")
    return members


def read_name(body: bytes) -> str:
    """The name of a new group."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise invalid("The body is not JSON.") from None
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name:
        raise invalid("name is a required string.")
    return name


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return codec().decode(body, kind)
    except DecodeError as error:
        raise invalid(f"The body is malformed: {error.problems[0]}.") from None


def _check(url: str, event_types: Sequence[WebhookEventType]) -> None:
    if not event_types:
        raise invalid("event_types holds at least one type.")
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise invalid("url is not a URL.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise invalid("url must be absolute.")
    if not is_loopback(host):
        # Brex takes any https address; what a sandbox sends stays on this machine.
        raise invalid("url must be on loopback: a sandbox sends nowhere else.")
