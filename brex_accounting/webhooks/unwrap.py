"""``unwrap``: ``verify`` by the machine's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ..session.discreet import discreet
from ..webhook_models import WebhookEvent, WebhookSecret
from .verify import TOLERANCE, verify

__all__ = ["unwrap"]


@discreet
def unwrap(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[str | WebhookSecret],
    now: datetime | None = None,
    tolerance: float = TOLERANCE,
) -> WebhookEvent:
    """The event of a delivery, if it is from Brex. ``now``: by default the machine's clock; else as ``verify``.

    ``body`` is the request's bytes as they came: JSON that was read and written again fits no signature.

    Raises ``WebhookVerificationError`` for whatever is wrong with the delivery, ``ConfigurationError`` for
    wrong arguments.
    """
    return verify(body, headers, secrets=secrets, now=now or datetime.now(UTC), tolerance=tolerance)
