"""How the ERP says no."""

from __future__ import annotations

import attrs
import msgspec

__all__ = ["Refused", "not_found", "not_offered"]


@attrs.frozen
class Refused(Exception):
    """An error answer: a status, the ERP's own code, and where it applies, the field and its value.

    422 is the books' no (``period_closed``, ``account_not_found``, ...), 400 a malformed request. Nothing was
    written.
    """

    status: int
    code: str
    message: str
    field: str | None = None
    value: str | None = None
    retry_after: float | None = None

    def body(self) -> bytes:
        """The JSON."""
        return msgspec.json.encode(
            {"code": self.code, "message": self.message, "field": self.field, "value": self.value}
        )


def not_found(what: str) -> Refused:
    """404: there is no such thing."""
    return Refused(404, "not_found", f"No such {what}.")


def not_offered(what: str) -> Refused:
    """400: an ERP of these ways cannot do that."""
    return Refused(400, "not_offered", f"This ERP offers no {what}.")
