"""Headers and error bodies that nobody should send: only our errors come out."""

from __future__ import annotations

import math
import pickle
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

import pytest

from brex_accounting import BrexError, RetryPolicy
from brex_accounting.converters.errors import refuse, refuse_with_cursor
from brex_accounting.errors import APIStatusError
from brex_accounting.session.call import Reply
from brex_accounting.session.services import Options

from ..session.stand_ins import Bench, reply
from ..wire.sources import SOURCES, document
from .mutations import mutants

NOW = datetime(2026, 6, 11, 12, tzinfo=UTC)
ERRORS = sorted(name for name in SOURCES if name.startswith("error_"))
READ: tuple[str, ...] = (
    "ids",
    "existing_integration_id",
    "existing_vendor",
    "requested_vendor",
    "existing_vendor_account_id",
)
READ += ("requested_vendor_account_id", "integration_id", "current_status", "error_code", "message", "details")
PARTS = [
    "Thu, ",
    "11 ",
    "Jun ",
    "2026 ",
    "12:00:00 ",
    "GMT",
    "+9999",
    "-0000",
    "+24:00",
    "99999999999 ",
    "0 ",
    "Feb 30 ",
]
PARTS += [
    "Thursday, ",
    "11-Jun-26 ",
    "Thu Jun 11 12:00:00 2026",
    "1e9",
    "inf",
    "nan",
    "-",
    "7",
    "1_0",
    "٣",
    "\x00",
    "é",
]
PARTS += [
    " ",
    ",",
    ":",
    ";",
    "(",
    ")",
    '"',
    "\\",
    "\t",
    "9" * 400,
    ".5",
    "60",
    "2026-06-11T12:00:00Z",
    "UTC ",
    "EST",
    "🦀",
]


def header(dice: Random) -> str:
    """Parts of dates and numbers in any order."""
    return "".join(dice.choice(PARTS) for _ in range(dice.randint(0, 7)))


def read_headers(count: int, seed: int) -> int:
    """How many pairs were read as they should be."""
    dice = Random(seed)
    for _ in range(count):
        retry_after, date = header(dice), header(dice)
        answer = Reply(status=429, headers={"Retry-After": retry_after, "Date": date})
        seconds = answer.retry_after(NOW)
        where = (retry_after, date)
        assert seconds is None or seconds >= 0, where
        assert answer.says_when is (seconds is not None), where
        assert answer.served_at is None or answer.served_at.utcoffset() is not None, where
    return count


def test_headers_of_any_form() -> None:
    """20,000 pairs of Retry-After and Date: seconds of at least 0 or none, an aware time or none."""
    assert read_headers(20_000, seed=1) == 20_000


@pytest.mark.slow
def test_headers_of_many_more_forms() -> None:
    """The same with 300,000 pairs."""
    assert read_headers(300_000, seed=2) == 300_000


async def test_calls_survive_any_header() -> None:
    """2,000 calls that are throttled with such headers: each succeeds later or raises an error of ours."""
    dice = Random(3)
    options = Options(retry=RetryPolicy(attempts=2))
    for _ in range(2_000):
        status = dice.choice([429, 503, 500, 401])
        bench = Bench([reply(status, Retry_After=header(dice), Date=header(dice)), reply(200, b"ok")])
        with suppress(BrexError):
            assert await bench.run(options=options) == "ok"
        assert math.isfinite(bench.clock.time)


def refuse_all(name: str, count: int, seed: int) -> int:
    """Refuse each mutant with a status of its own; how many that were."""
    dice = Random(seed)
    done = 0
    for data in mutants(document(name), count, seed):
        headers = {"Retry-After": header(dice), "x-brex-trace-id": "trace"}
        answer = Reply(status=dice.randint(300, 599), headers=headers, body=data)
        for refusing in (refuse, refuse_with_cursor):
            error = refusing(answer, "GET /things").error
            assert isinstance(error, BrexError), data
            shown = str(error) + repr(error)
            assert "canary" not in shown, data
            if isinstance(error, APIStatusError):
                for attribute in READ:
                    getattr(error, attribute, None)
            pickle.dumps(error)
            done += 1
    return done


@pytest.mark.parametrize("name", ERRORS)
def test_error_bodies_of_any_form(name: str) -> None:
    """300 mutants of each error document under any status: always an error of ours, without the server's words."""
    assert refuse_all(name, 300, seed=1) == 600


@pytest.mark.slow
@pytest.mark.parametrize("name", ERRORS)
def test_error_bodies_of_many_more_forms(name: str) -> None:
    """The same with 8,000 mutants each."""
    assert refuse_all(name, 8_000, seed=2) == 16_000
