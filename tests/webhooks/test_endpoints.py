"""The operations of the Webhooks API as they are sent, as literal tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from brex_accounting import BadRequest, ConfigurationError, CursorExpired, DecodeError
from brex_accounting.enums import SubscriptionStatus, WebhookEventType
from brex_accounting.session.call import Call, Reply
from brex_accounting.webhooks import GroupMember, WebhookGroup, WebhookSubscription, endpoints

READY = "ACCOUNTING_RECORD_READY_FOR_EXPORT"
URL = "https://books.example/brex?of=1"


def create(**changes: Any) -> Call[WebhookSubscription]:
    given: dict[str, Any] = {"url": URL, "event_types": [READY], "group_id": None, "idempotency_key": "k-1"}
    return endpoints.create_subscription(**given | changes)


def update(subscription_id: Any = "wsub_1", **changes: Any) -> Call[WebhookSubscription]:
    given: dict[str, Any] = {"url": URL, "event_types": [READY], "status": "ACTIVE", "idempotency_key": "k-1"}
    return endpoints.update_subscription(subscription_id, **given | changes)


MEMBERS = {
    "members": [{"member_type": "ACCOUNT", "member_id": "cuacc_1"}, {"member_type": "ACCOUNT", "member_id": "b"}]
}
SENT: list[tuple[Call[Any], str, str, dict[str, str], Any]] = [
    (endpoints.list_subscriptions(page_size=7, cursor=None), "GET", "/v1/webhooks", {"limit": "7"}, None),
    (
        endpoints.list_subscriptions(page_size=7, cursor="c="),
        "GET",
        "/v1/webhooks",
        {"limit": "7", "cursor": "c="},
        None,
    ),
    (create(), "POST", "/v1/webhooks", {}, {"url": URL, "event_types": [READY]}),
    (
        create(event_types=("NEW", READY, "NEW"), group_id="wgrp_1"),
        "POST",
        "/v1/webhooks",
        {},
        {"url": URL, "event_types": ["NEW", READY], "group_id": "wgrp_1"},
    ),
    (endpoints.get_subscription("wsub_1"), "GET", "/v1/webhooks/wsub_1", {}, None),
    (update(), "PUT", "/v1/webhooks/wsub_1", {}, {"url": URL, "event_types": [READY], "status": "ACTIVE"}),
    (
        update(status=SubscriptionStatus.INACTIVE),
        "PUT",
        "/v1/webhooks/wsub_1",
        {},
        {"url": URL, "event_types": [READY], "status": "INACTIVE"},
    ),
    (endpoints.delete_subscription("wsub_1"), "DELETE", "/v1/webhooks/wsub_1", {}, None),
    (endpoints.list_secrets(), "GET", "/v1/webhooks/secrets", {}, None),
    (endpoints.list_groups(page_size=9, cursor=None), "GET", "/v1/webhooks/groups", {"limit": "9"}, None),
    (endpoints.create_group("Clients", idempotency_key="k-1"), "POST", "/v1/webhooks/groups", {}, {"name": "Clients"}),
    (endpoints.get_group("g"), "GET", "/v1/webhooks/groups/g", {}, None),
    (endpoints.delete_group("g"), "DELETE", "/v1/webhooks/groups/g", {}, None),
    (
        endpoints.list_members("g", page_size=1, cursor=None),
        "GET",
        "/v1/webhooks/groups/g/members",
        {"limit": "1"},
        None,
    ),
    (
        endpoints.add_members("g", ["cuacc_1", "b", "cuacc_1"], idempotency_key="k-1"),
        "POST",
        "/v1/webhooks/groups/g/add_members",
        {},
        MEMBERS,
    ),
    (
        endpoints.remove_members("g", ("cuacc_1", "b"), idempotency_key="k-1"),
        "POST",
        "/v1/webhooks/groups/g/remove_members",
        {},
        MEMBERS,
    ),
]


@pytest.mark.parametrize(("call", "method", "path", "query", "body"), SENT)
def test_what_is_sent(call: Call[Any], method: str, path: str, query: dict[str, str], body: Any) -> None:
    """Each operation has this method, path, query and body; every POST and PUT its Idempotency-Key."""
    assert (call.method, call.path, dict(call.query)) == (method, path, query)
    assert (None if call.body is None else json.loads(call.body)) == body
    assert call.headers == ((("Idempotency-Key", "k-1"),) if method in ("POST", "PUT") else ())
    assert call.trace_header == "x-brex-trace-id"


def test_all_may_be_repeated_and_say_why() -> None:
    """Each is naturally idempotent or carries a key; names are told apart."""
    assert all(call.repeat.after_ambiguous and call.repeat.because.endswith(".") for call, *_ in SENT)
    assert len({call.name for call, *_ in SENT}) == 13


def test_nothing_that_is_sent_shows_in_a_repr() -> None:
    """Addresses, names, ids and keys stay out of a log line about a call."""
    calls = [create(url="https://u:canary@x.example/"), endpoints.create_group("canary", idempotency_key="canary")]
    calls.append(endpoints.add_members("g", ["canary"], idempotency_key="canary"))
    assert "canary" not in repr(calls)


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "a b", "a\n", None, 5, "x" * 201])
@pytest.mark.parametrize(
    "operation",
    [
        endpoints.get_subscription,
        endpoints.delete_subscription,
        update,
        endpoints.get_group,
        endpoints.delete_group,
        lambda bad: endpoints.list_members(bad, page_size=1, cursor=None),
        lambda bad: endpoints.add_members(bad, ["c"], idempotency_key="k"),
        lambda bad: endpoints.remove_members("g", [bad], idempotency_key="k"),
    ],
)
def test_bad_ids_are_refused(operation: Callable[[Any], Call[Any]], bad: Any) -> None:
    """An id that is none, or would become another path, is refused before anything is sent."""
    with pytest.raises(ConfigurationError):
        operation(bad)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://books.example/brex"},
        {"url": "ftp://books.example"},
        {"url": "books.example"},
        {"url": "https://"},
        {"url": "https://[::1"},
        {"url": "https://a b.example"},
        {"url": "https://x.example/\n"},
        {"url": ""},
        {"url": None},
        {"event_types": []},
        {"event_types": READY},
        {"event_types": [""]},
        {"event_types": [5]},
        {"event_types": None},
        {"idempotency_key": ""},
        {"idempotency_key": "a b"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("operation", [create, update])
def test_wrong_contents_are_refused(operation: Callable[..., Call[Any]], wrong: dict[str, Any]) -> None:
    """An address that Brex could not send to, no types, or a key that is no header; the address is not echoed."""
    with pytest.raises(ConfigurationError) as caught:
        operation(**wrong)
    assert "example" not in str(caught.value).replace("https://books.example/brex", "", 1)


@pytest.mark.parametrize("status", ["ERROR", "active", "", None, 5])
def test_a_status_that_cannot_be_set(status: Any) -> None:
    """ERROR is Brex's to set."""
    with pytest.raises(ConfigurationError, match="ACTIVE or INACTIVE"):
        update(status=status)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:1/"])
def test_a_local_brex_sends_in_the_clear(url: str) -> None:
    """http is for loopback alone."""
    assert json.loads(create(url=url).body or b"")["url"] == url


@pytest.mark.parametrize("members", [[], "cuacc_1", None])
def test_no_members(members: Any) -> None:
    """At least one company comes in or goes out."""
    with pytest.raises(ConfigurationError, match="company_ids"):
        endpoints.add_members("g", members, idempotency_key="k")


SUBSCRIPTION = b'{"id": "wsub_1", "url": "u", "event_types": ["USER_UPDATED", "NEW"], "status": "ERROR", "more": [1]}'


def test_answers_are_decoded() -> None:
    """With fields left out and unknown, and unknown values of enums; a page ends where there is no cursor."""
    read = endpoints.get_subscription("wsub_1").decode(Reply(status=200, body=SUBSCRIPTION))
    types = (WebhookEventType.USER_UPDATED, WebhookEventType("NEW"))
    assert (read.group_id, read.status, read.event_types) == (None, SubscriptionStatus.ERROR, types)
    listing = endpoints.list_subscriptions(page_size=1, cursor=None)
    page = listing.decode(Reply(status=200, body=b'{"items": [' + SUBSCRIPTION + b'], "next_cursor": "n"}'))
    assert (page.items, page.next_cursor, page.has_next_page) == ((read,), "n", True)
    for end in (b'{"items": []}', b'{"items": [], "next_cursor": null}', b'{"items": [], "next_cursor": ""}'):
        assert not listing.decode(Reply(status=200, body=end)).has_next_page
    group = endpoints.get_group("g").decode(Reply(status=200, body=b'{"id": "g"}'))
    assert group == WebhookGroup(id="g")
    members = endpoints.list_members("g", page_size=1, cursor=None)
    body = b'{"items": [{"member_type": "ACCOUNT", "member_id": "c"}]}'
    assert members.decode(Reply(status=200, body=body)).items == (GroupMember(member_type="ACCOUNT", member_id="c"),)


def test_secrets_are_a_bare_array() -> None:
    """Two while one is replaced; none of it in the repr, and a wrong answer names paths and no values."""
    body = b'[{"secret": "canary", "status": "ACTIVE"}, {"secret": "canary2", "status": "PENDING_REVOKE"}]'
    secrets = endpoints.list_secrets().decode(Reply(status=200, body=body))
    assert [(one.secret, one.status) for one in secrets] == [("canary", "ACTIVE"), ("canary2", "PENDING_REVOKE")]
    assert "canary" not in repr(secrets)
    for wrong in (b'{"items": []}', b'[{"secret": 5, "status": "canary"}]', b"[null]"):
        with pytest.raises(DecodeError) as caught:
            endpoints.list_secrets().decode(Reply(status=200, body=wrong))
        assert "canary" not in str(caught.value)


def test_what_a_delete_answers_does_not_matter() -> None:
    """Nothing is documented of it, so nothing is read."""
    read: Callable[[Reply], object] = endpoints.delete_subscription("w").decode
    assert {read(Reply(status=200, body=body)) for body in (b"", b"{}", b"gone")} == {None}


def test_a_refused_cursor() -> None:
    """A 400 about a cursor that was sent is CursorExpired; without one it is a BadRequest."""
    refused = Reply(status=400, body=b'{"type": "INVALID_REQUEST", "message": "Invalid cursor"}')
    assert isinstance(endpoints.list_groups(page_size=1, cursor="c").refuse(refused).error, CursorExpired)
    assert isinstance(endpoints.list_groups(page_size=1, cursor=None).refuse(refused).error, BadRequest)
