"""Monite's webhook events: whether a delivery is to be believed, and what it tells. Pure.

What exactly is signed is **not public**: the documents show the header and the algorithm, and are cut where
the signed text is made. ``likely_signed_text`` is a guess by the header's form and by the API's sibling, so the
text is an argument: check it against a real delivery before you rely on it.

Source: Monite, webhook guides: ``Monite-Signature: t=<seconds>,v1=<hex>``, HMAC-SHA256 with the subscription's
secret; OpenAPI document, "EventResourceForWebhookClient".
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

import attrs

from ..errors import ConfigurationError, DecodeError, WebhookVerificationError
from ..session.discreet import discreet
from ..wiretypes import Instant, Unmodelled
from .converters import codec
from .enums import ConnectionStatus

__all__ = ["SIGNATURE_HEADER", "TOLERANCE", "MoniteEvent", "SignedText", "likely_signed_text", "unwrap"]

TOLERANCE: Final = 300.0
"""Seconds between signing and now; the documents name no number."""
SIGNATURE_HEADER: Final = "Monite-Signature"
CONNECTION: Final = "accounting_connection"

_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_SIGNATURES: Final = 32

SignedText: TypeAlias = Callable[[str, bytes], bytes]
"""Makes what was signed of the timestamp as sent and the body."""


def likely_signed_text(timestamp: str, body: bytes) -> bytes:
    """Timestamp, dot, body. A guess: see the module."""
    return b"%b.%b" % (timestamp.encode(), body)


@attrs.frozen(kw_only=True)
class MoniteEvent:
    """What a delivery tells. ``object`` is whatever stands behind the event, as sent; often nothing."""

    id: str
    created_at: Instant | None = None
    action: str
    api_version: str | None = None
    description: str | None = None
    entity_id: str
    object: Unmodelled = attrs.field(default=None, hash=False, repr=False)
    object_id: str | None = None
    object_type: str
    webhook_subscription_id: str | None = None

    @property
    def status(self) -> ConnectionStatus | None:
        """The connection's new status; None when the event is not about a connection."""
        return ConnectionStatus(self.action) if self.object_type == CONNECTION else None

    @property
    def connection_id(self) -> str | None:
        """The connection it is about, where the event says so; else list the entity's connections."""
        if self.object_type != CONNECTION:
            return None
        inner = self.object.get("id") if isinstance(self.object, Mapping) else None
        return self.object_id or (inner if isinstance(inner, str) else None)


@discreet
def unwrap(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[str],
    now: datetime,
    tolerance: float = TOLERANCE,
    signed_text: SignedText = likely_signed_text,
    header: str = SIGNATURE_HEADER,
) -> MoniteEvent:
    """The event of a delivery: its ``body`` as it came, byte for byte, and its ``headers``, in any case.

    ``secrets``: those of the subscription (``whsec_...``), used whole as the key; any of them may fit. ``now``:
    aware. ``tolerance``: seconds that the delivery may have been signed before or after. ``signed_text``: what
    was signed; its default is a guess.

    Raises ``WebhookVerificationError`` for whatever is wrong with the delivery, ``ConfigurationError`` for wrong
    arguments.
    """
    _check(body, secrets, now, tolerance)
    raw = bytes(body)
    timestamp, signatures = _parts(headers, header)
    text = signed_text(timestamp, raw)
    digests = [hmac.new(secret.encode(), text, "sha256").hexdigest() for secret in secrets]
    fits = [hmac.compare_digest(digest, one) for digest in digests for one in signatures]
    if not any(fits):
        mismatch = WebhookVerificationError("no secret fits a signature: another secret, text, or the delivery changed")
        mismatch.mismatch = True
        raise mismatch
    if abs(now.astimezone(UTC).timestamp() - int(timestamp)) > tolerance:
        raise WebhookVerificationError("the delivery was signed too long ago, or in the future")
    try:
        return codec().decode(raw, MoniteEvent)
    except DecodeError as error:
        raise WebhookVerificationError(f"the delivery is signed and is no event: {error.problems[0]}") from None


def _check(body: bytes, secrets: Sequence[str], now: datetime, tolerance: float) -> None:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise ConfigurationError(f"body takes the bytes as they came, not {type(body).__name__}")
    if isinstance(secrets, (str, bytes)) or not isinstance(secrets, Iterable):
        raise ConfigurationError("secrets takes a list of secrets")
    if not secrets or not all(isinstance(secret, str) and secret.strip() for secret in secrets):
        raise ConfigurationError("secrets is empty or holds an empty one, and without one nothing can be verified")
    if not isinstance(now, datetime) or now.utcoffset() is None:
        raise ConfigurationError("now is an aware datetime")
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < math.inf:
        raise ConfigurationError("tolerance is a number of seconds of at least 0")


def _parts(headers: Mapping[str, str], header: str) -> tuple[str, list[str]]:
    found = [value for name, value in headers.items() if name.lower() == header.lower()]
    if len(found) != 1:
        raise WebhookVerificationError(f"{header} is missing" if not found else f"{header} stands there twice")
    pairs = [part.strip().partition("=") for part in found[0].split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1" and _DIGEST.fullmatch(value)]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]) or not signatures:
        raise WebhookVerificationError(f"{header} is not of the form t=<seconds>,v1=<64 hex digits>")
    return times[0], signatures[:_MOST_SIGNATURES]
