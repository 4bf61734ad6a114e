"""Deliveries made by hand: signed here once more, from the scheme's description and nothing of the package."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

__all__ = ["BODY", "NOW", "SECRET", "Delivery", "delivery", "secret", "signature"]

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def secret(number: int = 0) -> str:
    """A secret of 32 bytes in base64."""
    return base64.b64encode(hashlib.sha256(f"secret {number}".encode()).digest()).decode()


SECRET = secret()
BODY = json.dumps(
    {
        "event_type": "ACCOUNTING_RECORD_READY_FOR_EXPORT",
        "accountingRecordIds": ["accr_1", "accr_2"],
        "companyId": "cuacc_7",
    }
).encode()


def signature(key: str, id_: str, timestamp: str, body: bytes) -> str:
    """``v1,`` and the signature of these three."""
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    made = hmac.new(base64.b64decode(key), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(made).decode()


@attrs.frozen(kw_only=True)
class Delivery:
    """What arrives: a body and headers."""

    id: str
    timestamp: str
    body: bytes
    signature: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Webhook-Id": self.id,
            "Webhook-Timestamp": self.timestamp,
            "Webhook-Signature": self.signature,
        }


def delivery(
    body: bytes | dict[str, Any] = BODY,
    *,
    id_: str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
    at: datetime = NOW,
    secrets: Sequence[str] = (SECRET,),
) -> Delivery:
    """A valid one, with a signature by each of the secrets."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    timestamp = str(int(at.timestamp()))
    signed = " ".join(signature(one, id_, timestamp, raw) for one in secrets)
    return Delivery(id=id_, timestamp=timestamp, body=raw, signature=signed)
