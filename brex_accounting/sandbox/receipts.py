"""Receipts as Brex keeps them: under addresses of another place, each of which opens one file for fifteen minutes.

The place is the sandbox itself. Records of a seed name receipts and hold none, so a file says whose it is.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

__all__ = ["ReceiptFiles", "receipt_file"]

_LIFETIME: Final = timedelta(minutes=15)
_RECORDS: Final = "/v3/accounting/records"
_FILES: Final = "/_receipts/"


class ReceiptFiles:
    """Gives the receipts of every answer an address, where they have none, and serves what is there."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._secret = secrets.token_bytes(32)
        # Amounts go through as they are.
        self._decoder = msgspec.json.Decoder(float_hook=Decimal)
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def install(self, app: web.Application) -> None:
        """Let an application that was not started yet do so."""

        @web.middleware
        async def addressed(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            is_read = request.method == "GET" and request.path.startswith(_RECORDS)
            if is_read and isinstance(response, web.Response) and response.status == 200:
                response.body = self._addressed(response.body, request.url.origin())
            return response

        app.middlewares.append(addressed)
        app.router.add_get(_FILES + "{id}", self._serve)

    def address(self, receipt_id: str, origin: URL) -> str:
        """The address of a receipt from now on."""
        expires = str(int((self._now() + _LIFETIME).timestamp()))
        query = {"expires": expires, "signature": self._signature(receipt_id, expires)}
        return str((origin / _FILES.strip("/") / receipt_id).with_query(query))

    def _addressed(self, body: object, origin: URL) -> bytes:
        content = self._decoder.decode(body if isinstance(body, bytes) else b"null")
        for receipt in _receipts(content):
            receipt["download_uris"] = receipt.get("download_uris") or [self.address(receipt["id"], origin)]
        return self._encoder.encode(content)

    async def _serve(self, request: web.Request) -> web.Response:
        receipt_id, expires = request.match_info["id"], request.query.get("expires", "")
        signature = self._signature(receipt_id, expires)
        is_signed = hmac.compare_digest(signature.encode(), request.query.get("signature", "").encode())
        if not is_signed or int(expires) < self._now().timestamp():
            return web.Response(status=403)
        return web.Response(body=receipt_file(receipt_id), content_type="application/pdf")

    def _signature(self, receipt_id: str, expires: str) -> str:
        return hmac.new(self._secret, f"{expires} {receipt_id}".encode(), hashlib.sha256).hexdigest()


def receipt_file(receipt_id: str) -> bytes:
    """A page that names the receipt, as a PDF."""
    text = "".join(one if one.isascii() and one.isalnum() else "_" for one in receipt_id)
    page = f"BT /F1 14 Tf 60 760 Td (Receipt {text}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(page)} >>\nstream\n{page}\nendstream",
    ]
    whole, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(whole))
        whole += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(objects) + 1
    end = f"trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{len(whole)}\n%%EOF\n"
    return f"{whole}xref\n0 {count}\n0000000000 65535 f \n{table}{end}".encode()


def _receipts(content: Any) -> Iterator[dict[str, Any]]:
    for record in content.get("items", [content]):
        yield from record.get("receipts") or ()
