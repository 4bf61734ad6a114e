"""The fault matrix: what each kind of fault must come to for each operation, written down by hand.

A cell reads ``outcome attempts-arrived-processed`` and then what the error claims. The outcome is
``ok`` (the caller got what the sandbox holds) or the exact class of the exception. The numbers are the
client's attempts, the requests that came to the proxy, and those that the sandbox processed, its own
counter. A GET that loses its connection is sent again once by aiohttp itself, within one attempt, so
more may arrive than were attempted. ``maybe``: ``may_have_happened``; ``ours``: ``probably_ours``.

Columns: create, disconnect, reactivate, then get, list from its first page, list from its second page, report.
The lists are walked to their end: three requests, or two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .operations import OPERATIONS

__all__ = ["MATRIX", "cells", "cells_of"]

NOT_APPLICABLE = "-"


def cells(fault: str) -> Iterator[tuple[str, str]]:
    """Operation and expected cell, for those that the fault applies to."""
    return cells_of(MATRIX[fault], OPERATIONS)


def cells_of(row: str, operations: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The same of any row."""
    written = [cell.strip() for line in row.strip().splitlines() for cell in line.split("|")]
    for operation, cell in zip(operations, written, strict=True):
        if cell != NOT_APPLICABLE:
            yield operation, cell


MATRIX: dict[str, str] = {
    "none": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 1-1-1 | ok 3-3-3 | ok 2-2-2 | ok 1-1-1""",
    "latency": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 1-1-1 | ok 3-3-3 | ok 2-2-2 | ok 1-1-1""",
    "slow-request": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | APITimeoutError 1-1-0 maybe""",
    "slow-answer": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APITimeoutError 1-1-1 maybe""",
    "slow-always": """
        APITimeoutError 4-4-4 maybe | APITimeoutError 4-4-4 maybe | APITimeoutError 4-4-4 maybe
        APITimeoutError 4-4-4 | APITimeoutError 4-4-4 | APITimeoutError 4-4-4 | APITimeoutError 1-1-1 maybe""",
    "deadline": """
        DeadlineExceeded 1-1-1 maybe | DeadlineExceeded 1-1-1 maybe | DeadlineExceeded 1-1-1 maybe
        DeadlineExceeded 1-1-1 | DeadlineExceeded 1-1-1 | DeadlineExceeded 1-1-1 | DeadlineExceeded 1-1-1 maybe""",
    "refused": """
        APIConnectionError 4-0-0 | APIConnectionError 4-0-0 | APIConnectionError 4-0-0
        APIConnectionError 4-0-0 | APIConnectionError 4-0-0 | APIConnectionError 4-0-0 | APIConnectionError 4-0-0""",
    "reset-before": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 1-2-1 | ok 3-4-3 | ok 2-3-2 | APIConnectionError 1-1-0 maybe""",
    "reset-during": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 1-2-1 | ok 3-4-3 | ok 2-3-2 | APIConnectionError 1-1-0 maybe""",
    "reset-after": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 1-2-2 | ok 3-4-4 | ok 2-3-3 | APIConnectionError 1-1-1 maybe""",
    "reset-always": """
        APIConnectionError 4-4-4 maybe | APIConnectionError 4-4-4 maybe | APIConnectionError 4-4-4 maybe
        APIConnectionError 4-8-8 | APIConnectionError 4-8-8 | APIConnectionError 4-8-8 | APIConnectionError 1-1-1 maybe
    """,
    "close-after": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 1-2-2 | ok 3-4-4 | ok 2-3-3 | APIConnectionError 1-1-1 maybe""",
    "stale": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 1-2-1 | ok 3-4-3 | ok 2-3-2 | APIConnectionError 1-1-0 maybe""",
    "slow-close": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 1-1-1 | ok 3-3-3 | ok 2-2-2 | ok 1-1-1""",
    "never-close": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APITimeoutError 1-1-1 maybe""",
    "cut-head": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 1-2-2 | ok 3-4-4 | ok 2-3-3 | APIConnectionError 1-1-1 maybe""",
    "cut-0": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "cut-1": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "cut-half": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "cut-last": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "length-long": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "length-short": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "length-short-late": """
        DecodeError 1-1-1 maybe | DecodeError 1-1-1 maybe | DecodeError 1-1-1 maybe
        DecodeError 1-1-1 | DecodeError 1-1-1 | DecodeError 1-1-1 | DecodeError 1-1-1 maybe""",
    "length-odd": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "garbage": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "empty-200": """
        DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe
        DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0 maybe""",
    "html-200": """
        DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe
        DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0 maybe""",
    "redirect": """
        APIStatusError 1-1-0 | APIStatusError 1-1-0 | APIStatusError 1-1-0
        APIStatusError 1-1-0 | APIStatusError 1-1-0 | APIStatusError 1-1-0 | APIStatusError 1-1-0""",
    "401": """
        AuthenticationError 1-1-0 | AuthenticationError 1-1-0 | AuthenticationError 1-1-0
        AuthenticationError 1-1-0 | AuthenticationError 1-1-0 | AuthenticationError 1-1-0 | AuthenticationError 1-1-0
    """,
    "403": """
        PermissionDenied 1-1-0 | PermissionDenied 1-1-0 | PermissionDenied 1-1-0
        PermissionDenied 1-1-0 | PermissionDenied 1-1-0 | PermissionDenied 1-1-0 | PermissionDenied 1-1-0""",
    "408": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | APIStatusError 1-1-0 maybe""",
    "500-before": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ServerError 1-1-0 maybe""",
    "500-after": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | ServerError 1-1-1 maybe""",
    "500-always": """
        ServerError 4-4-4 maybe | ServerError 4-4-4 maybe | ServerError 4-4-4 maybe
        ServerError 4-4-4 | ServerError 4-4-4 | ServerError 4-4-4 | ServerError 1-1-1 maybe""",
    "502-after": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | ServerError 1-1-1 maybe""",
    "503": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ServerError 1-1-0 maybe""",
    "504-after": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | ServerError 1-1-1 maybe""",
    "520": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ServerError 1-1-0 maybe""",
    "520-after": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | ServerError 1-1-1 maybe""",
    "bad-gzip": """
        ok 2-2-2 | IntegrationNotActive 2-2-2 maybe ours | ActiveIntegrationExists 2-2-2 maybe ours
        ok 2-2-2 | ok 4-4-4 | ok 3-3-3 | APIConnectionError 1-1-1 maybe""",
    "bomb-gzip": """
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 maybe""",
    "bomb-deflate": """
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 maybe""",
    "bomb-br": """
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 maybe""",
    "bomb-zstd": """
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 maybe""",
    "429": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-storm": """
        ok 9-9-1 | ok 9-9-1 | ok 9-9-1
        ok 9-9-1 | ok 11-11-3 | ok 10-10-2 | ok 9-9-1""",
    "429-zero": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-part": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-negative": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-date": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-nan": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-inf": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-underscore": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-arabic": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "429-hour": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "429-year-9999": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "429-past-deadline": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "503-zero": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 4-4-3 | ok 3-3-2 | ok 2-2-1""",
    "503-hour": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "cursor-repeats": """
        - | - | -
        - | CursorLoop 2-2-2 | CursorLoop 1-1-1 | -""",
}
