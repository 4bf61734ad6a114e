"""What Monite's verbs raise beside the common tree."""

from __future__ import annotations

from ..errors import BrexError
from .models import Connection

__all__ = ["NotConnected"]


class NotConnected(BrexError):
    """The connection is not connected, or is so no longer: a sync of it would never end.

    ``connection`` is it, as it was read last.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.connection = connection

    def __str__(self) -> str:
        status = self.connection.status
        shown = status.value if status is not None and status.is_known else "of no status that is known"
        return f"the connection is {shown}; have a person authorise it, or create another"
