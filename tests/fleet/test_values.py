"""The pure rooms: whose turn is when, how tokens are kept, and what a status adds up to."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import ConfigurationError
from brex_accounting.oauth import TokenPair
from brex_accounting.sync.fleet import CompanyStatus, FleetStatus, Keyring
from brex_accounting.sync.fleet.secret import Secret, read_secret, written
from brex_accounting.sync.fleet.spread import is_doubtful, next_due, put_apart, put_back, put_off, put_off_lost

HOUR = timedelta(hours=1)
NOW = datetime(2026, 5, 4, 10, 20, 30, tzinfo=UTC)

intervals = st.integers(1, 86_400).map(lambda seconds: timedelta(seconds=seconds))
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.text(min_size=1), intervals, moments)
def test_a_turn_comes_once_in_every_interval(company_id: str, every: timedelta, after: datetime) -> None:
    """The next turn is later, by an interval at most, and the one after it comes an interval later."""
    first = next_due(company_id, every=every, after=after)
    assert after < first <= after + every
    assert next_due(company_id, every=every, after=first) == first + every


def test_turns_are_spread() -> None:
    """Of 36,000 companies no minute of the hour gets more than 1.2 times its share."""
    minutes = Counter(next_due(f"cuacc_{n}", every=HOUR, after=NOW).minute for n in range(36_000))
    assert len(minutes) == 60
    assert max(minutes.values()) < 720


@pytest.mark.parametrize(("failures", "seconds"), [(1, 30), (2, 60), (5, 480), (8, 3600), (10_000, 3600)])
def test_who_fails_waits_longer_up_to_the_interval(failures: int, seconds: int) -> None:
    """Half a minute at first, doubled each time."""
    assert put_off(failures, every=HOUR) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 0), (2, 0), (3, 30), (4, 60), (10_000, 3600)])
def test_what_was_lost_comes_again_at_once_but_not_for_ever(attempts: int, seconds: int) -> None:
    """It may be the poll itself that kills."""
    assert put_off_lost(attempts, every=HOUR) == timedelta(seconds=seconds)


@given(st.text(min_size=1), st.integers(2, 100))
def test_who_is_lost_again_waits_less_than_twice_as_long(company_id: str, attempts: int) -> None:
    """Never less than a lost one does anyway, and the first loss costs nothing more."""
    wait = put_off_lost(attempts, every=HOUR)
    assert put_apart(company_id, 1, every=HOUR) == timedelta()
    assert wait <= put_apart(company_id, attempts, every=HOUR) <= wait + max(wait, timedelta(seconds=10))


@pytest.mark.parametrize("attempts", [2, 3, 4])
def test_who_died_together_comes_again_apart(attempts: int) -> None:
    """Of 1,000 companies no second of the wait gets more than twice its share."""
    waits = [put_apart(f"cuacc_{n}", attempts, every=HOUR) for n in range(1_000)]
    longest = max(timedelta(seconds=10), put_off_lost(attempts, every=HOUR)) / timedelta(seconds=1)
    seconds = Counter(wait // timedelta(seconds=1) for wait in waits)
    assert max(seconds.values()) <= 2 * 1_000 / longest


@pytest.mark.parametrize(("attempts", "seconds"), [(3, 10), (4, 20), (7, 160), (8, 300), (10_000, 300)])
def test_who_found_no_place_comes_again(attempts: int, seconds: int) -> None:
    """Soon at first, and never later than after five minutes."""
    assert not is_doubtful(2)
    assert is_doubtful(attempts)
    assert put_back(attempts) == timedelta(seconds=seconds)


def test_a_token_is_kept_and_read() -> None:
    """A fixed token and a pair come back as they were; of the pair the moment is the same one."""
    pair = TokenPair(access_token="a1", refresh_token="r1", expires_at=NOW)
    assert read_secret(written(Secret.of("fixed"))) == Secret(access_token="fixed")
    assert read_secret(written(Secret.of(pair))).pair == pair


@pytest.mark.parametrize("data", [b"", b"[]", b'["canary", null, "canary"]', b'{"canary": 1}'])
def test_what_is_no_token_is_refused_and_not_shown(data: bytes) -> None:
    """The error says what to do and nothing of what was kept."""
    with pytest.raises(ConfigurationError) as refused:
        read_secret(data)
    assert "canary" not in str(refused.value)


def test_keys_are_rotated() -> None:
    """A new key in front opens what the old one sealed; sealed anew, the old key is not needed any more."""
    old, new = Keyring.new_key(), Keyring.new_key()
    sealed = Keyring([old]).seal(b"canary")
    assert b"canary" not in sealed
    anew = Keyring([new, old]).sealed_anew(sealed)
    assert Keyring([new]).unseal(anew) == b"canary"
    with pytest.raises(ConfigurationError, match="the right one is missing"):
        Keyring([old]).unseal(anew)


@pytest.mark.parametrize("keys", [[], "a", ["canary"], ["x" * 44]])
def test_bad_keys_are_refused_and_not_shown(keys: list[str]) -> None:
    """Neither in the message nor in the frames behind it."""
    with pytest.raises(ConfigurationError) as refused:
        Keyring(keys)
    assert "canary" not in str(refused.value)


def test_a_status_adds_up() -> None:
    """Retired companies count nowhere; late is who waits for more than five minutes."""
    companies = (
        CompanyStatus(company_id="a", waiting_since=NOW - timedelta(minutes=6), unreported=2, requests=90),
        CompanyStatus(company_id="b", waiting_since=NOW, running=True, watermark=NOW, requests=10, throttled=5),
        CompanyStatus(company_id="c", last_error="x", paused_code="PERSON", watermark=NOW - HOUR, unconfirmed=1),
        CompanyStatus(company_id="d", retired=True, unreported=9, throttled=9, watermark=NOW - 9 * HOUR),
    )
    status = FleetStatus(at=NOW, companies=companies)
    assert (status.due, status.running, status.late, status.unreported, status.unconfirmed) == (2, 1, 1, 2, 1)
    assert [one.company_id for one in (*status.paused, *status.failing)] == ["c", "c"]
    assert status.throttled_share == 0.05
    assert status.oldest_watermark == NOW - HOUR
    assert FleetStatus(at=NOW, companies=()).throttled_share == 0.0
