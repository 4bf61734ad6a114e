"""For a client that serves many companies and is none of them."""

from __future__ import annotations

from ..auth import OwnSource
from ..errors import UnknownCompany

__all__ = ["NoToken"]


class NoToken(OwnSource):
    """The token of a client whose views have their own: ``Companies(BrexAccounting(NoToken()))``.

    Called itself, the client raises ``UnknownCompany`` and sends nothing.
    """

    async def token(self) -> str:
        """Never one."""
        raise UnknownCompany("this client has no token of its own; use the view of a company")

    async def renew(self, refused: str) -> bool:  # noqa: ARG002 - the protocol's
        """Never."""
        return False

    def __repr__(self) -> str:
        return "NoToken()"
