"""The fault matrix on Monite's operations, written down by hand. A cell is read as in ``matrix``.

Columns: create, disconnect, sync, push, then connections listed, a connection and a synced record read, and
synced records listed from their first page and from their second. The lists are walked to their end: three
requests, or two. The attempts of a disconnect are those of its own requests and of the reads that settle it:
no row lets it go out again before the connection was read.
"""

from __future__ import annotations

from collections.abc import Iterator

from .monite_operations import OPERATIONS

__all__ = ["MONITE_MATRIX", "cells"]

NOT_APPLICABLE = "-"


def cells(fault: str) -> Iterator[tuple[str, str]]:
    """Operation and expected cell, for those that the fault applies to."""
    written = [cell.strip() for line in MONITE_MATRIX[fault].strip().splitlines() for cell in line.split("|")]
    for operation, cell in zip(OPERATIONS, written, strict=True):
        if cell != NOT_APPLICABLE:
            yield operation, cell


MONITE_MATRIX: dict[str, str] = {
    "none": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1 | ok 3-3-3 | ok 2-2-2""",
    "latency": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1 | ok 3-3-3 | ok 2-2-2""",
    "slow-request": """
        APITimeoutError 1-1-0 maybe | ok 3-3-2 | ok 2-2-1 | APITimeoutError 1-1-0 maybe
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "slow-answer": """
        APITimeoutError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APITimeoutError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "slow-always": """
        APITimeoutError 1-1-1 maybe | APITimeoutError 5-5-5 maybe
        APITimeoutError 4-4-4 maybe | APITimeoutError 1-1-1 maybe
        APITimeoutError 4-4-4 | APITimeoutError 4-4-4 | APITimeoutError 4-4-4
        APITimeoutError 4-4-4 | APITimeoutError 4-4-4""",
    "deadline": """
        DeadlineExceeded 1-1-1 maybe | ok 2-2-2 | DeadlineExceeded 1-1-1 maybe | DeadlineExceeded 1-1-1 maybe
        DeadlineExceeded 1-1-1 | DeadlineExceeded 1-1-1 | DeadlineExceeded 1-1-1
        DeadlineExceeded 1-1-1 | DeadlineExceeded 1-1-1""",
    "refused": """
        APIConnectionError 4-0-0 | APIConnectionError 4-0-0 | APIConnectionError 4-0-0 | APIConnectionError 4-0-0
        APIConnectionError 4-0-0 | APIConnectionError 4-0-0 | APIConnectionError 4-0-0
        APIConnectionError 4-0-0 | APIConnectionError 4-0-0""",
    "reset-before": """
        APIConnectionError 1-1-0 maybe | ok 3-3-2 | ok 2-2-1 | APIConnectionError 1-1-0 maybe
        ok 1-2-1 | ok 1-2-1 | ok 1-2-1 | ok 3-4-3 | ok 2-3-2""",
    "reset-during": """
        APIConnectionError 1-1-0 maybe | ok 3-3-2 | ok 2-2-1 | APIConnectionError 1-1-0 maybe
        ok 1-2-1 | ok 1-2-1 | ok 1-2-1 | ok 3-4-3 | ok 2-3-2""",
    "reset-after": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 1-2-2 | ok 1-2-2 | ok 1-2-2 | ok 3-4-4 | ok 2-3-3""",
    "reset-always": """
        APIConnectionError 1-1-1 maybe | APIConnectionError 5-9-9 maybe
        APIConnectionError 4-4-4 maybe | APIConnectionError 1-1-1 maybe
        APIConnectionError 4-8-8 | APIConnectionError 4-8-8 | APIConnectionError 4-8-8
        APIConnectionError 4-8-8 | APIConnectionError 4-8-8""",
    "close-after": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 1-2-2 | ok 1-2-2 | ok 1-2-2 | ok 3-4-4 | ok 2-3-3""",
    "stale": """
        APIConnectionError 1-1-0 maybe | ok 3-3-2 | ok 2-2-1 | APIConnectionError 1-1-0 maybe
        ok 1-2-1 | ok 1-2-1 | ok 1-2-1 | ok 3-4-3 | ok 2-3-2""",
    "slow-close": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1 | ok 3-3-3 | ok 2-2-2""",
    "never-close": """
        APITimeoutError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APITimeoutError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "cut-head": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 1-2-2 | ok 1-2-2 | ok 1-2-2 | ok 3-4-4 | ok 2-3-3""",
    "cut-0": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "cut-1": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "cut-half": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "cut-last": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "length-long": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "length-short": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "length-short-late": """
        DecodeError 1-1-1 maybe | - | DecodeError 1-1-1 maybe | DecodeError 1-1-1 maybe
        DecodeError 1-1-1 | DecodeError 1-1-1 | DecodeError 1-1-1 | DecodeError 1-1-1 | DecodeError 1-1-1""",
    "length-odd": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "garbage": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "empty-200": """
        DecodeError 1-1-0 maybe | ok 3-3-2 | DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe
        DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0""",
    "html-200": """
        DecodeError 1-1-0 maybe | ok 3-3-2 | DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe
        DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0 | DecodeError 1-1-0""",
    "redirect": """
        APIStatusError 1-1-0 | APIStatusError 1-1-0 | APIStatusError 1-1-0 | APIStatusError 1-1-0
        APIStatusError 1-1-0 | APIStatusError 1-1-0 | APIStatusError 1-1-0
        APIStatusError 1-1-0 | APIStatusError 1-1-0""",
    "401": """
        AuthenticationError 1-1-0 | AuthenticationError 1-1-0 | AuthenticationError 1-1-0 | AuthenticationError 1-1-0
        AuthenticationError 1-1-0 | AuthenticationError 1-1-0 | AuthenticationError 1-1-0
        AuthenticationError 1-1-0 | AuthenticationError 1-1-0""",
    "403": """
        PermissionDenied 1-1-0 | PermissionDenied 1-1-0 | PermissionDenied 1-1-0 | PermissionDenied 1-1-0
        PermissionDenied 1-1-0 | PermissionDenied 1-1-0 | PermissionDenied 1-1-0
        PermissionDenied 1-1-0 | PermissionDenied 1-1-0""",
    "408": """
        APIStatusError 1-1-0 maybe | ok 3-3-2 | ok 2-2-1 | APIStatusError 1-1-0 maybe
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "500-before": """
        ServerError 1-1-0 maybe | ok 3-3-2 | ok 2-2-1 | ServerError 1-1-0 maybe
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "500-after": """
        ServerError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | ServerError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "500-always": """
        ServerError 1-1-1 maybe | ServerError 5-5-5 maybe | ServerError 4-4-4 maybe | ServerError 1-1-1 maybe
        ServerError 4-4-4 | ServerError 4-4-4 | ServerError 4-4-4 | ServerError 4-4-4 | ServerError 4-4-4""",
    "502-after": """
        ServerError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | ServerError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "503": """
        ServerError 1-1-0 maybe | ok 3-3-2 | ok 2-2-1 | ServerError 1-1-0 maybe
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "504-after": """
        ServerError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | ServerError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "520": """
        ServerError 1-1-0 maybe | ok 3-3-2 | ok 2-2-1 | ServerError 1-1-0 maybe
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "520-after": """
        ServerError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | ServerError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "bad-gzip": """
        APIConnectionError 1-1-1 maybe | ok 2-2-2 | ok 2-2-2 | APIConnectionError 1-1-1 maybe
        ok 2-2-2 | ok 2-2-2 | ok 2-2-2 | ok 4-4-4 | ok 3-3-3""",
    "bomb-gzip": """
        ResponseTooLarge 1-1-1 maybe | ok 2-2-2 | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1""",
    "bomb-deflate": """
        ResponseTooLarge 1-1-1 maybe | ok 2-2-2 | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1""",
    "bomb-br": """
        ResponseTooLarge 1-1-1 maybe | ok 2-2-2 | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1""",
    "bomb-zstd": """
        ResponseTooLarge 1-1-1 maybe | ok 2-2-2 | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1
        ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1""",
    "429": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-storm": """
        ok 9-9-1 | ok 9-9-1 | ok 9-9-1 | ok 9-9-1
        ok 9-9-1 | ok 9-9-1 | ok 9-9-1 | ok 11-11-3 | ok 10-10-2""",
    "429-zero": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-part": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-negative": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-date": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-nan": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-inf": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-underscore": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-arabic": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "429-hour": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "429-year-9999": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "429-past-deadline": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "503-zero": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1 | ok 4-4-3 | ok 3-3-2""",
    "503-hour": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "cursor-repeats": """
        - | - | - | -
        - | - | - | CursorLoop 2-2-2 | CursorLoop 1-1-1""",
}
