"""Monite's deliveries: believed when a secret fits what was signed, whatever that turns out to be."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import ConfigurationError, WebhookVerificationError
from brex_accounting.monite import ConnectionStatus, MoniteEvent, likely_signed_text, unwrap

from ..reporter import printed
from ..unit.documents import thorough

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "whsec_canary"
OLD = "whsec_old"
# OpenAPI document, EventResourceForWebhookClient; ``object_id`` is the guide's.
EVENT: dict[str, Any] = {
    "id": "57d1a9d5-4c1f-4ad9-9b5d-5e0e1f2d3c4b",
    "created_at": "2026-03-01T11:59:58.123456+00:00",
    "action": "connected",
    "api_version": None,
    "description": "accounting_connection_connected",
    "entity_id": "c7a1d0f2-52c5-4f06-9a51-2f2f0f8a7e10",
    "object": None,
    "object_id": "9d2b4c8f-2087-4738-ba91-7359683c49a4",
    "object_type": "accounting_connection",
    "webhook_subscription_id": "11d1a9d5-4c1f-4ad9-9b5d-5e0e1f2d3c4b",
}
BODY = json.dumps(EVENT).encode()


def digest(text: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text, "sha256").hexdigest()


def signed(body: bytes = BODY, *, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    seconds = int(at.timestamp())
    return {"Monite-Signature": f"t={seconds},v1={digest(likely_signed_text(str(seconds), body), secret)}"}


def opened(body: bytes = BODY, headers: dict[str, str] | None = None, **options: Any) -> MoniteEvent:
    given = {"secrets": [SECRET], "now": NOW, **options}
    return unwrap(body, signed(body) if headers is None else headers, **given)


def of(**changes: Any) -> MoniteEvent:
    return opened(json.dumps(EVENT | changes).encode())


def test_a_delivery() -> None:
    """The event of a connection: its new status, its id and its entity."""
    event = opened()
    assert (event.status, event.connection_id) == (ConnectionStatus.CONNECTED, EVENT["object_id"])
    assert (event.entity_id, event.action) == (EVENT["entity_id"], "connected")
    assert event.created_at == datetime(2026, 3, 1, 11, 59, 58, 123456, tzinfo=UTC)


@pytest.mark.parametrize("action", ["connected", "disconnected", "deauthorized", "pending_auth"])
def test_the_four_actions(action: str) -> None:
    """They are the statuses."""
    assert of(action=action).status == action


def test_events_that_are_new() -> None:
    """An action of tomorrow is kept as it is; one of another object has no status."""
    odd = of(action="paused").status
    assert odd == "paused"
    assert odd is not None
    assert not odd.is_known
    other = of(object_type="payable", action="paid")
    assert (other.status, other.connection_id) == (None, None)


@pytest.mark.parametrize(
    ("changes", "id_"),
    [
        ({"object_id": None, "object": {"id": "of-the-object"}}, "of-the-object"),
        ({"object_id": None, "object": {"id": 5}}, None),
        ({"object_id": None, "object": []}, None),
        ({"object_id": None}, None),
    ],
)
def test_where_the_connections_id_stands(changes: dict[str, Any], id_: str | None) -> None:
    """Beside the object, or in it, or nowhere."""
    assert of(**changes).connection_id == id_


def test_what_may_be_missing() -> None:
    """All but what says what happened to whom."""
    least = {name: EVENT[name] for name in ("id", "action", "entity_id", "object_type")}
    assert opened(json.dumps(least).encode()).status == "connected"
    for name in least:
        with pytest.raises(WebhookVerificationError, match=name):
            opened(json.dumps({key: value for key, value in least.items() if key != name}).encode())


def test_another_text_may_have_been_signed() -> None:
    """What is signed is not public: the text is an argument, and the default is one guess among others."""

    def body_alone(_timestamp: str, body: bytes) -> bytes:
        return body

    headers = {"monite-signature": f"t={int(NOW.timestamp())}, v1={digest(BODY)}"}
    assert opened(headers=headers, signed_text=body_alone).status == "connected"
    with pytest.raises(WebhookVerificationError) as caught:
        opened(headers=headers)
    assert caught.value.mismatch


def test_several_secrets_and_signatures() -> None:
    """Any pair that fits is enough."""
    assert opened(secrets=[OLD, SECRET]).status == "connected"
    good, other = signed()["Monite-Signature"], signed(secret=OLD)["Monite-Signature"]
    both = f"{other},{good.partition(',')[2]}"
    assert opened(headers={"MONITE-SIGNATURE": both}).status == "connected"


@thorough
@given(st.data())
def test_no_changed_delivery_is_believed(data: st.DataObject) -> None:
    """One byte more, less or other."""
    place = data.draw(st.integers(0, len(BODY) - 1))
    changed = BODY[:place] + data.draw(st.binary(max_size=2)) + BODY[place + 1 :]
    if changed != BODY:
        with pytest.raises(WebhookVerificationError):
            opened(changed, signed())


@pytest.mark.parametrize(
    ("seconds", "good"), [(300, True), (301, False), (-300, True), (-301, False)], ids=lambda value: str(value)
)
def test_the_time_of_signing(seconds: int, good: bool) -> None:
    """As far as the tolerance goes, in both directions."""
    headers = signed(at=NOW - timedelta(seconds=seconds))
    if good:
        assert opened(headers=headers).status == "connected"
    else:
        with pytest.raises(WebhookVerificationError, match="long ago"):
            opened(headers=headers)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        f"v1={'0' * 64}",
        f"t=,v1={'0' * 64}",
        f"t=soon,v1={'0' * 64}",
        f"t=-1,v1={'0' * 64}",
        f"t=\u0661,v1={'0' * 64}",
        f"t=1,t=2,v1={'0' * 64}",
        f"t=1,v1={'0' * 63}",
        f"t=1,v1={'G' * 64}",
        f"t=1,v2={'0' * 64}",
    ],
)
def test_a_header_that_is_none(header: str) -> None:
    """Refused before anything is computed."""
    with pytest.raises(WebhookVerificationError, match="form"):
        opened(headers={"Monite-Signature": header})


def test_headers_that_are_missing_or_twice() -> None:
    """Neither is guessed about."""
    with pytest.raises(WebhookVerificationError, match="missing"):
        opened(headers={})
    with pytest.raises(WebhookVerificationError, match="twice"):
        opened(headers={**signed(), "monite-signature": "t=1"})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"id": 5}'])
def test_what_is_signed_and_no_event(body: bytes) -> None:
    """Refused, without its content."""
    with pytest.raises(WebhookVerificationError, match="is no event"):
        opened(body, signed(body))


@pytest.mark.parametrize(
    "options",
    [
        {"secrets": []},
        {"secrets": SECRET},
        {"secrets": [""]},
        {"secrets": [b"x"]},
        {"now": datetime(2026, 3, 1)},  # noqa: DTZ001
        {"tolerance": -1},
        {"tolerance": float("nan")},
        {"tolerance": True},
        {"body": "text"},
    ],
)
def test_wrong_arguments(options: dict[str, Any]) -> None:
    """Named, and no secret is echoed."""
    with pytest.raises(ConfigurationError) as caught:
        opened(options.pop("body", BODY), signed(), **options)
    assert "canary" not in printed(caught.value)


def test_no_secret_is_shown() -> None:
    """Not in words, nor in a local variable of any frame."""
    with pytest.raises(WebhookVerificationError) as caught:
        opened(BODY + b" ", signed())
    assert "canary" not in printed(caught.value)
