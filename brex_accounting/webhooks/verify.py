"""Whether a delivery is from Brex and of now, and what it tells. Pure: the moment is an argument.

The scheme is that of Standard Webhooks: HMAC-SHA256 over ``{id}.{timestamp}.{body}``, keyed with the
secret's decoded bytes. Any of the secrets may fit any of the signatures, since both come in twos while
a secret is replaced. Nothing of the body is read before a signature fits.

Source: Brex guides, "Webhooks"; Standard Webhooks specification.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from ..converters.webhooks import EventBody
from ..converters.wire import codec
from ..errors import ConfigurationError, DecodeError, WebhookVerificationError
from ..session.discreet import discreet
from ..webhook_models import WebhookEvent, WebhookSecret

__all__ = ["TOLERANCE", "checked_tolerance", "keys_of", "verify", "verify_with"]

TOLERANCE: Final = 300.0
"""Seconds. Brex asks for a check and names no number; this is the one of Standard Webhooks' libraries."""

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_HEADERS: Final = (_ID, _TIMESTAMP, _SIGNATURE)
_PREFIX: Final = "whsec_"
_TEXT: Final = re.compile(r"[!-~]{1,256}")
_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)
_MOST_SIGNATURES: Final = 32


@discreet
def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[str | WebhookSecret],
    now: datetime,
    tolerance: float = TOLERANCE,
) -> WebhookEvent:
    """The event of a delivery: its ``body`` as it came, byte for byte, and its ``headers``, in any case.

    ``secrets``: in base64, with or without ``whsec_``; those of ``brex.webhooks.secrets()`` fit. ``now``:
    aware. ``tolerance``: seconds that the delivery may have been signed before or after.

    Raises ``WebhookVerificationError`` for whatever is wrong with the delivery, and ``ConfigurationError``
    for wrong arguments: no secrets, one that is empty or no base64, a naive ``now``, a body that is text.
    """
    return verify_with(body, headers, keys=keys_of(secrets), now=now, tolerance=checked_tolerance(tolerance))


@discreet
def verify_with(
    body: bytes, headers: Mapping[str, str], *, keys: Sequence[bytes], now: datetime, tolerance: float
) -> WebhookEvent:
    """The same with the bytes of the secrets, once they are known."""
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise ConfigurationError(f"body takes the bytes as they came, not {type(body).__name__}")
    if not isinstance(now, datetime) or now.utcoffset() is None:
        raise ConfigurationError("now is an aware datetime")
    raw = bytes(body)
    found = _found(headers)
    id_, seconds = found[_ID], found[_TIMESTAMP]
    if not _TEXT.fullmatch(id_):
        raise WebhookVerificationError("Webhook-Id is not printable ASCII of at most 256 characters")
    if not _SECONDS.fullmatch(seconds):
        raise WebhookVerificationError("Webhook-Timestamp is not a number of seconds since 1970")
    # A body is an object, so no other id and timestamp can have been meant by the same signed bytes.
    signed = b"%b.%b.%b" % (id_.encode(), seconds.encode(), raw)
    if not _fits(signed, found[_SIGNATURE], keys):
        mismatch = WebhookVerificationError("no secret fits a signature: another secret, or the delivery was changed")
        mismatch.mismatch = True
        raise mismatch
    return _event(id_, _signed_at(int(seconds), now, tolerance), raw)


def keys_of(secrets: Sequence[str | WebhookSecret]) -> tuple[bytes, ...]:
    """The bytes that secrets stand for. Raises ``ConfigurationError``, which names none of them."""
    if isinstance(secrets, (str, bytes, WebhookSecret)) or not isinstance(secrets, Iterable):
        raise ConfigurationError("secrets takes a list of secrets")
    keys = tuple(map(_key, secrets))
    if not keys:
        raise ConfigurationError("secrets is empty, and without one nothing can be verified")
    return keys


def checked_tolerance(tolerance: float) -> float:
    """Seconds, not negative and finite."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)):
        raise ConfigurationError("tolerance is a number of seconds")
    if not 0 <= tolerance < math.inf:
        raise ConfigurationError("tolerance is a finite number of seconds, not below 0")
    return float(tolerance)


def _key(secret: str | WebhookSecret) -> bytes:
    text: object = secret.secret if isinstance(secret, WebhookSecret) else secret
    if not isinstance(text, str):
        raise ConfigurationError(f"a secret is a string, not {type(text).__name__}")
    text = text.strip().removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError("a secret is not base64") from None
    if not key:
        raise ConfigurationError("a secret is empty")
    return key


def _found(headers: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        raise ConfigurationError(f"headers takes a mapping, not {type(headers).__name__}")
    found: dict[str, str] = {}
    for name, value in headers.items():
        known = name.lower() if isinstance(name, str) else ""
        if known not in _HEADERS:
            continue
        if known in found:
            raise WebhookVerificationError(f"{known.title()} came twice")
        if not isinstance(value, str):
            raise WebhookVerificationError(f"{known.title()} is not text")
        found[known] = value
    for known in _HEADERS:
        if not found.get(known):
            raise WebhookVerificationError(f"{known.title()} is missing")
    return found


def _fits(signed: bytes, header: str, keys: Sequence[bytes]) -> bool:
    given = header.split(" ")
    if len(given) > _MOST_SIGNATURES:
        raise WebhookVerificationError("Webhook-Signature holds too many signatures")
    # As text: base64 that is not quite canonical decodes to the same bytes. Other versions are nobody's yet.
    ours = [one[3:].encode("utf-8", "surrogatepass") for one in given if one.startswith("v1,")]
    if not ours:
        raise WebhookVerificationError("Webhook-Signature holds no v1 signature")
    fits = False
    for key in keys:
        expected = base64.b64encode(hmac.digest(key, signed, "sha256"))
        for one in ours:
            # Every pair is compared: how long it takes says nothing about which fits.
            fits |= hmac.compare_digest(expected, one)
    return fits


def _signed_at(seconds: int, now: datetime, tolerance: float) -> datetime:
    try:
        signed_at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise WebhookVerificationError("Webhook-Timestamp is no moment that can be") from None
    age = (now - signed_at).total_seconds()
    if age > tolerance:
        raise WebhookVerificationError(f"signed {age:.0f} s ago, more than the {tolerance:g} s allowed: too old")
    if age < -tolerance:
        raise WebhookVerificationError(f"signed {-age:.0f} s ahead, more than the {tolerance:g} s allowed: too new")
    return signed_at


def _event(id_: str, sent_at: datetime, raw: bytes) -> WebhookEvent:
    try:
        body = codec().decode(raw, EventBody)
    except DecodeError as error:
        problem = str(error)
    else:
        return WebhookEvent(
            id=id_,
            event_type=body.event_type,
            accounting_record_ids=body.accounting_record_ids or (),
            company_id=body.company_id,
            sent_at=sent_at,
            raw=raw,
        )
    raise WebhookVerificationError(f"the signature fits, and the body is no event: {problem}")
