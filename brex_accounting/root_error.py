"""The root of the error tree, which ``errors`` draws, and its first branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .fields.models import SettledValues
    from .models import Checkpoint, ConfirmedReport
    from .session.call import Attempt
    from .windows import ScanCheckpoint

__all__ = ["BrexError", "ConfigurationError"]


class BrexError(Exception):
    """The root of the tree.

    ``attempts``: every attempt of the call, oldest first. ``may_have_happened``: an attempt to change
    something may have been processed although this error came back. ``checkpoint``: where to resume,
    when it was raised while iterating; ``scan_checkpoint``, when by a scan. ``confirmed``: what is settled
    all the same, when it was raised by ``report_confirmed``; ``settled``, when field values were written.
    """

    attempts: tuple[Attempt, ...] = ()
    may_have_happened: bool = False
    checkpoint: Checkpoint | None = None
    scan_checkpoint: ScanCheckpoint | None = None
    confirmed: ConfirmedReport | None = None
    settled: SettledValues | None = None


class ConfigurationError(BrexError):
    """Wrong arguments or settings. Nothing was sent."""
