"""When access tokens are refreshed, how often, and who waits; on simulated time."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import timedelta

import pytest

from brex_accounting import TokenRefreshError
from brex_accounting.oauth import TokenPair
from brex_accounting.session.events import RefreshEvent

from .granting import Bench
from .ticking import start


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Each refresh takes a second."""
    return Bench(monkeypatch)


async def test_the_first_token_is_fetched(bench: Bench) -> None:
    """With a refresh token alone, the first call refreshes and the next ones do not."""
    source = bench.source()
    assert await bench.run(source.token()) == "access-1"
    assert [await source.token() for _ in range(3)] == ["access-1"] * 3
    assert bench.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-0",
            "client_id": "client",
            "client_secret": "secret",
        }
    ]
    assert bench.saved[0].refresh_token == "refresh-1"


async def test_far_from_expiry_nothing_is_refreshed(bench: Bench) -> None:
    """A token with more than 120 s left is used as it is."""
    source = bench.source(left=120.001)
    assert await source.token() == "access-0"
    await bench.clock.settle()
    assert bench.asked == 0


@pytest.mark.parametrize("left", [120.0, 60.0, 31.0])
async def test_the_first_window_refreshes_in_the_background(bench: Bench, left: float) -> None:
    """From 120 s before expiry the old token is used while one task fetches the next."""
    source = bench.source(left=left)
    assert [await source.token() for _ in range(20)] == ["access-0"] * 20
    await bench.clock.advance(0.9)
    assert (await source.token(), bench.asked) == ("access-0", 1)
    await bench.clock.advance(0.2)
    assert (await source.token(), bench.asked) == ("access-1", 1)


@pytest.mark.parametrize("left", [30.0, 5.0, 0.0, -1000.0])
async def test_in_the_second_window_everybody_waits(bench: Bench, left: float) -> None:
    """From 30 s before expiry nobody gets the old token any more."""
    source = bench.source(left=left)
    tasks = [start(source.token()) for _ in range(20)]
    await bench.clock.settle()
    assert not any(task.done() for task in tasks)
    await bench.clock.finish(*tasks)
    assert {task.result() for task in tasks} == {"access-1"}
    assert bench.asked == 1


async def test_fifty_callers_one_cancelled(bench: Bench) -> None:
    """Cancelling the caller that began the refresh stops nothing: one refresh, 49 served."""
    source = bench.source()
    tasks = [start(source.token()) for _ in range(50)]
    await bench.clock.settle()
    tasks[0].cancel()
    results = await bench.run(_all(tasks))
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True] + [False] * 49
    assert (set(results[1:]), bench.asked) == ({"access-1"}, 1)


async def _all(tasks: list[asyncio.Task[str]]) -> list[object]:
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def test_all_callers_cancelled(bench: Bench) -> None:
    """A refresh that nobody waits for any more is finished and saved all the same."""
    source = bench.source()
    tasks = [start(source.token()) for _ in range(3)]
    await bench.clock.settle()
    for task in tasks:
        task.cancel()
    await bench.clock.advance(2)
    assert (bench.asked, len(bench.saved)) == (1, 1)
    assert await source.token() == "access-1"
    assert bench.asked == 1


async def test_a_hundred_callers_with_the_same_dead_token(bench: Bench) -> None:
    """They cause one refresh, those who come during it and those who come after it."""
    source = bench.source(left=1000)
    early = [start(source.renew("access-0")) for _ in range(60)]
    await bench.clock.advance(0.5)
    late = [start(source.renew("access-0")) for _ in range(30)]
    await bench.clock.finish(*early, *late)
    latest = [await source.renew("access-0") for _ in range(10)]
    assert [task.result() for task in (*early, *late)] + latest == [True] * 100
    assert (await source.token(), bench.asked) == ("access-1", 1)


async def test_a_refused_token_is_not_used_while_it_is_replaced(bench: Bench) -> None:
    """After one caller's refusal, others wait for the new token although the old one's time is not over."""
    source = bench.source(left=1000)
    renewal = start(source.renew("access-0"))
    await bench.clock.settle()
    other = start(source.token())
    await bench.clock.finish(renewal, other)
    assert (other.result(), bench.asked) == ("access-1", 1)


async def test_a_refusal_during_a_background_refresh_joins_it(bench: Bench) -> None:
    """There is never a second refresh beside the first."""
    source = bench.source(left=100)
    await source.token()
    assert await bench.run(source.renew("access-0")) is True
    assert (await source.token(), bench.asked) == ("access-1", 1)


async def test_each_refresh_spends_the_latest_refresh_token(bench: Bench) -> None:
    """Rotated tokens follow each other; without a new one the old one is kept."""
    source = bench.source()
    await bench.run(source.token())
    bench.rotates = False
    await bench.run(source.renew("access-1"))
    await bench.run(source.renew("access-2"))
    assert [form["refresh_token"] for form in bench.forms] == ["refresh-0", "refresh-1", "refresh-1"]
    assert [pair.refresh_token for pair in bench.saved] == ["refresh-1", "refresh-1", "refresh-1"]


@pytest.mark.parametrize(("told", "meant"), [(None, 3600), (3600.0, 3600), (600.0, 600), (1e300, 1e9)])
async def test_how_long_a_token_lives(bench: Bench, told: float | None, meant: float) -> None:
    """As long as the answer says from the moment it was asked for; an hour when it says nothing."""
    bench.expires_in = told
    asked_at = bench.clock.now()
    source = bench.source()
    await bench.run(source.token())
    assert bench.saved[0].expires_at == asked_at + timedelta(seconds=meant)
    await bench.clock.advance(meant - 1 - 120.5)
    assert (await source.token(), bench.asked) == ("access-1", 1)
    await bench.clock.advance(0.5)
    await source.token()
    await bench.clock.settle()
    assert bench.asked == 2


async def test_short_lives_are_not_refreshed_at_once(bench: Bench) -> None:
    """For a token of 41 s (40 when it comes) the windows are 20 s and 10 s: it serves half its life in peace."""
    bench.expires_in = 41.0
    source = bench.source()
    await bench.run(source.token())
    await bench.clock.advance(19.9)
    assert (await source.token(), bench.clock.sleepers) == ("access-1", 0)
    await bench.clock.advance(0.2)
    await source.token()
    await bench.clock.settle()
    assert bench.asked == 2
    await bench.clock.advance(1)
    assert await source.token() == "access-2"


async def test_a_pair_is_saved_before_it_is_used(bench: Bench) -> None:
    """Nobody gets the new token until ``save`` has returned; in the first window the old one goes on."""
    bench.save_gate = asyncio.Event()
    source = bench.source(left=100)
    assert await source.token() == "access-0"
    await bench.clock.advance(10)
    assert bench.journal == ["ask refresh-0", "save access-1"]
    assert await source.token() == "access-0"
    renewal = start(source.renew("access-0"))
    await bench.clock.settle()
    assert not renewal.done()
    bench.save_gate.set()
    await bench.clock.settle()
    assert renewal.result() is True
    bench.journal.append(f"use {await source.token()}")
    assert bench.journal == ["ask refresh-0", "save access-1", "saved access-1", "use access-1"]


async def test_a_pair_that_cannot_be_saved_is_kept_and_saved_later(bench: Bench) -> None:
    """The spent refresh token is not sent again: the next attempt saves the pair there is."""
    bench.save_failures = [OSError("disk full"), OSError("disk full")]
    source = bench.source()
    error = await bench.fail(source.token())
    assert "the refreshed tokens could not be saved: OSError at granting.py:" in str(error)
    assert "kept in memory" in str(error)
    await bench.clock.advance(5)
    await bench.fail(source.token())
    await bench.clock.advance(5)
    assert await bench.run(source.token()) == "access-1"
    assert bench.journal == ["ask refresh-0", *["save access-1"] * 3, "saved access-1"]


async def test_a_failed_save_leaves_the_old_token_in_use(bench: Bench) -> None:
    """In the first window nobody notices but the observers."""
    bench.save_failures = [OSError()]
    source = bench.source(left=100)
    await source.token()
    await bench.clock.advance(2)
    assert await source.token() == "access-0"
    assert bench.events == [RefreshEvent(elapsed=1.0, failure="TokenRefreshError")]
    await bench.clock.advance(5)
    await source.token()
    await bench.clock.settle()
    assert (await source.token(), bench.asked) == ("access-1", 1)


async def test_a_pair_saved_too_late_is_followed_by_another(bench: Bench) -> None:
    """When the kept pair has expired before it could be saved, its refresh token gets the next one."""
    bench.save_failures = [OSError()]
    source = bench.source()
    await bench.fail(source.token())
    await bench.clock.advance(4000)
    assert await bench.run(source.token()) == "access-2"
    expected = ["ask refresh-0", "save access-1", "save access-1", "saved access-1"]
    assert bench.journal == [*expected, "ask refresh-1", "save access-2", "saved access-2"]


async def test_a_failure_is_told_to_everybody_in_an_error_of_their_own(bench: Bench) -> None:
    """Thirty waiters, thirty errors with the same words and no chain, one request."""
    bench.failures = [TokenRefreshError("the OAuth server answered 400 invalid_grant; ask for consent")]
    source = bench.source()
    tasks = [start(source.token()) for _ in range(30)]
    results = await bench.run(_all(tasks))
    assert len({id(result) for result in results}) == 30
    for result in results:
        assert isinstance(result, TokenRefreshError)
        assert (result.__cause__, result.__context__) == (None, None)
        assert "ask for consent" in str(result)
    assert bench.asked == 1


async def test_after_a_failure_there_is_a_rest_of_five_seconds(bench: Bench) -> None:
    """Until then everybody is told the same at once; then one request more is made."""
    bench.failures = [TokenRefreshError("no luck")]
    source = bench.source()
    await bench.fail(source.token())
    await bench.clock.advance(4.99)
    for _ in range(10):
        with pytest.raises(TokenRefreshError, match="no luck"):
            await source.token()
    with pytest.raises(TokenRefreshError, match="no luck"):
        await source.renew("")
    assert bench.asked == 1
    await bench.clock.advance(0.01)
    assert await bench.run(source.token()) == "access-2"


async def test_a_failed_background_refresh_rests_too(bench: Bench) -> None:
    """The old token goes on, with a try every 5 s and no more."""
    bench.failures = [TokenRefreshError("no luck") for _ in range(20)]
    bench.latency = 0.5
    source = bench.source(left=120)
    for _ in range(600):
        assert await source.token() == "access-0"
        await bench.clock.advance(0.1)
    assert 10 <= bench.asked <= 12


async def test_what_else_is_raised_stays_inside(bench: Bench) -> None:
    """A defect becomes a TokenRefreshError with its type and place, without its words."""
    bench.failures = [RuntimeError("canary")]
    error = await bench.fail(bench.source().token())
    assert "RuntimeError at granting.py:" in str(error)
    assert "canary" not in str(error)


async def test_a_refresh_that_is_cancelled_from_outside(bench: Bench) -> None:
    """Whoever waits is not cancelled with it but told, and the next call tries again."""
    source = bench.source()
    task = start(source.token())
    await bench.clock.settle()
    (flight,) = source._flight._held
    flight.cancel()
    with pytest.raises(TokenRefreshError, match="cancelled"):
        await task
    assert await bench.run(source.token()) == "access-2"


async def test_a_save_that_is_cancelled_keeps_the_pair(bench: Bench) -> None:
    """The pair is saved by the next attempt."""
    bench.save_failures = [asyncio.CancelledError()]
    source = bench.source()
    await bench.fail(source.token())
    assert await bench.run(source.token()) == "access-1"
    assert bench.asked == 1


async def test_a_refresh_outlives_whoever_wanted_it(bench: Bench) -> None:
    """With the source forgotten and its garbage collected, the refresh under way goes on to its end."""
    doors: list[weakref.ref[asyncio.Future[None]]] = []

    async def save(_pair: TokenPair) -> None:
        door = asyncio.get_running_loop().create_future()
        doors.append(weakref.ref(door))
        await door
        bench.journal.append("saved")

    source = bench.source(left=100, save=save)
    await source.token()
    await bench.clock.advance(2)
    del source
    gc.collect()
    door = doors[0]()
    assert door is not None
    door.set_result(None)
    await bench.clock.settle()
    assert bench.journal == ["ask refresh-0", "saved"]


async def test_a_save_that_uses_the_tokens_it_saves(bench: Bench) -> None:
    """It would wait for itself; it is told instead."""

    async def save(_pair: TokenPair) -> None:
        await source.token()

    source = bench.source(save=save)
    assert "would wait for itself" in str(await bench.fail(source.token()))


async def test_closing_waits_for_the_refresh(bench: Bench) -> None:
    """And the source can be used afterwards."""
    source = bench.source(left=100)
    await source.token()
    await bench.run(source.aclose())
    assert len(bench.saved) == 1
    assert await source.token() == "access-1"
    await source.aclose()
    assert bench.asked == 1


async def test_closing_saves_what_could_not_be_saved(bench: Bench) -> None:
    """One more try, without a request, also during the rest."""
    bench.save_failures = [OSError()]
    source = bench.source()
    await bench.fail(source.token())
    await bench.run(source.aclose())
    assert bench.journal == ["ask refresh-0", "save access-1", "save access-1", "saved access-1"]


async def test_closing_asks_for_nothing_new(bench: Bench) -> None:
    """Not even when the pair that is saved at last has expired."""
    bench.save_failures = [OSError()]
    source = bench.source()
    await bench.fail(source.token())
    await bench.clock.advance(4000)
    await source.aclose()
    assert (bench.asked, len(bench.saved)) == (1, 1)


async def test_who_comes_while_a_pair_is_saved_at_last_waits_for_it(bench: Bench) -> None:
    """The rest is for those who would begin something, not for those who find it begun."""
    bench.save_failures = [OSError()]
    source = bench.source()
    await bench.fail(source.token())
    bench.save_gate = asyncio.Event()
    closing = start(source.aclose())
    await bench.clock.settle()
    call = start(source.token())
    await bench.clock.settle()
    bench.save_gate.set()
    await bench.clock.settle()
    assert (closing.done(), call.result()) == (True, "access-1")


async def test_closing_tells_what_is_lost(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A pair that cannot be saved at the end either is an error in the log; nothing is raised."""
    bench.save_failures = [OSError(), OSError()]
    source = bench.source()
    await bench.fail(source.token())
    await bench.run(source.aclose())
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "a refreshed pair of tokens could not be saved; once this process ends it is lost"
    ]


async def test_observers_are_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """One event per refresh; an observer that raises harms nobody."""

    def broken(_event: object) -> None:
        raise LookupError("canary")

    source = bench.source(observers=[broken, bench.events.append])
    await bench.run(source.token())
    assert bench.events == [RefreshEvent(elapsed=1.0, failure=None)]
    assert "an observer raised LookupError on RefreshEvent" in caplog.text
    assert "canary" not in caplog.text
