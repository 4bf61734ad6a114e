"""Counters of one sandbox."""

from __future__ import annotations

__all__ = ["Statistics"]


class Statistics:
    """What the sandbox was asked so far."""

    def __init__(self) -> None:
        self.requests: int = 0
        self.faults: int = 0
        self.throttled: int = 0

    def count(self) -> str:
        """One more request; its trace id."""
        self.requests += 1
        return f"sandbox-{self.requests:08d}"
