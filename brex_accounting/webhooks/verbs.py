"""The client's verbs for webhooks. Each checks its arguments when it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import uuid4

from ..core import View
from ..enums import SubscriptionStatus, WebhookEventType
from ..errors import NotFound
from ..models import Page
from ..paging import RecordQuery, Source
from ..prefetching import Peeked
from ..session.call import Call
from ..webhook_models import GroupMember, WebhookGroup, WebhookSecret, WebhookSubscription
from . import endpoints

__all__ = ["Groups", "Subscriptions", "Webhooks"]

T = TypeVar("T")

ListCall = Callable[..., Call[Page[T]]]


class Webhooks:
    """Where Brex sends events, and what it signs them with. ``unwrap`` and ``Receiver`` are for what it sends.

    Registering needs the scopes ``openid`` and ``offline_access``.

    Source: Brex, Webhooks API reference, "Webhook Subscriptions" and "Webhook Groups".
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self.subscriptions: Subscriptions = Subscriptions(view)
        self.groups: Groups = Groups(view)

    async def secrets(self) -> tuple[WebhookSecret, ...]:
        """What deliveries are signed with: one, or two while one is replaced. Any of them is to be believed.

        Pass it to ``Receiver`` as it is. Source: Brex, "List webhook secrets".
        """
        return await self._view.run(endpoints.list_secrets())


class Subscriptions:
    """The addresses that events are sent to.

    Source: Brex, Webhooks API reference, "Webhook Subscriptions".
    """

    def __init__(self, view: View) -> None:
        self._view = view

    def list(self, *, page_size: int = 100, max_items: int | None = None) -> RecordQuery[WebhookSubscription]:
        """All of them, read page by page when it is iterated or awaited. Source: Brex, "List webhooks"."""
        return _query(self._view, endpoints.list_subscriptions, page_size, max_items)

    async def create(
        self,
        *,
        url: str,
        event_types: Iterable[WebhookEventType | str],
        group_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> WebhookSubscription:
        """Have events of these types sent to ``url`` (https), for the members of a partner's group if one is named.

        A lost answer is followed by the same request with the same Idempotency-Key, which is made up
        unless it is given. Source: Brex, "Register webhook".
        """
        key = idempotency_key or str(uuid4())
        call = endpoints.create_subscription(url=url, event_types=event_types, group_id=group_id, idempotency_key=key)
        del url  # error reporters print local variables, and an address may hold a password
        return await self._view.run(call)

    async def get(self, subscription_id: str) -> WebhookSubscription:
        """One subscription. Raises ``NotFound``. Source: Brex, "Get webhook"."""
        return await self._view.run(endpoints.get_subscription(subscription_id))

    async def update(
        self,
        subscription_id: str,
        *,
        url: str,
        event_types: Iterable[WebhookEventType | str],
        status: SubscriptionStatus | str,
        idempotency_key: str | None = None,
    ) -> WebhookSubscription:
        """Give a subscription a whole new content: Brex wants all three. ``status``: ACTIVE or INACTIVE.

        Raises ``NotFound``. Source: Brex, "Update webhook".
        """
        key = idempotency_key or str(uuid4())
        call = endpoints.update_subscription(
            subscription_id, url=url, event_types=event_types, status=status, idempotency_key=key
        )
        del url
        return await self._view.run(call)

    async def delete(self, subscription_id: str) -> None:
        """Have no more events sent there.

        Raises ``NotFound``, also when an earlier try of this call was the one that did it: its
        ``may_have_happened`` is True, because a broken connection is repaired by sending again unseen.
        Source: Brex, "Unregister webhook".
        """
        await _gone(self._view, endpoints.delete_subscription(subscription_id))


class Groups:
    """A partner's groups of customers. Events of a group's members go to the group's subscriptions alone, those of
    all others to the subscriptions without a group.

    Source: Brex, Webhooks API reference, "Webhook Groups".
    """

    def __init__(self, view: View) -> None:
        self._view = view

    def list(self, *, page_size: int = 100, max_items: int | None = None) -> RecordQuery[WebhookGroup]:
        """All of them, read page by page. Source: Brex, "List webhook groups"."""
        return _query(self._view, endpoints.list_groups, page_size, max_items)

    async def create(self, *, name: str, idempotency_key: str | None = None) -> WebhookGroup:
        """Make a group. A lost answer is followed by the same request. Source: Brex, "Create webhook group"."""
        call = endpoints.create_group(name, idempotency_key=idempotency_key or str(uuid4()))
        return await self._view.run(call)

    async def get(self, group_id: str) -> WebhookGroup:
        """One group. Raises ``NotFound``. Source: Brex, "Get webhook group"."""
        return await self._view.run(endpoints.get_group(group_id))

    async def delete(self, group_id: str) -> None:
        """Unmake a group. Raises ``NotFound``, as ``Subscriptions.delete`` does.

        Source: Brex, "Delete webhook group".
        """
        await _gone(self._view, endpoints.delete_group(group_id))

    def members(self, group_id: str, *, page_size: int = 100, max_items: int | None = None) -> RecordQuery[GroupMember]:
        """The customers in a group, read page by page. Source: Brex, "List webhook group members"."""

        def call(*, page_size: int, cursor: str | None) -> Call[Page[GroupMember]]:
            return endpoints.list_members(group_id, page_size=page_size, cursor=cursor)

        call(page_size=1, cursor=None)  # a wrong id is told now
        return _query(self._view, call, page_size, max_items, of=group_id)

    async def add_members(
        self, group_id: str, company_ids: Iterable[str], *, idempotency_key: str | None = None
    ) -> None:
        """Take customers into a group. Source: Brex, "Add webhook group members"."""
        key = idempotency_key or str(uuid4())
        await self._view.run(endpoints.add_members(group_id, company_ids, idempotency_key=key))

    async def remove_members(
        self, group_id: str, company_ids: Iterable[str], *, idempotency_key: str | None = None
    ) -> None:
        """Let customers out of a group. Source: Brex, "Remove webhook group members"."""
        key = idempotency_key or str(uuid4())
        await self._view.run(endpoints.remove_members(group_id, company_ids, idempotency_key=key))


def _query(view: View, call: ListCall[T], page_size: int, max_items: int | None, *, of: str = "") -> RecordQuery[T]:
    async def fetch(cursor: str | None, page_size: int, _peeked: Peeked | None) -> Page[T]:
        return await view.run(call(page_size=page_size, cursor=cursor))

    filters = (("of", of),) if of else ()
    source: Source[T] = Source(fetch=fetch, identify=_identity, filters=filters, spawn=view.core.spawn)
    return RecordQuery(source, page_size=page_size, max_items=max_items)


def _identity(item: Any) -> tuple[str, int]:
    # Nothing here has versions.
    return (item.member_id if isinstance(item, GroupMember) else item.id), 0


async def _gone(view: View, call: Call[None]) -> None:
    try:
        await view.run(call)
    except NotFound as error:
        error.may_have_happened = True
        raise
