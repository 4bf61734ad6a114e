"""What a partner's screen needs of a connection, whichever provider it is at."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

import attrs

__all__ = ["Link", "LinkState", "Standing"]


class LinkState(Enum):
    """How a connection stands."""

    ABSENT = "absent"
    """There is none."""
    WAITING = "waiting"
    """A person has to authorise it."""
    CONNECTED = "connected"
    ENDED = "ended"
    """It was disconnected, or its consent taken back."""
    UNKNOWN = "unknown"
    """The provider says something new, or cannot be asked and has not said anything yet."""


@attrs.frozen(kw_only=True)
class Standing:
    """How a connection stood when the provider was asked, or, where ``asked`` is False, when it last said so.

    ``id`` is the provider's; keep it. ``authorise_at``: where the person goes while it is waiting; whoever has
    it can authorise, so it is not in the repr.
    """

    state: LinkState
    id: str | None = None
    authorise_at: str | None = attrs.field(default=None, repr=False)
    asked: bool = True


class Link(Protocol):
    """One customer's connection. What goes wrong is raised as by the verbs of the provider's client."""

    async def connect(self) -> Standing:
        """Connect, or find the connection that there is: pressed twice, it makes one."""
        ...

    async def status(self) -> Standing:
        """How it stands. Nothing is changed by asking."""
        ...

    async def disconnect(self) -> Standing:
        """End it. What has ended, or never was, is no error."""
        ...
