"""Retry-After and HTTP dates: every form a header has been seen in, and none can raise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brex_accounting.session.call import Reply, http_date

from .documents import thorough

NOW = datetime(2026, 6, 11, 12, 0, 0, tzinfo=UTC)


def hint(text: str | None, date: str | None = None) -> float | None:
    headers = {"Retry-After": text} if text is not None else {}
    return Reply(status=429, headers=headers | ({"DATE": date} if date is not None else {})).retry_after(NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        ("007", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-7", 0.0),
        ("-0", 0.0),
        ("120", 120.0),
        ("10000000000", 1e10),
        ("9" * 5000, float("inf")),
        ("+7", None),
        ("7s", None),
        ("7,8", None),
        ("1e3", None),
        ("0x10", None),
        ("1_000", None),
        (".5", None),
        ("5.", None),
        ("--7", None),
        ("nan", None),
        ("NaN", None),
        ("inf", None),
        ("-inf", None),
        ("Infinity", None),
        ("\u0661\u0662", None),
        ("\uff17", None),
        ("\u00b2", None),
        ("soon", None),
        ("Thu, 11 Jun 2026 12:00:30 GMT", 30.0),
        ("Thu, 11 Jun 2026 12:00:00 GMT", 0.0),
        ("Thu, 11 Jun 2026 11:59:00 GMT", 0.0),
        ("Thursday, 11-Jun-26 12:00:30 GMT", 30.0),
        ("Thu Jun 11 12:00:30 2026", 30.0),
        ("Thu, 11 Jun 2026 14:00:30 +0200", 30.0),
        ("Thu, 99 Jun 2026 12:00:30 GMT", None),
        ("Thu, 11 Jun 99999999999999999999 12:00:30 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("Thu, 11 Jun 2026 12:00:30 +99999999999999999999", None),
    ],
)
def test_forms(text: str | None, seconds: float | None) -> None:
    """Seconds in ASCII digits or an HTTP date are understood; a past one is 0; all else is as absent."""
    assert hint(text) == seconds
    assert Reply(status=503, headers={} if text is None else {"retry-after": text}).says_when is (seconds is not None)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 11 Jun 2026 12:00:10 GMT", 20.0),
        ("Thu, 11 Jun 2026 09:00:30 GMT", 10800.0),
        ("Thu, 11 Jun 2026 12:01:00 GMT", 0.0),
        ("rubbish", 30.0),
        ("", 30.0),
    ],
)
def test_a_date_counts_from_the_servers_own_clock(date: str, seconds: float) -> None:
    """With a Date header the local clock does not matter; with an unreadable one it has to."""
    assert hint("Thu, 11 Jun 2026 12:00:30 GMT", date) == seconds


def test_seconds_do_not_depend_on_any_clock() -> None:
    """Seconds stay seconds beside a Date header."""
    assert hint("7", "Thu, 11 Jun 2026 09:00:00 GMT") == 7.0


def test_served_at_is_aware_utc() -> None:
    """The Date header is the server's clock in UTC, also when it names another zone or none."""
    for text in ("Thu, 11 Jun 2026 12:00:00 GMT", "Thu, 11 Jun 2026 14:00:00 +0200", "Thu, 11 Jun 2026 12:00:00"):
        served = Reply(status=200, headers={"Date": text}).served_at
        assert served == NOW
        assert served.utcoffset() == timedelta(0)
    assert Reply(status=200).served_at is None


def test_header_names_are_found_in_any_case() -> None:
    """Servers and proxies spell names as they like."""
    assert Reply(status=429, headers={"rEtRy-AfTeR": "7"}).retry_after(NOW) == 7.0


@thorough
@given(
    text=st.text(max_size=40)
    | st.from_regex(r"\w{3}, \d{1,25} \w{3} \d{1,25} \d{1,3}:\d{1,3}:\d{1,25}( [+-]\d{1,25}| GMT)?")
)
@example("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
@example("Mon, 01 Jan 0001 00:00:00 +2300")
def test_no_header_can_raise(text: str) -> None:
    """Whatever stands in a header, it is a time in seconds or nothing."""
    seconds = hint(text, text)
    assert seconds is None or seconds >= 0
    moment = http_date(text)
    assert moment is None or moment.utcoffset() == timedelta(0)
