"""Brex's rules for webhooks, without HTTP: who is sent what, and signed with which secrets.

What Brex documents is followed; what it leaves open is decided and marked ``guess``.

Source: Brex, Webhooks API reference; Brex guides, "Webhooks" and "Idempotency".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias, TypeVar, cast

import attrs
import msgspec

from ..converters.pages import CursorBody
from ..converters.webhooks import CreateSubscription, UpdateSubscription
from ..enums import SubscriptionStatus, WebhookEventType, WebhookSecretStatus
from ..webhook_models import GroupMember, WebhookGroup, WebhookSecret, WebhookSubscription
from .mishaps import MishapPlan
from .refusal import invalid, not_found
from .webhook_reading import ListItems

__all__ = ["LocalEvent", "LocalWebhooks", "Spelling", "signed_headers"]

T = TypeVar("T")

Spelling: TypeAlias = Literal["newer", "older"]
"""Which of the two documented payloads is sent: ``accountingRecordIds`` with ``companyId``, or
``accounting_record_ids`` alone."""

READY: Final = WebhookEventType.ACCOUNTING_RECORD_READY_FOR_EXPORT


@attrs.frozen(kw_only=True)
class LocalEvent:
    """Something to tell: its id is the same for every try of telling it."""

    id: str
    event_type: WebhookEventType
    body: bytes = attrs.field(repr=False)


class LocalWebhooks:
    """One company's subscriptions, groups and secrets. ``tell`` is called with each event that happens.

    ``company_id``: the one that events name; give each sandbox its own where one receiver serves several.
    ``spelling``: how they are written. ``mishaps``: what goes wrong with their delivery.
    """

    def __init__(self, *, company_id: str) -> None:
        self.company_id: str = company_id
        self.spelling: Spelling = "newer"
        self.mishaps: MishapPlan = MishapPlan()
        self.tell: Callable[[LocalEvent], None] | None = None
        self._subscriptions: dict[str, WebhookSubscription] = {}
        self._groups: dict[str, WebhookGroup] = {}
        self._members: dict[str, dict[str, GroupMember]] = {}
        self._secrets: list[WebhookSecret] = []
        self._made: dict[str, tuple[object, object]] = {}
        self._counts: dict[str, int] = {}

    # Subscriptions.

    def list_subscriptions(self, request: ListItems) -> CursorBody[WebhookSubscription]:
        """A page of them, oldest first."""
        return _page(self._subscriptions, request)

    def create_subscription(self, content: CreateSubscription, key: str) -> WebhookSubscription:
        """A new one; the same one again for the same key."""

        def make() -> WebhookSubscription:
            if content.group_id is not None:
                self.group(content.group_id)
            made = WebhookSubscription(
                id=self._new_id("wsub"),
                group_id=content.group_id,
                url=content.url,
                event_types=content.event_types,
                status=SubscriptionStatus.ACTIVE,
            )
            self._subscriptions[made.id] = made
            return made

        return self._once(f"subscription {key}", content, make)

    def subscription(self, subscription_id: str) -> WebhookSubscription:
        """One of them."""
        return _found(self._subscriptions, subscription_id, "webhook subscription")

    def update_subscription(self, subscription_id: str, content: UpdateSubscription) -> WebhookSubscription:
        """Its whole content anew."""
        changed = attrs.evolve(
            self.subscription(subscription_id),
            url=content.url,
            event_types=content.event_types,
            status=content.status,
        )
        self._subscriptions[subscription_id] = changed
        return changed

    def delete_subscription(self, subscription_id: str) -> None:
        """Send nothing more there."""
        self.subscription(subscription_id)
        del self._subscriptions[subscription_id]

    # Groups. guess: their answers are documented by name only.

    def list_groups(self, request: ListItems) -> CursorBody[WebhookGroup]:
        """A page of them, oldest first."""
        return _page(self._groups, request)

    def create_group(self, name: str, key: str) -> WebhookGroup:
        """A new one; the same one again for the same key."""

        def make() -> WebhookGroup:
            made = WebhookGroup(id=self._new_id("wgrp"), name=name)
            self._groups[made.id] = made
            self._members[made.id] = {}
            return made

        return self._once(f"group {key}", name, make)

    def group(self, group_id: str) -> WebhookGroup:
        """One of them."""
        return _found(self._groups, group_id, "webhook group")

    def delete_group(self, group_id: str) -> None:
        """Unmake it. guess: its subscriptions go with it."""
        self.group(group_id)
        del self._groups[group_id], self._members[group_id]
        kept = {key: one for key, one in self._subscriptions.items() if one.group_id != group_id}
        self._subscriptions = kept

    def list_members(self, group_id: str, request: ListItems) -> CursorBody[GroupMember]:
        """A page of the members."""
        self.group(group_id)
        return _page(self._members[group_id], request)

    def add_members(self, group_id: str, members: Iterable[GroupMember]) -> None:
        """Take companies in."""
        self.group(group_id)
        self._members[group_id] |= {one.member_id: one for one in members}

    def remove_members(self, group_id: str, members: Iterable[GroupMember]) -> None:
        """Let companies out. guess: one that is not in it is no error."""
        self.group(group_id)
        for one in members:
            self._members[group_id].pop(one.member_id, None)

    # Secrets.

    def secrets(self) -> tuple[WebhookSecret, ...]:
        """What signs now, the newest first."""
        if not self._secrets:
            self._secrets = [self._new_secret()]
        return tuple(self._secrets)

    def rotate(self) -> WebhookSecret:
        """A new secret; the one before signs on beside it until ``revoke``."""
        going = attrs.evolve(self.secrets()[0], status=WebhookSecretStatus.PENDING_REVOKE)
        self._secrets = [self._new_secret(), going]
        return self._secrets[0]

    def revoke(self) -> None:
        """The old secret signs no more."""
        self._secrets = [one for one in self.secrets() if one.status == WebhookSecretStatus.ACTIVE]

    # Events.

    def ready(self, record_ids: Sequence[str]) -> None:
        """Tell that the customer exports these records."""
        if self.spelling == "newer":
            content = {"accountingRecordIds": list(record_ids), "companyId": self.company_id}
        else:
            content = {"accounting_record_ids": list(record_ids)}
        body = msgspec.json.encode({"event_type": READY.value, **content})
        if self.tell is not None:
            # The company is in it: a receiver of many must not take one's event for another's.
            number = hashlib.sha256(f"{self.company_id} {self._new_id('msg')}".encode()).hexdigest()[:24]
            self.tell(LocalEvent(id=f"msg_{number}", event_type=READY, body=body))

    def targets(self, event_type: WebhookEventType) -> tuple[WebhookSubscription, ...]:
        """Who is told: the subscriptions of the company's groups, or without one those of no group."""
        mine = {group_id for group_id, members in self._members.items() if self.company_id in members}
        return tuple(
            one
            for one in self._subscriptions.values()
            if one.status == SubscriptionStatus.ACTIVE
            and event_type in one.event_types
            and (one.group_id in mine if mine else one.group_id is None)
        )

    def _once(self, key: str, content: object, make: Callable[[], T]) -> T:
        if key in self._made:
            asked, answer = self._made[key]
            if asked != content:
                # guess: what another request with the same key gets is undocumented
                raise invalid("This Idempotency-Key was used for another request.")
            return cast(T, answer)
        made = make()
        self._made[key] = content, made
        return made

    def _new_id(self, prefix: str) -> str:
        self._counts[prefix] = self._counts.get(prefix, 0) + 1
        return f"{prefix}_{self._counts[prefix]:012d}"

    def _new_secret(self) -> WebhookSecret:
        # The company is in it: deliveries of two sandboxes must not fit each other's.
        raw = hashlib.sha256(f"sandbox {self.company_id} {self._new_id('secret')}".encode()).digest()
        return WebhookSecret(secret=base64.b64encode(raw).decode(), status=WebhookSecretStatus.ACTIVE)


def signed_headers(event: LocalEvent, secrets: Iterable[WebhookSecret], now: datetime) -> dict[str, str]:
    """The headers of a delivery, with a signature by each secret."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join((event.id.encode(), timestamp.encode(), event.body))
    made = [hmac.digest(base64.b64decode(one.secret), signed, "sha256") for one in secrets]
    return {
        "Content-Type": "application/json",
        "Webhook-Id": event.id,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": " ".join("v1," + base64.b64encode(one).decode() for one in made),
    }


def _found(kept: dict[str, T], key: str, what: str) -> T:
    if key not in kept:
        raise not_found(what)
    return kept[key]


def _page(kept: dict[str, T], request: ListItems) -> CursorBody[T]:
    ids = list(kept)
    begin = 0
    if request.cursor is not None:
        if request.cursor not in kept:
            raise invalid("Invalid cursor")
        begin = ids.index(request.cursor) + 1
    page = ids[begin : begin + request.limit]
    more = begin + request.limit < len(ids)
    return CursorBody(items=tuple(kept[one] for one in page), next_cursor=page[-1] if more else None)
