"""What is taken as a delivery from Brex, what it tells, and the words for what is not."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from standardwebhooks.webhooks import Webhook

from brex_accounting import BrexError, ConfigurationError, WebhookVerificationError, webhooks
from brex_accounting.enums import WebhookEventType, WebhookSecretStatus
from brex_accounting.webhooks import WebhookEvent, WebhookSecret

from .signing import BODY, NOW, SECRET, delivery, secret, signature

READY = "ACCOUNTING_RECORD_READY_FOR_EXPORT"


def verified(body: Any, **options: Any) -> WebhookEvent:
    """The event of a valid delivery of this body."""
    sent = delivery(body)
    given: dict[str, Any] = {"secrets": [SECRET], "now": NOW} | options
    return webhooks.verify(sent.body, sent.headers, **given)


@pytest.mark.parametrize(
    ("body", "ids", "company"),
    [
        ({"event_type": READY, "accountingRecordIds": ["a", "b"], "companyId": "cuacc_1"}, ("a", "b"), "cuacc_1"),
        ({"event_type": READY, "accounting_record_ids": ["a", "b"]}, ("a", "b"), None),
        ({"event_type": READY, "accounting_record_ids": ["a"], "company_id": "cuacc_1"}, ("a",), "cuacc_1"),
        ({"event_type": READY, "accountingRecordIds": None, "accounting_record_ids": ["a"]}, ("a",), None),
        ({"event_type": READY, "accountingRecordIds": []}, (), None),
        ({"event_type": READY}, (), None),
        ({"event_type": "USER_UPDATED", "company_id": "c", "user_id": "u", "updated_attributes": []}, (), "c"),
        ({"event_type": "SOMETHING_NEW", "accountingRecordIds": ["x"], "more": {"a": [1, 2.5]}}, ("x",), None),
    ],
)
def test_what_an_event_tells(body: dict[str, Any], ids: tuple[str, ...], company: str | None) -> None:
    """Both documented spellings, events without ids, of other kinds and of kinds that nobody knows yet."""
    event = verified(body)
    assert (event.accounting_record_ids, event.company_id) == (ids, company)
    assert event.event_type == body["event_type"]
    assert event.event_type.is_known is (body["event_type"] != "SOMETHING_NEW")
    assert (event.id, event.sent_at) == (delivery().id, NOW)
    assert event.raw == delivery(body).body
    assert "accr" not in repr(verified(BODY)).replace("accr_1", "", 1).replace("accr_2", "", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"5",
        b"{}",
        b"{",
        b"\xff\xfe",
        b'{"event_type": "\xff"}',
        b'{"event_type": 5}',
        b'{"event_type": null}',
        b'{"event_type": "X", "accountingRecordIds": "accr_1"}',
        b'{"event_type": "X", "accountingRecordIds": [1]}',
        b'{"event_type": "X", "accountingRecordIds": [null]}',
        b'{"event_type": "X", "accounting_record_ids": {"a": 1}}',
        b'{"event_type": "X", "companyId": 7}',
        b'{"event_type": "X", "a": ' + b"9" * 5000 + b', "companyId": 1}',
        b'{"event_type": "X"} {"event_type": "Y"}',
        b'\xef\xbb\xbf{"event_type": "X"}',
    ],
    ids=range(19),
)
def test_a_signed_body_that_is_no_event(body: bytes) -> None:
    """Whatever was signed, a body that tells nothing readable is the one error, without a word of the body."""
    with pytest.raises(WebhookVerificationError, match="the body is no event") as caught:
        verified(body)
    assert "accr_1" not in str(caught.value)
    assert not caught.value.mismatch


@pytest.mark.parametrize("depth", [10, 100, 5_000, 500_000])
def test_a_signed_body_of_any_depth(depth: int) -> None:
    """How deep JSON can be read differs between Pythons: it is read, or it is the one error."""
    body = b'{"event_type": "X", "a": ' + b"[" * depth + b"]" * depth + b"}"
    try:
        assert verified(body).event_type == "X"
    except WebhookVerificationError:
        assert depth > 100


@pytest.mark.parametrize("drop", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_header_is_named(drop: str, value: str | None) -> None:
    """Each of the three is needed, and an empty one is none."""
    headers = {name: one for name, one in delivery().headers.items() if name != drop}
    headers |= {} if value is None else {drop: value}
    with pytest.raises(WebhookVerificationError, match=f"{drop} is missing"):
        webhooks.verify(BODY, headers, secrets=[SECRET], now=NOW)


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title, str.swapcase])
@pytest.mark.parametrize("kind", [dict, CIMultiDict, MappingProxyType])
def test_headers_in_any_case_and_mapping(spell: Any, kind: Any) -> None:
    """Frameworks spell header names as they like."""
    plain = {spell(name): value for name, value in delivery().headers.items()}
    assert webhooks.verify(BODY, kind(plain), secrets=[SECRET], now=NOW).company_id == "cuacc_7"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Webhook-Id": "msg_\u00e9"}, "Webhook-Id is not printable"),
        ({"Webhook-Id": "msg 1"}, "Webhook-Id is not printable"),
        ({"Webhook-Id": "msg\n1"}, "Webhook-Id is not printable"),
        ({"Webhook-Id": "m" * 257}, "Webhook-Id is not printable"),
        ({"Webhook-Id": "\ud800"}, "Webhook-Id is not printable"),
        ({"Webhook-Id": 5}, "Webhook-Id is not text"),
        ({"Webhook-Id": b"msg_1"}, "Webhook-Id is not text"),
        ({"Webhook-Timestamp": "-1"}, "not a number of seconds"),
        ({"Webhook-Timestamp": "1e9"}, "not a number of seconds"),
        ({"Webhook-Timestamp": "1_000"}, "not a number of seconds"),
        ({"Webhook-Timestamp": "nan"}, "not a number of seconds"),
        ({"Webhook-Timestamp": " 1"}, "not a number of seconds"),
        ({"Webhook-Timestamp": "1\n"}, "not a number of seconds"),
        ({"Webhook-Timestamp": "\u0661\u0662"}, "not a number of seconds"),
        ({"Webhook-Timestamp": "9" * 400}, "not a number of seconds"),
        ({"Webhook-Signature": "v1"}, "no v1 signature"),
        ({"Webhook-Signature": "v2,abcd v1a,abcd"}, "no v1 signature"),
        ({"Webhook-Signature": " "}, "no v1 signature"),
        ({"Webhook-Signature": "v1,"}, "no secret fits"),
        ({"Webhook-Signature": "v1,\ud800"}, "no secret fits"),
        ({"Webhook-Signature": "v1,\u00e9"}, "no secret fits"),
        ({"Webhook-Signature": "v1,abc"}, "no secret fits"),
        ({"Webhook-Signature": "v1,x " * 40}, "too many signatures"),
        ({"webhook-id": "another"}, "Webhook-Id came twice"),
    ],
)
def test_malformed_headers(changes: Mapping[str, Any], words: str) -> None:
    """Each is the one error that says which header it is, and never another exception."""
    with pytest.raises(WebhookVerificationError, match=words) as caught:
        webhooks.verify(BODY, {**delivery().headers, **changes}, secrets=[SECRET], now=NOW)
    assert caught.value.mismatch is ("no secret fits" in words)


SECRET_ROWS: list[tuple[list[str], list[str], bool]] = [
    ([SECRET], [SECRET], True),
    ([secret(1), SECRET], [SECRET], True),
    ([SECRET], [secret(1), SECRET], True),
    ([secret(1), SECRET], [secret(2), SECRET], True),
    ([secret(1), secret(2), SECRET], [SECRET, secret(3)], True),
    ([SECRET], [secret(1)], False),
    ([SECRET, secret(1)], [secret(2), secret(3)], False),
    ([f"whsec_{SECRET}"], [SECRET], True),
    ([f" {SECRET}\n"], [SECRET], True),
    ([SECRET.rstrip("=")], [SECRET], True),
    ([base64.b64encode(SECRET.encode()).decode()], [SECRET], False),
]


@pytest.mark.parametrize(("known", "signers", "valid"), SECRET_ROWS)
def test_any_secret_by_any_signature(known: list[str], signers: list[str], valid: bool) -> None:
    """While a secret is replaced there are two of each: one pair that fits is enough, none is not."""
    sent = delivery(secrets=signers)
    if valid:
        assert webhooks.verify(sent.body, sent.headers, secrets=known, now=NOW).company_id == "cuacc_7"
        return
    with pytest.raises(WebhookVerificationError) as caught:
        webhooks.verify(sent.body, sent.headers, secrets=known, now=NOW)
    assert caught.value.mismatch


def test_other_versions_of_signatures_are_passed_over() -> None:
    """A signature of a scheme to come stands beside ours and harms nothing."""
    sent = delivery()
    mixed = sent.headers | {"Webhook-Signature": f"v1a,zzzz garbage v1 ,, {sent.signature} v2,{sent.signature[3:]}"}
    assert webhooks.verify(sent.body, mixed, secrets=[SECRET], now=NOW).id == sent.id


def test_the_secrets_of_the_client_fit() -> None:
    """``brex.webhooks.secrets()`` gives values that can be passed on as they are; their repr shows nothing."""
    given_out = (WebhookSecret(secret=SECRET, status=WebhookSecretStatus.ACTIVE),)
    sent = delivery()
    assert webhooks.verify(sent.body, sent.headers, secrets=given_out, now=NOW).id == sent.id
    assert SECRET not in repr(given_out)


@pytest.mark.parametrize("late", [-300, -299, 0, 299, 300])
def test_within_the_tolerance(late: int) -> None:
    """Both ends of the tolerance belong to it, before and after."""
    sent = delivery(at=NOW - timedelta(seconds=late))
    assert webhooks.verify(sent.body, sent.headers, secrets=[SECRET], now=NOW).sent_at == NOW - timedelta(seconds=late)


@pytest.mark.parametrize(
    ("late", "words"), [(301, "301 s ago"), (10**8, "s ago"), (-301, "301 s ahead"), (-(10**9), "s ahead")]
)
def test_outside_the_tolerance(late: int, words: str) -> None:
    """Too old and too new are told apart, each with its seconds."""
    sent = delivery(at=NOW - timedelta(seconds=late))
    with pytest.raises(WebhookVerificationError, match=words) as caught:
        webhooks.verify(sent.body, sent.headers, secrets=[SECRET], now=NOW)
    assert not caught.value.mismatch


def test_the_moment_is_a_moment_in_any_zone() -> None:
    """``now`` counts as the instant that it is."""
    sent = delivery()
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    assert webhooks.verify(sent.body, sent.headers, secrets=[SECRET], now=tokyo, tolerance=0).sent_at == NOW


@pytest.mark.parametrize(
    "wrong",
    [
        {"secrets": []},
        {"secrets": ()},
        {"secrets": SECRET},
        {"secrets": SECRET.encode()},
        {"secrets": None},
        {"secrets": 5},
        {"secrets": [""]},
        {"secrets": ["whsec_"]},
        {"secrets": ["="]},
        {"secrets": [SECRET, ""]},
        {"secrets": ["no base64!"]},
        {"secrets": ["a"]},
        {"secrets": ["\u00e9\u00e9\u00e9\u00e9"]},
        {"secrets": [b"QUJD"]},
        {"secrets": [None]},
        {"now": datetime(2026, 11, 20)},  # noqa: DTZ001 - the point
        {"now": 1763631000},
        {"now": None},
        {"tolerance": -1},
        {"tolerance": float("nan")},
        {"tolerance": float("inf")},
        {"tolerance": True},
        {"tolerance": "300"},
        {"body": BODY.decode()},
        {"body": None},
        {"headers": None},
        {"headers": [("Webhook-Id", "x")]},
    ],
    ids=repr,
)
def test_wrong_arguments_are_no_forgeries(wrong: Mapping[str, Any]) -> None:
    """What the caller did wrong is a ``ConfigurationError``, which holds no secret."""
    arguments: dict[str, Any] = {"body": BODY, "headers": delivery().headers, "secrets": [SECRET], "now": NOW}
    arguments |= wrong
    body, headers = arguments.pop("body"), arguments.pop("headers")
    with pytest.raises(ConfigurationError) as caught:
        webhooks.verify(body, headers, **arguments)
    assert "no base64!" not in str(caught.value)


def test_unwrap_goes_by_the_machines_clock_unless_told() -> None:
    """Without ``now`` a delivery of this moment is valid and one of last year is not."""
    fresh = delivery(at=datetime.now(UTC))
    assert webhooks.unwrap(fresh.body, fresh.headers, secrets=[SECRET]).event_type is WebhookEventType(READY)
    old = delivery(at=NOW - timedelta(days=365))
    with pytest.raises(WebhookVerificationError, match="s ago"):
        webhooks.unwrap(old.body, old.headers, secrets=[SECRET])
    assert webhooks.unwrap(old.body, old.headers, secrets=[SECRET], now=NOW - timedelta(days=365)).id == old.id


@given(body=st.text(max_size=60), id_=st.from_regex(r"[!-~]{1,40}", fullmatch=True), number=st.integers(0, 50))
def test_what_the_standards_library_signs_is_taken(body: str, id_: str, number: int) -> None:
    """Signed by the library of those who wrote the scheme down: verified here, whatever the texts."""
    raw = f'{{"event_type": "X", "note": {json.dumps(body)}}}'
    key = secret(number)
    now = datetime.now(UTC).replace(microsecond=0)
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign(id_, now, raw),
    }
    assert webhooks.verify(raw.encode(), headers, secrets=[key], now=now).raw == raw.encode()


@given(number=st.integers(0, 50), body=st.binary(max_size=40).map(lambda one: b'{"event_type":"' + one.hex().encode()))
def test_the_library_takes_what_is_taken_here(number: int, body: bytes) -> None:
    """A signature made here from the description alone is valid to the library too."""
    raw = body + b'"}'
    key = secret(number)
    now = datetime.now(UTC)
    timestamp = str(int(now.timestamp()))
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(key, "msg_1", timestamp, raw),
    }
    assert Webhook(key).verify(raw, headers)["event_type"] == webhooks.unwrap(raw, headers, secrets=[key]).event_type


@pytest.mark.parametrize("change", [{"body": BODY + b" "}, {"timestamp": "1"}, {"signature": "v1,x"}, {"body": b"{"}])
def test_nothing_secret_is_left_in_the_frames(change: Mapping[str, Any]) -> None:
    """What an error reporter would print of a refused delivery holds neither the secret nor the body."""
    canary = "canary-5d1e"
    sent = delivery({"event_type": "X", "note": canary})
    bad = attrs.evolve(sent, **change)
    with pytest.raises(BrexError) as caught:
        webhooks.unwrap(bad.body, bad.headers, secrets=[SECRET], now=NOW)
    assert caught.value.__context__ is None
    printed = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    inner = [frame.locals for frame in printed.stack if f"{os.sep}brex_accounting{os.sep}" in frame.filename]
    assert inner
    told = str(inner) + str(caught.value)
    assert canary not in told
    assert SECRET not in told


def test_verifying_needs_no_aiohttp() -> None:
    """Whoever only verifies loads neither aiohttp nor asyncio."""
    code = "import sys; from brex_accounting import webhooks; webhooks.unwrap; print({'aiohttp'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
