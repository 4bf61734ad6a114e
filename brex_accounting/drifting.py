"""Watching for names that differ between what Brex sends and the models."""

from __future__ import annotations

import logging

from .converters.drift import drift_of
from .converters.pages import PageBody
from .converters.wire import codec
from .core import Core
from .errors import BrexError
from .models import AccountingRecord, Page

__all__ = ["watch_drift"]


def watch_drift(core: Core, page: Page[AccountingRecord], call: str) -> None:
    """Compare the first page of a client that holds records with the models, and tell what differs."""
    if not page.items or not core.is_first("records"):
        return
    try:
        drift = drift_of(codec(), page.raw, PageBody[AccountingRecord], call)
    except (BrexError, ValueError, RecursionError):  # watching must not fail what it watches
        return
    if drift is not None:
        level = logging.WARNING if drift.unknown else logging.INFO
        core.log.log(level, "names differ from the models in %s: %s", call, drift)
        core.manager.tell(drift)
