"""Webhooks on the wire: the body of an event, lists without ``has_next_page``, and what requests carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import attrs

from ..enums import SubscriptionStatus, WebhookEventType
from ..errors import ConfigurationError
from ..urls import is_loopback
from ..webhook_models import GroupMember, WebhookSubscription
from .queries import checked_id, checked_text

__all__ = [
    "ABSENT",
    "SPELLINGS",
    "CreateSubscription",
    "EventBody",
    "MembersBody",
    "UpdateSubscription",
    "checked_event_types",
    "checked_members",
    "checked_status",
    "checked_webhook_url",
]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class EventBody:
    """The JSON of a delivery, as far as it is the same for all kinds of events."""

    event_type: WebhookEventType
    accounting_record_ids: tuple[str, ...] | None = None
    company_id: str | None = None


@attrs.frozen(kw_only=True)
class CreateSubscription:
    """The request body of "Register webhook"."""

    url: str
    event_types: tuple[WebhookEventType, ...]
    group_id: str | None = None


@attrs.frozen(kw_only=True)
class UpdateSubscription:
    """The request body of "Update webhook"."""

    url: str
    event_types: tuple[WebhookEventType, ...]
    status: SubscriptionStatus


@attrs.frozen(kw_only=True)
class MembersBody:
    """The members that come into a group or go out of it."""

    members: tuple[GroupMember, ...]


SPELLINGS: Final[Mapping[type, Mapping[str, str]]] = MappingProxyType(
    {
        # Brex documents the event in two spellings, the newer one like no other event of its.
        EventBody: MappingProxyType(
            {
                "event_type": "event_type",
                "accountingRecordIds": "accounting_record_ids",
                "accounting_record_ids": "accounting_record_ids",
                "companyId": "company_id",
                "company_id": "company_id",
            }
        ),
    }
)
ABSENT: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {
        EventBody: frozenset({"accounting_record_ids", "company_id"}),
        CreateSubscription: frozenset({"group_id"}),
        WebhookSubscription: frozenset({"group_id"}),
    }
)


def checked_webhook_url(url: str) -> str:
    """An address that Brex can send events to: https, or on loopback for a local one. It is not echoed."""
    checked_text("url", url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError("url is not a URL: its host or port is malformed") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or " " in url:
        raise ConfigurationError("url must be an absolute URL such as https://books.example/brex")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError("url must be https: Brex sends events nowhere else")
    return url


def checked_event_types(event_types: Iterable[WebhookEventType | str]) -> tuple[WebhookEventType, ...]:
    """Types of events to subscribe to: at least one, each once. Unknown ones pass: Brex has more than it lists."""
    if isinstance(event_types, (str, bytes)) or not isinstance(event_types, Iterable):
        raise ConfigurationError("event_types takes a list of event types")
    found = tuple(dict.fromkeys(WebhookEventType(checked_text("an event type", one)) for one in event_types))
    if not found:
        raise ConfigurationError("event_types is empty: a subscription is to at least one type of event")
    return found


def checked_status(status: SubscriptionStatus | str) -> SubscriptionStatus:
    """A status that a subscription can be given."""
    if status not in (SubscriptionStatus.ACTIVE, SubscriptionStatus.INACTIVE):
        raise ConfigurationError("status is ACTIVE or INACTIVE")
    return SubscriptionStatus(status)


def checked_members(company_ids: Iterable[Any]) -> tuple[GroupMember, ...]:
    """The customers that come into a group or go out of it: at least one, each once."""
    if isinstance(company_ids, (str, bytes)) or not isinstance(company_ids, Iterable):
        raise ConfigurationError("company_ids takes a list of company ids")
    ids = dict.fromkeys(checked_id("a company id", one) for one in company_ids)
    if not ids:
        raise ConfigurationError("company_ids is empty")
    return tuple(GroupMember(member_type="ACCOUNT", member_id=one) for one in ids)
