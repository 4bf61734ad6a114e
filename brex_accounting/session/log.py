"""Events as lines of the standard logger."""

from __future__ import annotations

import logging

from .call import Outcome
from .events import AttemptEvent, CallEnded, PauseEvent, RefreshEvent

__all__ = ["log_event"]


def log_event(log: logging.Logger, event: object) -> None:
    """One line for an event that says something new; nothing for the rest."""
    if not log.isEnabledFor(logging.INFO):
        return
    match event:
        case AttemptEvent():
            level = logging.DEBUG if event.outcome is Outcome.DONE else logging.INFO
            if not log.isEnabledFor(level):
                return
            log.log(
                level,
                "%s %s attempt %d: %s, %s in %.3f s, wait %s, trace %s",
                event.method,
                event.path,
                event.number,
                event.status or event.cause,
                event.outcome.value,
                event.elapsed,
                event.wait,
                event.trace_id,
            )
        case PauseEvent():
            log.info("throttled: every call of %s pauses for %.1f s", event.key or "this client", event.wait)
        case RefreshEvent():
            log.info("token refresh: %s in %.3f s", event.failure or "done", event.elapsed)
        case CallEnded(error=str()):
            log.debug("%s ended with %s after %d attempts", event.call, event.error, event.attempts)
