"""The webhook secrets of many companies: one that cannot be asked must not cost the others theirs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..errors import APITimeoutError

if TYPE_CHECKING:
    from ..client import BrexAccounting
    from ..webhook_models import WebhookSecret

__all__ = ["secrets_of"]

_log = logging.getLogger("brex_accounting")

_SLOWEST: Final = 8.0
"""Seconds for all answers: a receiver waits 10 for them, and a delivery waits with it."""


async def secrets_of(clients: Mapping[str, BrexAccounting]) -> tuple[WebhookSecret, ...]:
    """The secrets of those that answer in time. Brex does not say whether companies have the same ones."""
    asked = {asyncio.ensure_future(view.webhooks.secrets()): company_id for company_id, view in clients.items()}
    if not asked:
        return ()
    try:
        await asyncio.wait(asked, timeout=_SLOWEST)
    finally:
        late = [task for task in asked if task.cancel()]
        await asyncio.gather(*late, return_exceptions=True)
    problems = {company_id: _problem(task) for task, company_id in asked.items()}
    for company_id, problem in problems.items():
        if problem is not None:
            _log.warning("company %s did not tell its webhook secrets: %s", company_id, type(problem).__name__)
    told = [task for task, company_id in asked.items() if problems[company_id] is None]
    if not told:
        raise next(problem for problem in problems.values() if problem is not None)
    return tuple(dict.fromkeys(secret for task in told for secret in task.result()))


def _problem(task: asyncio.Future[tuple[WebhookSecret, ...]]) -> BaseException | None:
    if task.cancelled():
        return APITimeoutError(f"webhook secrets: no answer within {_SLOWEST:g} s")
    return task.exception()
