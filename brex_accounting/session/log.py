"""Events told: a line of the standard logger, and each observer."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from .call import Outcome
from .events import AttemptEvent, CallEnded, Observer, PauseEvent, RefreshEvent

__all__ = ["log_event", "tell"]


def tell(event: object, observers: Iterable[Observer], log: logging.Logger) -> None:
    """Log an event, and tell every observer; one that fails is logged and harms nobody."""
    log_event(log, event)
    for observer in observers:
        try:
            observer(event)
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            log.warning("an observer raised %s on %s", type(error).__name__, type(event).__name__)


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
