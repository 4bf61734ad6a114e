"""The nouns of webhooks: frozen values in the wire's own names. No JSON, no I/O.

Source: Brex, Webhooks API reference; Brex guides, "Webhooks".
"""

from __future__ import annotations

from datetime import datetime

import attrs

from .enums import SubscriptionStatus, WebhookEventType, WebhookSecretStatus

__all__ = ["GroupMember", "WebhookEvent", "WebhookGroup", "WebhookSecret", "WebhookSubscription"]


@attrs.frozen(kw_only=True)
class WebhookEvent:
    """A delivery that was verified.

    ``id``: the same for each try of one delivery. ``accounting_record_ids``: the records that a customer
    exports; empty for events of other kinds. ``company_id``: as "Get company" gives it, None where Brex
    names none. ``sent_at``: when this try was signed, in UTC. ``raw``: the body, for kinds of events that
    are not modelled.
    """

    id: str
    event_type: WebhookEventType
    accounting_record_ids: tuple[str, ...] = ()
    company_id: str | None = None
    sent_at: datetime
    raw: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class WebhookSecret:
    """What deliveries are signed with, in base64."""

    secret: str = attrs.field(repr=False)
    status: WebhookSecretStatus


@attrs.frozen(kw_only=True)
class WebhookSubscription:
    """An address that events of some types are sent to. ``group_id``: None for those of no group."""

    id: str
    group_id: str | None = None
    url: str
    event_types: tuple[WebhookEventType, ...]
    status: SubscriptionStatus


@attrs.frozen(kw_only=True)
class WebhookGroup:
    """A partner's group of customers. Events of its members go to the group's subscriptions alone."""

    id: str
    name: str | None = None


@attrs.frozen(kw_only=True)
class GroupMember:
    """A customer in a group. ``member_type`` is ACCOUNT, the only one that Brex documents."""

    member_type: str
    member_id: str
