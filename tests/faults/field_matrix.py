"""The fault matrix of the operations about fields and companies, written as in ``matrix``.

Columns: create, update and delete values, then delete a field, list values (three pages), company. After a
deletion of values that was answered with 404 they are read once; after one of a field the fields are listed.
PUT and DELETE, like GET, are sent again once by aiohttp itself when they lose their connection. An empty
answer with status 200 is what Brex documents for the deletion of a field, so that it cannot be told from one.
"""

from __future__ import annotations

__all__ = ["FIELD_MATRIX"]

FIELD_MATRIX: dict[str, str] = {
    "none": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 2-2-2 | ok 3-3-3 | ok 1-1-1""",
    "latency": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 2-2-2 | ok 3-3-3 | ok 1-1-1""",
    "slow-request": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "slow-answer": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "slow-always": """
        APITimeoutError 4-4-4 maybe | APITimeoutError 4-4-4 maybe | APITimeoutError 4-4-4 maybe
        APITimeoutError 4-4-4 maybe | APITimeoutError 4-4-4 | APITimeoutError 4-4-4""",
    "deadline": """
        DeadlineExceeded 1-1-1 maybe | DeadlineExceeded 1-1-1 maybe | DeadlineExceeded 1-1-1 maybe
        DeadlineExceeded 1-1-1 maybe | DeadlineExceeded 1-1-1 | DeadlineExceeded 1-1-1""",
    "refused": """
        APIConnectionError 4-0-0 | APIConnectionError 4-0-0 | APIConnectionError 4-0-0
        APIConnectionError 4-0-0 | APIConnectionError 4-0-0 | APIConnectionError 4-0-0""",
    "reset-before": """
        ok 2-2-1 | ok 1-2-1 | ok 1-2-1
        ok 2-3-2 | ok 3-4-3 | ok 1-2-1""",
    "reset-during": """
        ok 2-2-1 | ok 1-2-1 | ok 1-2-1
        ok 2-3-2 | ok 3-4-3 | ok 1-2-1""",
    "reset-after": """
        ok 2-2-2 | ok 1-2-2 | ok 2-3-3
        NotFound 1-2-2 maybe | ok 3-4-4 | ok 1-2-2""",
    "reset-always": """
        APIConnectionError 4-4-4 maybe | APIConnectionError 4-8-8 maybe | APIConnectionError 4-8-8 maybe
        APIConnectionError 4-8-8 maybe | APIConnectionError 4-8-8 | APIConnectionError 4-8-8""",
    "close-after": """
        ok 2-2-2 | ok 1-2-2 | ok 2-3-3
        NotFound 1-2-2 maybe | ok 3-4-4 | ok 1-2-2""",
    "stale": """
        ok 2-2-1 | ok 1-2-1 | ok 1-2-1
        ok 2-3-2 | ok 3-4-3 | ok 1-2-1""",
    "slow-close": """
        ok 1-1-1 | ok 1-1-1 | ok 1-1-1
        ok 2-2-2 | ok 3-3-3 | ok 1-1-1""",
    "never-close": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "cut-head": """
        ok 2-2-2 | ok 1-2-2 | ok 2-3-3
        NotFound 1-2-2 maybe | ok 3-4-4 | ok 1-2-2""",
    "cut-0": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        ok 2-2-2 | ok 4-4-4 | ok 2-2-2""",
    "cut-1": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        ok 2-2-2 | ok 4-4-4 | ok 2-2-2""",
    "cut-half": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        ok 2-2-2 | ok 4-4-4 | ok 2-2-2""",
    "cut-last": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        ok 2-2-2 | ok 4-4-4 | ok 2-2-2""",
    "length-long": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "length-short": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "length-short-late": """
        DecodeError 1-1-1 maybe | DecodeError 1-1-1 maybe | DecodeError 1-1-1 maybe
        NotFound 2-2-2 maybe | DecodeError 1-1-1 | DecodeError 1-1-1""",
    "length-odd": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "garbage": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "empty-200": """
        DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe
        - | DecodeError 1-1-0 | DecodeError 1-1-0""",
    "html-200": """
        DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe | DecodeError 1-1-0 maybe
        DecodeError 1-1-0 maybe | DecodeError 1-1-0 | DecodeError 1-1-0""",
    "redirect": """
        APIStatusError 1-1-0 | APIStatusError 1-1-0 | APIStatusError 1-1-0
        APIStatusError 1-1-0 | APIStatusError 1-1-0 | APIStatusError 1-1-0""",
    "401": """
        AuthenticationError 1-1-0 | AuthenticationError 1-1-0 | AuthenticationError 1-1-0
        AuthenticationError 1-1-0 | AuthenticationError 1-1-0 | AuthenticationError 1-1-0""",
    "403": """
        PermissionDenied 1-1-0 | PermissionDenied 1-1-0 | PermissionDenied 1-1-0
        PermissionDenied 1-1-0 | PermissionDenied 1-1-0 | PermissionDenied 1-1-0""",
    "408": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "500-before": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "500-after": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "500-always": """
        ServerError 4-4-4 maybe | ServerError 4-4-4 maybe | ServerError 4-4-4 maybe
        ServerError 4-4-4 maybe | ServerError 4-4-4 | ServerError 4-4-4""",
    "502-after": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "503": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "504-after": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "520": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "520-after": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        NotFound 2-2-2 maybe | ok 4-4-4 | ok 2-2-2""",
    "bad-gzip": """
        ok 2-2-2 | ok 2-2-2 | ok 3-3-3
        ok 2-2-2 | ok 4-4-4 | ok 2-2-2""",
    "bomb-gzip": """
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1""",
    "bomb-deflate": """
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1""",
    "bomb-br": """
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1""",
    "bomb-zstd": """
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 maybe
        ResponseTooLarge 1-1-1 maybe | ResponseTooLarge 1-1-1 | ResponseTooLarge 1-1-1""",
    "429": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-storm": """
        ok 9-9-1 | ok 9-9-1 | ok 9-9-1
        ok 10-10-2 | ok 11-11-3 | ok 9-9-1""",
    "429-zero": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-part": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-negative": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-date": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-nan": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-inf": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-underscore": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-arabic": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "429-hour": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "429-year-9999": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "429-past-deadline": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "503-zero": """
        ok 2-2-1 | ok 2-2-1 | ok 2-2-1
        ok 3-3-2 | ok 4-4-3 | ok 2-2-1""",
    "503-hour": """
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0
        RateLimitError 1-1-0 | RateLimitError 1-1-0 | RateLimitError 1-1-0""",
    "cursor-repeats": """
        - | - | -
        - | CursorLoop 2-2-2 | -""",
}
