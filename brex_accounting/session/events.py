"""What observers are told: frozen values, without tokens, bodies or query values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs

from .call import Outcome

__all__ = ["AttemptEvent", "Observer"]


@attrs.frozen(kw_only=True)
class AttemptEvent:
    """One attempt of a call has ended.

    ``elapsed`` and ``wait`` are seconds; ``wait`` is None when no further attempt follows.
    ``size`` is the body's length in bytes after decompression.
    """

    call: str
    method: str
    path: str
    key: str
    number: int
    outcome: Outcome
    status: int | None
    cause: str | None
    elapsed: float
    wait: float | None
    size: int | None
    trace_id: str | None


Observer: TypeAlias = Callable[[object], None]
"""Called with each event, on the event loop: return quickly. Events it does not know should be ignored."""
